package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// pages: while writers insert, change and delete, each walk through the pages of a search shows exactly the matches as
// of its first page, each once, as the version of then.
func pages(t *testing.T, cfg Config) {
	s := open(t, cfg)
	rng := random(t)
	seeds := []uint64{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()}
	for n := range 10 {
		c := store.Changes{}
		for i := range 40 {
			c.Puts = append(c.Puts, put(patient(n*40+i), "", entry(pToken, "x"), entry(pDate, fmt.Sprint(i%17))))
		}
		commit(t, s, c)
	}
	rounds := 15
	if testing.Short() {
		rounds = 5
	}
	stop := make(chan struct{})
	var writers, readers sync.WaitGroup
	for _, seed := range seeds[:2] {
		writers.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 0))
			for range 3000 {
				select {
				case <-stop:
					return
				default:
				}
				key := patient(rng.IntN(800))
				var c store.Changes
				if rng.IntN(4) == 0 {
					c.Deletes = []store.Delete{{Key: key}}
				} else {
					c.Puts = []store.Put{put(key, fmt.Sprint(rng.Int()), entry(pToken, []string{"x", "y"}[rng.IntN(2)]), entry(pDate, fmt.Sprint(rng.IntN(17))))}
				}
				if _, err := s.Commit(ours(t.Context()), c); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i, seed := range seeds[2:] {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 0))
			for range rounds {
				q := by("Patient", pToken, "x")
				switch i {
				case 0:
					q.Sort = [][]search.SortKey{nil, {{Param: pDate}}, {{Param: pDate, Descending: true}}}[rng.IntN(3)]
				case 1:
					q.Sort = []search.SortKey{{ByID: true, Descending: rng.IntN(2) == 0}}
				}
				t0 := head(t, s)
				first := walkPages(t, s, q, t0, 5+rng.IntN(60))
				again := walkPages(t, s, q, t0, 5+rng.IntN(60))
				if !slices.EqualFunc(first, again, sameMatch) {
					t.Errorf("AS-OF: %d then %d matches as of %d", len(first), len(again), t0)
				}
				for _, m := range first {
					f, err := s.Read(ours(t.Context()), m.Key, t0)
					if err != nil || f.Version != m.Version {
						t.Errorf("AS-OF: %s is shown as version %d, as of %d it is %d, %v", m.Key, m.Version, t0, f.Version, err)
					}
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	writers.Wait()
}

func sameMatch(a, b store.Match) bool {
	return a.Key == b.Key && a.Version == b.Version && a.Number == b.Number && bytes.Equal(a.Order, b.Order)
}

// walkPages reads all pages of a search; no resource may come twice and the orders must rise.
func walkPages(t *testing.T, s store.Store, q search.Query, t0 fhir.T, size int) []store.Match {
	var all []store.Match
	seen := map[fhir.Key]bool{}
	var after []byte
	for {
		n := 0
		for m, err := range s.Search(ours(t.Context()), q, t0, store.SearchOptions{After: after, Limit: size}) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[m.Key] {
				t.Fatalf("AS-OF: %s is shown twice", m.Key)
			}
			if bytes.Compare(m.Order, after) <= 0 {
				t.Fatalf("AS-OF: order %x after %x", m.Order, after)
			}
			seen[m.Key] = true
			all = append(all, m)
			after = m.Order
			n++
		}
		if n > size {
			t.Fatalf("a page of %d has %d matches", size, n)
		}
		if n < size {
			return all
		}
	}
}

func beyondHead(t *testing.T, cfg Config) {
	s := open(t, cfg)
	commit(t, s, store.Changes{Puts: []store.Put{put(patient(1), "")}})
	_, err := s.Read(ours(t.Context()), patient(1), 2)
	refused(t, err, fhir.Invalid, "as-of-unknown")
	_, err = s.Count(ours(t.Context()), by("Patient", pToken, ""), 2)
	refused(t, err, fhir.Invalid, "as-of-unknown")
	for _, err := range s.Search(ours(t.Context()), search.Query{Type: "Patient"}, 2, store.SearchOptions{}) {
		refused(t, err, fhir.Invalid, "as-of-unknown")
	}
	for _, after := range []string{"x", "\x01\x00", "\xff"} {
		for _, sort := range [][]search.SortKey{nil, {{Param: pDate}}} {
			for _, err := range s.Search(ours(t.Context()), search.Query{Type: "Patient", Sort: sort}, 1, store.SearchOptions{After: []byte(after), Limit: 1}) {
				if err != nil {
					refused(t, err, fhir.Invalid, "cursor-invalid")
				}
			}
		}
	}
}
