package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/storetest"
)

// onSmallDisk gives options for a store on a disk that can be full; layer stands between the disk and the store.
func onSmallDisk(disk vfs.FS, keep int64, layer func(vfs.FS) vfs.FS) engine.Options {
	o := options(0)
	o.Room = engine.NewRoom(disk, "store", keep, slog.New(slog.DiscardHandler))
	o.FS = layer(o.Room.FS())
	o.MemTableBytes = 64 << 10
	return o
}

// outcomes are what callers were told, by the name of their commit.
type outcomes struct {
	mu   sync.Mutex
	said map[string]string // "" = acknowledged, else the code
}

func (o *outcomes) tell(t *testing.T, name string, err error) bool {
	code := ""
	if err != nil {
		e, ok := errors.AsType[*fhir.Error](err)
		if !ok || e.Kind != fhir.Unavailable || e.Code != "store-full" && e.Code != "log-unknown" {
			t.Errorf("%s: a full disk is said to be %v", name, err)
			return false
		}
		code = e.Code
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said[name] = code
	return err == nil
}

// partsOf is how many resources a commit of these tests has.
const partsOf = 4

func changes(name string) store.Changes {
	c := store.Changes{Records: []store.Record{{Space: "full", Key: name, Value: []byte(strings.Repeat(name, 20))}}}
	for i := range partsOf {
		c.Puts = append(c.Puts, storetest.Sample("Patient", fhir.ID(fmt.Sprintf("%s-%d", name, i)), 16, name))
	}
	return c
}

// commitUntilFull has writers commit until each was refused, and one of them write all to sorted files now and then.
func commitUntilFull(t *testing.T, e *engine.Engine, told *outcomes, most int) {
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			for n := range most {
				name := fmt.Sprintf("w%d-%d", w, n)
				_, err := e.Commit(ours(context.Background()), changes(name))
				if !told.tell(t, name, err) {
					return
				}
			}
		})
	}
	writers.Wait()
}

// holdsToWhatWasTold: each acknowledged commit is there whole, none that was refused is there at all, the others are whole or not there.
func holdsToWhatWasTold(t *testing.T, when string, s store.Store, told *outcomes) {
	t.Helper()
	ctx := ours(context.Background())
	for name, said := range told.said {
		there := 0
		for i := range partsOf {
			_, err := s.Read(ctx, fhir.Key{Type: "Patient", ID: fhir.ID(fmt.Sprintf("%s-%d", name, i))}, 0)
			if err == nil {
				there++
			} else if missing, ok := errors.AsType[*fhir.Error](err); !ok || missing.Kind != fhir.NotFound {
				t.Fatalf("%s: %s: %v", when, name, err)
			}
		}
		_, found, err := s.Record(ctx, "full", name)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if found {
			there++
		}
		if there != 0 && there != partsOf+1 || said == "" && there == 0 || said == "store-full" && there != 0 {
			t.Errorf("%s: %s was told %q, and %d of %d parts are there", when, name, said, there, partsOf+1)
		}
	}
	verify(t, s)
}

// TestFullDisk: wherever the disk is full, no commit is lost, none is half there, and the store goes on by itself when there is
// room; it also opens after a death at that moment.
func TestFullDisk(t *testing.T) {
	defer engine.HurryRoom(time.Millisecond)()
	_, seal := keyFile(t)
	for _, c := range []struct {
		name  string
		layer func(vfs.FS) vfs.FS
		step  int64
		quota bool
	}{{"clear", asItIs, 1499, false}, {"sealed", seal, 7793, false}, {"quota", asItIs, 7877, true}} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() {
				c.step *= 5
			}
			for size, more := int64(1), true; more; size += c.step {
				more = fullAfter(t, size, c.quota, c.layer)
			}
		})
	}
}

// fullAfter has the disk end so many bytes after the store was opened; false: it did not come to that.
func fullAfter(t *testing.T, size int64, quota bool, layer func(vfs.FS) vfs.FS) bool {
	t.Helper()
	mem := vfs.NewCrashableMem()
	disk := newSmallDisk(mem)
	disk.quota = quota
	e := openStore(t, "store", onSmallDisk(disk, 0, layer))
	told := &outcomes{said: map[string]string{}}
	disk.left.Store(size)
	commitUntilFull(t, e, told, 24)
	when := fmt.Sprintf("%d bytes", size)
	if t.Failed() {
		t.FailNow()
	}
	met := disk.full.Load()
	if met {
		left := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: int(size % 101), RNG: rand.New(rand.NewPCG(uint64(size), 0))})
		after := openStore(t, "store", onSmallDisk(left, 0, layer))
		holdsToWhatWasTold(t, when+", died", after, told)
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
	}
	disk.left.Store(plenty)
	fhirtest.Eventually(t, "a commit after there was room again", func() bool {
		_, err := e.Commit(ours(context.Background()), changes("again"))
		return told.tell(t, "again", err) || t.Failed()
	})
	holdsToWhatWasTold(t, when+", went on", e, told)
	if err := e.Close(); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	e = openStore(t, "store", onSmallDisk(disk, 0, layer))
	holdsToWhatWasTold(t, when+", opened again", e, told)
	if err := e.Close(); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	return met
}

// TestRoomIsKept: below what is to be kept free commits are refused and reads answered; the store goes on by itself.
func TestRoomIsKept(t *testing.T) {
	disk := newSmallDisk(vfs.NewMem())
	const keep = 1 << 20
	e := openStore(t, "store", onSmallDisk(disk, keep, asItIs))
	defer e.Close()
	ctx := ours(t.Context())
	if _, err := e.Commit(ctx, changes("before")); err != nil {
		t.Fatal(err)
	}
	disk.left.Store(keep - 1)
	told := &outcomes{said: map[string]string{}}
	n := 0
	fhirtest.Eventually(t, "a refusal", func() bool {
		name := fmt.Sprint("n", n)
		n++
		_, err := e.Commit(ctx, changes(name))
		return !told.tell(t, name, err)
	})
	if disk.full.Load() {
		t.Error("what was to be kept free was used up")
	}
	trial := changes("trial")
	trial.Trial = true
	if _, err := e.Commit(ctx, trial); err != nil {
		t.Errorf("a trial, which writes nothing: %v", err)
	}
	if _, err := e.Read(ctx, fhir.Key{Type: "Patient", ID: "before-0"}, 0); err != nil {
		t.Errorf("a read: %v", err)
	}
	disk.left.Store(plenty)
	fhirtest.Eventually(t, "a commit after there was room again", func() bool {
		_, err := e.Commit(ctx, changes("after"))
		return told.tell(t, "after", err)
	})
	holdsToWhatWasTold(t, "at the end", e, told)
}

// TestCloseOfAFullDisk: a store that waits for room ends without it, and loses nothing.
func TestCloseOfAFullDisk(t *testing.T) {
	defer engine.HurryRoom(time.Millisecond)()
	mem := vfs.NewCrashableMem()
	disk := newSmallDisk(mem)
	e := openStore(t, "store", onSmallDisk(disk, 0, asItIs))
	told := &outcomes{said: map[string]string{}}
	disk.left.Store(5000)
	commitUntilFull(t, e, told, 100)
	if err := e.Close(); err == nil || !strings.Contains(err.Error(), "store-full") {
		t.Errorf("Close gives %v", err)
	}
	after := openStore(t, "store", onSmallDisk(mem.CrashClone(vfs.CrashCloneCfg{}), 0, asItIs))
	holdsToWhatWasTold(t, "opened again", after, told)
	if err := after.Close(); err != nil {
		t.Error(err)
	}
	disk.left.Store(plenty) // lets go of what waits
}

// TestFailedSync: after a sync that failed nobody knows what is on disk. The store says so, takes nothing more, and closes; the next
// one has what was acknowledged.
func TestFailedSync(t *testing.T) {
	disk := newSmallDisk(vfs.NewMem())
	e := openStore(t, "store", onSmallDisk(disk, 0, asItIs))
	ctx := ours(t.Context())
	told := &outcomes{said: map[string]string{}}
	for n := range 5 {
		name := fmt.Sprint("before", n)
		if _, err := e.Commit(ctx, changes(name)); !told.tell(t, name, err) {
			t.Fatal(err)
		}
	}
	disk.sick.Store(true)
	_, err := e.Commit(ctx, changes("lost"))
	if told.tell(t, "lost", err) || told.said["lost"] != "log-unknown" {
		t.Errorf("a commit whose sync failed: %v", err)
	}
	halted := func(what string, err error) {
		t.Helper()
		if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != "store-halted" || fhir.Transient(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = e.Commit(ctx, changes("after"))
	halted("a commit after it", err)
	_, err = e.WaitHead(ctx, 1000)
	halted("who waits for the next one", err)
	if _, err := e.Read(ctx, fhir.Key{Type: "Patient", ID: "before0-0"}, 0); err != nil {
		t.Errorf("a read: %v", err)
	}
	if err := e.Close(); err == nil {
		t.Error("it closed as if nothing had happened")
	}
	disk.sick.Store(false)
	e = openStore(t, "store", onSmallDisk(disk, 0, asItIs))
	told.said["after"] = "store-full" // not there at all
	holdsToWhatWasTold(t, "opened again", e, told)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// TestSharedFullDisk: a server whose own disk is full refuses, does not follow the log, loses nothing that it appended, and goes on by
// itself; the others serve.
func TestSharedFullDisk(t *testing.T) {
	defer engine.HurryRoom(time.Millisecond)()
	for size, more := int64(1), true; more; size += 7993 {
		more = sharedFullAfter(t, size)
	}
}

func sharedFullAfter(t *testing.T, size int64) bool {
	t.Helper()
	l := openLog(t, vfs.NewMem(), "log")
	defer l.Close()
	disk := newSmallDisk(vfs.NewMem())
	small := overLog(t, l, func(o *engine.Options) {
		o.Room = engine.NewRoom(disk, "/", 0, slog.New(slog.DiscardHandler))
		o.FS, o.MemTableBytes = o.Room.FS(), 64<<10
	})
	defer small.Close()
	other := overLog(t, l, nil)
	defer other.Close()
	told := &outcomes{said: map[string]string{}}
	disk.left.Store(size)
	commitUntilFull(t, small, told, 24)
	if t.Failed() {
		t.FailNow()
	}
	met := disk.full.Load()
	for n := range 40 {
		name := fmt.Sprint("other-", n)
		if _, err := other.Commit(ours(t.Context()), changes(name)); !told.tell(t, name, err) {
			t.Fatal("the other server is held up")
		}
	}
	holdsToWhatWasTold(t, fmt.Sprint(size, " bytes, the other server"), other, told)
	if met {
		_, err := small.Head(ours(t.Context()))
		if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != "store-full" {
			t.Fatalf("a read of now: %v", err)
		}
	}
	disk.left.Store(plenty)
	fhirtest.Eventually(t, "the server that had no room", func() bool {
		_, err := small.Head(ours(t.Context()))
		return err == nil
	})
	holdsToWhatWasTold(t, fmt.Sprint(size, " bytes, the small server"), small, told)
	if err := engine.SameRows(t.Context(), small, other); err != nil {
		t.Error(err)
	}
	return met
}
