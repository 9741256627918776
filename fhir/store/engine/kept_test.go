package engine

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func openMemory(t *testing.T) *pebble.DB {
	db, err := pebble.Open("", &pebble.Options{FS: vfs.NewMem(), MemTableSize: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// write applies rows; a nil value deletes.
func (k *kept) write(t testing.TB, db *pebble.DB, rows map[string][]byte) {
	b := db.NewBatch()
	for key, value := range rows {
		var err error
		if value == nil {
			err = b.Delete([]byte(key), nil)
		} else {
			err = b.Set([]byte(key), value, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := k.apply(b, func() error { return db.Apply(b, pebble.NoSync) }); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// text gives a row as it is kept or read, "-" if there is none.
func (k *kept) text(t testing.TB, db pebble.Reader, key string) string {
	text := "-"
	found, err := k.get(db, []byte(key), nil, func(v []byte) error { text = string(v); return nil })
	if err != nil || found != (text != "-") {
		t.Fatalf("%s: found %v with %q, %v", key, found, text, err)
	}
	return text
}

// counting counts what is read, and can do something between the moment at which a row is read and that at which its reader has it.
type counting struct {
	pebble.Reader
	n     int
	after func()
}

func (c *counting) Get(key []byte) ([]byte, io.Closer, error) {
	c.n++
	v, closer, err := c.Reader.Get(key)
	if f := c.after; f != nil {
		c.after = nil
		f()
	}
	return v, closer, err
}

// A row that was looked up is not read again, whether it is there or not, and is what was written last.
func TestKeptRowsFollowWhatIsWritten(t *testing.T) {
	db, k := openMemory(t), newKept()
	r := &counting{Reader: db}
	steps := []struct {
		write map[string][]byte
		want  string
		reads int // so far
	}{
		{nil, "-", 1},
		{nil, "-", 1},
		{map[string][]byte{"ra": []byte("1")}, "1", 1},
		{map[string][]byte{"ra": []byte("2"), "rb": []byte("x")}, "2", 1},
		{map[string][]byte{"ra": nil}, "-", 1},
		{map[string][]byte{"ra": []byte("")}, "", 1},
		{map[string][]byte{"ra": make([]byte, keptBytes+1)}, string(make([]byte, keptBytes+1)), 2},
		{nil, string(make([]byte, keptBytes+1)), 3}, // too large
		{map[string][]byte{"ra": []byte("3")}, "3", 3},
		// A batch as large as half of the table in memory is a table of its own afterwards.
		{map[string][]byte{"ra": []byte("4"), "d": make([]byte, 200<<10)}, "4", 3},
	}
	for i, s := range steps {
		if s.write != nil {
			k.write(t, db, s.write)
		}
		if got := k.text(t, r, "ra"); got != s.want || r.n != s.reads {
			t.Fatalf("step %d: %.20q after %d reads, want %.20q after %d", i, got, r.n, s.want, s.reads)
		}
	}
	b := db.NewBatch()
	if err := b.DeleteRange([]byte("r"), []byte("s"), nil); err != nil {
		t.Fatal(err)
	}
	if err := k.apply(b, func() error { return db.Apply(b, pebble.NoSync) }); err != nil {
		t.Fatal(err)
	}
	if got := k.text(t, r, "ra"); got != "-" {
		t.Fatalf("%q after all rows were deleted", got)
	}
	k.drop()
	if got := k.text(t, r, "ra"); got != "-" {
		t.Fatalf("%q after what was kept was dropped", got)
	}
}

// What a reader read before a write does not stay when the write came before the reader had it.
func TestKeptRowsOfASlowReader(t *testing.T) {
	for name, between := range map[string]func(k *kept, db *pebble.DB, other pebble.Reader){
		"changed": func(k *kept, db *pebble.DB, _ pebble.Reader) { k.write(t, db, map[string][]byte{"ra": []byte("new")}) },
		"too large": func(k *kept, db *pebble.DB, _ pebble.Reader) {
			k.write(t, db, map[string][]byte{"ra": make([]byte, keptBytes+1)})
		},
		"deleted": func(k *kept, db *pebble.DB, _ pebble.Reader) { k.write(t, db, map[string][]byte{"ra": nil}) },
		"read by another in between": func(k *kept, db *pebble.DB, other pebble.Reader) {
			k.text(t, other, "ra")
			k.write(t, db, map[string][]byte{"ra": []byte("new")})
			k.text(t, other, "ra")
		},
		"changed and dropped": func(k *kept, db *pebble.DB, _ pebble.Reader) {
			k.write(t, db, map[string][]byte{"ra": []byte("new")})
			k.drop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			db, k := openMemory(t), newKept()
			k.write(t, db, map[string][]byte{"ra": []byte("old")})
			slow := &counting{Reader: db, after: func() { between(k, db, db) }}
			if got := k.text(t, slow, "ra"); got != "old" {
				t.Fatalf("the reader has %q", got)
			}
			want := "-"
			if _, err := get(db, []byte("ra"), func(v []byte) error { want = string(v); return nil }); err != nil {
				t.Fatal(err)
			}
			if got := k.text(t, db, "ra"); got != want {
				t.Fatalf("kept %.20q, the database has %.20q", got, want)
			}
		})
	}
}

// Whoever looks a row up after a write was applied finds that write or a later one, whatever others look up meanwhile.
func TestKeptRowsAreNeverOlderThanWhatWasApplied(t *testing.T) {
	db, k := openMemory(t), newKept()
	// Few places, so that rows drive each other away.
	const rows = 40
	keys := map[uint64][]string{}
	var some []string
	for i := 0; len(some) < rows; i++ {
		key := fmt.Sprintf("r%d", i)
		place := (uint64(i) * 7) % 5
		at, _ := k.at([]byte(key))
		first := at
		if len(keys[place]) > 0 {
			first, _ = k.at([]byte(keys[place][0]))
		}
		if at == first {
			keys[place] = append(keys[place], key)
			some = append(some, key)
		}
		if i > 40*keptPlaces {
			break
		}
	}
	var applied [rows]atomic.Uint64
	var done atomic.Bool
	var readers sync.WaitGroup
	for n := range 3 {
		readers.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(n)))
			for !done.Load() {
				i := r.IntN(len(some))
				least, got := applied[i].Load(), uint64(0)
				if _, err := k.get(db, []byte(some[i]), nil, func(v []byte) error { got = binary.BigEndian.Uint64(v); return nil }); err != nil || got < least {
					t.Errorf("%s is %d after %d was applied (%v)", some[i], got, least, err)
					return
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(2, 3))
	for n := uint64(1); n < 20_000 && !t.Failed(); n++ {
		write := map[string][]byte{}
		var which []int
		for range 1 + r.IntN(3) {
			i := r.IntN(len(some))
			which = append(which, i)
			write[some[i]] = binary.BigEndian.AppendUint64(nil, n)
		}
		k.write(t, db, write)
		for _, i := range which {
			applied[i].Store(n)
		}
	}
	done.Store(true)
	readers.Wait()
}
