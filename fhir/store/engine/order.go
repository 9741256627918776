package engine

import (
	"bytes"
	"slices"

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

// ordered is a match with its place.
type ordered struct {
	n     number
	order []byte
	match *store.Match // nil: it is looked up when it is shown
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
		if o.match != nil {
			if !show(*o.match) {
				return false
			}
			continue
		}
		if m, ok := r.match(o.n, o.order); ok && !show(m) {
			return false
		}
	}
	return r.err == nil
}
