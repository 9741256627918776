package bhxh

import (
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/delivery"
)

// A server stands still right before its file leaves; another one finds out that it was not received, twice, and sends it.
// When the first wakes up, it sends nothing: its time is over, however patient its own connection is.
func TestAServerThatWakesUpSendsNothing(t *testing.T) {
	a := newArena(t)
	a.patience = time.Minute
	a.start()
	a.start()
	a.round(10 * time.Second)
	k := a.claim("c1", "a")
	a.trap.set(step{"before the call claim", 1}, func(s *node) { a.stop(s, 3*time.Hour) })
	for range 60 {
		if a.round(2 * time.Minute); a.load(k).State == delivery.Assessed {
			break
		}
	}
	if it := a.load(k); !a.trap.struck || it.State != delivery.Assessed || it.Sends != 2 {
		t.Fatalf("the test does not do what it says: %v %+v", a.trap.struck, it)
	}
	asleep := 0
	for _, s := range a.nodes {
		if s.wake != nil {
			asleep++
		}
	}
	a.round(3 * time.Hour)
	a.round(time.Minute)
	a.judge("c1", k, true)
	if asleep != 1 || a.count.effects != 1 {
		t.Errorf("%d asleep, %d effects", asleep, a.count.effects)
	}
}
