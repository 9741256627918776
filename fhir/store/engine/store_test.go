package engine_test

import (
	"context"
	"flag"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/storetest"
)

func options(maxWaiting int) engine.Options {
	return engine.Options{Index: storetest.Index, IndexWith: indexWith, MaxWaiting: maxWaiting, Logger: slog.New(slog.DiscardHandler)}
}

func indexWith(reg *r4.Registry) engine.IndexFunc { return storetest.IndexWith(reg) }

func openStore(tb testing.TB, dir string, o engine.Options) *engine.Engine {
	tb.Helper()
	e, err := engine.Open(dir, o)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func verify(tb testing.TB, s store.Store) {
	tb.Helper()
	if err := s.(*engine.Engine).Verify(ours(context.Background())); err != nil {
		tb.Fatalf("the state does not follow from the log: %v", err)
	}
}

// onDisk is the configuration that is shipped.
var onDisk = storetest.Config{
	Open: func(tb testing.TB, dir string, maxWaiting int) store.Store {
		return openStore(tb, dir, options(maxWaiting))
	},
	Check: verify,
	Child: "TestChild",
}

// queries makes the property run long: go test ./fhir/store/engine -run 'TestStore/MODEL/random-queries' -queries 1000000.
var queries = flag.Int("queries", 0, "how many random queries to ask; 0 = a few thousand")

func TestStore(t *testing.T) {
	c := onDisk
	c.Queries = *queries
	storetest.Run(t, c)
}

// TestChild runs in the processes that DURABLE/kill-9 kills.
func TestChild(t *testing.T) { storetest.Child(t, onDisk) }

// TestStoreOnFailingDisk runs the suite on a disk in memory that loses what was not synced when the power is cut.
func TestStoreOnFailingDisk(t *testing.T) { storetest.Run(t, onFailingDisk(asItIs)) }

// TestStoreWithLargePlans runs the suite with each search taking the ways that are meant for large stores.
func TestStoreWithLargePlans(t *testing.T) {
	defer engine.Shrink()()
	c := onFailingDisk(asItIs)
	c.Queries = *queries
	storetest.Run(t, c)
}

func asItIs(fs vfs.FS) vfs.FS { return fs }

// onFailingDisk has the store on what layer makes of the disk.
func onFailingDisk(layer func(vfs.FS) vfs.FS) storetest.Config {
	var mu sync.Mutex
	disks := map[store.Store]*vfs.MemFS{} // of the open stores
	folders := map[string]*vfs.MemFS{}    // by the folder that a test was given
	open := func(tb testing.TB, fs *vfs.MemFS, dir string, maxWaiting int) store.Store {
		o := options(maxWaiting)
		o.FS = layer(fs)
		e := openStore(tb, dir, o)
		disks[e] = fs
		return e
	}
	disk := vfs.NewCrashableMem()
	return storetest.Config{
		Open: func(tb testing.TB, dir string, maxWaiting int) store.Store {
			mu.Lock()
			defer mu.Unlock()
			if folders[dir] == nil {
				folders[dir] = disk
			}
			return open(tb, folders[dir], dir, maxWaiting)
		},
		Check: verify,
		CutPower: func(tb testing.TB, s store.Store) store.Store {
			mu.Lock()
			defer mu.Unlock()
			e := s.(*engine.Engine)
			left := disks[s].CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(rand.Uint64(), 0))})
			folders[e.Dir()] = left
			return open(tb, left, e.Dir(), 0)
		},
	}
}

// ours gives a context whose fence is open.
func ours(ctx context.Context) context.Context { return store.WithFence(ctx, store.OpenFence()) }
