package engine_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/storetest"
)

// withLog is a store that closes its log.
type withLog struct {
	*engine.Engine
	close func() error
}

func (s withLog) Close() error { return s.close() }

func openLog(tb testing.TB, fs vfs.FS, dir string) *embedded.Log {
	tb.Helper()
	l, err := embedded.Open(dir, &pebble.Options{FS: fs, Logger: quiet{}})
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// quiet says nothing of what Pebble does.
type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }
func (quiet) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

// TestStoreOverSharedLog runs the suite with the log elsewhere, where others could append.
func TestStoreOverSharedLog(t *testing.T) { storetest.Run(t, overSharedLog(vfs.NewMem(), "")) }

// TestSharedKilled: what a killed server had not written to its own disk is read from the log again.
func TestSharedKilled(t *testing.T) {
	storetest.Kill(t, overSharedLog(vfs.Default, "TestSharedChild"))
}

func TestSharedChild(t *testing.T) {
	storetest.Child(t, overSharedLog(vfs.Default, "TestSharedChild"))
}

func overSharedLog(fs vfs.FS, child string) storetest.Config {
	return storetest.Config{
		Open: func(tb testing.TB, dir string, maxWaiting int) store.Store {
			o := options(maxWaiting)
			o.FS, o.Log = fs, openLog(tb, fs, filepath.Join(dir, "log"))
			e := openStore(tb, filepath.Join(dir, "engine"), o)
			return withLog{e, sync.OnceValue(func() error { return errors.Join(e.Close(), o.Log.Close()) })}
		},
		Check:        func(tb testing.TB, s store.Store) { verify(tb, s.(withLog).Engine) },
		Child:        child,
		LogElsewhere: true,
	}
}

// overLog opens a server of its own on a log.
func overLog(tb testing.TB, l commitlog.Log, change func(*engine.Options)) *engine.Engine {
	tb.Helper()
	o := options(0)
	o.Log, o.Poll = l, time.Millisecond
	if change != nil {
		change(&o)
	}
	e := openStore(tb, filepath.Join(tb.TempDir(), "engine"), o)
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	return e
}

func newLog(tb testing.TB) *embedded.Log {
	l := openLog(tb, vfs.NewMem(), "log")
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return l
}

// TestServersTakeOneOrder: three servers count the same row up, by compare and set, and create under one unique key; no
// step is lost or doubled, a read on any server sees what was acknowledged by another, and all come to the same rows.
func TestServersTakeOneOrder(t *testing.T) {
	l := newLog(t)
	servers := []*engine.Engine{overLog(t, l, nil), overLog(t, l, nil), overLog(t, l, nil)}
	ctx := ours(t.Context())
	const each = 40
	var wg sync.WaitGroup
	var mu sync.Mutex
	created := 0
	for i, e := range servers {
		for w := range 4 {
			wg.Go(func() {
				for n := 0; n < each; {
					value, _, err := e.Record(ctx, "counter", "c")
					if err != nil {
						t.Error(err)
						return
					}
					_, err = e.Commit(ctx, store.Changes{
						Require: []store.Precondition{store.RecordIs{Space: "counter", Key: "c", Value: value}},
						Records: []store.Record{{Space: "counter", Key: "c", Value: append(value, 1)}},
						Puts:    []store.Put{storetest.Sample("Observation", fhir.ID(fmt.Sprintf("%d-%d-%d", i, w, n)), 16, "x")},
					})
					switch refused, _ := errors.AsType[*fhir.Error](err); {
					case err == nil:
						n++
					case refused == nil || refused.Code != "record-changed":
						t.Error(err)
						return
					}
				}
				p := storetest.Sample("Patient", fhir.ID(fmt.Sprintf("%d-%d", i, w)), 16, "x")
				p.Unique = []store.UniqueKey{"one"}
				if _, err := e.Commit(ctx, store.Changes{Puts: []store.Put{p}}); err == nil {
					mu.Lock()
					created++
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	if created != 1 {
		t.Errorf("EXACT: %d resources hold one unique key", created)
	}
	for i, e := range servers {
		value, _, err := e.Record(ctx, "counter", "c")
		if err != nil || len(value) != each*4*len(servers) {
			t.Errorf("EXACT: server %d counted %d of %d, %v", i, len(value), each*4*len(servers), err)
		}
		if n := countOf(t, e, "Observation"); n != each*4*len(servers) {
			t.Errorf("FRESH: server %d finds %d", i, n)
		}
		verify(t, e)
	}
}

func countOf(t *testing.T, s store.Store, typ fhir.Type) int {
	t.Helper()
	n, err := s.Count(ours(t.Context()), search.Query{Type: typ}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestReadSeesWhatAnotherServerAcknowledged: without any wait in between.
func TestReadSeesWhatAnotherServerAcknowledged(t *testing.T) {
	l := newLog(t)
	slow := func(o *engine.Options) { o.Poll = time.Hour }
	a, b := overLog(t, l, slow), overLog(t, l, slow)
	ctx := ours(t.Context())
	for n := range 50 {
		p := storetest.Sample("Patient", fhir.ID(fmt.Sprint(n)), 16, "x")
		r, err := a.Commit(ctx, store.Changes{Puts: []store.Put{p}})
		if err != nil {
			t.Fatal(err)
		}
		switch n % 4 {
		case 0:
			_, err = b.Read(ctx, p.Key, 0)
		case 1:
			_, err = b.Read(ctx, p.Key, r.T) // the t that the other server gave out
		case 2:
			_, err = b.ReadVersion(ctx, p.Key, 1)
		case 3: // a refusal, too, must be of now
			_, err = b.Commit(ctx, store.Changes{Deletes: []store.Delete{{Key: p.Key, IfVersion: new(fhir.Version(1))}}})
		}
		if err != nil {
			t.Fatalf("FRESH: %d: %v", n, err)
		}
	}
}

// faulty is a log that does as told.
type faulty struct {
	commitlog.Log
	append func(next func() (fhir.T, error)) (fhir.T, error)
	head   func(next func() (fhir.T, error)) (fhir.T, error)
	mu     sync.Mutex
}

func (f *faulty) Append(ctx context.Context, after fhir.T, c []commitlog.Commit) (fhir.T, error) {
	f.mu.Lock()
	do := f.append
	f.mu.Unlock()
	next := func() (fhir.T, error) { return f.Log.Append(ctx, after, c) }
	if do == nil {
		return next()
	}
	return do(next)
}

func (f *faulty) Head(ctx context.Context) (fhir.T, error) {
	f.mu.Lock()
	do := f.head
	f.mu.Unlock()
	next := func() (fhir.T, error) { return f.Log.Head(ctx) }
	if do == nil {
		return next()
	}
	return do(next)
}

func (f *faulty) set(append, head func(next func() (fhir.T, error)) (fhir.T, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.append, f.head = append, head
}

// TestAppendWithUnknownOutcome: a change whose append got in without an answer is told to be unknown, is there, once, and
// what comes later stands on it.
func TestAppendWithUnknownOutcome(t *testing.T) {
	l := &faulty{Log: newLog(t)}
	e := overLog(t, l, nil)
	ctx := ours(t.Context())
	p := storetest.Sample("Patient", "a", 16, "x")
	l.set(func(next func() (fhir.T, error)) (fhir.T, error) {
		if _, err := next(); err != nil {
			t.Error(err)
		}
		return 0, errors.New("connection reset")
	}, nil)
	_, err := e.Commit(ctx, store.Changes{Puts: []store.Put{p}})
	wantCode(t, err, "log-unknown")
	l.set(nil, nil)
	r, err := e.Commit(ctx, store.Changes{Puts: []store.Put{p}})
	if err != nil || r.Puts[0].Version != 2 || r.T != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	l.set(func(func() (fhir.T, error)) (fhir.T, error) { return 0, commitlog.ErrUnreachable }, nil)
	_, err = e.Commit(ctx, store.Changes{Puts: []store.Put{p}})
	wantCode(t, err, "log-unreachable")
	l.set(nil, nil)
	if r, err = e.Commit(ctx, store.Changes{Puts: []store.Put{p}}); err != nil || r.Puts[0].Version != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	verify(t, e)
}

// TestLogOutOfReach: reads fail, or are as of what is known and say so.
func TestLogOutOfReach(t *testing.T) {
	away := errors.Join(commitlog.ErrUnreachable, commitlog.ErrLeaderless)
	gone := func(func() (fhir.T, error)) (fhir.T, error) { return 0, away }
	for _, stale := range []bool{false, true} {
		l := &faulty{Log: newLog(t)}
		e := overLog(t, l, func(o *engine.Options) { o.StaleReads = stale })
		ctx := ours(t.Context())
		p := storetest.Sample("Patient", "a", 16, "x")
		if _, err := e.Commit(ctx, store.Changes{Puts: []store.Put{p}}); err != nil {
			t.Fatal(err)
		}
		l.set(gone, gone)
		ctx, reading := store.WithReading(ctx)
		_, err := e.Read(ctx, p.Key, 0)
		asOf, at, is := reading.Stale()
		told := err
		if stale {
			told = reading.Away()
		}
		wantCode(t, told, "log-leaderless")
		if !stale {
			if is || reading.Away() != nil {
				t.Errorf("what was refused is stale: %v", reading.Away())
			}
			_, err = e.Read(ctx, p.Key, 0) // of the same request
			wantCode(t, err, "log-leaderless")
		} else if err != nil || !is || asOf != 1 || at == 0 {
			t.Fatalf("%v, stale %v as of %d, %d", err, is, asOf, at)
		}
		_, err = e.Commit(ours(t.Context()), store.Changes{Deletes: []store.Delete{{Key: fhir.Key{Type: "Patient", ID: "none"}}}})
		wantCode(t, err, "log-leaderless")

		// A log that answers and is not as it should be is no log that is away: nothing is served by it, stale or not.
		l.set(nil, func(func() (fhir.T, error)) (fhir.T, error) { return 0, errors.New("damaged") })
		ctx, reading = store.WithReading(ours(t.Context()))
		_, err = e.Read(ctx, p.Key, 0)
		if _, _, is := reading.Stale(); err == nil || is {
			t.Errorf("a read by a damaged log: %v, stale %v", err, is)
		}
	}
}

// TestLogPutBack: a log that ends before what was read from it, or that has another history, is not served from.
func TestLogPutBack(t *testing.T) {
	ctx := ours(t.Context())
	l := &faulty{Log: newLog(t)}
	e := overLog(t, l, nil)
	p := storetest.Sample("Patient", "a", 16, "x")
	for range 3 {
		if _, err := e.Commit(ctx, store.Changes{Puts: []store.Put{p}}); err != nil {
			t.Fatal(err)
		}
	}
	l.set(nil, func(func() (fhir.T, error)) (fhir.T, error) { return 2, nil })
	_, err := e.Read(ctx, p.Key, 0)
	wantCode(t, err, "log-behind")
	l.set(nil, nil)
	_, err = e.Read(ctx, p.Key, 0)
	wantCode(t, err, "log-behind") // it stays so
	_, err = e.Commit(ctx, store.Changes{Puts: []store.Put{p}})
	wantCode(t, err, "log-behind")

	// One that only refuses asks too: what it refuses by may be gone.
	l = &faulty{Log: newLog(t)}
	e = overLog(t, l, func(o *engine.Options) { o.Poll = time.Hour })
	for range 3 {
		if _, err := e.Commit(ctx, store.Changes{Puts: []store.Put{p}}); err != nil {
			t.Fatal(err)
		}
	}
	l.set(nil, func(func() (fhir.T, error)) (fhir.T, error) { return 2, nil })
	_, err = e.Commit(ctx, store.Changes{Deletes: []store.Delete{{Key: p.Key, IfVersion: new(fhir.Version(1))}}})
	wantCode(t, err, "log-behind")

	// The folder of a server meets another log.
	dir := filepath.Join(t.TempDir(), "engine")
	first, second := newLog(t), newLog(t)
	o := options(0)
	for _, l := range []commitlog.Log{first, second} {
		other := overLog(t, l, nil)
		for range 2 {
			if _, err := other.Commit(ctx, store.Changes{Puts: []store.Put{p}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	o.Log = first
	if err := openStore(t, dir, o).Close(); err != nil {
		t.Fatal(err)
	}
	o.Log = second
	_, err = engine.Open(dir, o)
	wantCode(t, err, "log-other-history")
	o.Log = newLog(t)
	_, err = engine.Open(dir, o)
	wantCode(t, err, "log-behind")
	o.Log = nil
	_, err = engine.Open(dir, o)
	wantCode(t, err, "store-log-elsewhere")
}

// TestNewServer: one from nothing and one from a checkpoint come to the rows of the others, added parameters and all.
func TestNewServer(t *testing.T) {
	l := newLog(t)
	a := overLog(t, l, nil)
	ctx := ours(t.Context())
	dir := filepath.Join(t.TempDir(), "copy")
	for n := range 60 {
		p := storetest.Sample("Patient", fhir.ID(fmt.Sprint(n%7)), 16, fmt.Sprint(n))
		if _, err := a.Commit(ctx, store.Changes{Puts: []store.Put{p}, Records: []store.Record{{Space: "n", Key: fmt.Sprint(n), Value: []byte{1}}}}); err != nil {
			t.Fatal(err)
		}
		if n == 30 {
			if err := a.Checkpoint(ctx, dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	o := options(0)
	o.Log = l
	copied := openStore(t, dir, o)
	defer copied.Close()
	for _, e := range []*engine.Engine{overLog(t, l, nil), copied} {
		if n := countOf(t, e, "Patient"); n != 7 {
			t.Errorf("%d patients", n)
		}
		s, err := e.Stats(ctx)
		if err != nil || s.Head != 60 || s.Versions != 60 {
			t.Errorf("%+v, %v", s, err)
		}
		verify(t, e)
	}
}

// TestDivergence: a server whose rows are not those of the server that wrote stops, reads included.
func TestDivergence(t *testing.T) {
	t.Run("the same definition", diverges)
	t.Run("another definition", definedOtherwise)
}

func diverges(t *testing.T) {
	l := newLog(t)
	a := overLog(t, l, nil)
	b := overLog(t, l, func(o *engine.Options) { o.Poll = time.Hour })
	ctx := ours(t.Context())
	p := storetest.Sample("Patient", "a", 16, "x")
	p.Entries = p.Entries[:len(p.Entries)-1] // not what its index gives
	if _, err := a.Commit(ctx, store.Changes{Puts: []store.Put{p}}); err != nil {
		t.Fatal(err)
	}
	_, err := b.Read(ctx, p.Key, 0)
	wantCode(t, err, "store-diverged")
	_, err = b.Head(ctx)
	wantCode(t, err, "store-diverged")
	_, err = b.Commit(ctx, store.Changes{Puts: []store.Put{p}})
	wantCode(t, err, "store-diverged")
}

// definedOtherwise: servers whose index has another definition, as two releases beside one another, come to other rows by right.
func definedOtherwise(t *testing.T) {
	l := newLog(t)
	named := func(name string) func(*engine.Options) {
		return func(o *engine.Options) { o.Poll, o.Definition = time.Hour, name }
	}
	a, b := overLog(t, l, named("1")), overLog(t, l, named("2"))
	ctx := ours(t.Context())
	p := storetest.Sample("Patient", "a", 16, "x")
	p.Entries = p.Entries[:len(p.Entries)-1] // a's index gives one less than b's
	if _, err := a.Commit(ctx, store.Changes{Puts: []store.Put{p}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Read(ctx, p.Key, 0); err != nil {
		t.Error(err)
	}
}

// TestLogWentOnOtherwise: what the log has next does not follow what a server has: the log was put back and went on, or lacks a commit.
func TestLogWentOnOtherwise(t *testing.T) {
	ctx := ours(t.Context())
	history := func(t *testing.T, n int) *inMemory {
		l := &inMemory{}
		e := overLog(t, l, nil)
		for range n {
			if _, err := e.Commit(ctx, store.Changes{Puts: []store.Put{storetest.Sample("Patient", "a", 16, "x")}}); err != nil {
				t.Fatal(err)
			}
		}
		return l
	}
	first := history(t, 4).commits
	late := first[3]
	late.Prev = first[1].ID
	for name, next := range map[string]commitlog.Commit{
		"another history": history(t, 3).commits[2],
		"a commit lacks":  first[3],
		"a number lacks":  late, // by the commit that it names it would follow
	} {
		t.Run(name, func(t *testing.T) {
			l := &inMemory{commits: slices.Clone(first[:2])}
			e := overLog(t, l, func(o *engine.Options) { o.Poll = time.Hour })
			key := fhir.Key{Type: "Patient", ID: "a"}
			if _, err := e.Read(ctx, key, 0); err != nil {
				t.Fatal(err)
			}
			l.mu.Lock()
			l.commits = append(l.commits, next)
			l.mu.Unlock()
			for range 2 { // it stays so
				_, err := e.Read(ctx, key, 0)
				wantCode(t, err, "log-other-history")
			}
			_, err := e.Commit(ctx, store.Changes{Puts: []store.Put{storetest.Sample("Patient", "b", 16, "x")}})
			wantCode(t, err, "log-other-history")
		})
	}
}
