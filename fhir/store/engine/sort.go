package engine

import (
	"bytes"
	"iter"
	"math"
	"slices"

	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
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
		if len(s.checks) > 0 { // the row by which one is decided also orders it
			found := w.sortFew(s.all(), s.most)
			w.trace.orderedBy("%d matches were sorted", found)
			return found
		}
		w.estimate = s.estimate()
	}
	if w.estimate <= 2*few {
		for len(w.ahead) <= few {
			n, ok := s.next()
			if !ok {
				w.trace.orderedBy("%d matches were sorted", len(w.ahead))
				w.sortFew(slices.Values(w.ahead), len(w.ahead))
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

// few is how many matches are better sorted: sorting n costs n rows, walking costs limit·total/n.
func (w *walk) few() int {
	return min(tune.fewToSort, 64+2*int(math.Sqrt(float64(w.limit)*float64(w.r.total(w.q.Type)))))
}

// sortFew orders the given matches, of which there are at most so many, and shows those after the place. It gives their number. Where
// all of them fit on the page the row that orders one is not looked up again to show it.
func (w *walk) sortFew(found iter.Seq[number], most int) (n int) {
	r := w.r
	all := make([]ordered, 0, most)
	var matches []store.Match
	if most <= w.limit {
		matches = make([]store.Match, 0, most)
	}
	for m := range found {
		n++
		v, version, ok := r.versions().at(m)
		if !r.tick() {
			return n
		}
		if !ok {
			continue
		}
		order := w.order(&v, m)
		if bytes.Compare(order, w.after) <= 0 {
			continue
		}
		one := ordered{n: m, order: order}
		if cap(matches) > 0 {
			if !v.alive() {
				continue
			}
			matches = append(matches, r.matchOf(m, &v, version, order))
			one.match = &matches[len(matches)-1]
		}
		all = first(append(all, one), w.limit)
	}
	r.showAll(all, w.limit, w.show)
	return n
}
