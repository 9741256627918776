package audit

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/store"
)

// fullStore refuses commits for want of room.
type fullStore struct {
	store.Store
	full           atomic.Bool
	refused, taken atomic.Int64
}

func (s *fullStore) Commit(ctx context.Context, c store.Changes) (store.Receipt, error) {
	if s.full.Load() {
		s.refused.Add(1)
		return store.Receipt{}, fhir.Errorf(fhir.Unavailable, "store-full", "")
	}
	s.taken.Add(1)
	return s.Store.Commit(ctx, c)
}

// TestFollowerOutlivesAFullStore: a checkpoint that the store has no room for ends nothing; the next one is committed.
func TestFollowerOutlivesAFullStore(t *testing.T) {
	w := newWard(t)
	s := &fullStore{Store: w.store}
	s.full.Store(true)
	f := &Follower{Store: s, Journal: w.journal, Every: time.Millisecond}
	ctx, cancel := context.WithCancel(open(t))
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	entries := 0
	until := func(what string, reached func() bool) {
		for end := time.Now().Add(fhirtest.Patience); !reached(); entries++ {
			if time.Now().After(end) {
				t.Fatal(what)
			}
			if err := w.journal.Append(t.Context(), sample(entries)); err != nil {
				t.Fatal(err)
			}
		}
	}
	until("no checkpoint was refused", func() bool { return s.refused.Load() > 1 })
	s.full.Store(false)
	until("no checkpoint was taken afterwards", func() bool { return s.taken.Load() > 0 })
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the follower ended with %v", err)
	}
}
