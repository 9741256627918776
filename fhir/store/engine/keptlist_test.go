package engine

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// listing counts the lists that are read, and can do something when one has been opened, whose reader then sees what was before.
type listing struct {
	pebble.Reader
	n     int
	after func()
}

func (l *listing) NewIter(o *pebble.IterOptions) (*pebble.Iterator, error) {
	l.n++
	it, err := l.Reader.NewIter(o)
	if f := l.after; f != nil {
		l.after = nil
		f()
	}
	return it, err
}

func listKey(value string, n number) string {
	return string(appendNumber(appendValueKey(nil, 7, 1, []byte(value)), n))
}

// refers gives a list as text.
func (k *kept) refers(t testing.TB, db pebble.Reader, value string) (text string) {
	if err := k.list(db, appendValueKey(nil, 7, 1, []byte(value)), nil, func(n number, events []byte) bool {
		text += fmt.Sprintf("%d:%s ", n, events)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return text
}

// A list that was looked up is not read again, empty or not, until a row of it is written.
func TestKeptListsFollowWhatIsWritten(t *testing.T) {
	db, k := openMemory(t), newKept()
	r := &listing{Reader: db}
	long := map[string][]byte{}
	for n := range number(keptBytes) {
		long[listKey("p", n+1)] = []byte("e")
	}
	for i, s := range []struct {
		write map[string][]byte
		want  string
		reads int // so far
	}{
		{nil, "", 1},
		{nil, "", 1},
		{map[string][]byte{listKey("other", 1): []byte("a"), "ra": []byte("x")}, "", 1},
		{map[string][]byte{listKey("p", 300): []byte("b"), listKey("p", 2): []byte("a")}, "2:a 300:b ", 2},
		{nil, "2:a 300:b ", 2},
		{map[string][]byte{listKey("p", 2): []byte("ab")}, "2:ab 300:b ", 3},
		{map[string][]byte{listKey("p", 300): nil}, "2:ab ", 4},
		{nil, "2:ab ", 4},
	} {
		if s.write != nil {
			k.write(t, db, s.write)
		}
		if got := k.refers(t, r, "p"); got != s.want || r.n != s.reads {
			t.Fatalf("step %d: %q after %d reads, want %q after %d", i, got, r.n, s.want, s.reads)
		}
	}
	k.write(t, db, long)
	first := k.refers(t, r, "p")
	if again := k.refers(t, r, "p"); again != first || r.n != 6 {
		t.Fatalf("a list that is too long was read %d times", r.n-4)
	}
	b := db.NewBatch()
	if err := b.DeleteRange([]byte{rowPosting}, []byte{rowPosting + 1}, nil); err != nil {
		t.Fatal(err)
	}
	if err := k.apply(b, func() error { return db.Apply(b, pebble.NoSync) }); err != nil {
		t.Fatal(err)
	}
	if got := k.refers(t, r, "other"); got != "" {
		t.Fatalf("%q after all lists were deleted", got)
	}
}

// Whether a parameter has any row at all is not read again until one is written, by a slow reader either.
func TestKeptWhetherAParameterHasRows(t *testing.T) {
	db, k := openMemory(t), newKept()
	r := &listing{Reader: db}
	for i, s := range []struct {
		write map[string][]byte
		want  bool
		reads int // so far
	}{
		{nil, false, 1},
		{nil, false, 1},
		{map[string][]byte{string(appendNumber(appendValueKey(nil, 8, 1, []byte("p")), 1)): []byte("a")}, false, 1},
		{map[string][]byte{listKey("p", 2): []byte("a")}, true, 2},
		{nil, true, 2},
		{map[string][]byte{listKey("p", 2): nil}, false, 3},
	} {
		if s.write != nil {
			k.write(t, db, s.write)
		}
		if got, err := k.anyOf(r, appendParamKey(nil, 7, 1)); got != s.want || r.n != s.reads || err != nil {
			t.Fatalf("step %d: %v after %d reads, %v, want %v after %d", i, got, r.n, err, s.want, s.reads)
		}
	}
	k.drop()
	slow := &listing{Reader: db, after: func() { k.write(t, db, map[string][]byte{listKey("q", 1): []byte("new")}) }}
	if got, err := k.anyOf(slow, appendParamKey(nil, 7, 1)); got || err != nil {
		t.Fatalf("the slow reader sees %v, %v", got, err)
	}
	if got, err := k.anyOf(db, appendParamKey(nil, 7, 1)); !got || err != nil {
		t.Fatalf("%v after a slow reader, %v", got, err)
	}
}

// A reader who has enough of a list leaves the whole of it to the next one, and one who reads slowly nothing that is old.
func TestKeptListsOfAHastyAndASlowReader(t *testing.T) {
	db, k := openMemory(t), newKept()
	k.write(t, db, map[string][]byte{listKey("p", 1): []byte("a"), listKey("p", 2): []byte("b")})
	seen := 0
	if err := k.list(db, appendValueKey(nil, 7, 1, []byte("p")), nil, func(number, []byte) bool { seen++; return false }); err != nil || seen != 1 {
		t.Fatalf("%d rows handed to who wanted one, %v", seen, err)
	}
	if got := k.refers(t, db, "p"); got != "1:a 2:b " {
		t.Fatalf("after somebody wanted one row: %q", got)
	}
	for _, value := range []string{"none", "p"} {
		slow := &listing{Reader: db, after: func() { k.write(t, db, map[string][]byte{listKey(value, 9): []byte("new")}) }}
		k.drop()
		if got := k.refers(t, slow, value); value == "p" && got != "1:a 2:b " {
			t.Fatalf("the slow reader sees %q", got)
		}
		want := map[string]string{"none": "9:new ", "p": "1:a 2:b 9:new "}[value]
		if got := k.refers(t, db, value); got != want {
			t.Fatalf("after a slow reader: %q, want %q", got, want)
		}
	}
}

// While rows are written others read lists: what a reader sees once a write was told of is not older than it.
func TestKeptListsWhileOthersWrite(t *testing.T) {
	db, k := openMemory(t), newKept()
	var mu sync.Mutex
	told := map[string]uint64{} // value -> what was written last
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for i := range 3 {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				value := fmt.Sprint(rng.IntN(5))
				mu.Lock()
				least := told[value]
				mu.Unlock()
				newest := uint64(0)
				err := k.list(db, appendValueKey(nil, 7, 1, []byte(value)), nil, func(_ number, events []byte) bool {
					newest = max(newest, binary.BigEndian.Uint64(events))
					return true
				})
				if err != nil || newest < least {
					t.Errorf("%d where %d had been told, %v", newest, least, err)
					return
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(9, 9))
	for i := range uint64(3000) {
		value := fmt.Sprint(rng.IntN(5))
		k.write(t, db, map[string][]byte{listKey(value, number(1+rng.IntN(4))): binary.BigEndian.AppendUint64(nil, i+1)})
		mu.Lock()
		told[value] = i + 1
		mu.Unlock()
	}
	close(stop)
	readers.Wait()
}
