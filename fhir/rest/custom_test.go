package rest_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

func nickname(expression string) []byte {
	return fmt.Appendf(nil, `{"resourceType":"SearchParameter","id":"nick","url":"http://example.org/sp/nickname","name":"nickname",
		"status":"active","description":"x","code":"nickname","base":["Patient"],"type":"string","expression":%q}`, expression)
}

// A search by a parameter whose index is being built is refused with 503, says when to come back and how far it is, and
// works once it is built: the builder is held at its first document meanwhile, while writes go on.
func TestCustomParamIsBeingBuilt(t *testing.T) {
	hold := make(chan struct{})
	o := enginetest.Indexed(engine.Options{}, index.Options{FoldSystem: identity.Systems{}.Fold})
	indexWith := o.IndexWith
	o.IndexWith = func(reg *r4.Registry) engine.IndexFunc {
		index := indexWith(reg)
		return func(key fhir.Key, doc resource.Stored) (search.Indexed, error) {
			<-hold
			return index(key, doc)
		}
	}
	st := enginetest.Open(t, o)
	defer st.Close()
	release := sync.OnceFunc(func() { close(hold) })
	defer release()
	service := interaction.New(interaction.Config{Store: st})
	h, err := rest.New(context.Background(), rest.Config{Authenticate: rest.Unauthenticated, Service: service, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	s := &served{srv, service, st, srv.URL + "/fhir"}

	for i := range 3 {
		s.do(t, "PUT", fmt.Sprintf("/Patient/p%d", i), fmt.Appendf(nil, `{"resourceType":"Patient","id":"p%d","name":[{"family":"Ti"}]}`, i))
	}
	first := s.do(t, "GET", "/Patient?family=Ti&_count=2", nil)
	if r := s.do(t, "PUT", "/SearchParameter/nick", nickname("Patient.name.family")); r.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", r.StatusCode, r.raw)
	}
	for _, query := range []string{
		"/Patient?nickname=Ti", "/Patient?nickname:missing=true", "/Patient?_sort=nickname", "/Observation?subject:Patient.nickname=Ti",
		"/Patient?_filter=nickname%20eq%20Ti", "/?_type=Patient&nickname=Ti",
	} {
		r := s.do(t, "GET", query, nil)
		if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" ||
			!strings.Contains(string(r.raw), "search-param-building") || !strings.Contains(string(r.raw), "0 percent") {
			t.Errorf("%s while it is built: %d %s", query, r.StatusCode, r.raw)
		}
	}
	if r := s.do(t, "GET", "/SearchParameter/nick/$status", nil); !strings.Contains(string(r.raw), `"building"`) {
		t.Errorf("status: %s", r.raw)
	}
	if r := s.do(t, "GET", "/metadata", nil); strings.Contains(string(r.raw), "nickname") {
		t.Error("the CapabilityStatement lists what cannot be searched by")
	}
	if r := s.do(t, "PUT", "/Patient/p3", []byte(`{"resourceType":"Patient","id":"p3","name":[{"family":"Ti"}]}`)); r.StatusCode != http.StatusCreated {
		t.Errorf("a write while it is built: %d %s", r.StatusCode, r.raw)
	}
	release()
	for until := time.Now().Add(fhirtest.Patience); ; {
		r := s.do(t, "GET", "/Patient?nickname=Ti&_total=accurate", nil)
		if r.StatusCode == http.StatusOK {
			if !strings.Contains(string(r.raw), `"total":4`) {
				t.Errorf("found: %s", r.raw)
			}
			break
		}
		if r.StatusCode != http.StatusServiceUnavailable || time.Now().After(until) {
			t.Fatalf("%d %s", r.StatusCode, r.raw)
		}
	}
	if r := s.do(t, "GET", "/metadata", nil); !strings.Contains(string(r.raw), "nickname") {
		t.Error("the CapabilityStatement does not list it")
	}
	// A token from before the definition is still good, and shows what was then (AS-OF).
	for l := range first.doc(t).Get("link").Elements() {
		if l.Get("relation").Text() == "next" {
			r := s.do(t, "GET", l.Get("url").Text(), nil)
			if r.StatusCode != http.StatusOK || r.doc(t).Get("entry").Len() != 1 {
				t.Errorf("the second page: %d %s", r.StatusCode, r.raw)
			}
			return
		}
	}
	t.Error("no second page")
}

// While others write, a definition is changed again and again. Each time it is built, it finds as of one moment what the
// standard parameter with the same expression does: nobody wrote by the definitions before (EXACT).
func TestCustomParamChangesWhileOthersWrite(t *testing.T) {
	s := serve(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	names := []string{"An", "Binh", "Chi"}
	var writing sync.WaitGroup
	stop := make(chan struct{})
	halt := sync.OnceFunc(func() { close(stop); writing.Wait() })
	defer halt()
	for w := range 4 {
		rng := rand.New(rand.NewPCG(seed, uint64(w)))
		writing.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprint(rng.IntN(60))
				body := fmt.Sprintf(`{"resourceType":"Patient","id":%q,"name":[{"family":%q,"given":[%q]}]}`, id, names[rng.IntN(3)], names[rng.IntN(3)])
				var r reply
				switch rng.IntN(4) {
				case 0:
					r = s.do(t, "DELETE", "/Patient/"+id, nil)
				case 1:
					r = s.do(t, "POST", "/", fmt.Appendf(nil, `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":%s,"request":{"method":"PUT","url":"Patient/%s"}}]}`, body, id))
				default:
					r = s.do(t, "PUT", "/Patient/"+id, []byte(body))
				}
				if r.StatusCode >= 400 {
					t.Errorf("a write: %d %s", r.StatusCode, r.raw)
					return
				}
			}
		})
	}
	ids := func(code, name string, at fhir.T) (out []fhir.ID) {
		page, err := s.service.Search(ours(context.Background()), "Patient", code+"="+name+"&_count=1000", interaction.SearchOptions{AsOf: at})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Matches {
			out = append(out, f.Key.ID)
		}
		slices.Sort(out)
		return out
	}
	for round := range 12 {
		same := []string{"family", "given"}[round%2]
		if r := s.do(t, "PUT", "/SearchParameter/nick", nickname("Patient.name."+same)); r.StatusCode >= 400 {
			t.Fatalf("%d %s", r.StatusCode, r.raw)
		}
		for until := time.Now().Add(fhirtest.Patience); ; {
			r := s.do(t, "GET", "/SearchParameter/nick/$status", nil)
			parts := r.doc(t).Get("parameter")
			ready := false
			for p := range parts.Elements() {
				ready = ready || p.Get("part").At(0).Get("valueCode").Text() == "ready"
			}
			if ready {
				break
			}
			if time.Now().After(until) {
				t.Fatalf("not built: %s", r.raw)
			}
		}
		at, err := s.store.Head(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, t2 := range []fhir.T{at, at/2 + 1} {
			for _, name := range names {
				if got, want := ids("nickname", name, t2), ids(same, name, t2); !slices.Equal(got, want) {
					t.Fatalf("round %d: nickname=%s as of %d finds %v, %s finds %v", round, name, t2, got, same, want)
				}
			}
		}
	}
	halt()
}
