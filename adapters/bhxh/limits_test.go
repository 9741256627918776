package bhxh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// oneRow is the store as limits see it, in the time of a test.
type oneRow struct {
	store.Store
	mu      sync.Mutex
	value   []byte
	commits int
}

func (s *oneRow) Record(context.Context, store.Space, string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value, s.value != nil, nil
}

func (s *oneRow) Commit(_ context.Context, c store.Changes) (store.Receipt, error) {
	time.Sleep(time.Millisecond) // of the test's own clock: others come between
	s.mu.Lock()
	defer s.mu.Unlock()
	if !bytes.Equal(s.value, c.Require[0].(store.RecordIs).Value) {
		return store.Receipt{}, fhir.Errorf(fhir.Conflict, "record-changed", "")
	}
	s.value, s.commits = c.Records[0].Value, s.commits+1
	return store.Receipt{}, nil
}

func sharedSync(t *testing.T, st store.Store, name string, c Config) (*Sync, *gateway.Client) {
	t.Helper()
	client, err := gateway.New(gateway.Config{BaseURL: "http://portal.invalid", Username: "a", Password: "b"})
	if err != nil {
		t.Fatal(err)
	}
	c.Store, c.Outbox, c.Server, c.Log = st, new(delivery.Outbox), name, slog.New(slog.DiscardHandler)
	c.Accounts = []Account{{Client: client}}
	s, err := NewSync(c)
	if err != nil {
		t.Fatal(err)
	}
	return s, client
}

// Files of two servers together go out no faster than the portal takes them, also when one of them joins or pauses.
func TestTwoServersKeepOneRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond = 20
		st := &oneRow{}
		var mu sync.Mutex
		var sent []time.Time
		began := time.Now()
		for i := range 2 {
			s, _ := sharedSync(t, st, fmt.Sprint("s", i), Config{PerSecond: perSecond})
			for worker := range 3 {
				go func() {
					time.Sleep(time.Duration(i) * 3 * time.Second)
					for n := range 100 {
						if n == 30*(worker+1) {
							time.Sleep(5 * time.Second)
						}
						if err := s.paced(t.Context(), "51901"); err != nil {
							return
						}
						mu.Lock()
						sent = append(sent, time.Now())
						mu.Unlock()
					}
				}()
			}
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(sent) != 600 {
			t.Fatalf("%d files, want 600", len(sent))
		}
		slices.SortFunc(sent, time.Time.Compare)
		for i := perSecond; i < len(sent); i++ {
			if d := sent[i].Sub(sent[i-perSecond]); d < time.Second-2*time.Millisecond {
				t.Fatalf("%d files within %s, from %s on", perSecond+1, d, sent[i-perSecond].Sub(began))
			}
		}
		if took := sent[599].Sub(began); took > time.Minute {
			t.Errorf("600 files took %s: turns are lost", took)
		}
		if st.commits > 300 {
			t.Errorf("%d commits for 600 files", st.commits)
		}
	})
}

// Calls under way of servers that come, go and die stay within what the portal bears, and all of it is used.
func TestServersShareTheSeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &oneRow{}
		var now, most, over atomic.Int64
		work := func(ctx context.Context, name string, calls int) (done *atomic.Int64) {
			done = new(atomic.Int64)
			s, client := sharedSync(t, st, name, Config{AtOnce: 8})
			for range 10 {
				go func() {
					for range calls {
						leave, err := s.gate.enter(ctx, client)
						if err != nil {
							return
						}
						n := now.Add(1)
						if n > most.Load() {
							most.Store(n)
						}
						if n > 8 {
							over.Add(1)
						}
						time.Sleep(700 * time.Millisecond)
						now.Add(-1)
						leave(nil)
						done.Add(1)
					}
				}()
			}
			return done
		}
		dies, kill := context.WithCancel(t.Context())
		first := work(t.Context(), "s1", 60)
		time.Sleep(5 * time.Second)
		if most.Load() != 8 {
			t.Errorf("a server alone has %d of 8 seats", most.Load())
		}
		second := work(dies, "s2", 60)
		time.Sleep(20 * time.Second)
		if second.Load() < 50 {
			t.Errorf("the one that joined made %d calls", second.Load())
		}
		kill()
		work(t.Context(), "s3", 5)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if over.Load() != 0 || first.Load() != 600 {
			t.Errorf("%d times more than 8 calls, at most %d; %d of 600 calls of the first", over.Load(), most.Load(), first.Load())
		}
	})
}

// What one server's breaker found out, the others keep to.
func TestServersLeaveThePortalAloneTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &oneRow{}
		c := Config{Breaker: Breaker{Failures: 2, Rest: time.Minute}}
		a, clientA := sharedSync(t, st, "s1", c)
		b, clientB := sharedSync(t, st, "s2", c)
		call := func(s *Sync, client *gateway.Client, came error) error {
			leave, err := s.gate.enter(t.Context(), client)
			if err == nil {
				leave(came)
			}
			return err
		}
		if err := errors.Join(call(b, clientB, nil), call(a, clientA, errFault), call(a, clientA, errFault)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * limitsBeat)
		if err := call(b, clientB, nil); !rests(err) {
			t.Errorf("the other server calls: %v", err)
		}
		if err := call(a, clientA, nil); !rests(err) {
			t.Errorf("the server itself calls: %v", err)
		}
		time.Sleep(time.Minute)
		if err := errors.Join(call(b, clientB, nil), call(a, clientA, nil)); err != nil {
			t.Errorf("after the rest: %v", err)
		}
	})
}

// The row is one of the store: the same over an engine, whose compare-and-set decides.
func TestLimitsAreARowOfTheLog(t *testing.T) {
	st, err := engine.Open(t.TempDir(), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	turns := make(chan time.Time, 200)
	var wg sync.WaitGroup
	for i := range 2 {
		s, _ := sharedSync(t, st, fmt.Sprint("s", i), Config{PerSecond: 10, Now: func() time.Time { return at }})
		wg.Go(func() {
			for range 100 {
				turn, err := s.gate.limits.reserve(ours(t.Context()))
				if err != nil {
					t.Error(err)
					return
				}
				turns <- turn
			}
		})
	}
	wg.Wait()
	close(turns)
	var all []time.Time
	for turn := range turns {
		all = append(all, turn)
	}
	slices.SortFunc(all, time.Time.Compare)
	for i := 1; i < len(all); i++ {
		if d := all[i].Sub(all[i-1]); d < 100*time.Millisecond {
			t.Fatalf("turns %d and %d of 200 are %s apart", i-1, i, d)
		}
	}
}
