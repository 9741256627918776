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

// The order of a match is a key that sorts as the search wants it, so that orders are compared as bytes and a page
// resumes behind the last order of the one before:
//
//	for each sort key   1, value escaped         (descending: the value inverted)
//	                    255                      no value: last in both directions
//	number              (descending first key: inverted), so that ties are in order of creation
//
// Few matches are collected and sorted. Many are met by walking the index of the first sort key in its order, taking
// those that match, until the page is full: its cost is that of the page, not of the matches.
const (
	orderValue   = 1
	orderMissing = 0xff
)

// sorted hands the matches of q to show in its order, ties by falling numbers if down. It gives their number if that came
// out on the way, else -1.
func (r *run) sorted(q search.Query, o store.SearchOptions, down bool, show func(store.Match) bool) int {
	w := &walk{r: r, q: q, keys: q.Sort, down: down, typ: r.types.code[q.Type], after: o.After, limit: o.Limit, show: show, versions: r.newVersions(), trace: r.trace}
	if w.typ == 0 {
		w.trace.note(nil, store.AccessNever, 0)
		return 0
	}
	if ahead := w.narrow(); ahead && o.Limit > 0 {
		w.run() // what is wanted are the first rows of the index
		return w.matched()
	}
	s := r.plan(q, o.Limit, 0)
	few := tune.fewToSort
	if o.Limit > 0 {
		few = w.few()
		if len(s.checks) > 0 && (s.most < 0 || s.most > few) {
			w.run() // each match is dear to find: try first whether the page is full soon
			return w.matched()
		}
		w.estimate = s.estimate()
	}
	if w.estimate <= 2*few {
		for len(w.ahead) <= few {
			n, ok := s.next()
			if !ok {
				w.trace.orderedBy("%d matches were sorted", len(w.ahead))
				w.sortFew(w.ahead)
				return len(w.ahead)
			}
			w.ahead = append(w.ahead, n)
		}
		w.estimate = max(w.estimate, len(w.ahead))
	}
	w.rest = s
	w.run()
	return w.matched()
}

// matched gives the number of all matches if they were collected, else -1.
func (w *walk) matched() int {
	if w.members == nil {
		return -1
	}
	return w.r.estimate(w.members)
}

// ordered is a match with its place.
type ordered struct {
	n     number
	order []byte
}

// few is how many matches are better sorted: sorting n costs n rows, walking costs limit·total/n.
func (w *walk) few() int {
	return min(tune.fewToSort, 64+2*int(math.Sqrt(float64(w.limit)*float64(w.r.total(w.q.Type)))))
}

// sortFew orders the given matches and shows those after the place.
func (w *walk) sortFew(found list) bool {
	r := w.r
	all := make([]ordered, 0, len(found))
	for _, n := range found {
		v, _, ok := r.versions().at(n)
		if !r.tick() {
			return false
		}
		if !ok {
			continue
		}
		order := w.order(&v, n)
		if bytes.Compare(order, w.after) > 0 {
			all = first(append(all, ordered{n, order}), w.limit)
		}
	}
	return r.showAll(all, w.limit, w.show)
}

// first drops now and then what lies behind the first limit places, so that they are never many; limit 0 = none.
func first(all []ordered, limit int) []ordered {
	if limit == 0 || len(all) < 2*limit+tune.fewToSort {
		return all
	}
	slices.SortFunc(all, func(a, b ordered) int { return bytes.Compare(a.order, b.order) })
	return slices.Delete(all, limit, len(all))
}

// showAll sorts and shows; limit > 0 says that no more than so many will be wanted.
func (r *run) showAll(all []ordered, limit int, show func(store.Match) bool) bool {
	slices.SortFunc(all, func(a, b ordered) int { return bytes.Compare(a.order, b.order) })
	if limit > 0 && len(all) > limit {
		all = all[:limit]
	}
	for _, o := range all {
		if !r.tick() {
			return false
		}
		if m, ok := r.match(o.n, o.order); ok && !show(m) {
			return false
		}
	}
	return r.err == nil
}

// order gives the place of a version.
func (w *walk) order(v *versionRow, n number) []byte {
	var b []byte
	for _, k := range w.keys {
		value, ok := sortValue(k, v)
		if !ok {
			b = append(b, orderMissing)
			continue
		}
		b = append(b, orderValue)
		start := len(b)
		b = appendEscaped(b, value)
		if k.Descending {
			invert(b[start:])
		}
	}
	start := len(b)
	b = appendNumber(b, n)
	if w.down {
		invert(b[start:])
	}
	return b
}

func invert(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

// sortValue gives the least value of the parameter, descending the greatest.
func sortValue(k search.SortKey, v *versionRow) (value []byte, ok bool) {
	if k.ByID {
		return v.id, true
	}
	v.values(k.Param, func(x []byte) bool {
		value, ok = x, true
		return k.Descending
	})
	return value, ok
}

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

// narrow bounds the walk by conditions on the parameter that it goes along: the greatest value of a match is not below
// any of its values, the least is not above. ahead says that there are no other conditions and that matches come first.
func (w *walk) narrow() (ahead bool) {
	k := w.keys[0]
	if k.ByID {
		return false
	}
	alone := true
	var from []byte          // the greatest lower bound, and
	var others []search.Term // what its condition takes besides
	for _, c := range conjuncts(nil, w.q.Where) {
		terms, ok := c.(search.Terms)
		if !ok {
			alone = false
			continue
		}
		var low, high []byte
		var elsewhere []search.Term
		bounded := true
		for i := range terms.Any {
			t := &terms.Any[i]
			if t.Param != k.Param {
				// Such as the second index of dates, which is for long periods and mostly has nothing there.
				bounded = bounded && w.r.empty(*t, w.typ)
				elsewhere = append(elsewhere, *t)
				continue
			}
			l, h := bounds(t, w.typ)
			if low == nil || bytes.Compare(l, low) < 0 {
				low = l
			}
			if bytes.Compare(h, high) > 0 {
				high = h
			}
			ahead = ahead || !t.Exact && (k.Descending && t.High == nil || !k.Descending && len(t.Low) == 0)
			w.behind = w.behind || !k.Descending && len(t.Low) > 0 || k.Descending && t.High != nil
		}
		if low == nil {
			alone = false
			continue
		}
		if k.Marked && !k.Descending && bytes.Compare(low, from) > 0 {
			from, others = low, elsewhere
		}
		if !bounded {
			continue
		}
		w.valued = true
		if k.Descending && bytes.Compare(low, w.low) > 0 {
			w.low = low
		}
		if !k.Descending && (w.high == nil || bytes.Compare(high, w.high) < 0) {
			w.high = high
		}
	}
	if w.behind && w.begin(from, others) {
		ahead, w.behind = true, false
	}
	return alone && ahead && !w.behind
}

// begin lets the walk start at from: what matches has a value from there on, or is found by others. What has its least
// value, which is its place, before from has several values, or is of others. Such are few, or the walk begins at the
// first row. false: it does.
func (w *walk) begin(from []byte, others []search.Term) bool {
	if len(from) <= paramKeyLen {
		return false
	}
	k := w.keys[0]
	several := search.Term{Param: k.Param | search.ParamAside, Low: search.SeveralValue, Exact: true}
	var found collector
	left := w.few()
	for _, t := range append([]search.Term{several}, others...) {
		if left = w.r.scan(t, w.typ, left, found.add); left < 0 {
			return false
		}
	}
	found.toList()
	w.start, w.early = from, found.list
	return w.r.err == nil
}

// before shows the matches that have their place before w.start; false when the page is full.
func (w *walk) before() bool {
	var all []ordered
	for _, n := range w.early {
		v, _, found := w.versions.at(n)
		if !w.r.tick() {
			return false
		}
		if !found || !v.alive() {
			continue
		}
		own, ok := sortValue(w.keys[0], &v)
		if !ok {
			continue
		}
		if w.own = appendValueKey(w.own[:0], w.keys[0].Param, w.typ, own); bytes.Compare(w.own, w.start) >= 0 || !w.matches(n, &v) {
			continue
		}
		if order := w.order(&v, n); bytes.Compare(order, w.after) > 0 {
			all = first(append(all, ordered{n, order}), w.limit)
		}
	}
	return w.r.showAll(all, w.limit, w.show)
}

// empty says that a term holds for nothing, as far as a look at a few rows tells.
func (r *run) empty(t search.Term, typ typeCode) bool {
	found := false
	left := r.scanUntil(t, typ, 16, func(number) bool { found = true; return false })
	return left >= 0 && !found
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
			where = " from the lower bound on"
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
	if bytes.Compare(low, w.start) < 0 {
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
		w.tied = first(append(w.tied, ordered{n, order}), w.limit)
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
	w.sortFew(without)
}
