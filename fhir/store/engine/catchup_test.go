package engine_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/storetest"
)

// mixed gives a log with creates, updates, deletes, unique keys and records, in commits of one and of many, and the server
// that wrote it.
func mixed(t *testing.T) (*inMemory, *engine.Engine) {
	l := &inMemory{}
	writer := overLog(t, l, nil)
	ctx := ours(t.Context())
	chance := rand.New(rand.NewPCG(1, 2))
	living := map[fhir.Key]bool{}
	for n := range 300 {
		var c store.Changes
		named := map[fhir.Key]bool{}
		for range 1 + n%5*2 {
			p := storetest.Sample("Patient", fhir.ID(fmt.Sprint(chance.IntN(40))), 16, fmt.Sprint(n))
			if named[p.Key] {
				continue
			}
			named[p.Key] = true
			if living[p.Key] && chance.IntN(4) == 0 {
				c.Deletes = append(c.Deletes, store.Delete{Key: p.Key})
			} else {
				p.Unique = []store.UniqueKey{store.UniqueKey("of " + p.Key.ID)}
				c.Puts = append(c.Puts, p)
			}
		}
		if n%3 == 0 {
			c.Records = []store.Record{{Space: "n", Key: fmt.Sprint(n % 7), Value: []byte{byte(n)}}}
		}
		for _, p := range c.Puts {
			living[p.Key] = true
		}
		for _, d := range c.Deletes {
			delete(living, d.Key)
		}
		if _, err := writer.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	return l, writer
}

// TestCatchUpComesToTheSameRows: by the usual way and by that for many, with sums in the log and without (as it comes from
// a folder), all rows are those of the server that wrote.
func TestCatchUpComesToTheSameRows(t *testing.T) {
	l, writer := mixed(t)
	withoutSums := &inMemory{}
	for _, c := range l.commits {
		c.Sum = commitlog.Sum{}
		withoutSums.commits = append(withoutSums.commits, c)
	}
	for name, c := range map[string]struct {
		from int64
		run  int
	}{"usual": {1 << 40, 1}, "many": {20_000, 8_000}, "many at once": {0, 1}, "many in runs": {0, 100_000}} {
		t.Run(name, func(t *testing.T) {
			defer engine.BulkFrom(c.from, c.run)()
			e := overLog(t, &inMemory{commits: slices.Clone(l.commits)}, nil)
			if err := engine.SameRows(t.Context(), writer, e); err != nil {
				t.Fatal(err)
			}
			verify(t, e)
			if _, err := e.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{storetest.Sample("Patient", "after", 16, "x")}}); err != nil {
				t.Fatal(err)
			}
			verify(t, overLog(t, withoutSums, nil))
		})
	}
}

// stopping is a log whose reading does something before a commit.
type stopping struct {
	*inMemory
	before func(fhir.T) error
}

func (l stopping) Read(ctx context.Context, after fhir.T) iter.Seq2[commitlog.Commit, error] {
	return func(yield func(commitlog.Commit, error) bool) {
		for c := range l.inMemory.Read(ctx, after) {
			if err := l.before(c.T); err != nil {
				yield(commitlog.Commit{}, err)
				return
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// TestCatchUpLosesPower: wherever the power fails on the way for many, what is on disk is the state after some commit, and
// a start goes on from there.
func TestCatchUpLosesPower(t *testing.T) {
	l, writer := mixed(t)
	defer engine.BulkFrom(10_000, 4_000)()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	disk := vfs.NewCrashableMem()
	o := options(0)
	o.FS, o.MemTableBytes = disk, 64<<10
	var left []*vfs.MemFS
	o.Log = stopping{l, func(c fhir.T) error {
		if c%20 == 0 {
			left = append(left, disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: int(c) % 101, RNG: rand.New(rand.NewPCG(seed, uint64(c)))}))
		}
		return nil
	}}
	e := openStore(t, "engine", o)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	left = append(left, disk.CrashClone(vfs.CrashCloneCfg{}))
	partly := 0
	for i, fs := range left {
		var first fhir.T
		o.FS = fs
		o.Log = stopping{l, func(c fhir.T) error {
			if first == 0 {
				first = c
			}
			return nil
		}}
		e := openStore(t, "engine", o)
		if err := engine.SameRows(t.Context(), writer, e); err != nil {
			t.Fatalf("after power %d failed: %v", i, err)
		}
		if first > 1 && i < len(left)-1 {
			partly++
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if partly == 0 {
		t.Error("no crash left a part: the test shows nothing")
	}
}

// TestCatchUpIsCutOff: a start that loses the log on the way for many fails, keeps what it has, and the next one goes on.
func TestCatchUpIsCutOff(t *testing.T) {
	l, writer := mixed(t)
	defer engine.BulkFrom(10_000, 4_000)()
	dir := t.TempDir()
	o := options(0)
	o.Log = stopping{l, func(c fhir.T) error {
		if c == 200 {
			return fmt.Errorf("%w: gone", commitlog.ErrUnreachable)
		}
		return nil
	}}
	_, err := engine.Open(dir, o)
	wantCode(t, err, "log-unreachable")
	first := fhir.T(0)
	o.Log = stopping{l, func(c fhir.T) error {
		if first == 0 {
			first = c
		}
		return nil
	}}
	e := openStore(t, dir, o)
	if err := errors.Join(engine.SameRows(t.Context(), writer, e), e.Close()); err != nil {
		t.Fatal(err)
	}
	if first != 199 { // the last one that is here is asked for, to see that it is the log's
		t.Errorf("went on from %d", first)
	}
}

// TestCatchUpByFiles: batches that are large enough for Pebble to write them out as they are.
func TestCatchUpByFiles(t *testing.T) {
	l := &inMemory{}
	writer := overLog(t, l, nil)
	for n := range 60 {
		var c store.Changes
		for i := range 20 {
			c.Puts = append(c.Puts, storetest.Sample("Patient", fhir.ID(fmt.Sprint(n, "-", i)), 16, fmt.Sprint(i%3)))
		}
		c.Records = []store.Record{{Space: "n", Key: "same", Value: []byte{byte(n)}}}
		if _, err := writer.Commit(ours(t.Context()), c); err != nil {
			t.Fatal(err)
		}
	}
	defer engine.BulkFrom(0, 80<<10)()
	o := options(0)
	o.Log, o.MemTableBytes = l, 128<<10
	e := openStore(t, t.TempDir(), o)
	if err := errors.Join(engine.SameRows(t.Context(), writer, e), e.Close()); err != nil {
		t.Fatal(err)
	}
}
