package storetest

import (
	"maps"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

func (w *world) search() {
	q := w.query(3)
	t := w.asOf()
	if n, err := w.s.Count(w.t.Context(), q, t); err != nil || n != len(w.m.search(q, t)) {
		w.t.Fatalf("count as of %d is %d, %v; the model says %d: %+v", t, n, err, len(w.m.search(q, t)), q)
	}
	q.Sort = w.sort()
	want := w.m.search(q, t)
	switch w.rng.IntN(8) {
	case 0:
		w.explain(q, t, len(want))
	case 1:
		w.countUpTo(q, t, len(want))
	case 2:
		w.tooCostly(q, t, want)
	}
	if w.rng.IntN(3) == 0 { // all at once
		i := 0
		for m, err := range w.s.Search(w.t.Context(), q, t, store.SearchOptions{}) {
			w.compare(q, t, want, i, m, err)
			i++
		}
		if i != len(want) {
			w.t.Fatalf("search as of %d ends after %d of %d: %+v", t, i, len(want), q)
		}
		return
	}
	size := 1 + w.rng.IntN(6)
	var after []byte
	for i := 0; ; {
		n := 0
		o := store.SearchOptions{After: after, Limit: size}
		if w.rng.IntN(2) == 0 {
			o.Tally = &store.Tally{Most: w.rng.IntN(20), N: -1}
		}
		for m, err := range w.s.Search(w.t.Context(), q, t, o) {
			w.compare(q, t, want, i, m, err)
			i, n, after = i+1, n+1, m.Order
		}
		if all := len(want); o.Tally != nil {
			if o.Tally.Most > 0 {
				all = min(all, o.Tally.Most)
			}
			if o.Tally.N != all {
				w.t.Fatalf("the tally up to %d says %d, the model %d: %+v", o.Tally.Most, o.Tally.N, len(want), q)
			}
		}
		if n > size {
			w.t.Fatalf("a page of %d has %d matches", size, n)
		}
		if n < size {
			if i != len(want) {
				w.t.Fatalf("search as of %d by pages of %d ends after %d of %d: %+v", t, size, i, len(want), q)
			}
			return
		}
	}
}

func (w *world) compare(q search.Query, t fhir.T, want []hit, i int, m store.Match, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	if i >= len(want) {
		w.t.Fatalf("search as of %d finds %s after the last: %+v", t, m.Key, q)
	}
	if m.Key != want[i].key || m.Version != fhir.Version(want[i].version) {
		w.t.Fatalf("search as of %d: place %d is %s version %d, the model says %s version %d: %+v", t, i, m.Key, m.Version, want[i].key, want[i].version, q)
	}
	if w.rng.IntN(4) == 0 {
		if w.rng.IntN(2) == 0 {
			m.Place = store.Place{}
		}
		f, err := w.s.Fetch(w.t.Context(), m)
		if err != nil {
			w.t.Fatal(err)
		}
		wantDoc(w.t, f, w.m.lives[m.Key][m.Version-1].doc)
	}
}

func (w *world) include() {
	q := w.query(0)
	t := w.asOf()
	var page []store.Match
	for m, err := range w.s.Search(w.t.Context(), q, t, store.SearchOptions{Limit: 5}) {
		if err != nil {
			w.t.Fatal(err)
		}
		page = append(page, m)
	}
	for range 1 + w.rng.IntN(2) {
		inc := search.Include{Param: pRef, Source: q.Type, Reverse: w.rng.IntN(2) == 0, Iterate: w.rng.IntN(2) == 0}
		if inc.Reverse || inc.Iterate {
			inc.Source = worldTypes[w.rng.IntN(3)]
		}
		if w.rng.IntN(2) == 0 {
			inc.Target = worldTypes[w.rng.IntN(3)]
		}
		q.Include = append(q.Include, inc)
	}
	got := map[fhir.Key]int{}
	for m, err := range w.s.Included(w.t.Context(), q, page, t) {
		if err != nil {
			w.t.Fatal(err)
		}
		if _, twice := got[m.Key]; twice {
			w.t.Fatalf("%s is included twice", m.Key)
		}
		got[m.Key] = int(m.Version)
	}
	if want := w.m.included(q, page, t); !maps.Equal(got, want) {
		w.t.Fatalf("included as of %d: %v, the model says %v: %+v", t, got, want, q.Include)
	}
}

// explain asks for the plan, whose counts must be those of the model.
func (w *world) explain(q search.Query, t fhir.T, matches int) {
	x, ok := w.s.(store.Explainer)
	if !ok {
		return
	}
	size := 1 + w.rng.IntN(6)
	p, err := x.Explain(w.t.Context(), q, t, store.SearchOptions{Limit: size})
	if err != nil {
		w.t.Fatal(err)
	}
	if p.Type != q.Type || p.Matches != matches || p.Shown != min(matches, size) {
		w.t.Fatalf("the plan says %d matches, %d shown; the model %d, %d: %+v", p.Matches, p.Shown, matches, min(matches, size), q)
	}
	if len(p.Steps) == 0 && len(q.Where) > 0 {
		// Only conditions that always hold leave no trace, such as an All of nothing.
		for _, c := range q.Where {
			switch c.(type) {
			case search.Terms, search.IDs, search.Chain, search.Has:
				w.t.Fatalf("the plan has no steps:\n%s%+v", p, q)
			}
		}
	}
	for _, s := range p.Steps {
		if s.Actual < 0 || s.Read < 0 || s.Access == "" {
			w.t.Fatalf("step %+v of %+v", s, q)
		}
		if s.Access == store.AccessAll && s.Actual != len(w.m.search(search.Query{Type: q.Type}, t)) {
			w.t.Fatalf("step %+v of %+v", s, q)
		}
		if s.Actual < matches && s.Access != store.AccessNever {
			w.t.Fatalf("%d match, but a condition of the plan holds for fewer:\n%s%+v", matches, p, q)
		}
	}
	if len(q.Where) == 1 {
		if _, terms := q.Where[0].(search.Terms); terms && len(p.Steps) == 1 && p.Steps[0].Actual != matches && p.Steps[0].Access != store.AccessAll {
			w.t.Fatalf("%d match the only condition, the plan says:\n%s%+v", matches, p, q)
		}
	}
	if p.String() == "" {
		w.t.Fatal("the plan has no text")
	}
}

func (w *world) countUpTo(q search.Query, t fhir.T, matches int) {
	c, ok := w.s.(store.Counter)
	if !ok {
		return
	}
	most := 1 + w.rng.IntN(20)
	if n, err := c.CountUpTo(w.t.Context(), q, t, most); err != nil || n != min(matches, most) {
		w.t.Fatalf("counting up to %d as of %d gives %d, %v; the model says %d: %+v", most, t, n, err, matches, q)
	}
}

// tooCostly gives a search very little to work with: it shows what it has or refuses, but nothing wrong.
func (w *world) tooCostly(q search.Query, t fhir.T, want []hit) {
	i := 0
	for m, err := range w.s.Search(w.t.Context(), q, t, store.SearchOptions{MaxWork: 1 + w.rng.IntN(3000)}) {
		if err != nil {
			refused(w.t, err, fhir.TooCostly, "search-too-costly")
			return
		}
		w.compare(q, t, want, i, m, err)
		i++
	}
	if i != len(want) {
		w.t.Fatalf("a search with little to work with ends after %d of %d without an error: %+v", i, len(want), q)
	}
}
