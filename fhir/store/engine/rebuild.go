package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// reindex derives all rows anew from the log, in place, with the entries of the present index definition. A mark says
// that it is under way, so that a start after a crash begins again.
// Entries by added parameters are left to the builder.
func (e *Engine) reindex() error {
	began := time.Now()
	if e.o.Index == nil {
		if t, _ := e.log.Head(context.Background()); t > 0 {
			return fhir.Errorf(fhir.Unavailable, "store-definition", "")
		}
	}
	e.o.Logger.Info("store is being reindexed: it was written with another index definition", "folder", e.dir)
	b := e.db.NewBatch()
	defer b.Close()
	err := b.Set(metaRebuild, []byte(e.o.Definition), nil)
	for _, prefix := range derived {
		err = errors.Join(err, b.DeleteRange([]byte{prefix}, []byte{prefix + 1}, nil))
	}
	err = errors.Join(err, b.Delete(metaHead, nil), b.Delete(metaBuild, nil), b.Commit(pebble.Sync))
	if err != nil {
		return errDisk(err)
	}
	s, err := loadSequence(e.db)
	if err != nil {
		return err
	}
	for c, err := range e.log.Read(context.Background(), 0) {
		if err != nil {
			return errDisk(err)
		}
		if err := s.replay(e.db, &c, e.o.Index); err != nil {
			return err
		}
	}
	done := e.db.NewBatch()
	defer done.Close()
	err = errors.Join(done.Set(metaDefinition, []byte(e.o.Definition), nil), done.Delete(metaRebuild, nil), e.db.Flush(), done.Commit(pebble.Sync))
	if err != nil {
		return errDisk(err)
	}
	e.o.Logger.Info("store reindexed", "commits", s.head.t, "versions", s.head.versions, "took", time.Since(began))
	return nil
}

// replay applies a commit of the log: the same rows as when it was decided.
func (s *sequence) replay(db *pebble.DB, c *commitlog.Commit, index IndexFunc) error {
	found, err := indexCommit(c, index)
	if err != nil {
		return err
	}
	writes, err := s.resolved(c, found, false)
	if err != nil {
		return err
	}
	b := db.NewBatchWithSize(batchSize(nil, nil))
	defer b.Close()
	if err := s.stage(b, c, writes); err != nil {
		return err
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return errDisk(err)
	}
	return nil
}

// resolved gives the writes of a commit as they were when it was decided; found is what its documents can be found by.
// proven: a first version needs no look for one before it.
func (s *sequence) resolved(c *commitlog.Commit, found []search.Indexed, proven bool) ([]*write, error) {
	writes := make([]*write, len(c.Writes))
	for i := range c.Writes {
		from := &c.Writes[i]
		w := &write{key: from.Key, method: store.Method(from.Method), version: from.Version, unique: from.Unique}
		if w.method != store.MethodDelete {
			w.doc, w.entries, w.contained = from.Document, found[i].Entries, found[i].Contained
			w.packed = packEntries(nil, w.entries)
		}
		if proven && w.version == 1 && w.doc != nil {
			w.typ = s.types.code[w.key.Type]
			w.setSender(from.Sender)
		} else if err := errors.Join(s.resolve(w), s.resolveOld(w, from.Sender)); err != nil {
			return nil, err
		}
		if w.sender != from.Sender {
			return nil, fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("commit %d changes the sender of %s", c.T, w.key))
		}
		if w.version != w.old.version+1 {
			return nil, fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("commit %d writes version %d of %s after %d", c.T, w.version, w.key, w.old.version))
		}
		writes[i] = w
	}
	return writes, nil
}
