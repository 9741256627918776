package engine

import (
	"bytes"
	"slices"

	"github.com/lienthong/lienthong/fhir/search"
)

// narrow bounds the walk by conditions on the parameter that it goes along: the greatest value of a match is not below
// any of its values, the least is not above. ahead says that there are no other conditions and that matches come first.
func (w *walk) narrow() (ahead bool) {
	k := w.keys[0]
	if k.ByID {
		return false
	}
	alone := true
	var from []byte          // descending the least upper bound, else the greatest lower one; and
	var others []search.Term // what its condition takes besides
	for _, c := range conjuncts(nil, w.q.Where) {
		terms, ok := c.(search.Terms)
		if !ok {
			alone = false
			continue
		}
		if !slices.ContainsFunc(terms.Any, func(t search.Term) bool { return t.Param == k.Param }) {
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
		switch {
		case !k.Marked:
		case !k.Descending && bytes.Compare(low, from) > 0:
			from, others = low, elsewhere
		case k.Descending && (from == nil || bytes.Compare(high, from) < 0):
			from, others = high, elsewhere
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
// value, descending the greatest, which is its place, before from has several values, or is of others. Such are few, or the
// walk begins at the first row. false: it does.
func (w *walk) begin(from []byte, others []search.Term) bool {
	k := w.keys[0]
	all := appendParamKey(nil, k.Param, w.typ)
	if from == nil || bytes.Equal(from, all) || bytes.Equal(from, after(all)) {
		return false
	}
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
		w.own = appendValueKey(w.own[:0], w.keys[0].Param, w.typ, own)
		if behind := bytes.Compare(w.own, w.start) >= 0; behind != w.keys[0].Descending || !w.matches(n, &v) {
			continue
		}
		if order := w.order(&v, n); bytes.Compare(order, w.after) > 0 {
			all = first(append(all, ordered{n: n, order: order}), w.limit)
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
