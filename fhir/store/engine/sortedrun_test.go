package engine_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/fhir/store/engine"
)

// TestASortedBatchDoesTheSame: whatever a batch does to whatever was there before, it does sorted; and its keys ascend.
func TestASortedBatchDoesTheSame(t *testing.T) {
	var db [2]*pebble.DB
	for i := range db {
		var err error
		if db[i], err = pebble.Open("", &pebble.Options{FS: vfs.NewMem(), Logger: quiet{}}); err != nil {
			t.Fatal(err)
		}
		defer db[i].Close()
	}
	sorted := engine.Sorter() // one for all batches, as in a start
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []byte {
			return append([]byte{rapid.SampledFrom([]byte("cdhilmruvxy")).Draw(t, "kind")}, rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xff}), 0, 16).Draw(t, "rest")...)
		}), 1, 12).Draw(t, "keys")
		b := db[0].NewBatch()
		for i := range rapid.IntRange(1, 40).Draw(t, "rows") {
			key, value := rapid.SampledFrom(keys).Draw(t, "key"), fmt.Append(nil, i, ",")
			var err error
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				err = b.Delete(key, nil)
			case 1:
				err = b.Set(key, value, nil)
			default:
				err = b.Merge(key, value, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		in, err := sorted(db[1], b)
		if err != nil {
			t.Fatal(err)
		}
		var last []byte
		for r := in.Reader(); len(r) > 0; {
			_, key, _, _, err := r.Next()
			if err != nil || bytes.Compare(key, last) < 0 {
				t.Fatalf("%q after %q, %v", key, last, err)
			}
			last = bytes.Clone(key)
		}
		if in.Count() > b.Count() {
			t.Fatalf("%d rows of %d", in.Count(), b.Count())
		}
		if err := db[0].Apply(b, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
		if err := db[1].Apply(in, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
		if want, got := rowsOf(t, db[0]), rowsOf(t, db[1]); want != got {
			t.Fatalf("%s, sorted: %s", want, got)
		}
	})
}

func rowsOf(t *rapid.T, db *pebble.DB) (all string) {
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		all += fmt.Sprintf("%q=%q ", it.Key(), it.Value())
	}
	return all
}
