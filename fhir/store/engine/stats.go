package engine

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// Stats implements store.Store. DiskBytes is what the folder's files hold, those waiting for reuse included.
func (e *Engine) Stats(context.Context) (store.Stats, error) {
	if err := e.gate.enter(); err != nil {
		return store.Stats{}, err
	}
	defer e.gate.leave()
	h, counts := e.published.all()
	s := store.Stats{Head: h.t, Resources: map[fhir.Type]int{}, Versions: int(h.versions)}
	for typ, n := range counts {
		if n > 0 && !isWithin(typ) {
			s.Resources[typ] = int(n)
		}
	}
	names, err := e.o.FS.List(e.dir)
	if err != nil {
		return s, errDisk(err)
	}
	for _, name := range names {
		info, err := e.o.FS.Stat(e.o.FS.PathJoin(e.dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // replaced by a compaction since List
		}
		if err != nil {
			return s, errDisk(err)
		}
		if !info.IsDir() {
			s.DiskBytes += info.Size()
		}
	}
	return s, nil
}

// Checkpoint implements store.Store: hard links to sorted files, a copy of the rest. Open can open the copy.
func (e *Engine) Checkpoint(ctx context.Context, dir string) error {
	if err := e.gate.enter(); err != nil {
		return err
	}
	defer e.gate.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := e.o.FS.Stat(dir); err == nil {
		return fhir.Errorf(fhir.Conflict, "checkpoint-exists", "", dir)
	}
	if err := e.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return errDisk(fmt.Errorf("checkpoint %s: %w", dir, err))
	}
	return nil
}
