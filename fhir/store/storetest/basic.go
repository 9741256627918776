package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// refused fails unless err is a fhir.Error of that kind and code; it gives the error.
func refused(tb testing.TB, err error, kind fhir.Kind, code string) *fhir.Error {
	tb.Helper()
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok || e.Kind != kind || e.Code != code {
		tb.Fatalf("got %v, want %s", err, code)
	}
	return e
}

// keys collects the keys that a search finds.
func keys(tb testing.TB, s store.Store, q search.Query, t fhir.T) []fhir.Key {
	tb.Helper()
	var found []fhir.Key
	for m, err := range s.Search(ours(context.Background()), q, t, store.SearchOptions{}) {
		if err != nil {
			tb.Fatal(err)
		}
		found = append(found, m.Key)
	}
	return found
}

func bytesComeBack(t *testing.T, cfg Config) {
	s := open(t, cfg)
	ctx := ours(t.Context())
	p := put(patient(1), "một \"hai\" \\ ba", entry(pToken, "a"), entry(pKey, "1"))
	r := commit(t, s, store.Changes{Puts: []store.Put{p}})
	f, err := s.Read(ctx, p.Key, r.T)
	if err != nil {
		t.Fatal(err)
	}
	wantDoc(t, f, p.Doc)
	if f.Version != 1 || f.At != r.At || f.T != r.T || f.Key != p.Key || f.Method != store.MethodUpdate {
		t.Fatalf("read gives %+v", f)
	}
	f, err = s.ReadVersion(ctx, p.Key, 1)
	if err != nil {
		t.Fatal(err)
	}
	wantDoc(t, f, p.Doc)
	for m, err := range s.Search(ctx, by("Patient", pToken, "a"), r.T, store.SearchOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		f, err := s.Fetch(ctx, m)
		if err != nil {
			t.Fatal(err)
		}
		wantDoc(t, f, p.Doc)
	}
	for c, err := range s.Feed(ctx, 0) {
		if err != nil || len(c.Writes) != 1 {
			t.Fatalf("feed gives %+v, %v", c, err)
		}
		wantDoc(t, c.Writes[0], p.Doc)
	}
	// Bytes given out belong to the caller: writing on them must not reach the store.
	clear(f.Stored.Body)
	f, err = s.Read(ctx, p.Key, 0)
	if err != nil {
		t.Fatal(err)
	}
	wantDoc(t, f, p.Doc)
	if _, err := s.Read(ctx, patient(2), 0); err == nil {
		t.Fatal("read what is not there")
	}
	_, err = s.ReadVersion(ctx, p.Key, 2)
	refused(t, err, fhir.NotFound, "not-found")
}

func refusalLeavesNoTrace(t *testing.T, cfg Config) {
	s := open(t, cfg)
	commit(t, s, store.Changes{Puts: []store.Put{put(patient(1), "", entry(pToken, "a"))}})
	before := head(t, s)
	stats, err := s.Stats(ours(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Commit(ours(t.Context()), store.Changes{
		Require: []store.Precondition{store.NoMatch{Query: by("Patient", pToken, "a")}},
		Puts:    []store.Put{put(fhir.Key{Type: "Basic", ID: "new-type"}, "")},
		Deletes: []store.Delete{{Key: patient(1)}},
		Records: []store.Record{{Space: "s", Key: "k", Value: []byte("v")}},
	})
	if m, ok := errors.AsType[*store.MatchError](err); !ok || m.Index != 0 || !slices.Equal(m.Found, []fhir.Key{patient(1)}) {
		t.Fatalf("got %v", err)
	}
	if after := head(t, s); after != before {
		t.Fatalf("ATOMIC: the head moved from %d to %d", before, after)
	}
	if now, _ := s.Stats(ours(t.Context())); now.Versions != stats.Versions || now.Resources["Patient"] != 1 {
		t.Fatalf("ATOMIC: %+v became %+v", stats, now)
	}
	if _, found, _ := s.Record(ours(t.Context()), "s", "k"); found {
		t.Fatal("ATOMIC: the record of a refused commit is there")
	}
	if _, err := s.Read(ours(t.Context()), patient(1), 0); err != nil {
		t.Fatalf("ATOMIC: %v", err)
	}
}

func oneRefusedRefusesAll(t *testing.T, cfg Config) {
	s := open(t, cfg)
	commit(t, s, store.Changes{Puts: []store.Put{put(patient(7), "")}})
	c := store.Changes{}
	for i := range 10 {
		p := put(patient(i), "new", entry(pToken, "new"))
		p.MustCreate = true
		c.Puts = append(c.Puts, p)
	}
	_, err := s.Commit(ours(t.Context()), c)
	refused(t, err, fhir.Conflict, "id-exists")
	if n, err := s.Count(ours(t.Context()), by("Patient", pToken, "new"), 0); n != 0 || err != nil {
		t.Fatalf("ATOMIC: %d of the refused commit are found, %v", n, err)
	}
	if head(t, s) != 1 {
		t.Fatal("ATOMIC: the head moved")
	}
}

func bigBundle(t *testing.T, cfg Config) {
	s := open(t, cfg)
	n := 25_000
	if testing.Short() {
		n = 2_500
	}
	c := store.Changes{Puts: make([]store.Put, n)}
	for i := range n {
		c.Puts[i] = put(patient(i), "big", entry(pToken, "bundle"), entry(pDate, fmt.Sprintf("%08d", n-i)), refTo(patient(i/100)))
	}
	r := commit(t, s, c)
	if len(r.Puts) != n || r.T != 1 {
		t.Fatalf("receipt %d for %d puts", r.T, len(r.Puts))
	}
	q := by("Patient", pToken, "bundle")
	if got, err := s.Count(ours(t.Context()), q, r.T); got != n || err != nil {
		t.Fatalf("ATOMIC: %d of %d are found, %v", got, n, err)
	}
	q.Sort = []search.SortKey{{Param: pDate}}
	i := n
	for m, err := range s.Search(ours(t.Context()), q, r.T, store.SearchOptions{}) {
		i--
		if err != nil || m.Key != patient(i) {
			t.Fatalf("place %d: %s, %v", n-i, m.Key, err)
		}
	}
	if i != 0 {
		t.Fatalf("%d are missing", i)
	}
	f, err := s.Read(ours(t.Context()), patient(n-1), 0)
	if err != nil {
		t.Fatal(err)
	}
	wantDoc(t, f, c.Puts[n-1].Doc)
}

// wholeCommits: each commit gives all ten resources the same token; no reader ever meets two tokens as of one t.
func wholeCommits(t *testing.T, cfg Config) {
	s := open(t, cfg)
	round := func(n int) store.Changes {
		c := store.Changes{}
		for i := range 10 {
			c.Puts = append(c.Puts, put(patient(i), fmt.Sprint(n), entry(pToken, fmt.Sprint(n))))
		}
		return c
	}
	commit(t, s, round(0))
	var wg sync.WaitGroup
	ctx, done := context.WithCancel(ours(t.Context()))
	for range 2 {
		wg.Go(func() {
			last := fhir.T(0)
			for {
				t0, err := s.WaitHead(ctx, last)
				if err != nil {
					return // the writer is done
				}
				last = t0
				first, err := s.Read(ours(t.Context()), patient(0), t0)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range 10 {
					f, err := s.Read(ours(t.Context()), patient(i), t0)
					if err != nil || f.T != first.T || f.Version != first.Version {
						t.Errorf("ATOMIC: as of %d one resource is of commit %d, another of %d, %v", t0, first.T, f.T, err)
						return
					}
				}
				q := by("Patient", pToken, fmt.Sprint(int(first.T)-1))
				if n, err := s.Count(ours(t.Context()), q, t0); n != 10 || err != nil {
					t.Errorf("ATOMIC: as of %d search finds %d of 10, %v", t0, n, err)
					return
				}
			}
		})
	}
	for n := 1; n < 500; n++ {
		commit(t, s, round(n))
	}
	done()
	wg.Wait()
}

// cancelled: what a cancelled Commit answers is the truth.
func cancelled(t *testing.T, cfg Config) {
	s := open(t, cfg)
	ctx, cancel := context.WithCancel(ours(t.Context()))
	cancel()
	if _, err := s.Commit(ctx, store.Changes{Puts: []store.Put{put(patient(0), "")}}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	var wg sync.WaitGroup
	for i := range 200 {
		ctx, cancel := context.WithCancel(ours(t.Context()))
		wg.Go(func() {
			_, err := s.Commit(ctx, store.Changes{Puts: []store.Put{put(patient(i+1), "")}})
			_, readErr := s.Read(ours(context.Background()), patient(i+1), 0)
			if (err == nil) != (readErr == nil) {
				t.Errorf("ATOMIC: commit said %v, read says %v", err, readErr)
			}
		})
		wg.Go(cancel)
	}
	wg.Wait()
	if _, err := s.Read(ours(t.Context()), patient(0), 0); err == nil {
		t.Fatal("ATOMIC: a commit with an ended context happened")
	}
}

func fresh(t *testing.T, cfg Config) {
	s := open(t, cfg)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 50 {
				n := w*1000 + i
				r, err := s.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{put(patient(n), "", entry(pKey, fmt.Sprint(n)))}})
				if err != nil {
					t.Error(err)
					return
				}
				t0, _ := s.Head(ours(t.Context()))
				if t0 < r.T {
					t.Errorf("FRESH: the head is %d after receipt %d", t0, r.T)
				}
				q := by("Patient", pKey, fmt.Sprint(n))
				if c, err := s.Count(ours(t.Context()), q, t0); c != 1 || err != nil {
					t.Errorf("FRESH: search right after the commit finds %d, %v", c, err)
				}
			}
		})
	}
	wg.Wait()
}

// endedContext: a reader whose context has ended gets its error, also in the middle of a search.
func endedContext(t *testing.T, cfg Config) {
	s := open(t, cfg)
	c := store.Changes{}
	for i := range 5000 {
		c.Puts = append(c.Puts, put(patient(i), "", entry(pToken, "x"), entry(pDate, fmt.Sprint(i))))
	}
	commit(t, s, c)
	ended, cancel := context.WithCancel(ours(t.Context()))
	cancel()
	q := by("Patient", pToken, "x")
	if _, err := s.Count(ended, q, 0); !errors.Is(err, context.Canceled) {
		t.Fatalf("count: %v", err)
	}
	for _, sorted := range [][]search.SortKey{nil, {{Param: pDate}}} {
		q.Sort = sorted
		ctx, cancel := context.WithCancel(ours(t.Context()))
		n := 0
		var last error
		for _, err := range s.Search(ctx, q, 0, store.SearchOptions{}) {
			cancel()
			n++
			last = err
		}
		cancel()
		if !errors.Is(last, context.Canceled) || n > 2000 {
			t.Fatalf("search went on for %d matches after its context had ended: %v", n, last)
		}
	}
}
