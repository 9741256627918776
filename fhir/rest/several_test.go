package rest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// AS-OF: pages over several types show every match as of the first page exactly once, forward and back and by any sort,
// while others insert, update and delete.
func TestPagesOfSeveralTypesWhileOthersWrite(t *testing.T) {
	s := serve(t)
	types := []string{"Patient", "Practitioner", "RelatedPerson"}
	put := func(rng *rand.Rand, typ string, i int) {
		body := fmt.Appendf(nil, `{"resourceType":%q,"id":"%d","active":true,"name":[{"text":"%d"}]`, typ, i, rng.IntN(30))
		if typ == "RelatedPerson" {
			body = append(body, `,"patient":{"reference":"Patient/0"}`...)
		}
		s.do(t, "PUT", fmt.Sprintf("/%s/%d", typ, i), append(body, '}')).want(t, 200, 201)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range 20 {
		for _, typ := range types {
			put(rng, typ, i)
		}
	}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			rng := rand.New(rand.NewPCG(seed, uint64(w)+1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				typ, i := types[rng.IntN(3)], rng.IntN(30)
				if rng.IntN(3) == 0 {
					s.do(t, "DELETE", fmt.Sprintf("/%s/%d", typ, i), nil).want(t, 204)
				} else {
					put(rng, typ, i)
				}
			}
		}()
	}
	for _, query := range []string{
		"/?_type=Patient,Practitioner,RelatedPerson&active=true", "/?_type=RelatedPerson,Patient,Practitioner&active=true&_sort=name,-_id",
		"/?_type=Patient,Practitioner,RelatedPerson&_sort=-_lastUpdated", "/Patient/0/*?_type=Patient,RelatedPerson&_sort=-_id", "/?_lastUpdated=gt2000&_sort=_id",
	} {
		for range 3 {
			var pages []string
			shown, total := 0, ""
			seen := map[string]bool{}
			next, last := query+"&_total=accurate&_count=7", ""
			for next != "" {
				last = next
				page := s.do(t, "GET", next, nil).want(t, 200)
				doc := page.doc(t)
				if total == "" {
					total = doc.Get("total").Text()
				} else if got := doc.Get("total").Text(); got != total {
					t.Fatalf("AS-OF: %s: total %s, then %s", query, total, got)
				}
				var keys []string
				for e := range doc.Get("entry").Elements() {
					key := e.Get("resource").Get("resourceType").Text() + "/" + e.Get("resource").Get("id").Text()
					if seen[key] {
						t.Fatalf("AS-OF: %s shows %s twice", query, key)
					}
					seen[key] = true
					keys = append(keys, key)
					shown++
				}
				pages = append(pages, strings.Join(keys, " "))
				next = linkPath(t, page, "next")
			}
			if fmt.Sprint(shown) != total {
				t.Fatalf("AS-OF: %s shows %d of %s", query, shown, total)
			}
			for back := len(pages) - 2; back >= 0; back-- {
				last = linkPath(t, s.do(t, "GET", last, nil).want(t, 200), "previous")
				var keys []string
				for e := range s.do(t, "GET", last, nil).want(t, 200).doc(t).Get("entry").Elements() {
					keys = append(keys, e.Get("resource").Get("resourceType").Text()+"/"+e.Get("resource").Get("id").Text())
				}
				if got := strings.Join(keys, " "); got != pages[back] {
					t.Fatalf("AS-OF: %s: page %d was %s, and on the way back it is %s", query, back, pages[back], got)
				}
			}
		}
	}
	close(stop)
	writers.Wait()
}
