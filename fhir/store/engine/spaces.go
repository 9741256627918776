package engine

import (
	"context"
	"sync"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// spaces tells which commit changed the records of a space last, whether it is on disk or not. Nearly every commit writes records of
// some space (its audit entry), so who reads one of another space need neither wait for it nor read again.
// mu guards the fields; nothing is done under it but to read and change them.
type spaces struct {
	mu      sync.Mutex
	before  fhir.T            // spaces that are not in changed were changed by this commit at the latest
	changed map[string]fhir.T // as many as rooms have names for
}

// open says that nobody knows what was changed up to t.
func (s *spaces) open(t fhir.T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.changed = t, map[string]fhir.T{}
}

// note takes note of the records of commit t. It comes before they can be seen, so that who saw one finds it here.
func (s *spaces) note(records []commitlog.Record, t fhir.T) {
	if len(records) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		return // nobody reads yet: see open
	}
	for i := range records {
		s.changed[records[i].Space] = t
	}
}

func (s *spaces) last(space store.Space) fhir.T {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.changed[string(space)]; ok {
		return t
	}
	return s.before
}

// RecordsChanged implements store.Store.
func (e *Engine) RecordsChanged(ctx context.Context, space store.Space) (fhir.T, error) {
	if err := e.gate.enter(); err != nil {
		return 0, err
	}
	defer e.gate.leave()
	if err := e.confirm(ctx); err != nil {
		return 0, err
	}
	return e.recordsDurable(ctx, space)
}

// recordsDurable waits until all records of a space that may have been seen are on disk, and gives the commit that changed them last.
func (e *Engine) recordsDurable(ctx context.Context, space store.Space) (fhir.T, error) {
	seen := e.spaces.last(space)
	if seen <= e.published.t() {
		return seen, nil
	}
	_, err := e.published.wait(ctx, seen-1, e.o.Room.waiting())
	return seen, err
}
