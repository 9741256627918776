package engine_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

var largeValue = bytes.Repeat([]byte("a file as it was sent "), 200)

// recordsOf gives the records of a space.
func recordsOf(t *testing.T, e *engine.Engine) (list []store.Record, err error) {
	t.Helper()
	for r, err := range e.Records(ours(t.Context()), "files", "", "") {
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// withLarge makes a store in dir with records of which some are large, and opens it again.
func withLarge(t *testing.T, dir string) *engine.Engine {
	t.Helper()
	e := openStore(t, dir, options(0))
	for i := range 3 {
		c := store.Changes{Records: []store.Record{{Space: "files", Key: fmt.Sprint(i), Value: largeValue}, {Space: "files", Key: fmt.Sprint(i, "s"), Value: []byte("small")}}}
		if _, err := e.Commit(ours(t.Context()), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return openStore(t, dir, options(0))
}

// A folder whose large records have their values in their rows is read as it is, takes further ones, and is what its log says.
func TestLargeRecordsOfTheFormatBefore(t *testing.T) {
	dir := t.TempDir()
	e := withLarge(t, dir)
	if n := e.AsFormatBefore(); n != 3 {
		t.Fatalf("%d values were in the log", n)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openStore(t, dir, options(0))
	defer e.Close()
	verify(t, e)
	require := []store.Precondition{store.RecordIs{Space: "files", Key: "0", Value: largeValue}, store.RecordIs{Space: "files", Key: "1", Value: largeValue}}
	if _, err := e.Commit(ours(t.Context()), store.Changes{Require: require, Records: []store.Record{{Space: "files", Key: "1", Value: append(largeValue[:len(largeValue):len(largeValue)], '.')}}}); err != nil {
		t.Fatal(err)
	}
	list, err := recordsOf(t, e)
	if err != nil || len(list) != 6 || !bytes.Equal(list[0].Value, largeValue) || len(list[2].Value) != len(largeValue)+1 {
		t.Fatalf("%d records, %v", len(list), err)
	}
	verify(t, e)
	if undo, ok := e.Damage('r'); !ok {
		t.Fatal("no record")
	} else {
		wantCode(t, e.Verify(ours(t.Context())), "store-damaged")
		undo()
	}
	if n := e.AsFormatBefore(); n != 1 {
		t.Errorf("of the one written last, %d values are in the log", n)
	}
}

// Servers of which one has values in their rows and the other has not come to the same sums.
func TestSumsCountLargeRecordsAsTheyWere(t *testing.T) {
	for _, records := range [][]commitlog.Record{
		{{Space: "files", Key: "1", Value: largeValue}},
		{{Space: "files", Key: "1", Value: largeValue}, {Space: "s", Key: "k", Value: []byte("v")}, {Space: "files", Key: "2", Value: append(largeValue[:len(largeValue):len(largeValue)], 0)}},
	} {
		if now, before := engine.SumsOfRecords(300, records); now != before {
			t.Errorf("%d records: %x, in the format before %x", len(records), now, before)
		}
	}
}

// A large record whose commit is damaged in the log is not given out, nor taken for another.
func TestLargeRecordOfADamagedHeader(t *testing.T) {
	e := withLarge(t, t.TempDir())
	defer e.Close()
	undo, ok := e.Damage('l')
	if !ok {
		t.Fatal("no header")
	}
	_, _, err := e.Record(ours(t.Context()), "files", "2")
	wantCode(t, err, "store-damaged")
	_, err = recordsOf(t, e)
	wantCode(t, err, "store-damaged")
	if v, found, err := e.Record(ours(t.Context()), "files", "1"); err != nil || !found || !bytes.Equal(v, largeValue) {
		t.Errorf("another one: %d bytes, %v", len(v), err)
	}
	undo()
	if _, err := recordsOf(t, e); err != nil {
		t.Error(err)
	}
}
