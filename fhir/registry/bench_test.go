package registry

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// province puts the counters of 1.18 million invented citizens into a store: 96 communes, born in 100 years, the last 18 of
// them with all series of the programme.
func province(tb testing.TB) *office {
	o := open(tb, "2025-11-20", nil)
	const people, communes, years = 1_180_000, 96, 100
	var rows []store.Record
	flush := func() {
		if _, err := o.Store.Commit(ours(), store.Changes{Records: rows}); err != nil {
			tb.Fatal(err)
		}
		rows = nil
	}
	day := o.today()
	rest := people
	for c := range communes {
		name := fmt.Sprintf("Xã Giả Định %d, Quảng Ngãi", c)
		rows = append(rows, store.Record{Space: Space, Key: key("n", communeKey(name)), Value: []byte(name)})
		for y := range years {
			n := people / communes / years
			if c == communes-1 && y == years-1 {
				n = rest
			}
			rest -= n
			t := tally{People: n}
			if y < 18 {
				for i, s := range o.series(day, nil) {
					for d := range s.Doses {
						t.of(s.Name).Given = append(t.of(s.Name).Given, n*(99-2*d-i)/100)
						t.of(s.Name).Timely = append(t.of(s.Name).Timely, n*(90-4*d-i)/100)
					}
					t.of(s.Name).State = map[string]int{"due": n / 20, "overdue": n / 15}
				}
			}
			rows = append(rows, store.Record{Space: Space, Key: key("c", communeKey(name), fmt.Sprint(2025-y)), Value: t.encode()})
		}
		flush()
	}
	raw, err := json.Marshal(position{Day: "2025-11-20", Definition: o.definition(day)})
	if err != nil {
		tb.Fatal(err)
	}
	rows = append(rows, store.Record{Space: Space, Key: "state", Value: raw})
	flush()
	o.catchUp(tb)
	return o
}

// BenchmarkCoverageOfAProvince is one request each, counters read and the answer written.
func BenchmarkCoverageOfAProvince(b *testing.B) {
	o := province(b)
	for name, q := range map[string]CoverageQuery{
		"all":                {From: 1900, To: 2025},
		"five years":         {From: 2021, To: 2025},
		"by commune":         {From: 2021, To: 2025, ByCommune: true},
		"by commune, cohort": {From: 2008, To: 2025, ByCommune: true, ByCohort: true},
		"one commune":        {From: 1900, To: 2025, Communes: []string{"Xã Giả Định 7"}, ByCohort: true},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c, err := o.Coverage(ours(), q, true)
				if err != nil {
					b.Fatal(err)
				}
				if name == "all" && c.Groups[0].People.N != 1_180_000 {
					b.Fatalf("%d persons", c.Groups[0].People.N)
				}
				b.SetBytes(int64(len(resource.AppendJSON(nil, c.MeasureReport(outcome.Vietnamese, o.clock)))))
			}
		})
	}
}
