package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
)

// Shrink makes every search take the ways that are meant for large stores. Call back restores.
func Shrink() (back func()) {
	was := tune
	tune = tuning{unionMax: 1, listsMax: 2, fewForPage: 2, fewForAll: 3, minBudget: 2, patience: 2, fewToSort: 2, listMax: 3, nearby: 1, chunk: 8, fewAsked: 1}
	return func() { tune = was }
}

// BulkFrom has starts take the way for many after so many bytes, with sorted batches of at least run. Call back restores.
func BulkFrom(n int64, run int) (back func()) {
	was, wasRun := bulkFrom, runBytes
	bulkFrom, runBytes = n, run
	return func() { bulkFrom, runBytes = was, wasRun }
}

// SameRows compares all rows of two engines, those of the log included.
func SameRows(ctx context.Context, a, b *Engine) error {
	for _, prefix := range append([]byte{embedded.HeaderPrefix, embedded.DocumentPrefix}, derived...) {
		if err := sameRows(ctx, prefix, a.db, b.db); err != nil {
			return err
		}
	}
	return nil
}

// Dir gives the folder that the engine was opened in.
func (e *Engine) Dir() string { return e.dir }

// Flush writes all to sorted files, as an idle store does by itself.
func (e *Engine) Flush() error { return e.db.Flush() }

// Metrics gives Pebble's figures.
func (e *Engine) Metrics() string { return e.db.Metrics().String() }

// Damage changes one row that begins with prefix, if there is one; undo puts it back.
func (e *Engine) Damage(prefix byte) (undo func(), ok bool) {
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		panic(err)
	}
	defer it.Close()
	if !it.Last() {
		return nil, false
	}
	key, value := bytes.Clone(it.Key()), bytes.Clone(it.Value())
	set := func(v []byte) {
		if err := e.db.Set(key, v, pebble.Sync); err != nil {
			panic(err)
		}
	}
	set(append(bytes.Clone(value), 1))
	return func() { set(value) }, true
}

// SetFormat makes the folder look as if another program had written it.
func (e *Engine) SetFormat(format string) {
	if err := e.db.Set(metaFormat, []byte(format), pebble.Sync); err != nil {
		panic(err)
	}
}

// AsFormatBefore makes the folder one of the format before, whose records have their values in their rows whatever their length.
// n: how many had not.
func (e *Engine) AsFormatBefore() (n int) {
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: []byte{rowRecord}, UpperBound: []byte{rowRecord + 1}})
	if err != nil {
		panic(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if !inLog(it.Value()) {
			continue
		}
		n++
		value, err := recordValue(e.db, it.Key(), it.Value())
		if err == nil {
			err = e.db.Set(it.Key(), append(bytes.Clone(it.Value()[1:]), value...), pebble.Sync)
		}
		if err != nil {
			panic(err)
		}
	}
	e.SetFormat(formatBefore)
	return n
}

// SumsOfRecords gives the sum of commit t with the records, as it is and as it was in the format before.
func SumsOfRecords(t fhir.T, records []commitlog.Record) (now, before uint64) {
	c := &commitlog.Commit{T: t, Records: records}
	row := func(large bool) uint64 {
		var b pebble.Batch
		for _, r := range records {
			value := append(binary.AppendUvarint(nil, uint64(t)), r.Value...)
			if large {
				value = appendRecord(nil, t, r.Value)
			}
			if err := b.Set(appendRecordKey(nil, r.Space, r.Key), value, nil); err != nil {
				panic(err)
			}
		}
		if large {
			return sumOf(b.Reader(), c)
		}
		return sumOf(b.Reader(), &commitlog.Commit{T: t})
	}
	return row(true), row(false)
}

// CutLog removes the last commit from the log and leaves the state as it is.
func (e *Engine) CutLog() {
	if err := e.db.Delete(embedded.AppendHeaderKey(nil, e.published.t()), pebble.Sync); err != nil {
		panic(err)
	}
}

// Sorter gives what sorts batches.
func Sorter() func(*pebble.DB, *pebble.Batch) (*pebble.Batch, error) { return new(runSorter).sorted }

// HurryRoom has a full disk looked at again at once, and callers given up on after patience. Call back restores.
func HurryRoom(patience time.Duration) (back func()) {
	every, was := roomEvery, roomPatience
	roomEvery, roomPatience = time.Millisecond, patience
	return func() { roomEvery, roomPatience = every, was }
}
