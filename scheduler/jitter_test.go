package scheduler

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// With a jitter each slot still runs once, at its own time plus a share of the jitter on which all servers agree.
func TestJitterSpreadsSlotsAndLosesNone(t *testing.T) {
	for _, policy := range []Policy{Latest, Skip, All} {
		t.Run(policy.String(), func(t *testing.T) {
			s, c := openStore(t), newClock()
			var n count
			job := Job{Name: "j", Schedule: "* * * * *", CatchUp: policy, Jitter: 40 * time.Second, Run: n.run}
			a, b := runner(t, s, c, "a", job), runner(t, s, c, "b", job)
			tick(t, a, "j") // the cursor is now
			planned, err := a.job("j")
			if err != nil {
				t.Fatal(err)
			}
			delays := map[time.Duration]bool{}
			for range 10 * 60 {
				c.Advance(time.Second)
				before := len(n.runs)
				tick(t, a, "j")
				tick(t, b, "j")
				if len(n.runs) == before {
					continue
				}
				slot := slots(t, a, "j")[0]
				want := planned.delay(slot.At.Time())
				delays[want] = true
				if late := c.Now().Sub(slot.At.Time()); late < want || late >= want+time.Second {
					t.Errorf("slot %s began %s after its time, want %s", slot.At, late, want)
				}
			}
			if len(n.runs) < 9 || len(delays) < 5 {
				t.Errorf("%d slots ran with %d delays in ten minutes", len(n.runs), len(delays))
			}
			for slot, runs := range n.runs {
				if runs != 1 {
					t.Errorf("slot %s ran %d times", slot, runs)
				}
			}
		})
	}
}

func TestTheNextSlotIsToldWithItsDelay(t *testing.T) {
	s, c := openStore(t), newClock()
	var n count
	r := runner(t, s, c, "a", Job{Name: "j", Schedule: "* * * * *", Jitter: 50 * time.Second, Run: n.run})
	tick(t, r, "j")
	for range 200 {
		jobs, err := r.Jobs(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		next := jobs[0].Next
		if !next.After(c.Now()) {
			t.Fatalf("at %s the next slot is %s", c.Now(), next)
		}
		ran := len(n.runs)
		c.Advance(next.Sub(c.Now()))
		tick(t, r, "j")
		if len(n.runs) != ran+1 {
			t.Fatalf("nothing ran at %s", next)
		}
	}
}

func TestPoliciesHaveNames(t *testing.T) {
	for _, p := range []Policy{Latest, Skip, All} {
		if got, err := ParsePolicy(fmt.Sprint(p)); err != nil || got != p {
			t.Errorf("%v: %v %v", p, got, err)
		}
	}
	if _, err := ParsePolicy("sometimes"); err == nil {
		t.Error("a policy that does not exist was read")
	}
}
