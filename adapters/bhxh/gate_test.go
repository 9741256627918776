package bhxh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
	"github.com/lienthong/lienthong/adapters/delivery"
)

func gateOf(t *testing.T, c Config) (*gate, *gateway.Client) {
	t.Helper()
	client, err := gateway.New(gateway.Config{BaseURL: "http://portal.invalid", Username: "a", Password: "b"})
	if err != nil {
		t.Fatal(err)
	}
	c.Now, c.Log = time.Now, slog.New(slog.DiscardHandler)
	return newGate(&Sync{Config: c}), client
}

// The breaker opens after failures in a row, lets one call try after its rest, and the others go when that one was good.
func TestTheBreakerOpensTriesAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, client := gateOf(t, Config{Breaker: Breaker{Failures: 2, Rest: time.Minute}})
		end := func(outcome error) {
			t.Helper()
			leave, err := g.enter(t.Context(), client)
			if err != nil {
				t.Fatal(err)
			}
			leave(outcome)
		}
		end(errFault)
		end(nil)
		end(errFault) // not in a row
		end(errFault)
		if _, err := g.enter(t.Context(), client); !rests(err) {
			t.Fatalf("two failures in a row: %v", err)
		}
		<-time.After(time.Minute + time.Millisecond)
		for _, outcome := range []error{errNoCall, nil} {
			leave, err := g.enter(t.Context(), client)
			if err != nil {
				t.Fatal(err)
			}
			var passed atomic.Int64
			if outcome == nil {
				for range 3 {
					go func() {
						leave, err := g.enter(t.Context(), client)
						if err == nil {
							passed.Add(1)
							leave(nil)
						}
					}()
				}
			}
			synctest.Wait()
			if passed.Load() != 0 {
				t.Fatal("more than one call tries")
			}
			leave(outcome)
			synctest.Wait()
			if outcome == nil && passed.Load() != 3 {
				t.Fatalf("%d of 3 went on after the one that tried was good", passed.Load())
			}
		}
	})
}

func TestSeatsBoundTheCallsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, client := gateOf(t, Config{AtOnce: 2})
		var now, most atomic.Int64
		for range 20 {
			go func() {
				leave, err := g.enter(t.Context(), client)
				if err != nil {
					t.Error(err)
					return
				}
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				<-time.After(time.Second)
				now.Add(-1)
				leave(nil)
			}()
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if most.Load() != 2 {
			t.Errorf("%d calls at once, want 2", most.Load())
		}
		ctx, cancel := context.WithCancel(t.Context())
		first, _ := g.enter(ctx, client)
		second, _ := g.enter(ctx, client)
		cancel()
		if _, err := g.enter(ctx, client); !errors.Is(err, context.Canceled) {
			t.Errorf("no seat, and the work was to end: %v", err)
		}
		first(nil)
		second(nil)
	})
}

// A portal that fails is left alone: what has not been tried stays queued, without an attempt.
func TestClaimsStayQueuedWhileTheBreakerIsOpen(t *testing.T) {
	w := newWorld(t)
	w.sync.Breaker = Breaker{Failures: 2, Rest: time.Hour}
	w.sync.gate, w.sync.Concurrency = newGate(w.sync), 1
	var keys []delivery.Key
	for i := range 6 {
		keys = append(keys, w.claim(fmt.Sprintf("c%d", i), "outpatient"))
	}
	w.faults(bhxhmock.Faults{DropBeforeAccept: &bhxhmock.Fault{}})
	w.slots(10 * time.Second)
	w.slots(10 * time.Second)
	states := map[delivery.State]int{}
	for _, k := range keys {
		it := w.item(k)
		states[it.State]++
		if it.State == delivery.Queued && it.Sends > 0 {
			t.Errorf("%s is queued with an attempt", k)
		}
	}
	if states[delivery.Unknown] != 2 || states[delivery.Queued] != 4 {
		t.Errorf("%v, want 2 unknown and 4 queued", states)
	}
	slots, err := w.runner.Slots(ours(t.Context()), SyncJob, 1)
	if err != nil || len(slots) != 1 || slots[0].Message == "" {
		t.Errorf("the slot does not say that the portal was left alone: %v %+v", err, slots)
	}
}

// Retry-After is kept, whatever the reply proves.
func TestRetryAfterIsKept(t *testing.T) {
	w := newWorld(t)
	var calls atomic.Int64
	portal := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		rw.Header().Set("Retry-After", "120")
		rw.WriteHeader(http.StatusTooManyRequests)
	}))
	defer portal.Close()
	w.connect(portal.URL)
	k := w.claim("c1", "outpatient")
	w.slots(10 * time.Second)
	first := calls.Load()
	for range 9 {
		w.slots(10 * time.Second)
	}
	if first == 0 || calls.Load() != first {
		t.Errorf("%d calls, then %d more within the two minutes", first, calls.Load()-first)
	}
	w.slots(40 * time.Second)
	if calls.Load() == first {
		t.Error("no call after the two minutes")
	}
	w.wantState(k, delivery.Queued)
	w.connect(w.portal.URL)
	w.settle()
	w.wantState(k, delivery.Assessed)
	w.once()
}
