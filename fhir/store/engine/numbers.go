package engine

import (
	"bytes"
	"math/bits"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir/search"
)

// numbers is a set of resources, read in ascending order.
type numbers interface {
	// seek gives the least member that is at least n; false at the end. Over the life of a set n does not decrease.
	seek(n number) (number, bool)
}

// posting is the list of the resources that have one value, as of the run's t.
type posting struct {
	r      *run
	it     *pebble.Iterator // bounded to the value's postings
	key    []byte           // what they begin with
	size   int              // length of that
	on     number           // where it stands, 0 before the first seek
	ended  bool
	weight int // its estimated length, 0 = not weighed

	whole   bool // to weigh it took all its rows, so it is not read again; and
	members list // those not yet passed
}

func (r *run) posting(p search.ParamID, t typeCode, value []byte) *posting {
	return r.postingAt(appendValueKey(nil, p, t, value))
}

// postingAt gives the list whose rows begin with key, which is the list's from now on.
func (r *run) postingAt(key []byte) *posting {
	return &posting{r: r, it: r.iter(key, after(key)), key: key, size: len(key)}
}

func (p *posting) seek(n number) (number, bool) {
	if p.whole {
		m, ok := p.members.seek(n)
		return m, ok && p.r.tick()
	}
	if p.ended || p.it == nil {
		return 0, false
	}
	if p.on == 0 || p.on < n {
		ok := false
		steps := 0
		if p.on != 0 {
			for ok = p.it.Next(); ok && steps < tune.nearby && lastNumber(p.it.Key()) < n; ok = p.it.Next() {
				steps++
			}
		}
		if p.on == 0 || ok && lastNumber(p.it.Key()) < n {
			p.key = appendNumber(p.key[:p.size], n)
			ok = p.it.SeekGE(p.key)
		}
		for ok && !openAt(p.r.value(p.it), p.r.t) && p.r.tick() {
			ok = p.it.Next()
		}
		if !ok || p.r.err != nil {
			p.r.done(p.it)
			p.ended = true
			return 0, false
		}
		p.on = lastNumber(p.it.Key())
	}
	return p.on, p.r.tick()
}

// union is the OR of a few sets; many are better collected into one.
type union []numbers

func (u union) seek(n number) (number, bool) {
	least, found := maxNumber, false
	for _, s := range u {
		if m, ok := s.seek(n); ok && (!found || m < least) {
			least, found = m, true
		}
	}
	return least, found
}

// list is a set that was collected: sorted, without duplicates.
type list []number

func (l *list) seek(n number) (number, bool) {
	s := *l
	// The wanted one is normally near: gallop, then search within the last stride.
	stride := 1
	for stride < len(s) && s[stride] < n {
		stride *= 2
	}
	low := stride / 2
	i, _ := slices.BinarySearch(s[low:min(stride+1, len(s))], n)
	*l = s[low+i:]
	if len(*l) == 0 {
		return 0, false
	}
	return (*l)[0], true
}

// bitmap is a set that was collected and is large.
type bitmap []uint64

func (b bitmap) has(n number) bool {
	return n/64 < number(len(b)) && b[n/64]&(1<<(n%64)) != 0
}

func (b bitmap) seek(n number) (number, bool) {
	i := n / 64
	if i >= number(len(b)) {
		return 0, false
	}
	word := b[i] &^ (1<<(n%64) - 1)
	for word == 0 {
		if i++; i >= number(len(b)) {
			return 0, false
		}
		word = b[i]
	}
	return i*64 + number(bits.TrailingZeros64(word)), true
}

// collector gathers numbers in any order, with repetitions: first in a list, in a bitmap when they become many.
type collector struct {
	list list
	bits bitmap
}

func (c *collector) add(n number) {
	if c.bits == nil {
		c.list = append(c.list, n)
		if len(c.list) < tune.listMax {
			return
		}
		c.toBits()
		return
	}
	for n/64 >= number(len(c.bits)) {
		c.bits = append(c.bits, make(bitmap, len(c.bits)+1024)...)
	}
	c.bits[n/64] |= 1 << (n % 64)
}

func (c *collector) toBits() {
	if c.bits != nil {
		return
	}
	c.bits = make(bitmap, slices.Max(append(c.list, 0))/64+1024)
	for _, n := range c.list {
		c.bits[n/64] |= 1 << (n % 64)
	}
	c.list = nil
}

// toList sorts what was gathered; the collector is not used any more but for its list.
func (c *collector) toList() {
	for n, ok := c.bits.seek(0); ok; n, ok = c.bits.seek(n + 1) {
		c.list = append(c.list, n)
	}
	c.bits = nil
	slices.Sort(c.list)
	c.list = slices.Compact(c.list)
}

// set gives what was gathered; the collector is not used any more.
func (c *collector) set() numbers {
	if c.bits != nil {
		return c.bits
	}
	slices.Sort(c.list)
	c.list = slices.Compact(c.list)
	return &c.list
}

// bounds gives the rows of a term: from low to before high.
func bounds(t *search.Term, typ typeCode) (low, high []byte) {
	prefix := appendParamKey(nil, t.Param, typ)
	low, high = prefix, after(prefix)
	if t.High != nil {
		high = appendEscaped(prefix[:paramKeyLen:paramKeyLen], t.High)
	}
	if len(t.Low) > 0 || t.Exact {
		low = appendEscaped(prefix[:paramKeyLen:paramKeyLen], t.Low)
	}
	if t.Exact {
		high = after(low)
	}
	if bytes.Compare(low, high) > 0 {
		low = high
	}
	return low, high
}

// scan hands the members of a range of values to add, with repetitions, in the order of the rows, until budget rows have
// been looked at (budget < 0 = no bound). It gives the rows left of the budget, or -1 if it did not reach the end.
func (r *run) scan(t search.Term, typ typeCode, budget int, add func(number)) (left int) {
	return r.scanUntil(t, typ, budget, func(n number) bool { add(n); return true })
}

// scanUntil is scan that also ends when add says so.
func (r *run) scanUntil(t search.Term, typ typeCode, budget int, add func(number) bool) (left int) {
	it := r.iter(bounds(&t, typ))
	if it == nil {
		return 0
	}
	var value, raw []byte // the last value looked at, and how it stands in the key
	taken, passed := false, 0
	var skip []byte // the next row is to be beyond this
	for ok := it.First(); ok; ok = onward(it, &skip) {
		if budget == 0 {
			return -1
		}
		budget--
		if !r.tick() {
			return 0
		}
		key := it.Key()
		if t.Accept != nil {
			if k := key[paramKeyLen : len(key)-numberLen]; raw == nil || !bytes.Equal(k, raw) {
				raw = append(raw[:0], k...)
				value, _ = unescape(value[:0], k)
				taken, passed = t.Accept(value), 0
			}
			if !taken {
				if passed++; passed > tune.nearby { // a value of many
					skip = after(key[:len(key)-numberLen])
				}
				continue
			}
		}
		if openAt(r.value(it), r.t) && !add(lastNumber(key)) {
			return max(budget, 0)
		}
	}
	r.done(it)
	return max(budget, 0)
}

// onward moves an iterator on, to skip if that is set; it is then cleared.
func onward(it *pebble.Iterator, skip *[]byte) bool {
	if *skip == nil {
		return it.Next()
	}
	ok := it.SeekGE(*skip)
	*skip = nil
	return ok
}
