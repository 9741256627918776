package engine

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A fault that repeats is told once a second, with how often it came meanwhile.
func TestFaultsOfPebbleDoNotFloodTheLog(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	l := &pebbleLog{log: slog.New(slog.NewTextHandler(&out, nil)), now: func() time.Time { return now }}
	for range 1000 {
		l.Errorf("write %s: no space left on device", "x.sst")
	}
	now = now.Add(faultsEvery)
	l.Errorf("write %s: no space left on device", "y.sst")
	if n := strings.Count(out.String(), "\n"); n != 2 || !strings.Contains(out.String(), `unlogged=999`) {
		t.Errorf("%d lines: %.500s", n, out.String())
	}
}

// formerFilter is the filter that files were written with which knew no rows r.
type formerFilter struct{ bloom.FilterPolicy }

func (formerFilter) Name() string { return "lienthong.idFilter" }

func (f formerFilter) NewWriter(typ pebble.FilterType) pebble.FilterWriter {
	return formerWriter{f.FilterPolicy.NewWriter(typ)}
}

type formerWriter struct{ pebble.FilterWriter }

func (w formerWriter) AddKey(key []byte) {
	if key[0] != rowRecord {
		w.FilterWriter.AddKey(key)
	}
}

// What stands in files whose filter has not heard of it is found all the same.
func TestFilesWithAnotherFilterAreRead(t *testing.T) {
	o := Options{FS: vfs.NewMem()}
	o.setDefaults()
	keys := [][]byte{appendRecordKey(nil, "space", "key"), {rowUnique, 1}, {rowID, 1}}
	for i, former := range []bool{true, false} { // the file stays in the uppermost level: Pebble asks no filter of the last one
		p := pebbleOptions(&o)
		if former {
			for i := range p.Levels {
				p.Levels[i].FilterPolicy = formerFilter{bloom.FilterPolicy(10)}
			}
		}
		db, err := pebble.Open("db", p)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			if former {
				if err := db.Set(key, []byte("value"), pebble.Sync); err != nil {
					t.Fatal(err)
				}
			} else if found, err := get(db, key, func([]byte) error { return nil }); err != nil || !found {
				t.Errorf("opening %d: %q: %v %v", i, key, found, err)
			}
		}
		if err := db.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A store that fits into one level stays in one; the base level of a larger one is small.
func TestLargeStoresAreTunedForWhatIsWritten(t *testing.T) {
	fs := vfs.NewMem()
	tuned := func(of string, large bool) {
		t.Helper()
		o := Options{FS: fs}
		o.setDefaults()
		usual, p := pebbleOptions(&o), pebbleOptions(&o)
		if err := tuneForSize(p, "store"); err != nil {
			t.Fatal(err)
		}
		blocks := func(p *pebble.Options) int64 { return p.CacheSize - 2*int64(p.MemTableSize) }
		if smaller := p.LBaseMaxBytes < usual.LBaseMaxBytes; smaller != large || p.MemTableSize > usual.MemTableSize != large || blocks(p) != blocks(usual) {
			t.Errorf("%s: base level %d, tables %d, cache %d", of, p.LBaseMaxBytes, p.MemTableSize, p.CacheSize)
		}
	}
	tuned("a folder that is not there", false)
	if err := fs.MkdirAll("store", 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, size int) {
		f, err := fs.Create("store/"+name, vfs.WriteCategoryUnspecified)
		if err == nil {
			_, err = f.Write(make([]byte, size))
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("000001.log", largeStore)
	write("000002.sst", largeStore/2)
	write("000003.sst", largeStore/2-1)
	tuned("a small store", false)
	write("000004.sst", 1)
	tuned("a large store", true)
}
