package storetest

import (
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// explain asks for the plan, whose counts must be those of the model.
func (w *world) explain(q search.Query, t fhir.T, matches int) {
	x, ok := w.s.(store.Explainer)
	if !ok {
		return
	}
	size := 1 + w.rng.IntN(6)
	p, err := x.Explain(w.ctx(), q, t, store.SearchOptions{Limit: size})
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
		if !w.m.fence.Open() && (s.Access != store.AccessFenced || s.Estimate != -1 || s.Read+p.Read != 0) {
			w.t.Fatalf("FENCED: the plan tells %+v", s)
		}
		if s.Actual < 0 || s.Read < 0 || s.Access == "" {
			w.t.Fatalf("step %+v of %+v", s, q)
		}
		if s.Access == store.AccessAll && s.Actual != len(w.m.search(search.Query{Type: q.Type, Inside: q.Inside}, t)) {
			w.t.Fatalf("step %+v of %+v", s, q)
		}
		if s.Actual < matches && s.Access != store.AccessNever {
			w.t.Fatalf("%d match, but a condition of the plan holds for fewer:\n%s%+v", matches, p, q)
		}
	}
	if len(q.Where) == 1 && q.Besides == nil {
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
	if n, err := c.CountUpTo(w.ctx(), q, t, most); err != nil || n != min(matches, most) {
		w.t.Fatalf("counting up to %d as of %d gives %d, %v; the model says %d: %+v", most, t, n, err, matches, q)
	}
}

// tooCostly gives a search very little to work with: it shows what it has or refuses, but nothing wrong.
func (w *world) tooCostly(q search.Query, t fhir.T, want []hit) {
	i := 0
	for m, err := range w.s.Search(w.ctx(), q, t, store.SearchOptions{MaxWork: 1 + w.rng.IntN(3000)}) {
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
