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

// sorted hands the matches of q to show in its order.
func (r *run) sorted(q search.Query, o store.SearchOptions, show func(store.Match) bool) {
	s := r.plan(q, o.Limit, 0)
	w := &walk{r: r, q: q, keys: q.Sort, typ: s.typ, after: o.After, limit: o.Limit, show: show, versions: r.newVersions()}
	if o.Limit > 0 && len(s.checks) > 0 && (s.most < 0 || s.most > tune.fewToSort) {
		w.run() // each match is dear to find: try first whether the page is full soon
		return
	}
	for o.Limit == 0 || len(w.ahead) <= tune.fewToSort {
		n, ok := s.next()
		if !ok {
			r.sortFew(w.ahead, q.Sort, o.After, o.Limit, show)
			return
		}
		w.ahead = append(w.ahead, n)
	}
	w.rest = s
	w.run()
}

// ordered is a match with its place.
type ordered struct {
	n     number
	order []byte
}

// sortFew orders the given matches and shows those after the place.
func (r *run) sortFew(found list, keys []search.SortKey, after []byte, limit int, show func(store.Match) bool) bool {
	all := make([]ordered, 0, len(found))
	for _, n := range found {
		v, _, ok := r.versions().at(n)
		if !r.tick() {
			return false
		}
		if !ok {
			continue
		}
		order := appendOrder(nil, keys, &v, n)
		if bytes.Compare(order, after) > 0 {
			all = append(all, ordered{n, order})
		}
	}
	return r.showAll(all, limit, show)
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

// appendOrder appends the place of a version.
func appendOrder(b []byte, keys []search.SortKey, v *versionRow, n number) []byte {
	for _, k := range keys {
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
	if keys[0].Descending {
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

	tied  []ordered // met with one value of the first of several keys, not yet shown
	value []byte    // that value, as in the row's key
}

func (w *walk) run() {
	w.plan()
	if len(w.after) > 0 && w.after[0] == orderMissing {
		w.missing()
		return
	}
	if w.index() && !w.keys[0].ByID {
		w.missing()
	}
}

// plan decides how to tell matches from others on the way. Checks cost per row met, collecting costs per match.
func (w *walk) plan() {
	for _, c := range w.q.Where {
		w.checks = append(w.checks, w.r.check(c))
	}
	w.patience = math.MaxInt
	if len(w.checks) == 0 {
		return
	}
	total := int(max(w.r.total(w.q.Type), 1))
	w.patience = max(tune.patience, total/(2*candidateCost))
	if len(w.ahead) > 0 {
		// There are more matches than ahead; were there no more, the page would be full after so many rows.
		w.patience = min(w.patience, 64+4*w.limit*total/len(w.ahead))
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
	if err := w.resume(&low, &high); err != nil {
		w.r.fail(err)
		return false
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
	if w.after[0] != orderValue || rest == nil || len(w.keys) == 1 && len(rest) != numberLen {
		return errAfter()
	}
	var at []byte
	if k.ByID {
		at = appendIDKey(nil, w.typ, fhir.ID(value))
	} else {
		at = appendValueKey(nil, k.Param, w.typ, value)
	}
	if len(w.keys) == 1 && !k.ByID {
		at = append(at, rest...) // the number
	}
	// With several keys the rows of the same value are met again; their orders tell which were shown.
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
	if w.members != nil && !w.members.has(n) {
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
		if !ok || !bytes.Equal(appendValueKey(nil, k.Param, w.typ, own), value) {
			return true
		}
	}
	if !w.matches(n, &v) {
		return w.r.err == nil
	}
	order := appendOrder(nil, w.keys, &v, n)
	if bytes.Compare(order, w.after) <= 0 {
		return true
	}
	if len(w.keys) > 1 {
		w.tied = append(w.tied, ordered{n, order})
		return true
	}
	m := w.r.matchOf(n, &v, version, order)
	return w.r.err == nil && w.show(m)
}

// flush shows what was met with one value of the first key, in the order of the further keys.
func (w *walk) flush() bool {
	all := w.tied
	w.tied = nil
	return w.r.showAll(all, w.limit, w.show)
}

// missing shows the matches without a value of the first key.
func (w *walk) missing() {
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
	w.r.sortFew(without, w.keys, w.after, 0, w.show)
}
