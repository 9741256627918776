package scheduler

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

func newClock() *fhirtest.Clock {
	return fhirtest.NewClock(time.Date(2026, 3, 1, 1, 0, 5, 0, time.UTC))
}

func runner(tb testing.TB, s store.Store, c *fhirtest.Clock, holder string, jobs ...Job) *Runner {
	tb.Helper()
	r, err := New(Config{Store: s, Now: c.Now, Holder: holder, Keep: 5, Log: slog.New(slog.DiscardHandler)}, jobs...)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func tick(tb testing.TB, r *Runner, job string) {
	tb.Helper()
	if err := r.Tick(context.Background(), job); err != nil {
		tb.Fatal(err)
	}
}

func slots(tb testing.TB, r *Runner, job string) []SlotRecord {
	tb.Helper()
	s, err := r.Slots(context.Background(), job, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// count counts the runs of each slot.
type count struct {
	mu   sync.Mutex
	runs map[string]int
}

func (c *count) run(_ context.Context, s Slot) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs == nil {
		c.runs = map[string]int{}
	}
	c.runs[s.At.UTC().Format("15:04:05")]++
	return nil
}

func TestASlotRunsOnceWithManyRunners(t *testing.T) {
	s, c, n := openStore(t), newClock(), &count{}
	job := Job{Name: "j", Schedule: "*/10 * * * * *", Run: n.run}
	var runners []*Runner
	for i := range 8 {
		runners = append(runners, runner(t, s, c, fmt.Sprint("server-", i), job))
	}
	tick(t, runners[0], "j")
	for range 20 {
		c.Advance(10 * time.Second)
		var wg sync.WaitGroup
		for _, r := range runners {
			wg.Go(func() { tick(t, r, "j") })
		}
		wg.Wait()
	}
	if len(n.runs) != 20 {
		t.Errorf("%d slots ran, want 20: %v", len(n.runs), n.runs)
	}
	for at, k := range n.runs {
		if k != 1 {
			t.Errorf("slot %s ran %d times", at, k)
		}
	}
	if got := len(slots(t, runners[0], "j")); got != 5 {
		t.Errorf("%d rows of slots are kept, want 5", got)
	}
}

func TestSlotsThatWentBy(t *testing.T) {
	for _, k := range []struct {
		policy Policy
		down   time.Duration
		want   []string
		states []State
	}{
		{Latest, 35 * time.Second, []string{"01:00:40"}, []State{Finished}},
		{All, 35 * time.Second, []string{"01:00:10", "01:00:20", "01:00:30", "01:00:40"}, []State{Finished, Finished, Finished, Finished}},
		{Skip, 35 * time.Second, []string{"01:00:40"}, []State{Finished}},
		{Latest, 3 * time.Second, nil, nil},
	} {
		t.Run(fmt.Sprint(k.policy, " ", k.down), func(t *testing.T) {
			s, c, n := openStore(t), newClock(), &count{}
			r := runner(t, s, c, "a", Job{Name: "j", Schedule: "*/10 * * * * *", CatchUp: k.policy, Run: n.run})
			tick(t, r, "j")
			c.Advance(k.down)
			tick(t, r, "j")
			if len(n.runs) != len(k.want) {
				t.Errorf("ran %v, want %v", n.runs, k.want)
			}
			for _, w := range k.want {
				if n.runs[w] != 1 {
					t.Errorf("slot %s ran %d times", w, n.runs[w])
				}
			}
			for i, rec := range slots(t, r, "j") {
				if rec.State != k.states[i] {
					t.Errorf("slot %s is %s, want %s", rec.Key, rec.State, k.states[i])
				}
			}
		})
	}
}

func TestSkipLetsAnOldSlotGo(t *testing.T) {
	s, c, n := openStore(t), newClock(), &count{}
	r := runner(t, s, c, "a", Job{Name: "j", Schedule: "0 2 * * *", Zone: "UTC", CatchUp: Skip, Run: n.run})
	tick(t, r, "j")
	c.Advance(5 * time.Hour)
	tick(t, r, "j")
	got := slots(t, r, "j")
	if len(n.runs) != 0 || len(got) != 1 || got[0].State != Missed {
		t.Errorf("ran %v, rows %+v", n.runs, got)
	}
}

// die makes a runner take a slot and vanish in the middle of it, as kill -9 does.
func die(t *testing.T, s store.Store, c *fhirtest.Clock, j Job) {
	t.Helper()
	j.Run = func(ctx context.Context, _ Slot) error { panic("unreachable") }
	r := runner(t, s, c, "dead", j)
	ctx, cancel := context.WithCancel(context.Background())
	r.jobs[0].Run = func(context.Context, Slot) error { cancel(); return nil }
	r.store = deadAfterTake{r.store, ctx}
	_ = r.Tick(ctx, j.Name) // its last commit fails, as if it had not been sent
}

// deadAfterTake refuses to commit once ctx has ended.
type deadAfterTake struct {
	store.Store
	gone context.Context
}

func (d deadAfterTake) Commit(ctx context.Context, c store.Changes) (store.Receipt, error) {
	if d.gone.Err() != nil {
		return store.Receipt{}, errors.New("this server is dead")
	}
	return d.Store.Commit(ctx, c)
}

func TestASlotWhoseServerDied(t *testing.T) {
	for _, k := range []struct {
		policy Policy
		newer  bool // a newer slot is due when the lease is over
		state  State
		try    int
	}{
		{Latest, false, Finished, 2},
		{Latest, true, Lost, 1},
		{All, true, Finished, 2},
		{Skip, false, Lost, 1},
	} {
		t.Run(fmt.Sprint(k.policy, " newer ", k.newer), func(t *testing.T) {
			s, c, n := openStore(t), newClock(), &count{}
			j := Job{Name: "j", Schedule: "0 * * * *", CatchUp: k.policy, Lease: time.Minute, Run: n.run}
			r := runner(t, s, c, "b", j)
			tick(t, r, "j")
			c.Advance(time.Hour)
			die(t, s, c, j)
			tick(t, r, "j")
			if len(n.runs) != 0 {
				t.Fatal("taken over while the lease lives")
			}
			c.Advance(61 * time.Second)
			if k.newer {
				c.Advance(time.Hour)
			}
			tick(t, r, "j")
			got := slots(t, r, "j")
			first := got[len(got)-1]
			if first.State != k.state || first.Try != k.try {
				t.Errorf("the slot is %s at try %d, want %s at %d", first.State, first.Try, k.state, k.try)
			}
			if k.newer && (len(got) != 2 || got[0].State != Finished) {
				t.Errorf("the newer slot did not run: %+v", got)
			}
		})
	}
}

func TestASlotThatKillsItsServerIsGivenUp(t *testing.T) {
	s, c := openStore(t), newClock()
	j := Job{Name: "j", Schedule: "0 0 * * *", Run: func(context.Context, Slot) error { return nil }}
	r := runner(t, s, c, "b", j)
	tick(t, r, "j")
	c.Advance(24 * time.Hour)
	for range maxTries {
		die(t, s, c, j)
		c.Advance(2 * time.Minute)
	}
	tick(t, r, "j")
	if got := slots(t, r, "j"); got[0].State != Lost || got[0].Try != maxTries {
		t.Errorf("got %+v", got[0])
	}
}

func TestAFailureIsRecordedAndTheNextSlotRuns(t *testing.T) {
	s, c := openStore(t), newClock()
	fail := []error{errors.New("gateway out of reach"), nil}
	i := 0
	r := runner(t, s, c, "a", Job{Name: "j", Schedule: "*/10 * * * * *", Run: func(context.Context, Slot) error {
		i++
		if i == 2 {
			panic("broken")
		}
		return fail[(i-1)/2]
	}})
	tick(t, r, "j")
	for range 3 {
		c.Advance(10 * time.Second)
		tick(t, r, "j")
	}
	got := slots(t, r, "j")
	if len(got) != 3 || got[2].State != Failed || got[2].Message != "gateway out of reach" ||
		got[1].State != Failed || got[1].Message != "job panicked: broken" || got[0].State != Finished {
		t.Errorf("got %+v", got)
	}
}

func TestPauseResumeRunNow(t *testing.T) {
	ctx := context.Background()
	s, c, n := openStore(t), newClock(), &count{}
	j := Job{Name: "j", Schedule: "*/10 * * * * *", Run: n.run}
	r, other := runner(t, s, c, "a", j), runner(t, s, c, "b", j)
	tick(t, r, "j")
	if err := r.Pause(ctx, "j", "chi.lan", " "); err == nil {
		t.Error("a pause without a reason was accepted")
	}
	if err := r.Pause(ctx, "j", "chi.lan", "bảo trì cổng"); err != nil {
		t.Fatal(err)
	}
	c.Advance(30 * time.Second)
	tick(t, other, "j")
	if len(n.runs) != 0 {
		t.Errorf("ran while paused: %v", n.runs)
	}
	key, err := r.RunNow(ctx, "j", "chi.lan")
	if err != nil {
		t.Fatal(err)
	}
	tick(t, other, "j")
	if got := slots(t, r, "j"); len(got) != 1 || got[0].Key != key || got[0].State != Finished || !got[0].Manual || got[0].By != "chi.lan" {
		t.Errorf("manual run: %+v", got)
	}
	st, err := r.Jobs(ctx)
	if err != nil || st[0].Paused == nil || st[0].Paused.Reason != "bảo trì cổng" {
		t.Errorf("status %+v %v", st, err)
	}
	if err := r.Resume(ctx, "j"); err != nil {
		t.Fatal(err)
	}
	tick(t, other, "j")
	if got := slots(t, r, "j"); len(got) != 2 {
		t.Errorf("after the pause the newest slot that went by runs once, got %+v", got)
	}
	for range maxRequests {
		if _, err := r.RunNow(ctx, "j", "x"); err != nil {
			t.Fatal(err)
		}
	}
	_, err = r.RunNow(ctx, "j", "x")
	if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind != fhir.Busy {
		t.Errorf("requests have no bound: %v", err)
	}
}

// The bell rings at the slots, a long run keeps its lease, and a stop waits for it.
func TestRunInTime(t *testing.T) {
	enginetest.FalseClock(t)
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		n := &count{}
		var stopped bool
		r, err := New(Config{Store: s, Log: slog.New(slog.DiscardHandler)},
			Job{Name: "often", Schedule: "*/10 * * * * *", Run: n.run},
			Job{Name: "long", Schedule: "0 * * * * *", Lease: 30 * time.Second, Run: func(ctx context.Context, sl Slot) error {
				<-ctx.Done()
				time.Sleep(time.Second) // under a false clock: the work it takes to stop in order
				stopped = true
				return ctx.Err()
			}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(10*time.Minute + 5*time.Second) // false clock
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if len(n.runs) != 60 {
			t.Errorf("%d slots ran in 10 minutes, want 60", len(n.runs))
		}
		if !stopped {
			t.Error("Run returned before the job had ended")
		}
		got := slots(t, r, "long")
		if len(got) != 1 || got[0].State != Failed || got[0].Try != 1 {
			t.Errorf("the long run: %+v", got)
		}
	})
}

var (
	deathRuns = flag.Int("deaths.runs", 20, "worlds of TestRandomDeaths")
	deathSeed = flag.Uint64("deaths.seed", 0, "seed of its first world; 0 = a new one each time")
)

// Servers come, die and stop at random; each slot of policy All is in the end finished once, or given up after it killed
// as many servers as it may; none is left running.
func TestRandomDeaths(t *testing.T) {
	first := *deathSeed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	for i := range *deathRuns {
		seed := first + uint64(i)
		t.Run(fmt.Sprint("deaths.seed=", seed), func(t *testing.T) {
			dieAtRandom(t, rand.New(rand.NewPCG(seed, 1)))
		})
	}
}

func dieAtRandom(t *testing.T, rng *rand.Rand) {
	s, c, n := openStore(t), newClock(), &count{}
	j := Job{Name: "j", Schedule: "*/30 * * * * *", CatchUp: All, Lease: time.Minute, Run: n.run}
	r := runner(t, s, c, "b", j)
	r.keep = 1000
	tick(t, r, "j")
	start := c.Now()
	for range 12 {
		c.Advance(time.Duration(rng.IntN(200)+1) * time.Second)
		if rng.IntN(2) == 0 {
			die(t, s, c, j)
		} else {
			tick(t, r, "j")
		}
	}
	for range maxTries {
		c.Advance(61 * time.Second)
		tick(t, r, "j")
	}
	want := len(r.jobs[0].schedule.Between(start, c.Now(), 1000))
	got := slots(t, r, "j")
	if len(got) != want {
		t.Fatalf("%d rows, want %d", len(got), want)
	}
	for _, sl := range got {
		if sl.State != Finished && !(sl.State == Lost && sl.Try == maxTries) {
			t.Errorf("slot %s is %s after try %d", sl.Key, sl.State, sl.Try)
		}
	}
	for at, k := range n.runs {
		if k != 1 {
			t.Errorf("slot %s finished %d times", at, k)
		}
	}
}
