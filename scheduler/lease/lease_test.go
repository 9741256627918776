package lease

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

func openStore(t *testing.T) store.Store {
	t.Helper()
	s := enginetest.Open(t, engine.Options{})
	return s
}

func TestAHolderThatSleptIsFenced(t *testing.T) {
	ctx := context.Background()
	s := openStore(t)
	now := time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)
	old, changes, err := Take(ctx, s, "x", "a", now, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(ctx, changes); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Take(ctx, s, "x", "b", now, time.Minute); err == nil {
		t.Error("a lease that lives was taken")
	}
	now = now.Add(time.Minute)
	taken, changes, err := Take(ctx, s, "x", "b", now, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(ctx, changes); err != nil {
		t.Fatal(err)
	}
	if taken.Token <= old.Token {
		t.Errorf("token went from %d to %d", old.Token, taken.Token)
	}
	if _, err := s.Commit(ctx, store.Changes{Require: []store.Precondition{old.Fence()}, Records: []store.Record{{Space: "t", Key: "k", Value: []byte("v")}}}); !Changed(err) {
		t.Errorf("the old holder could commit: %v", err)
	}
	if _, err := old.Renew(ctx, s, now, time.Minute); err == nil {
		t.Error("the old holder could renew")
	}
	if _, err := s.Commit(ctx, taken.Release()); err != nil {
		t.Fatal(err)
	}
	if lives, err := Lives(ctx, s, "x", taken.Token, now); lives || err != nil {
		t.Errorf("a lease given back lives: %v %v", lives, err)
	}
	next, _, err := Take(ctx, s, "x", "a", now, time.Minute)
	if err != nil || next.Token <= taken.Token {
		t.Errorf("token %d after %d: %v", next.Token, taken.Token, err)
	}
}

// Of many that prepare to take a free lease at the same time one succeeds.
func TestALeaseHasOneHolder(t *testing.T) {
	s := openStore(t)
	now := time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)
	taken := make([]bool, 16)
	var wg sync.WaitGroup
	for i := range taken {
		wg.Go(func() {
			_, c, err := Take(context.Background(), s, "x", "a", now, time.Minute)
			if err == nil {
				_, err = s.Commit(context.Background(), c)
			}
			taken[i] = err == nil
		})
	}
	wg.Wait()
	n := 0
	for _, ok := range taken {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d of %d hold the lease", n, len(taken))
	}
}
