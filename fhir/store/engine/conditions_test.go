package engine_test

import (
	"context"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// BenchmarkConditions runs negated, alternative and reverse chained conditions; -v shows their plans.
func BenchmarkConditions(b *testing.B) {
	e, _ := loaded(b, copies(b))
	bind := func(t fhir.Type, query string) search.Query {
		params, err := search.Parse(query)
		if err != nil {
			b.Fatal(err)
		}
		r, err := search.Bind(t, params, search.Options{})
		if err != nil {
			b.Fatal(err)
		}
		return r.Query
	}
	one := func(t fhir.Type, query string) search.Condition { return bind(t, query).Where[0] }
	has := func(t fhir.Type, query string) search.Condition {
		return search.Has{Name: "_has", Param: search.ParamID(r4.Param(t, "patient").ID), Source: bind(t, query)}
	}
	q := func(t fhir.Type, where ...search.Condition) search.Query { return search.Query{Type: t, Where: where} }
	byDate := []search.SortKey{{Param: search.ParamID(r4.Param("Observation", "date").ID), Descending: true}}
	height, weight := "code=http://loinc.org|8302-2", "code=http://loinc.org|29463-7"
	for _, c := range []struct {
		name  string
		query search.Query
		sort  []search.SortKey
	}{
		{"observation-not-final", q("Observation", search.Not{Condition: one("Observation", "status=final")}), nil},
		{"observation-not-height", q("Observation", search.Not{Condition: one("Observation", height)}), nil},
		{"observation-not-height-sorted", q("Observation", search.Not{Condition: one("Observation", height)}), byDate},
		{"observation-height-or-weight-sorted", q("Observation", search.Either{Of: []search.Condition{one("Observation", height), one("Observation", weight)}}), byDate},
		{"observation-without-date", q("Observation", search.Not{Condition: search.Terms{Name: "date", Any: []search.Term{{Param: byDate[0].Param}}}}), nil},
		{"observation-since-2018-oldest-first", bind("Observation", "date=ge2018"), []search.SortKey{{Param: byDate[0].Param, Marked: true}}},
		{"observation-since-2018-oldest-first-unmarked", bind("Observation", "date=ge2018"), []search.SortKey{{Param: byDate[0].Param}}},
		{"patient-has-height", q("Patient", has("Observation", height)), nil},
		{"patient-has-height-over-170", q("Patient", has("Observation", height+"&value-quantity=gt170")), nil},
		{"patient-has-no-observation", q("Patient", search.Not{Condition: has("Observation", "")}), nil},
		{"observation-of-patient-with-procedure", q("Observation", search.Chain{Name: "patient", Param: search.ParamID(r4.Param("Observation", "patient").ID), Targets: []search.Query{q("Patient", has("Procedure", "date=ge2019"))}}), nil},
	} {
		c.query.Sort = c.sort
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				o := store.SearchOptions{Limit: 21, Tally: &store.Tally{Most: 1001}}
				for _, err := range e.Search(ours(context.Background()), c.query, 0, o) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			p, err := e.Explain(ours(context.Background()), c.query, 0, store.SearchOptions{Limit: 21})
			if err != nil {
				b.Fatal(err)
			}
			b.Logf("\n%s", p)
		})
	}
}
