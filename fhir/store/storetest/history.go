package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// versions lists a history as "id/version" texts, deletes with a minus.
func versions(tb testing.TB, s store.Store, h store.History) (list []string) {
	tb.Helper()
	for f, err := range s.History(ours(context.Background()), h) {
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, show(f))
	}
	return list
}

func show(f store.Found) string {
	sign := ""
	if f.Deleted() {
		sign = "-"
	}
	return fmt.Sprintf("%s%s/%s", sign, f.Key.ID, f.Version)
}

// lifeOf writes a small history in which everything happens; it gives the commits.
func lifeOf(tb testing.TB, s store.Store) []store.Receipt {
	obs := fhir.Key{Type: "Observation", ID: "o1"}
	return []store.Receipt{
		commit(tb, s, store.Changes{Puts: []store.Put{put(patient(1), "a"), put(obs, "a"), put(patient(2), "a")}}),
		commit(tb, s, store.Changes{Puts: []store.Put{put(patient(1), "b")}}),
		commit(tb, s, store.Changes{Deletes: []store.Delete{{Key: patient(1)}, {Key: obs}}}),
		commit(tb, s, store.Changes{Records: []store.Record{{Space: "s", Key: "k", Value: []byte{}}}}),
		commit(tb, s, store.Changes{Puts: []store.Put{put(patient(1), "c")}, Deletes: []store.Delete{{Key: patient(2)}}}),
	}
}

func history(t *testing.T, cfg Config) {
	s := open(t, cfg)
	r := lifeOf(t, s)
	for _, c := range []struct {
		name string
		h    store.History
		want []string
	}{
		{"instance", store.History{Key: patient(1)}, []string{"p1/4", "-p1/3", "p1/2", "p1/1"}},
		{"instance as of", store.History{Key: patient(1), AsOf: r[2].T}, []string{"-p1/3", "p1/2", "p1/1"}},
		{"type", store.History{Key: fhir.Key{Type: "Patient"}}, []string{"-p2/2", "p1/4", "-p1/3", "p1/2", "p2/1", "p1/1"}},
		{"other type", store.History{Key: fhir.Key{Type: "Observation"}}, []string{"-o1/2", "o1/1"}},
		{"type without any", store.History{Key: fhir.Key{Type: "Basic"}}, nil},
		{"type as of", store.History{Key: fhir.Key{Type: "Patient"}, AsOf: r[1].T}, []string{"p1/2", "p2/1", "p1/1"}},
		{"system", store.History{}, []string{"-p2/2", "p1/4", "-o1/2", "-p1/3", "p1/2", "p2/1", "o1/1", "p1/1"}},
		{"system as of", store.History{AsOf: r[0].T}, []string{"p2/1", "o1/1", "p1/1"}},
	} {
		if got := versions(t, s, c.h); !slices.Equal(got, c.want) {
			t.Errorf("COMPLETE: history of %s: %v, want %v", c.name, got, c.want)
		}
	}
	for f, err := range s.History(ours(t.Context()), store.History{}) {
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.ReadVersion(ours(t.Context()), f.Key, f.Version)
		if f.Deleted() {
			refused(t, err, fhir.Gone, "gone")
			got.Stored = f.Stored
		} else if err != nil {
			t.Fatal(err)
		}
		wantDoc(t, got, f.Stored)
		if got.At != f.At || got.T != f.T || got.Method != f.Method {
			t.Errorf("COMPLETE: history shows %+v, vread %+v", f, got)
		}
	}
	for _, err := range s.History(ours(t.Context()), store.History{Key: patient(99)}) {
		refused(t, err, fhir.NotFound, "not-found")
	}
}

// historyPages: continued at any place, a history goes on with the next version, whatever was written meanwhile.
func historyPages(t *testing.T, cfg Config) {
	s := open(t, cfg)
	lifeOf(t, s)
	asOf := head(t, s)
	scopes := []fhir.Key{{}, {Type: "Patient"}, patient(1)}
	var whole [][]string
	for _, key := range scopes {
		whole = append(whole, versions(t, s, store.History{Key: key, AsOf: asOf}))
	}
	lifeOf(t, s)
	for i, key := range scopes {
		for size := 1; size < 4; size++ {
			var got []string
			var before store.Position
			for range 100 {
				n := 0
				for f, err := range s.History(ours(t.Context()), store.History{Key: key, AsOf: asOf, Before: before}) {
					if err != nil {
						t.Fatal(err)
					}
					if n++; n > size {
						break
					}
					got = append(got, show(f))
					before = position(t, s, f)
				}
				if n <= size {
					break
				}
			}
			if !slices.Equal(got, whole[i]) {
				t.Errorf("COMPLETE: history of %v by pages of %d: %v, want %v", key, size, got, whole[i])
			}
		}
	}
}

// position finds the place of a version by the feed.
func position(t *testing.T, s store.Store, f store.Found) store.Position {
	for c, err := range s.Feed(ours(t.Context()), f.T-1) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.Writes {
			if c.Writes[i].Key == f.Key {
				return store.Position{T: f.T, Index: uint32(i)}
			}
		}
		break
	}
	t.Fatalf("FEED: commit %d has no %s", f.T, f.Key)
	return store.Position{}
}

func historySinceUntil(t *testing.T, cfg Config) {
	s := open(t, cfg)
	var at []fhir.Instant
	for n := range 6 {
		r := commit(t, s, store.Changes{Puts: []store.Put{put(patient(1), fmt.Sprint(n))}})
		at = append(at, r.At)
		for fhir.InstantOf(time.Now()) <= r.At { // the next commit is at another instant
		}
	}
	for _, key := range []fhir.Key{{}, {Type: "Patient"}, patient(1)} {
		for since := range at {
			for until := since; until < len(at); until++ {
				var want []string
				for v := until; v >= since; v-- {
					want = append(want, fmt.Sprintf("p1/%d", v+1))
				}
				for _, d := range []fhir.Instant{0, 1} { // bounds are inclusive; an instant between commits is as good
					got := versions(t, s, store.History{Key: key, Since: at[since] - d*min(1, at[since]-1), Until: at[until]})
					if since > 0 && d == 1 && at[since-1] == at[since]-1 {
						continue
					}
					if !slices.Equal(got, want) {
						t.Fatalf("COMPLETE: since %d until %d: %v, want %v", since, until, got, want)
					}
				}
			}
		}
		if got := versions(t, s, store.History{Key: key, Until: at[0] - 1}); len(got) != 0 {
			t.Fatalf("COMPLETE: before the first commit: %v", got)
		}
		if got := versions(t, s, store.History{Key: key, Since: at[5] + 1}); len(got) != 0 {
			t.Fatalf("COMPLETE: after the last commit: %v", got)
		}
	}
}

// feedResume: a consumer that stops after any commit and starts again misses nothing and sees nothing twice.
func feedResume(t *testing.T, cfg Config) {
	s := open(t, cfg)
	lifeOf(t, s)
	var whole []store.Commit
	for c, err := range s.Feed(ours(t.Context()), 0) {
		if err != nil {
			t.Fatal(err)
		}
		whole = append(whole, c)
	}
	if len(whole) != 5 || len(whole[2].Writes) != 2 || len(whole[3].Records) != 1 || !whole[2].Writes[0].Deleted() {
		t.Fatalf("FEED: %+v", whole)
	}
	for from := range whole {
		after := fhir.T(from)
		for after < 5 {
			for c, err := range s.Feed(ours(t.Context()), after) {
				if err != nil || c.T != after+1 || c.At != whole[after].At || len(c.Writes) != len(whole[after].Writes) {
					t.Fatalf("FEED: %+v after %d, %v", c, after, err)
				}
				after = c.T
				break
			}
		}
		for c := range s.Feed(ours(t.Context()), after) {
			t.Fatalf("FEED: %+v beyond the head", c)
		}
	}
}

// feedWait: a consumer that waits for the head gets each commit while a writer goes on.
func feedWait(t *testing.T, cfg Config) {
	s := open(t, cfg)
	const n = 200
	go func() {
		for i := range n {
			if _, err := s.Commit(ours(context.Background()), store.Changes{Puts: []store.Put{put(patient(i), "")}}); err != nil {
				t.Error(err)
			}
		}
	}()
	after := fhir.T(0)
	for after < n {
		if _, err := s.WaitHead(ours(t.Context()), after); err != nil {
			t.Fatal(err)
		}
		got := 0
		for c, err := range s.Feed(ours(t.Context()), after) {
			if err != nil || c.T != after+1 || c.Writes[0].Key != patient(int(after)) {
				t.Fatalf("FEED: %+v after %d, %v", c, after, err)
			}
			after = c.T
			got++
		}
		if got == 0 {
			t.Fatal("FEED: the head moved and the feed has nothing")
		}
	}
	ctx, cancel := context.WithCancel(ours(t.Context()))
	cancel()
	if _, err := s.WaitHead(ctx, n); err == nil {
		t.Fatal("waited for a commit that nobody made")
	}
}
