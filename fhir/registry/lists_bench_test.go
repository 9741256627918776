package registry

import (
	"fmt"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/store"
)

// toddlers puts children of three years into one commune, each with every dose up to the age of two, so that some are due.
func toddlers(tb testing.TB, n int) *office {
	o := open(tb, "2026-01-15", nil)
	for c := range n {
		birth := time.Date(2023, 1, 1+c%300, 0, 0, 0, 0, time.UTC)
		id := fmt.Sprintf("c%d", c)
		docs := []string{someone(id, birth.Format(time.DateOnly), "Xã Ba Tơ", "")}
		for i := range immunization.National().Series {
			s := &immunization.National().Series[i]
			last := birth
			for _, d := range s.Doses {
				if d.Recommended == nil || d.Recommended.Months > 18 {
					break
				}
				if on := d.Recommended.After(birth); on.After(last) {
					last = on
				}
				docs = append(docs, given(fmt.Sprintf("%s-%s-%d", id, s.Name, d.Number), id, s.CVX[0], last.Format(time.DateOnly), `,"lotNumber":"L-1"`))
			}
		}
		o.write(tb, docs...)
	}
	return o
}

// BenchmarkDueList is a page of 100 persons, each judged by what the caller may see.
func BenchmarkDueList(b *testing.B) {
	o := toddlers(b, 300)
	o.catchUp(b)
	b.ReportAllocs()
	for b.Loop() {
		d, err := o.Due(ours(), DueQuery{Commune: "Xã Ba Tơ", Limit: 100})
		if err != nil || len(d.Persons) != 100 {
			b.Fatal(err, len(d.Persons))
		}
	}
}

// BenchmarkFollow is the counting of 300 children with their doses, each of one commit, from the feed.
func BenchmarkFollow(b *testing.B) {
	o := toddlers(b, 300)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		var rows []store.Record // all that was counted is forgotten
		for rec, err := range o.Store.Records(ours(), Space, "", "\xff") {
			if err != nil {
				b.Fatal(err)
			}
			rows = append(rows, store.Record{Space: Space, Key: rec.Key})
		}
		if _, err := o.Store.Commit(ours(), store.Changes{Records: rows}); err != nil {
			b.Fatal(err)
		}
		r := New(o.Config)
		b.StartTimer()
		if err := r.CatchUp(ours()); err != nil {
			b.Fatal(err)
		}
	}
}
