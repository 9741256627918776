package storetest

import (
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// fencedAgain has a few callers read the same records and search for them again and again while these change, what they refer to does, and the time:
// what a store remembers of a version must not outlive what it depends on, nor be another caller's.
func fencedAgain(t *testing.T, cfg Config) {
	w := &world{t: t, rng: random(t), m: newModel(), cfg: cfg, dir: t.TempDir(), twins: -1}
	w.s = cfg.Open(t, w.dir, 0)
	defer w.leave()
	for range 30 {
		w.commit()
	}
	rounds := 60
	if testing.Short() {
		rounds = 20
	}
	var day byte
	var fences []store.Fence
	for range 5 {
		fences = append(fences, w.fenceOfTheDay(&day))
	}
	for range rounds {
		if day++; w.rng.IntN(2) == 0 {
			w.commit()
		}
		for range 2 {
			for _, w.m.fence = range fences {
				for key := range w.m.lives {
					w.readOne(key, w.m.t)
				}
				for range 4 {
					w.searchFew()
				}
			}
		}
		// One caller after the other reads all of it, while all of that goes on.
		for _, fence := range fences {
			for range 3 {
				w.m.fence = fence
				for key := range w.m.lives {
					w.readOne(key, w.m.t)
				}
				w.searchFew()
				w.m.fence = store.OpenFence()
				if day += byte(w.rng.IntN(2)); w.rng.IntN(3) == 0 {
					w.commit()
				}
			}
		}
	}
	cfg.Check(t, w.s)
	if err := w.s.Close(); err != nil {
		t.Error(err)
	}
}

// searchFew asks for the first matches of what finds few.
func (w *world) searchFew() {
	q := search.Query{Type: worldTypes[w.rng.IntN(len(worldTypes))]}
	if !w.m.fence.Finds(q.Type) {
		return
	}
	if w.rng.IntN(2) == 0 {
		q.Where = append(q.Where, search.Terms{Any: []search.Term{{Param: pToken, Low: []byte(w.value(pToken)), Exact: true}}})
	} else {
		var some search.IDs
		for range 10 {
			some.ID = append(some.ID, w.key().ID)
		}
		q.Where = append(q.Where, some)
	}
	if w.rng.IntN(3) == 0 {
		q.Where = append(q.Where, w.condition(2))
	}
	q.Sort = w.sort()
	t, limit, n := w.m.t, 1+w.rng.IntN(20), 0
	want := w.m.search(q, t)
	for m, err := range w.s.Search(w.ctx(), q, t, store.SearchOptions{Limit: limit}) {
		w.compare(q, t, want, n, m, err)
		n++
	}
	if n != min(limit, len(want)) {
		w.t.Fatalf("a search for %d as of %d ends after %d of %d: %+v", limit, t, n, len(want), q)
	}
}

// fenceOfTheDay makes a fence whose grants depend on the day, on the resource itself or on what it refers to, besides what
// others depend on.
func (w *world) fenceOfTheDay(day *byte) store.Fence {
	onDays := func(t search.Term) search.Condition {
		parity := byte(w.rng.IntN(2))
		t.Accept = func([]byte) bool { return *day&1 == parity }
		return search.Terms{Any: []search.Term{t}}
	}
	grants := map[fhir.Type]*store.Grants{}
	for _, t := range worldTypes {
		dated := onDays(search.Term{Param: search.ParamExists})
		chained := search.Chain{Param: pRef}
		for _, to := range worldTypes {
			chained.Targets = append(chained.Targets, search.Query{Type: to, Where: []search.Condition{search.Either{Of: []search.Condition{onDays(w.term()), w.condition(1)}}}})
		}
		grant := store.Grant{Where: []search.Condition{
			search.All{Of: []search.Condition{w.condition(2), search.Either{Of: []search.Condition{dated, chained}}}},
			search.All{Of: []search.Condition{search.Not{Condition: search.Either{Of: []search.Condition{w.condition(1), chained}}}, w.derived(dated)}},
		}}
		if w.rng.IntN(3) == 0 {
			grant = w.grant()
		}
		grants[t] = &store.Grants{grant, grant, grant, grant, grant}
	}
	return store.NewFence(grants, "org-1")
}
