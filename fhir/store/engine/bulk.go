package engine

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
)

// A start that has much to read from a log that is elsewhere opens the database for many rows: without a write-ahead log,
// since the log itself is the durable copy, and with fewer, larger merges of sorted files. Tables in memory are written out in
// the order in which they were filled, so that a crash leaves the state after some commit, as always. Batches are large and sorted
// before they are applied, so that Pebble writes each out as it is (sortedrun.go; larger tables in memory were tried: what they save
// in merges they cost in cache misses). Before anything is served the database is opened as usual, which merges
// what was left.

// openDB opens the database, as usual or for many rows.
func (e *Engine) openDB(bulk bool) error {
	po := pebbleOptions(&e.o)
	po.Lock = e.lock
	if err := tuneForSize(po, e.dir); err != nil {
		return errDisk(err)
	}
	say := po.EventListener.DataCorruption
	po.EventListener.DataCorruption = func(i pebble.DataCorruptionInfo) {
		say(i)
		// What was written on top of damage could not be compacted, so that commits would come to stand still.
		_ = e.halt(fhir.Errorf(fhir.Internal, "store-damaged", ""))
	}
	if bulk {
		po.DisableWAL = true
		po.MemTableStopWritesThreshold = 6 // batches of twice its size wait to be written out
		po.L0CompactionThreshold = 40      // begun at half of it
		po.L0StopWritesThreshold = 120
	}
	db, err := pebble.Open(e.dir, po)
	if err != nil {
		return errDisk(fmt.Errorf("open %s: %w", e.dir, err))
	}
	e.db = db
	if e.log, err = embedded.On(db); err != nil {
		return errDisk(err)
	}
	return nil
}

// reopen opens the database for many rows, or as usual again. Nobody else may use it.
func (g *gathered) reopen(bulk bool) error {
	e := g.e
	err := g.apply()
	err = errors.Join(err, g.drop(), e.db.Flush(), e.db.Close())
	e.db = nil
	if err != nil {
		return errDisk(err)
	}
	if err := e.openDB(bulk); err != nil {
		return err
	}
	g.s.db, g.s.log, g.bulk = e.db, e.log, bulk
	return nil
}
