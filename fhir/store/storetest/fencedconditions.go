package storetest

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Fences whose conditions lie at several places: the engine goes by where they lie.

// fencedInCommon: callers whose grants have conditions in common and not their other actions are told apart, whoever asks first.
func fencedInCommon(t *testing.T, cfg Config) {
	s := open(t, cfg)
	about := put(fhir.Key{Type: "Observation", ID: "o"}, "", entry(pToken, "a"), entry(pRef, string(search.ReferenceValue(patient(1)))))
	commit(t, s, store.Changes{Puts: []store.Put{put(patient(1), "1", entry(pToken, "mine")), about}})
	mine, all := store.Grant{Where: by("Patient", pToken, "mine").Where}, store.Grant{All: true}
	callers := []struct {
		name         string
		search, read store.Grant
		finds        int
	}{
		{"both", mine, mine, 1}, {"all may be read", mine, all, 1}, {"nothing may be read", mine, store.Grant{}, 0},
		{"all may be found", all, mine, 1}, {"nothing may be found", store.Grant{}, mine, 0}, {"nothing", store.Grant{}, store.Grant{}, 0}, {"all", all, all, 1},
	}
	q := by("Observation", pToken, "a")
	q.Where = append(q.Where, search.Chain{Param: pRef, Targets: []search.Query{by("Patient", pToken, "mine")}})
	alone := search.Query{Type: "Observation", Where: q.Where[1:]}
	for range 2 {
		for _, of := range []search.Query{q, alone} {
			for i := range callers {
				for _, c := range []int{i, len(callers) - 1 - i} {
					c := callers[c]
					f := store.NewFence(map[fhir.Type]*store.Grants{
						"Observation": {all, all, all, all, all},
						"Patient":     {store.ActionSearch: c.search, store.ActionRead: c.read},
					}, "")
					found := 0
					for _, err := range s.Search(store.WithFence(t.Context(), f), of, 0, store.SearchOptions{Limit: 10}) {
						if err != nil {
							t.Fatal(err)
						}
						found++
					}
					if found != c.finds {
						t.Fatalf("FENCED: %s: through the patient %d were found, not %d", c.name, found, c.finds)
					}
				}
			}
		}
	}
}

// fencedAgainAndAgain: a condition that comes again at many places of a fence, as what holds for one entry of a person and for each that
// is linked to it, holds at each.
func fencedAgainAndAgain(t *testing.T, cfg Config) {
	const people, steps = 60, 2
	s := open(t, cfg)
	to := func(i int) (linked int, ok bool) { return (i + 13) % people, i%3 != 0 }
	mine := func(i int) bool { return i%8 == 0 }
	var puts []store.Put
	for i := range people {
		entries := []search.Entry{entry(pToken, fmt.Sprint("mine ", mine(i)))}
		if linked, ok := to(i); ok {
			entries = append(entries, entry(pRef, string(search.ReferenceValue(patient(linked)))))
		}
		puts = append(puts, put(patient(i), fmt.Sprint(i), entries...),
			put(fhir.Key{Type: "Observation", ID: fhir.ID(fmt.Sprint("o", i))}, fmt.Sprint(i), entry(pRef, string(search.ReferenceValue(patient(i))))))
	}
	commit(t, s, store.Changes{Puts: puts})

	is := by("Patient", pToken, "mine true").Where[0]
	below := is
	for range steps {
		below = search.Either{Of: []search.Condition{is, search.Has{Param: pRef, Source: search.Query{Type: "Patient", Where: []search.Condition{below}}}}}
	}
	all := below
	for range steps {
		all = search.Either{Of: []search.Condition{below, search.Chain{Param: pRef, Targets: []search.Query{{Type: "Patient", Where: []search.Condition{all}}}}}}
	}
	g := store.Grant{Where: []search.Condition{all}}
	of := store.Grant{Where: []search.Condition{search.Chain{Param: pRef, Targets: []search.Query{{Type: "Patient", Where: []search.Condition{all}}}}}}
	ctx := store.WithFence(t.Context(), store.NewFence(map[fhir.Type]*store.Grants{"Patient": {g, g, g, g, g}, "Observation": {of, of, of, of, of}}, ""))

	var down func(i, left int) bool
	down = func(i, left int) bool {
		if mine(i) || left == 0 {
			return mine(i)
		}
		for from := range people {
			if linked, ok := to(from); ok && linked == i && down(from, left-1) {
				return true
			}
		}
		return false
	}
	var up func(i, left int) bool
	up = func(i, left int) bool {
		if down(i, steps) {
			return true
		}
		linked, ok := to(i)
		return ok && left > 0 && up(linked, left-1)
	}
	var want []string
	for i := range people {
		if up(i, steps) {
			want = append(want, string(patient(i).ID))
		}
	}
	if len(want) < people/4 || len(want) > people*3/4 {
		t.Fatalf("%d of %d say little", len(want), people)
	}
	// What is asked of the same resources by another parameter is something else.
	named := search.Has{Param: pRef, Source: search.Query{Type: "Patient", Where: []search.Condition{below}}}
	notBy := named
	notBy.Param = pToken
	if n := len(keys(t, s, search.Query{Type: "Patient", Where: []search.Condition{named}}, 0)); n == 0 {
		t.Fatal("nobody is named by anybody")
	} else if both := len(keys(t, s, search.Query{Type: "Patient", Where: []search.Condition{named, search.Not{Condition: notBy}}}, 0)); both != n {
		t.Fatalf("FENCED: %d of %d are named by one parameter and not by another that names nobody", both, n)
	}
	for _, typ := range []fhir.Type{"Patient", "Observation"} {
		for _, limit := range []int{0, 5, people} {
			var tally store.Tally
			n := 0
			for m, err := range s.Search(ctx, search.Query{Type: typ}, 0, store.SearchOptions{Limit: limit, Tally: &tally}) {
				if err != nil {
					t.Fatal(err)
				}
				id := string(m.Key.ID)
				if typ == "Observation" {
					i, _ := strconv.Atoi(strings.TrimPrefix(id, "o"))
					id = string(patient(i).ID)
				}
				if id != want[n] {
					t.Fatalf("FENCED: the %d-th %s of %d at once is of %s, not of %s", n, typ, limit, id, want[n])
				}
				n++
			}
			if wanted := len(want); n != min(wanted, cmp.Or(limit, wanted)) || tally.N != wanted {
				t.Fatalf("FENCED: %d of %s at %d at once, %d in all, not %d", n, typ, limit, tally.N, wanted)
			}
		}
	}
}
