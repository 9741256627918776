package delivery

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/store"
)

// slow is a store whose records take their time.
type slow struct {
	store.Store
	read func()
}

func (s slow) Records(ctx context.Context, space store.Space, from, to string) iter.Seq2[store.Record, error] {
	s.read()
	return s.Store.Records(ctx, space, from, to)
}

// A count that takes long is told again for a while, and goes on when who asked has given up.
func TestASummaryThatTakesLongIsToldAgain(t *testing.T) {
	w := newWorld(t)
	now, counts := w.Now(), 0
	ctx, giveUp := context.WithCancel(ours(context.Background()))
	box := New(Config{Store: slow{w.store, func() { counts, now = counts+1, now.Add(3*time.Second); giveUp() }}, Now: func() time.Time { return now }, Episode: episodeOf})
	total := func(want int) {
		t.Helper()
		got, err := box.Summary(ctx)
		if err != nil || got[Queued] != want {
			t.Errorf("%v, want %d (%v)", got, want, err)
		}
		ctx = ours(context.Background())
	}
	w.mustWrite("c1", "LK-1", "active", "x")
	total(1)
	w.mustWrite("c2", "LK-2", "active", "x")
	total(1)
	now = now.Add(summaryShare * 3 * time.Second)
	total(2)
	if counts != 2 {
		t.Errorf("counted %d times, want 2", counts)
	}
}
