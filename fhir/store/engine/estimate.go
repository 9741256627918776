package engine

import "math/bits"

// sampled is how many postings are looked at, at each of two places, to weigh a list.
const sampled = 32

// estimate weighs a set before it is read: exact for what was collected and for short lists. A posting list is sorted by
// number, so how far its numbers lie apart at its start and in its middle tells how many there are.
func (r *run) estimate(set numbers) int {
	switch s := set.(type) {
	case *posting:
		return s.estimate()
	case *merged:
		return s.estimate()
	case union:
		n := 0
		for _, one := range s {
			n += r.estimate(one)
		}
		return n
	case *list:
		return len(*s)
	case bitmap:
		n := 0
		for _, word := range s {
			n += bits.OnesCount64(word)
		}
		return n
	case *sequel:
		return max(len(s.ahead), r.estimate(s.rest))
	case *stream:
		return s.estimate()
	case *traced:
		return s.estimate
	}
	return int(maxNumber)
}

// estimate of a stream is that of its smallest source.
func (s *stream) estimate() int {
	if s.most >= 0 {
		return s.most
	}
	least := int(maxNumber)
	for _, source := range s.sources {
		least = min(least, s.r.estimate(source))
	}
	return least
}

// estimate leaves the list before its first member; it must not have been read. A short list is read by it.
func (p *posting) estimate() int {
	if p.whole {
		return len(p.members)
	}
	if p.it == nil || p.ended {
		return 0
	}
	if p.weight > 0 || p.on != 0 {
		return p.weight
	}
	p.members = make(list, 0, 8)
	n, first, last := p.sample(p.it.First())
	if n < sampled && p.r.err == nil {
		p.r.done(p.it)
		p.whole = true
		return len(p.members)
	}
	p.members = nil
	p.weight = n
	if !p.it.Last() {
		return n
	}
	end := lastNumber(p.it.Key())
	if end <= last {
		return n
	}
	p.key = appendNumber(p.key[:p.size], last+(end-last)/2)
	m, begin, to := p.sample(p.it.SeekGE(p.key))
	span := max(1, last-first)
	if m > 1 {
		span, n = span+max(1, to-begin), n+m
	}
	p.weight = max(n, int(float64(end-first)*float64(n)/float64(span)))
	return p.weight
}

// sample counts some rows from where the iterator stands, and takes them down if there is where.
func (p *posting) sample(ok bool) (n int, first, last number) {
	for ; ok && n < sampled && p.r.tick(); ok = p.it.Next() {
		last = lastNumber(p.it.Key())
		if n == 0 {
			first = last
		}
		if p.members != nil && openAt(p.r.value(p.it), p.r.t) {
			p.members = append(p.members, last)
		}
		n++
	}
	return n, first, last
}
