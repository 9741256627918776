package engine

import (
	"math"

	"github.com/lienthong/lienthong/fhir/search"
)

// stream yields the resources that a query finds, in ascending order: those that all sources have and all checks take.
//
// How a condition is decided:
//
//	exact values        a posting list each (OR: their union)                                        source
//	ranges of few       likewise, once the values that exist are known (a code in any system)        source
//	ids                 looked up one by one                                                         source
//	ranges of many      scanned into a set, if that ends within the budget                           source
//	                    else decided on each candidate's version row                                 check
//	chain               inner query first, the postings of its matches as a set, if within budget    source
//	                    else decided on each candidate: where does its reference lead?               check
//
// The budget is what checking the candidates is expected to cost. If that turns out wrong the checks are turned into
// sources on the way, so that no plan is worse than a fixed multiple of the other.
type stream struct {
	r        *run
	typ      typeCode
	sources  []numbers
	checks   []check
	checked  []search.Condition // the conditions of checks
	from     number             // the next candidate is at least this
	most     int                // how many candidates there are at most; -1 = not known
	patience int                // checks left before they are turned into sources
}

// Costs in rows of a scan (some 0.2 µs each), as measured: looking at a candidate's version row, following one inner
// match of a chain to its postings.
const (
	candidateCost = 20
	innerCost     = 40
)

// plan makes the stream of q from number from on. limit is how many matches are wanted, 0 = all.
func (r *run) plan(q search.Query, limit int, from number) *stream {
	s := &stream{r: r, typ: r.types.code[q.Type], from: from, most: -1, patience: math.MaxInt}
	if s.typ == 0 {
		s.sources, s.most = []numbers{&list{}}, 0
		return s
	}
	var costly []search.Condition
	for _, c := range q.Where {
		switch c := c.(type) {
		case search.IDs:
			s.sources = append(s.sources, r.byID(s.typ, c))
		case search.Terms:
			if u := r.postings(c, s.typ); u != nil {
				s.sources = append(s.sources, u)
			} else {
				costly = append(costly, c)
			}
		default:
			costly = append(costly, c)
		}
	}
	if len(costly) > 0 {
		s.decide(costly, q, limit)
	}
	if len(s.sources) == 0 {
		s.sources = append(s.sources, r.posting(search.ParamExists, s.typ, nil))
	}
	return s
}

// postings gives a condition as the union of the postings of its values; nil if these are many.
func (r *run) postings(c search.Terms, typ typeCode) numbers {
	if len(c.Any) > tune.unionMax {
		return nil
	}
	u := make(union, 0, len(c.Any))
	for i := range c.Any {
		t := &c.Any[i]
		if t.Exact {
			if t.Accept == nil || t.Accept(t.Low) {
				u = append(u, r.posting(t.Param, typ, t.Low))
			}
			continue
		}
		values := r.valuesWithin(t, typ, tune.unionMax-len(u))
		if values == nil {
			return nil
		}
		for _, v := range values {
			u = append(u, r.posting(t.Param, typ, v))
		}
	}
	if len(u) == 1 {
		return u[0]
	}
	return u
}

// valuesWithin gives the values that have ever been within a range, up to limit; nil if there are more.
func (r *run) valuesWithin(t *search.Term, typ typeCode, limit int) [][]byte {
	low, high := bounds(t, typ)
	values := [][]byte{}
	it := r.iter(low, high)
	if it == nil {
		return values
	}
	looked := 0
	for ok := it.First(); ok; {
		if looked++; looked > 2*limit || len(values) >= limit {
			return nil
		}
		key := it.Key()
		value, rest := unescape(nil, key[paramKeyLen:])
		if t.Accept == nil || t.Accept(value) {
			values = append(values, value)
		}
		ok = it.SeekGE(after(key[:len(key)-len(rest)]))
	}
	r.done(it)
	return values
}

// byID looks the ids up.
func (r *run) byID(typ typeCode, c search.IDs) numbers {
	var found collector
	for _, id := range c.ID {
		s := r.state(typ, id)
		if s.number == 0 {
			continue
		}
		alive := s.alive()
		if s.t > r.t {
			v, _, was := r.versions().at(s.number)
			alive = was && v.alive()
		}
		if alive {
			found.add(s.number)
		}
	}
	return found.set()
}

// decide turns each costly condition into a source or a check.
func (s *stream) decide(costly []search.Condition, q search.Query, limit int) {
	// How many candidates do the cheap conditions leave?
	few := tune.fewForPage
	if limit == 0 {
		few = tune.fewForAll
	}
	if len(s.sources) > 0 {
		s.most = s.look(few)
	}
	total := float64(s.r.total(q.Type))
	for _, c := range costly {
		budget := -1
		switch {
		case s.most >= 0:
			budget = 64 + s.most*candidateCost
		case limit > 0:
			// Scanning R rows costs R; finding limit matches among all by checks costs limit·total/R·candidateCost.
			// The scan is the better one below the R where both are equal.
			budget = int(math.Sqrt(float64(limit) * total * candidateCost))
			budget = min(max(budget, tune.minBudget), 1<<20)
		}
		if set, n := s.r.collect(c, s.typ, budget); set != nil {
			s.sources = append(s.sources, set)
			if s.most < 0 || n < s.most {
				s.most = n
			}
			continue
		}
		s.checks = append(s.checks, s.r.check(c))
		s.checked = append(s.checked, c)
	}
	if len(s.checks) > 0 && s.most < 0 {
		s.patience = int(float64(tune.patience) * (1 + math.Sqrt(float64(limit)*total)/256))
	}
}

// look reads up to few candidates ahead; it gives their number if these are all, else -1. They come again.
func (s *stream) look(few int) int {
	from := s.from
	var ahead list
	for len(ahead) <= few {
		n, ok := s.next()
		if !ok {
			s.sources, s.from = []numbers{&ahead}, from
			return len(ahead)
		}
		ahead = append(ahead, n)
	}
	rest := &stream{r: s.r, sources: s.sources, from: s.from, patience: math.MaxInt}
	s.sources, s.from = []numbers{&sequel{ahead: ahead, rest: rest}}, from
	return -1
}

// sequel is what was read ahead, and then the rest.
type sequel struct {
	ahead list
	rest  *stream
	on    number // the last one of rest, not yet passed; 0 = none
}

func (q *sequel) seek(n number) (number, bool) {
	if len(q.ahead) > 0 {
		if m, ok := q.ahead.seek(n); ok {
			return m, true
		}
	}
	if q.on >= n && q.on != 0 {
		return q.on, true
	}
	q.rest.from = max(q.rest.from, n)
	m, ok := q.rest.next()
	q.on = m
	return m, ok
}

// collect gives the resources that hold a condition as a set, and how many there are at most; nil if that would take
// more than budget rows (budget < 0 = whatever it takes).
func (r *run) collect(c search.Condition, typ typeCode, budget int) (numbers, int) {
	var found collector
	n := 0
	add := func(m number) { n++; found.add(m) }
	switch c := c.(type) {
	case search.IDs:
		return r.byID(typ, c), len(c.ID)
	case search.Terms:
		for _, t := range c.Any {
			left := r.scan(t, typ, budget, add)
			if left < 0 {
				return nil, 0
			}
			if budget >= 0 {
				budget = left
			}
		}
	case search.Chain:
		if !r.follow(c, typ, budget, add) {
			return nil, 0
		}
	}
	return found.set(), n
}

// follow hands the resources of typ whose reference leads to a match of c's targets to add; false if budget ran out.
func (r *run) follow(c search.Chain, typ typeCode, budget int, add func(number)) bool {
	limited := budget >= 0
	prefix := appendParamKey(nil, c.Param, typ)
	var it = r.iter(prefix, after(prefix))
	if it == nil {
		return true
	}
	inner := r.newVersions()
	for _, q := range c.Targets {
		limit := 0
		if limited {
			limit = max(1, budget/innerCost)
		}
		matches := r.plan(q, limit, 0)
		for n, ok := matches.next(); ok; n, ok = matches.next() {
			if budget -= innerCost; limited && budget < 0 {
				return false
			}
			v, _, found := inner.at(n)
			if !found {
				continue
			}
			key := appendEscaped(prefix[:paramKeyLen:paramKeyLen], search.ReferenceValue(r.keyOf(&v)))
			for ok := it.SeekGE(key); ok && hasPrefix(it.Key(), key) && r.tick(); ok = it.Next() {
				if budget--; limited && budget < 0 {
					return false
				}
				if openAt(r.value(it), r.t) {
					add(lastNumber(it.Key()))
				}
			}
			r.done(it)
		}
	}
	return true
}

// next gives the next match; false at the end.
func (s *stream) next() (number, bool) {
	n := s.from
candidates:
	for s.r.tick() {
		for _, source := range s.sources {
			m, ok := source.seek(n)
			if !ok {
				break candidates
			}
			if m > n {
				n = m
				continue candidates
			}
		}
		s.from = n + 1
		if s.passes(n) {
			return n, s.r.err == nil
		}
		n++
	}
	s.from = maxNumber
	return 0, false
}

// passes runs the checks on a candidate.
func (s *stream) passes(n number) bool {
	if len(s.checks) == 0 {
		return true
	}
	v, _, found := s.r.versions().at(n)
	if !found {
		return false
	}
	for _, c := range s.checks {
		if !c.holds(&v) {
			if s.patience--; s.patience <= 0 {
				s.escalate()
			}
			return false
		}
	}
	return true
}

// escalate turns the checks into sources: too many candidates failed them.
func (s *stream) escalate() {
	s.patience = math.MaxInt
	for _, c := range s.checked {
		set, _ := s.r.collect(c, s.typ, -1)
		s.sources = append(s.sources, set)
	}
	s.checks, s.checked = nil, nil
}
