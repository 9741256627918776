package storetest

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

func version(v fhir.Version) *fhir.Version { return &v }

func conditions(t *testing.T, cfg Config) {
	s := open(t, cfg)
	try := func(p store.Put) error {
		_, err := s.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{p}})
		return err
	}
	p := put(patient(1), "")
	p.IfVersion = version(1)
	refused(t, try(p), fhir.Precondition, "version-conflict")
	p.IfVersion = version(0)
	if err := try(p); err != nil {
		t.Fatal(err)
	}
	refused(t, try(p), fhir.Precondition, "version-conflict")
	p.IfVersion = version(1)
	if err := try(p); err != nil {
		t.Fatal(err)
	}
	_, err := s.Commit(ours(t.Context()), store.Changes{Deletes: []store.Delete{{Key: p.Key, IfVersion: version(1)}}})
	refused(t, err, fhir.Precondition, "version-conflict")
	r := commit(t, s, store.Changes{Deletes: []store.Delete{{Key: p.Key, IfVersion: version(2)}}})
	if r.Deletes[0].Version != 3 {
		t.Fatalf("the delete is version %d", r.Deletes[0].Version)
	}
	f, err := s.Read(ours(t.Context()), p.Key, 0)
	refused(t, err, fhir.Gone, "gone")
	if f.Version != 3 || !f.Deleted() || f.T != r.T {
		t.Fatalf("gone as %+v", f)
	}
	// Deleting what is not there is no error and no commit.
	before := head(t, s)
	r = commit(t, s, store.Changes{Deletes: []store.Delete{{Key: p.Key}, {Key: patient(99)}}})
	if r.T != before || r.Deletes[0].Version != 0 || r.Deletes[1].Version != 0 {
		t.Fatalf("receipt %+v", r)
	}
	// A deleted resource has no current version and can be created again; its versions go on.
	p.IfVersion = version(3)
	refused(t, try(p), fhir.Precondition, "version-conflict")
	p.IfVersion, p.MustCreate = version(0), true
	r = commit(t, s, store.Changes{Puts: []store.Put{p}})
	if w := r.Puts[0]; w.Version != 4 || !w.Created {
		t.Fatalf("created again as %+v", w)
	}
	refused(t, try(p), fhir.Precondition, "version-conflict")
	p.IfVersion = nil
	refused(t, try(p), fhir.Conflict, "id-exists")
}

func writeTwice(t *testing.T, cfg Config) {
	s := open(t, cfg)
	for _, c := range []store.Changes{
		{Puts: []store.Put{put(patient(1), "a"), put(patient(2), ""), put(patient(1), "b")}},
		{Puts: []store.Put{put(patient(1), "a")}, Deletes: []store.Delete{{Key: patient(1)}}},
	} {
		_, err := s.Commit(ours(t.Context()), c)
		refused(t, err, fhir.Invalid, "write-twice")
	}
}

func skipIfEqual(t *testing.T, cfg Config) {
	s := open(t, cfg)
	p := put(patient(1), "same", entry(pToken, "a"))
	p.SkipIfEqual = true
	first := commit(t, s, store.Changes{Puts: []store.Put{p}})
	again := commit(t, s, store.Changes{Puts: []store.Put{p}})
	if w := again.Puts[0]; !w.Same || w.Version != 1 || w.At != first.At || w.Created || again.T != first.T {
		t.Fatalf("unchanged update gives %+v in commit %d", w, again.T)
	}
	// Other parts of the same commit happen.
	mixed := commit(t, s, store.Changes{Puts: []store.Put{p, put(patient(2), "")}, Records: []store.Record{{Space: "s", Key: "k", Value: []byte("1")}}})
	if mixed.T != first.T+1 || !mixed.Puts[0].Same || mixed.Puts[1].Version != 1 {
		t.Fatalf("mixed commit gives %+v", mixed)
	}
	q := put(patient(1), "other", entry(pToken, "a"))
	q.SkipIfEqual = true
	if w := commit(t, s, store.Changes{Puts: []store.Put{q}}).Puts[0]; w.Same || w.Version != 2 {
		t.Fatalf("changed update gives %+v", w)
	}
	p.IfVersion = version(1)
	_, err := s.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{p}})
	refused(t, err, fhir.Precondition, "version-conflict")
}

// createRace: of 64 who create if there is none, one creates and the others learn what there is.
func createRace(t *testing.T, cfg Config) {
	s := open(t, cfg)
	for round := range 10 {
		value := fmt.Sprint("citizen ", round)
		var wg sync.WaitGroup
		var created atomic.Int32
		for i := range 64 {
			key := fhir.Key{Type: "Patient", ID: fhir.ID(fmt.Sprintf("r%d-%d", round, i))}
			wg.Go(func() {
				_, err := s.Commit(ours(t.Context()), store.Changes{
					Require: []store.Precondition{store.NoMatch{Query: by("Patient", pKey, value)}},
					Puts:    []store.Put{put(key, "", entry(pKey, value))},
				})
				if err == nil {
					created.Add(1)
				} else if m, ok := errors.AsType[*store.MatchError](err); !ok || len(m.Found) != 1 {
					t.Errorf("EXACT: refused with %v", err)
				}
			})
		}
		wg.Wait()
		if n := created.Load(); n != 1 {
			t.Fatalf("EXACT: %d of 64 created", n)
		}
		if found := keys(t, s, by("Patient", pKey, value), 0); len(found) != 1 {
			t.Fatalf("EXACT: there are %v", found)
		}
	}
}

func oneMatch(t *testing.T, cfg Config) {
	s := open(t, cfg)
	q := by("Patient", pToken, "x")
	try := func(key fhir.Key) error {
		_, err := s.Commit(ours(t.Context()), store.Changes{
			Require: []store.Precondition{store.NoMatch{Query: by("Patient", pToken, "nobody")}, store.OneMatch{Query: q, Key: key}},
			Puts:    []store.Put{put(key, "updated", entry(pToken, "x"))},
		})
		return err
	}
	want := func(err error, found int) {
		t.Helper()
		m, ok := errors.AsType[*store.MatchError](err)
		if !ok || m.Index != 1 || len(m.Found) != found {
			t.Fatalf("EXACT: got %v, want a match error with %d", err, found)
		}
	}
	want(try(patient(1)), 0)
	commit(t, s, store.Changes{Puts: []store.Put{put(patient(1), "", entry(pToken, "x"))}})
	if err := try(patient(1)); err != nil {
		t.Fatal(err)
	}
	want(try(patient(2)), 1)
	commit(t, s, store.Changes{Puts: []store.Put{put(patient(2), "", entry(pToken, "x"))}})
	want(try(patient(1)), 2)
	commit(t, s, store.Changes{Puts: []store.Put{put(patient(3), "", entry(pToken, "x"))}, Deletes: []store.Delete{{Key: patient(1)}}})
	want(try(patient(1)), 2)
}

// lostUpdateRace: 32 writers each add one to a counter ten times by read and conditional update.
func lostUpdateRace(t *testing.T, cfg Config) {
	s := open(t, cfg)
	key := patient(1)
	commit(t, s, store.Changes{Puts: []store.Put{put(key, "0")}})
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for done := 0; done < 10; {
				f, err := s.Read(ours(t.Context()), key, 0)
				if err != nil {
					t.Error(err)
					return
				}
				p := put(key, fmt.Sprint(f.Version))
				p.IfVersion = &f.Version
				_, err = s.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{p}})
				if err == nil {
					done++
					continue
				}
				if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != "version-conflict" {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if f, err := s.Read(ours(t.Context()), key, 0); err != nil || f.Version != 321 {
		t.Fatalf("EXACT: version %d after 321 writes, %v", f.Version, err)
	}
}

func unique(t *testing.T, cfg Config) {
	s := open(t, cfg)
	with := func(n int, unique ...store.UniqueKey) store.Put {
		p := put(patient(n), "")
		p.Unique = unique
		return p
	}
	taken := func(c store.Changes, holder fhir.Key) {
		t.Helper()
		_, err := s.Commit(ours(t.Context()), c)
		if e := refused(t, err, fhir.Conflict, "unique-taken"); len(e.Args) != 1 || e.Args[0] != holder.String() {
			t.Fatalf("EXACT: holder is %v, want %s", e.Args, holder)
		}
	}
	commit(t, s, store.Changes{Puts: []store.Put{with(1, "a", "b")}})
	taken(store.Changes{Puts: []store.Put{with(2, "b")}}, patient(1))
	taken(store.Changes{Puts: []store.Put{with(2, "c"), with(3, "c")}}, patient(2))
	commit(t, s, store.Changes{Puts: []store.Put{with(1, "b", "b")}}) // keeps b, lets go of a
	commit(t, s, store.Changes{Puts: []store.Put{with(2, "a")}})
	taken(store.Changes{Puts: []store.Put{with(3, "b")}}, patient(1))
	commit(t, s, store.Changes{Puts: []store.Put{with(1, "a"), with(2, "b")}}) // swap
	taken(store.Changes{Puts: []store.Put{with(3, "a")}}, patient(1))
	taken(store.Changes{Puts: []store.Put{with(3, "b")}}, patient(2))
	commit(t, s, store.Changes{Deletes: []store.Delete{{Key: patient(1)}}, Puts: []store.Put{with(3, "a")}}) // heir
	taken(store.Changes{Puts: []store.Put{with(1, "a")}}, patient(3))
	commit(t, s, store.Changes{Puts: []store.Put{with(3)}})
	commit(t, s, store.Changes{Puts: []store.Put{with(1, "a")}})
}

// uniqueRace: 64 writers push the same citizen under ids of their own.
func uniqueRace(t *testing.T, cfg Config) {
	s := open(t, cfg)
	for round := range 10 {
		var wg sync.WaitGroup
		var winner atomic.Value
		var won atomic.Int32
		losers := make(chan string, 64)
		for i := range 64 {
			key := fhir.Key{Type: "Patient", ID: fhir.ID(fmt.Sprintf("u%d-%d", round, i))}
			wg.Go(func() {
				p := put(key, "")
				p.Unique = []store.UniqueKey{store.UniqueKey(fmt.Sprintf("cccd|%012d", round))}
				_, err := s.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{p}})
				if err == nil {
					won.Add(1)
					winner.Store(key.String())
					return
				}
				e, ok := errors.AsType[*fhir.Error](err)
				if !ok || e.Code != "unique-taken" {
					t.Errorf("EXACT: %v", err)
					return
				}
				losers <- e.Args[0].(string)
			})
		}
		wg.Wait()
		close(losers)
		if won.Load() != 1 {
			t.Fatalf("EXACT: %d of 64 hold the key", won.Load())
		}
		for holder := range losers {
			if holder != winner.Load() {
				t.Fatalf("EXACT: the refusal names %s, the holder is %s", holder, winner.Load())
			}
		}
	}
}

// recordRace: a lease with a fencing token is taken by 64 again and again; nobody takes it twice at once.
func recordRace(t *testing.T, cfg Config) {
	s := open(t, cfg)
	var wg sync.WaitGroup
	var taken atomic.Int32
	const leases = 100
	for range 64 {
		wg.Go(func() {
			for {
				old, found, err := s.Record(ours(t.Context()), "lease", "sync")
				if err != nil {
					t.Error(err)
					return
				}
				token := 0
				if found {
					fmt.Sscan(string(old), &token)
				} else {
					old = nil
				}
				if token == leases {
					return
				}
				_, err = s.Commit(ours(t.Context()), store.Changes{
					Require: []store.Precondition{store.RecordIs{Space: "lease", Key: "sync", Value: old}},
					Records: []store.Record{{Space: "lease", Key: "sync", Value: fmt.Append(nil, token+1)}},
				})
				if err == nil {
					taken.Add(1)
				} else if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != "record-changed" {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if taken.Load() != leases {
		t.Fatalf("EXACT: %d tokens were given out %d times", leases, taken.Load())
	}
}

func records(t *testing.T, cfg Config) {
	s := open(t, cfg)
	rec := func(space store.Space, key, value string) store.Record {
		return store.Record{Space: space, Key: key, Value: []byte(value)}
	}
	commit(t, s, store.Changes{Records: []store.Record{
		rec("a", "2", "two"), rec("a", "1", ""), rec("a", "10", "ten"), rec("a", "", "none"), rec("ab", "0", "x"), rec("a", "2", "TWO"),
	}})
	list := func(space store.Space, from, to string) (out string) {
		for r, err := range s.Records(ours(t.Context()), space, from, to) {
			if err != nil {
				t.Fatal(err)
			}
			out += r.Key + "=" + string(r.Value) + " "
		}
		return out
	}
	for _, c := range []struct {
		space          store.Space
		from, to, want string
	}{
		{"a", "", "", "=none 1= 10=ten 2=TWO "},
		{"a", "1", "2", "1= 10=ten "},
		{"a", "10", "", "10=ten 2=TWO "},
		{"a", "2", "1", ""},
		{"ab", "", "", "0=x "},
		{"b", "", "", ""},
	} {
		if got := list(c.space, c.from, c.to); got != c.want {
			t.Errorf("records of %s from %q to %q: %s, want %s", c.space, c.from, c.to, got, c.want)
		}
	}
	require := func(p store.RecordIs, ok bool) {
		t.Helper()
		_, err := s.Commit(ours(t.Context()), store.Changes{Require: []store.Precondition{p}})
		if ok && err != nil {
			t.Fatalf("EXACT: %v", err)
		}
		if !ok {
			refused(t, err, fhir.Precondition, "record-changed")
		}
	}
	require(store.RecordIs{Space: "a", Key: "1", Value: []byte{}}, true)
	require(store.RecordIs{Space: "a", Key: "1"}, false)
	require(store.RecordIs{Space: "a", Key: "3"}, true)
	require(store.RecordIs{Space: "a", Key: "3", Value: []byte{}}, false)
	// Values of any length are records like others, also where they take the place of another one.
	long := strings.Repeat("long ", 1000)
	for _, value := range []string{long, "short", long + "er", ""} {
		commit(t, s, store.Changes{Records: []store.Record{rec("l", "1", value), rec("l", "2", long), rec("l", "3", value+"3")}})
		if got, found, err := s.Record(ours(t.Context()), "l", "1"); string(got) != value || !found || err != nil {
			t.Fatalf("a record of %d bytes: %d, %v, %v", len(value), len(got), found, err)
		}
		if got, want := list("l", "", ""), "1="+value+" 2="+long+" 3="+value+"3 "; got != want {
			t.Fatalf("records, one of %d bytes: %d, want %d", len(value), len(got), len(want))
		}
		require(store.RecordIs{Space: "l", Key: "1", Value: []byte(value)}, true)
		require(store.RecordIs{Space: "l", Key: "3", Value: []byte(value)}, false)
		require(store.RecordIs{Space: "l", Key: "2"}, false)
	}
	commit(t, s, store.Changes{Records: []store.Record{{Space: "l", Key: "2"}}})
	if got := list("l", "", "3"); got != "1= " {
		t.Fatalf("after a long one was removed: %.100s", got)
	}
	commit(t, s, store.Changes{Records: []store.Record{{Space: "a", Key: "1"}, {Space: "a", Key: "never"}}})
	require(store.RecordIs{Space: "a", Key: "1"}, true)
	if _, found, err := s.Record(ours(t.Context()), "a", "1"); found || err != nil {
		t.Fatalf("a removed record: %v, %v", found, err)
	}
	_, err := s.Commit(ours(t.Context()), store.Changes{Records: []store.Record{rec("a\x00b", "1", "")}})
	refused(t, err, fhir.Internal, "record-invalid")
	r := commit(t, s, store.Changes{Records: []store.Record{rec("~a", "1", "one"), rec("a", "3", "three")}})
	if _, found, err := s.Record(ours(t.Context()), "~a", "1"); found || err != nil || list("~a", "", "") != "" {
		t.Fatalf("a record of the log only is a row: %v, %v", found, err)
	}
	require(store.RecordIs{Space: "~a", Key: "1"}, true)
	for _, feed := range []iter.Seq2[store.Commit, error]{s.Feed(ours(t.Context()), r.T-1), s.Outlines(ours(t.Context()), r.T-1)} {
		if c := commitsOf(t, feed); len(c) != 1 || len(c[0].Records) != 2 || c[0].Records[0].Space != "~a" || string(c[0].Records[0].Value) != "one" {
			t.Fatalf("FEED: a record of the log only: %+v", c)
		}
	}
}

// busy: where the queue is full a commit is refused and leaves no trace; what was acknowledged is there.
func busy(t *testing.T, cfg Config) {
	s := cfg.Open(t, t.TempDir(), 2)
	defer func() {
		cfg.Check(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	var full atomic.Int32
	for round := 0; full.Load() == 0 && round < 100; round++ {
		var wg sync.WaitGroup
		for i := range 64 {
			key := fhir.Key{Type: "Patient", ID: fhir.ID(fmt.Sprintf("b%d-%d", round, i))}
			wg.Go(func() {
				var entries []search.Entry
				for n := range 200 {
					entries = append(entries, entry(pString, fmt.Sprintf("%06d", n)))
				}
				_, err := s.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{put(key, "", entries...)}})
				_, readErr := s.Read(ours(t.Context()), key, 0)
				if (err == nil) != (readErr == nil) {
					t.Errorf("commit said %v, read says %v", err, readErr)
				}
				if err != nil {
					full.Add(1)
					if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind != fhir.Busy {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	if full.Load() == 0 {
		t.Error("a queue of 2 was never full with 64 writers")
	}
}
