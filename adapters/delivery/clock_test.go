package delivery

import (
	"strings"
	"testing"
	"time"
)

// Clocks run out at the times of the contract, once, and their marks go with the state.
func TestClocksRunOut(t *testing.T) {
	w := newWorld(t) // Sunday 2026-03-01 08:00 in Ho Chi Minh City
	k := w.mustWrite("c1", "LK-1", "active", "a")
	rings := func(d time.Duration, want ...Clock) {
		t.Helper()
		w.Advance(d)
		var got []string
		alarms, err := w.outbox.Alarms(ctx, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range alarms {
			got = append(got, string(a.Clock))
		}
		var wanted []string
		for _, c := range want {
			wanted = append(wanted, string(c))
		}
		if strings.Join(got, " ") != strings.Join(wanted, " ") {
			t.Errorf("at %s: %v, want %v", w.Now(), got, wanted)
		}
	}
	overdue := func(c Clock, want int) {
		t.Helper()
		if n, err := w.outbox.Overdue(ctx); err != nil || n[c] != want {
			t.Errorf("%s: %v %v, want %d", c, n, err, want)
		}
	}
	rings(24*time.Hour - time.Second)
	rings(time.Second, ClockSending)
	rings(time.Hour)
	overdue(ClockSending, 1)
	task, _ := w.task("c1")
	if !strings.Contains(string(task.Raw()), `/fhir/CodeSystem/delivery-overdue","code":"sending"`) {
		t.Errorf("the Task has no tag: %s", task.Raw())
	}
	w.deliver(k, accepted)
	overdue(ClockSending, 0)
	if task, _ := w.task("c1"); strings.Contains(string(task.Raw()), "delivery-overdue") {
		t.Errorf("the tag stayed: %s", task.Raw())
	}
	rings(6*time.Hour, ClockReply)
	rings(18*time.Hour, ClockFields)
	row, err := w.outbox.Learn(ctx, w.row(k), Answer{Asked: w.outbox.now(), Received: true, MaGiaoDich: "GD1", Checked: true})
	if err != nil {
		t.Fatal(err)
	}
	rings(24*time.Hour, ClockTotals)
	row, err = w.outbox.Learn(ctx, w.row(row.Key()), Answer{Asked: w.outbox.now(), Received: true, MaGiaoDich: "GD1", Verdict: Decided, Assessment: Partly, Checked: true})
	if err != nil || len(row.Overdue) != 0 {
		t.Fatal(err, row.Overdue)
	}
	// Assessed on Wednesday 4 March: the six working days before the last one end with Thursday 12 March.
	rings(time.Date(2026, 3, 12, 17, 0, 0, 0, time.UTC).Sub(w.Now()) - time.Second)
	rings(time.Second, ClockDispute)
	rings(1000 * time.Hour)
	w.check()
}

func TestAnAnswerStopsTheClocksOfAnAcceptedClaim(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK-1", "active", "a")
	w.deliver(k, accepted)
	w.Advance(time.Hour)
	if _, err := w.outbox.Learn(ctx, w.row(k), Answer{Asked: w.outbox.now(), Received: true, MaGiaoDich: "GD1", Checked: true}); err != nil {
		t.Fatal(err)
	}
	w.Advance(40 * time.Hour)
	if alarms, err := w.outbox.Alarms(ctx, 100); err != nil || len(alarms) != 0 {
		t.Errorf("%v %+v", err, alarms)
	}
	w.check()
}

// That the portal has told of a claim does not mean that it has looked at its form: that clock runs on. What nothing was granted of can be
// disputed as what was cut, and what was granted in full cannot.
func TestClocksOfWhatWasHeardAndDecided(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK-1", "active", "a")
	w.deliver(k, accepted)
	w.Advance(time.Hour)
	row, err := w.outbox.Learn(ctx, w.row(k), Answer{Asked: w.outbox.now(), Received: true, MaGiaoDich: "GD1"})
	if err != nil {
		t.Fatal(err)
	}
	running := w.outbox.Deadlines.running(row.Item)
	if _, reply := running[ClockReply]; reply || running[ClockFields] == 0 || running[ClockTotals] == 0 {
		t.Errorf("%v", running)
	}
	for granted, disputed := range map[Assessment]bool{Denied: true, Partly: true, Approved: false} {
		running := w.outbox.Deadlines.running(Item{State: Assessed, Assessment: granted, Since: w.outbox.now()})
		if _, runs := running[ClockDispute]; runs != disputed || len(running) > 1 {
			t.Errorf("%s: %v", granted, running)
		}
	}
}

func TestWorkingDays(t *testing.T) {
	c := DefaultCalendar()
	day := func(s string) time.Time {
		t.Helper()
		at, err := time.ParseInLocation("2006-01-02 15:04", s, c.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, x := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-03-02 09:00", 1, "2026-03-04 00:00"},
		{"2026-03-06 23:59", 1, "2026-03-10 00:00"}, // Friday -> Monday
		{"2026-02-13 09:00", 1, "2026-02-24 00:00"}, // over Tết
		{"2026-04-29 09:00", 1, "2026-05-05 00:00"}, // 30 April, 1 May, a weekend
		{"2026-04-24 00:00", 7, "2026-05-09 00:00"}, // two holidays more and the substitute of the Hùng kings' day
		{"2026-03-02 09:00", 0, "2026-03-03 00:00"},
	} {
		if got := c.EndOf(day(x.from), x.n); !got.Equal(day(x.want)) {
			t.Errorf("%s and %d working days: %s, want %s", x.from, x.n, got.Format("2006-01-02 15:04"), x.want)
		}
	}
	more, err := c.With("2026-03-03 lễ riêng\n+2026-03-07 làm bù\n# word\n\n+2026-04-30")
	if err != nil || more.Works(day("2026-03-03 09:00")) || !more.Works(day("2026-03-07 09:00")) || !more.Works(day("2026-04-30 09:00")) || c.Works(day("2026-04-30 09:00")) {
		t.Errorf("%v %+v", err, more)
	}
	if _, err := c.With("30/4/2026"); err == nil {
		t.Error("a day that is none was read")
	}
}
