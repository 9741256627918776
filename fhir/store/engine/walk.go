package engine

import (
	"bytes"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// walk meets the matches of a search with many in the order of its first sort key.
type walk struct {
	r        *run
	q        search.Query
	keys     []search.SortKey
	down     bool // ties by falling numbers
	typ      typeCode
	after    []byte
	limit    int
	show     func(store.Match) bool
	versions *versions // of those met; collecting moves the run's own

	ahead list    // the first of the matches, by number, and
	rest  *stream // the others; nil: not looked for yet

	checks   []check // decide whether one met on the way matches …
	patience int     // … until so many have been looked at; then
	members  bitmap  // all matches are collected, and this decides

	low, high []byte // bounds of the index rows that may be matches; nil = none
	behind    bool   // a condition excludes the first rows of the index
	start     []byte // but here the matches begin, apart from those of early; nil = not known
	early     list   // what may match and have its place before start
	valued    bool   // all matches have a value of the first key
	estimate  int    // of the matches; 0 = not known
	met       int    // rows looked at
	trace     *trace

	tied  []ordered // met with one value of the first of several keys, not yet shown
	value []byte    // that value, as in the row's key
	own   []byte    // scratch
	past  []byte    // such a value whose matches were all shown
}

func (w *walk) run() {
	w.plan()
	defer func() {
		how := "each decided on its values"
		if w.members != nil {
			how = "by the set of all matches"
		}
		where := ""
		if w.start != nil {
			where = " from the bound on"
		}
		w.trace.orderedBy("the index of the first sort key was walked%s, %d rows, %s", where, w.met, how)
	}()
	if w.limit == 0 && len(w.checks) > 0 {
		w.collect()
	}
	if len(w.after) > 0 && w.after[0] == orderMissing {
		w.missing()
		return
	}
	if w.before() && w.index() && !w.keys[0].ByID {
		w.missing()
	}
}

// plan decides how to tell matches from others on the way. Checks cost per row met, collecting costs per match.
func (w *walk) plan() {
	if w.trace != nil && w.rest == nil { // the plan, if there was one, is not followed
		w.trace.steps = nil
		w.r.trace = w.trace
	}
	for _, c := range conjuncts(nil, w.q.Where) {
		one := w.r.check(c)
		if w.rest == nil {
			one = w.trace.check(w.r, c, one, w.trace.begin(w.r))
		}
		w.checks = append(w.checks, one)
	}
	switch {
	case len(w.checks) == 0:
		w.patience = math.MaxInt
	case w.rest != nil && len(w.rest.checks) == 0:
		// Collecting costs about a row for each match. When checking has cost as much, collect.
		w.patience = min(tune.patience, 16) + w.estimate/(candidateCost-4)
	case w.behind:
		w.patience = 0 // the first rows are no matches
	default:
		w.patience = max(tune.patience, int(w.r.total(w.q.Type))/(2*candidateCost))
	}
}

// matches decides on one met on the way; v is its version.
func (w *walk) matches(n number, v *versionRow) bool {
	if w.members == nil {
		if w.patience--; w.patience < 0 {
			w.collect()
		}
	}
	if w.members != nil {
		return w.members.has(n)
	}
	for _, c := range w.checks {
		if !c.holds(v) {
			return false
		}
	}
	return true
}

// collect reads all matches.
func (w *walk) collect() {
	if w.members != nil {
		return
	}
	c := collector{list: w.ahead}
	c.toBits()
	if w.rest == nil {
		w.rest = w.r.plan(w.q, 0, 0)
	}
	for n, ok := w.rest.next(); ok; n, ok = w.rest.next() {
		c.add(n)
	}
	w.members = c.bits
}

// index walks the index of the first key; false when the page is full or on an error.
func (w *walk) index() bool {
	k := w.keys[0]
	low := appendParamKey(nil, k.Param, w.typ)
	if k.ByID {
		low = appendIDKey(nil, w.typ, "")
	}
	high := after(low)
	if w.low != nil {
		low = w.low
	}
	if w.high != nil {
		high = w.high
	}
	if err := w.resume(&low, &high); err != nil {
		w.r.fail(err)
		return false
	}
	switch {
	case w.start == nil:
	case k.Descending && bytes.Compare(high, w.start) > 0:
		high = w.start
	case !k.Descending && bytes.Compare(low, w.start) < 0:
		low = w.start
	}
	if bytes.Compare(low, high) >= 0 {
		return true
	}
	it := w.r.iter(low, high)
	if it == nil {
		return false
	}
	step, ok := it.Next, false
	if k.Descending {
		step, ok = it.Prev, it.Last()
	} else {
		ok = it.First()
	}
	for ; ok; ok = step() {
		if !w.r.tick() || !w.meet(it, k) {
			return false
		}
	}
	w.r.done(it)
	return w.flush()
}

// resume narrows the bounds to what lies behind w.after.
func (w *walk) resume(low, high *[]byte) error {
	if len(w.after) == 0 {
		return nil
	}
	k := w.keys[0]
	first := append([]byte(nil), w.after[1:]...)
	if k.Descending {
		invert(first)
	}
	value, rest := unescape(nil, first)
	if w.after[0] != orderValue || rest == nil || !w.ties() && len(rest) != numberLen {
		return errAfter()
	}
	var at []byte
	if k.ByID {
		at = appendIDKey(nil, w.typ, fhir.ID(value))
	} else {
		at = appendValueKey(nil, k.Param, w.typ, value)
	}
	if !w.ties() && !k.ByID {
		at = append(at, rest...) // the number
	}
	// Where further keys decide, the rows of the same value are met again; their orders tell which were shown.
	if k.Descending {
		*high = after(at)
		if k.ByID {
			*high = append(at, 0)
		}
	} else {
		*low = at
	}
	return nil
}

// meet looks at one row of the index.
func (w *walk) meet(it *pebble.Iterator, k search.SortKey) bool {
	var n number
	var value []byte
	if k.ByID {
		s, err := decodeState(w.r.value(it))
		if err != nil {
			w.r.fail(err)
			return false
		}
		n, value = s.number, it.Key()
	} else {
		if !openAt(w.r.value(it), w.r.t) {
			return w.r.err == nil
		}
		key := it.Key()
		n, value = lastNumber(key), key[:len(key)-numberLen]
	}
	w.met++
	if w.members != nil && !w.members.has(n) {
		return true
	}
	if bytes.Equal(value, w.past) {
		return true
	}
	if !bytes.Equal(value, w.value) {
		if !w.flush() {
			return false
		}
		w.value = append(w.value[:0], value...)
	}
	v, version, found := w.versions.at(n)
	if !found || !v.alive() {
		return w.r.err == nil
	}
	if !k.ByID {
		// A resource is met at each of its values; its place is at one of them.
		own, ok := sortValue(k, &v)
		if !ok {
			return true
		}
		if w.own = appendValueKey(w.own[:0], k.Param, w.typ, own); !bytes.Equal(w.own, value) {
			return true
		}
	}
	if !w.matches(n, &v) {
		return w.r.err == nil
	}
	order := w.order(&v, n)
	if bytes.Compare(order, w.after) <= 0 {
		return true
	}
	if w.ties() {
		w.tied = first(append(w.tied, ordered{n: n, order: order}), w.limit)
		if len(w.keys) > 1 && w.limit > 0 && len(w.tied) > w.few() {
			return w.within()
		}
		return true
	}
	m := w.r.matchOf(n, &v, version, order)
	return w.r.err == nil && w.show(m)
}

// ties says that the order of the index does not settle that of equal values.
func (w *walk) ties() bool { return len(w.keys) > 1 || w.down != w.keys[0].Descending }

// within shows all matches with the current value of the first key by a search of its own, sorted by the further keys:
// they are too many to sort. false when the page is full.
func (w *walk) within() bool {
	k := w.keys[0]
	value, _ := unescape([]byte{}, w.value[paramKeyLen:])
	// It is the least value, or the greatest: the resource has it, and none beyond.
	beyond := search.Term{Param: k.Param, High: value}
	if k.Descending {
		beyond = search.Term{Param: k.Param, Low: append(bytes.Clone(value), 0)}
	}
	q := search.Query{Type: w.q.Type, Sort: w.keys[1:]}
	q.Where = append(slices.Clone(w.q.Where),
		search.Terms{Any: []search.Term{{Param: k.Param, Low: value, Exact: true}}},
		search.Not{Condition: search.Terms{Any: []search.Term{beyond}}})
	place := append([]byte{orderValue}, w.value[paramKeyLen:]...)
	if k.Descending {
		invert(place[1:])
	}
	o := store.SearchOptions{Limit: w.limit}
	if bytes.HasPrefix(w.after, place) {
		o.After = w.after[len(place):]
	}
	w.tied = nil
	w.past = bytes.Clone(w.value)
	tr := w.r.trace
	w.r.trace = nil
	full := false
	w.r.sorted(q, o, w.down, func(m store.Match) bool {
		m.Order = append(bytes.Clone(place), m.Order...)
		full = !w.show(m)
		return !full
	})
	w.r.trace = tr
	return !full && w.r.err == nil
}

// flush shows what was met with one value of the first key, in the order of the further keys.
func (w *walk) flush() bool {
	all := w.tied
	w.tied = nil
	return w.r.showAll(all, w.limit, w.show)
}

// missing shows the matches without a value of the first key.
func (w *walk) missing() {
	if w.valued {
		return
	}
	w.collect()
	var have collector
	w.r.scan(search.Term{Param: w.keys[0].Param}, w.typ, -1, have.add)
	has := have.set()
	var without list
	next, more := has.seek(0)
	for n, ok := w.members.seek(0); ok && w.r.tick(); n, ok = w.members.seek(n + 1) {
		for more && next < n {
			next, more = has.seek(n)
		}
		if !more || next != n {
			without = append(without, n)
		}
	}
	w.sortFew(slices.Values(without), len(without))
}
