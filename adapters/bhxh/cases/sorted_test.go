package cases

import (
	"cmp"
	"net/url"
	"slices"
	"testing"
)

// Sorted lists are what a reader sorts by hand, whatever the size of the pages; what has no amount stands below all that have one.
func TestSortedListsAreWhatAReaderSorts(t *testing.T) {
	w := newWorld(t)
	all := w.population(40, 2)
	values := map[string]func(told) int64{
		"age":       func(c told) int64 { return int64(w.now.Sub(c.at)) },
		"requested": func(c told) int64 { return int64(c.requested) },
		"paid": func(c told) int64 {
			if !c.decided {
				return -1
			}
			return int64(c.paid)
		},
	}
	for by, value := range values {
		for _, down := range []bool{false, true} {
			for query, picks := range map[string]func(told) bool{
				"":                    func(told) bool { return true },
				"facility=51901":      func(c told) bool { return c.facility == "51901" },
				"requested=ge1000000": func(c told) bool { return c.requested >= 1_000_000 },
			} {
				var want []told
				for _, c := range all {
					if picks(c) {
						want = append(want, c)
					}
				}
				slices.SortFunc(want, func(a, b told) int {
					c := cmp.Compare(value(a), value(b))
					if down {
						c = -c
					}
					return cmp.Or(c, cmp.Compare(a.id, b.id))
				})
				q, _ := url.ParseQuery(query)
				f, err := ParseFilter(q)
				if err != nil {
					t.Fatal(err)
				}
				for _, count := range []int{3, 1000} {
					var got []string
					for next := ""; ; {
						p, err := w.cases.Sorted(w.ours(), f, Order{By: by, Down: down}, count, next)
						if err != nil {
							t.Fatal(err)
						}
						for _, r := range p.Rows {
							got = append(got, string(r.ID()))
						}
						if next = p.Next; next == "" {
							break
						}
					}
					same := len(got) == len(want)
					for i := range want {
						same = same && got[i] == want[i].id
					}
					if !same || len(want) < 2 {
						t.Errorf("%s by %s, down %v, pages of %d: %v", query, by, down, count, got)
					}
				}
			}
		}
	}
}

func TestAnOrderThatCannotBeReadIsRefused(t *testing.T) {
	for _, text := range []string{"state", "--age", "age,paid", "-"} {
		if _, err := ParseOrder(url.Values{"_sort": {text}}); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	w := newWorld(t)
	w.population(3, 1)
	for _, next := range []string{"x", "MQ", "MnxjMS8wMDAwMDAwMDAx!", "Mk5hTnxjLzE"} {
		if _, err := w.cases.Sorted(w.ours(), Filter{}, Order{By: "age"}, 5, next); err == nil {
			t.Errorf("the token %q is taken", next)
		}
	}
}
