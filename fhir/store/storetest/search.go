package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// crowd commits n patients, each with a date and a token that all have, and an observation about each.
func crowd(t *testing.T, s store.Store, n int) {
	t.Helper()
	var c store.Changes
	for i := range n {
		p := patient(i)
		o := fhir.Key{Type: "Observation", ID: p.ID}
		ref := entry(pRef, string(search.ReferenceValue(p)))
		c.Puts = append(c.Puts,
			put(p, "", entry(pToken, "x"), entry(pDate, fmt.Sprintf("%05d", i)), entry(pKey, fmt.Sprint(i%2))),
			put(o, "", ref, entry(pToken, "o"), entry(pDate, fmt.Sprintf("%05d", i))))
	}
	commit(t, s, c)
}

// workLimits: a search that would read more than it may ends with an error that says the limit, whatever its shape;
// one that reads little is not concerned.
func workLimits(t *testing.T, cfg Config) {
	s := open(t, cfg)
	crowd(t, s, 4000)
	odd := search.Terms{Any: []search.Term{{Param: pDate, Accept: func(v []byte) bool { return false }}}}
	for name, where := range map[string][]search.Condition{
		"range":  {odd},
		"not":    {search.Not{Condition: by("", pToken, "x").Where[0]}},
		"chain":  {search.Chain{Param: pRef, Targets: []search.Query{{Type: "Patient", Where: []search.Condition{odd}}}}},
		"has":    {search.Has{Param: pRef, Source: search.Query{Type: "Observation", Where: []search.Condition{odd}}}},
		"either": {search.Either{Of: []search.Condition{odd, odd}}},
	} {
		q := search.Query{Type: "Patient", Where: where}
		if name == "chain" {
			q.Type = "Observation"
		}
		for _, sort := range [][]search.SortKey{nil, {{Param: pDate}}} {
			q.Sort = sort
			var err error
			for _, err = range s.Search(ours(t.Context()), q, 0, store.SearchOptions{MaxWork: 2000}) {
				if err == nil {
					t.Errorf("%s: nothing should match", name)
				}
			}
			e, ok := errors.AsType[*fhir.Error](err)
			if !ok || e.Kind != fhir.TooCostly || e.Code != "search-too-costly" || len(e.Args) != 1 || fmt.Sprint(e.Args[0]) != "2000" {
				t.Errorf("%s, sorted %v: %v, want search-too-costly with the limit", name, sort != nil, err)
			}
		}
	}
	n := 0
	for _, err := range s.Search(ours(t.Context()), by("Patient", pDate, "02000"), 0, store.SearchOptions{MaxWork: 2000}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d matches, want 1", n)
	}
}

// cancelledSearch: a search whose caller has gone away ends with the context's error.
func cancelledSearch(t *testing.T, cfg Config) {
	s := open(t, cfg)
	crowd(t, s, 2000)
	ctx, cancel := context.WithCancel(ours(t.Context()))
	defer cancel()
	n := 0
	for _, err := range s.Search(ctx, search.Query{Type: "Patient"}, 0, store.SearchOptions{}) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			return
		}
		cancel()
		n++
	}
	t.Errorf("the search went on to its end, %d matches", n)
}

// iterate: an include that iterates follows a ring and a long line of references to the end, each resource once.
func iterate(t *testing.T, cfg Config) {
	s := open(t, cfg)
	const long = 300
	var c store.Changes
	for i := range long {
		c.Puts = append(c.Puts, put(patient(i), "", entry(pRef, string(search.ReferenceValue(patient((i+1)%long))))))
	}
	commit(t, s, c)
	for _, reverse := range []bool{false, true} {
		for _, again := range []bool{false, true} {
			q := search.Query{Type: "Patient", Where: []search.Condition{search.IDs{ID: []fhir.ID{patient(7).ID}}}}
			q.Include = []search.Include{{Reverse: reverse, Source: "Patient", Param: pRef, Target: "Patient", Iterate: again}}
			page := walkPages(t, s, q, head(t, s), 10)
			seen := map[fhir.Key]bool{}
			for m, err := range s.Included(ours(t.Context()), q, page, 0) {
				if err != nil {
					t.Fatal(err)
				}
				if seen[m.Key] || m.Key == patient(7) {
					t.Errorf("%s is included twice", m.Key)
				}
				seen[m.Key] = true
			}
			want := 1
			if again {
				want = long - 1
			}
			if len(seen) != want {
				t.Errorf("reverse %v, iterate %v: %d included, want %d", reverse, again, len(seen), want)
			}
		}
	}
}

// plans: combined criteria cost what their smallest list costs, and the plan shows it.
func plans(t *testing.T, cfg Config) {
	s := open(t, cfg)
	x, ok := s.(store.Explainer)
	if !ok {
		t.Skip("the store does not explain")
	}
	crowd(t, s, 3000)
	ref := by("Observation", pRef, string(search.ReferenceValue(patient(1234)))).Where[0]
	token := by("Observation", pToken, "o").Where[0]
	date := search.Terms{Name: "date", Any: []search.Term{{Param: pDate, Low: []byte("00100")}}}
	for _, where := range [][]search.Condition{{token, date, ref}, {ref, token, date}, {date, ref, token}} {
		for _, sort := range [][]search.SortKey{nil, {{Param: pDate, Descending: true}}} {
			p, err := x.Explain(ours(t.Context()), search.Query{Type: "Observation", Where: where, Sort: sort}, 0, store.SearchOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if p.Matches != 1 || p.Shown != 1 || p.Read > 600 || len(p.Steps) != 3 {
				t.Errorf("one of 3000 by its reference:\n%s", p)
			}
			for _, step := range p.Steps {
				if drives := step.Actual == 1; drives != (step.Access == store.AccessDriver) {
					t.Errorf("the list of one does not drive:\n%s", p)
				}
			}
		}
	}
	p, err := x.Explain(ours(t.Context()), search.Query{Type: "Observation", Where: []search.Condition{date}, Sort: []search.SortKey{{Param: pDate, Descending: true}}}, 0, store.SearchOptions{})
	if err != nil || p.Matches != 2900 || p.Shown != 20 || p.Read > 200 {
		t.Errorf("a page of the newest costs more than the page: %v\n%s", err, p)
	}
	since := search.Terms{Name: "date", Any: []search.Term{{Param: pDate, Low: []byte("02000")}}}
	p, err = x.Explain(ours(t.Context()), search.Query{Type: "Observation", Where: []search.Condition{since}, Sort: []search.SortKey{{Param: pDate, Marked: true}}}, 0, store.SearchOptions{})
	if err != nil || p.Matches != 1000 || p.Shown != 20 || p.Read > 200 {
		t.Errorf("a page of the oldest from a bound on costs more than the page: %v\n%s", err, p)
	}
	p, err = x.Explain(ours(t.Context()), search.Query{Type: "Observation", Where: []search.Condition{search.Not{Condition: token}}}, 0, store.SearchOptions{})
	if err != nil || len(p.Steps) != 2 || p.Steps[1].Access != store.AccessAll || p.Steps[1].Actual != 3000 {
		t.Errorf("all of the type is not said: %v\n%s", err, p)
	}
}

// ties: a page of many with one value of the first sort key costs the page, by the index of the second.
func ties(t *testing.T, cfg Config) {
	s := open(t, cfg)
	const n = 9000
	crowd(t, s, n)
	q := search.Query{Type: "Patient", Where: by("", pToken, "x").Where, Sort: []search.SortKey{{Param: pToken}, {Param: pDate, Descending: true}}}
	if x, ok := s.(store.Explainer); ok {
		p, err := x.Explain(ours(t.Context()), q, 0, store.SearchOptions{})
		if err != nil || p.Matches != n || p.Shown != 20 || p.Read > 6*n {
			t.Errorf("%v\n%s", err, p)
		}
	}
	for i, m := range walkPages(t, s, q, head(t, s), 700) {
		if m.Key != patient(n-1-i) {
			t.Fatalf("place %d is %s", i, m.Key)
		}
	}
}
