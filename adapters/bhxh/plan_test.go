package bhxh

import (
	"log/slog"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/scheduler"
)

// A facility with a plan is sent in its own slots, in its own zone, and in no others; it can be run now by itself.
func TestAFacilityHasItsOwnSlots(t *testing.T) {
	w := newWorld(t) // 08:00 in Ho Chi Minh City
	w.sync.Plans = map[string]Plan{facility: {Schedule: "30 8 * * *", CatchUp: scheduler.Skip}}
	var err error
	w.runner, err = scheduler.New(scheduler.Config{Store: w.store, Now: w.clock.Now, Holder: "planned", Log: slog.New(slog.DiscardHandler)}, w.sync.Jobs()...)
	if err != nil {
		t.Fatal(err)
	}
	slots := func(d time.Duration) {
		t.Helper()
		w.slots(d)
		if err := w.runner.Tick(ours(t.Context()), JobOf(facility)); err != nil {
			t.Fatal(err)
		}
	}
	k := w.claim("c1", "outpatient")
	for range 20 {
		slots(time.Minute)
	}
	w.wantState(k, delivery.Queued)
	slots(10 * time.Minute) // 08:30
	w.wantState(k, delivery.Accepted)

	late := w.claim("c2", "outpatient")
	slots(24*time.Hour + 10*time.Minute) // the slot went by, and is let go
	w.wantState(late, delivery.Queued)
	if _, err := w.runner.RunNow(ours(t.Context()), JobOf(facility), "chi.lan"); err != nil {
		t.Fatal(err)
	}
	slots(time.Second)
	w.wantState(late, delivery.Accepted)
	w.once()
}
