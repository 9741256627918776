package engine_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// TestCombinedCriteriaCostTheirSmallestList: rows read for code, date and patient follow the list of the one patient, however
// long those of the code and of the dates become. Rows are counted, not time.
func TestCombinedCriteriaCostTheirSmallestList(t *testing.T) {
	x := index.New(index.Options{})
	e := openStore(t, t.TempDir(), engine.Options{Logger: slog.New(slog.DiscardHandler)})
	defer e.Close()
	const own = 20 // of the patient asked for, every second one with the code
	written := 0
	observe := func(n int, patient func(i int) string) {
		var c store.Changes
		for i := range n {
			written++
			raw := fmt.Sprintf(`{"resourceType":"Observation","id":"o%d","status":"final","code":{"coding":[{"code":"c%d"}]},"subject":{"reference":"Patient/%s"},"effectiveDateTime":"20%02d-0%d-11"}`,
				written, i%2, patient(i), 10+i%10, 1+i%9)
			c.Puts = append(c.Puts, created(t, x, raw))
		}
		if _, err := e.Commit(ours(t.Context()), c); err != nil {
			t.Fatal(err)
		}
	}
	observe(own/2, func(int) string { return "p" })
	others := func(i int) string { return fmt.Sprint("q", i%97) }
	first := map[string]int{}
	for _, more := range []int{800, 3200} { // a fifth of the data, then all
		observe(more, others)
		if more == 800 {
			observe(own/2, func(int) string { return "p" })
		}
		for _, c := range []struct {
			query   string
			matches int
		}{
			{"patient=Patient/p&code=c0", own / 2},
			{"code=c0&date=ge2010&date=lt2020&patient=Patient/p", own / 2},
			{"code=c0&date=ge2010&patient=Patient/p&_sort=-date", own / 2},
			{"code=c0,c1&date=ge2010&date=lt2020&patient=Patient/p&status=final", own},
			{"code=c0&patient=Patient/none", 0},
		} {
			params, err := search.Parse(c.query)
			if err != nil {
				t.Fatal(err)
			}
			req, err := search.Bind("Observation", params, search.Options{})
			if err != nil {
				t.Fatal(err)
			}
			p, err := e.Explain(ours(t.Context()), req.Query, 0, store.SearchOptions{Limit: 50})
			if err != nil {
				t.Fatal(err)
			}
			// Some rows for each member of the smallest list, and what weighing the others takes.
			if most := 20*own + 300; p.Matches != c.matches || p.Read > most {
				t.Errorf("%d observations, %s: want %d matches, at most %d rows read:\n%s", written, c.query, c.matches, most, p)
			}
			if few, known := first[c.query]; known && p.Read > few+20 {
				t.Errorf("%s: %d rows read where it were %d of a fifth of the data:\n%s", c.query, p.Read, few, p)
			}
			first[c.query] = p.Read
			t.Logf("%d observations, %s: %d rows", written, c.query, p.Read)
		}
	}
}
