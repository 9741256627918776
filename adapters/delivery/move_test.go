package delivery

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
)

var (
	ctx      = ours(context.Background())
	accepted = Result{State: Accepted, MaGiaoDich: "GD1", HTTPStatus: 200, MaKetQua: "200"}
	noReply  = Result{State: Unknown}
)

// Every pair of states: what the table has is done, with the item, its due row and the Task; what it has not is refused
// and leaves no trace.
func TestEveryPairOfStates(t *testing.T) {
	w := newWorld(t)
	for _, from := range States {
		if _, ok := next[from]; !ok {
			t.Errorf("state %s has no row in the table", from)
		}
		for _, to := range States {
			if from == Draft || from == to {
				continue // a draft has no item
			}
			id := fmt.Sprintf("%s-%s", from, to)
			k := w.mustWrite(id, "LK-"+id, "active", "a")
			row := w.row(k)
			row = w.force(row, from)
			before, version := w.task(id)
			_, err := w.outbox.move(ctx, row, move{to: to})
			if Allowed(from, to) {
				if err != nil {
					t.Errorf("%s -> %s: %v", from, to, err)
				}
				w.wantTask(id, to)
				continue
			}
			wantCode(t, err, "delivery-transition")
			if got := w.row(k); got.State != from {
				t.Errorf("%s -> %s was refused and left %s", from, to, got.State)
			}
			if after, v := w.task(id); v != version || string(after.Raw()) != string(before.Raw()) {
				t.Errorf("%s -> %s was refused and changed the Task", from, to)
			}
		}
	}
	w.check()
}

// force puts an item into a state without asking the table.
func (w *world) force(row Row, s State) Row {
	w.tb.Helper()
	it := row.Item
	it.State = s
	n := Row{Item: it, raw: encode(it)}
	if _, err := w.svc.Apply(ctx, interaction.WriteSet{Records: itemRecords(&row.Item, n)}); err != nil {
		w.tb.Fatal(err)
	}
	return n
}

func TestTheTableKeepsOnce(t *testing.T) {
	for from, to := range next {
		for _, s := range to {
			if s == Sending && from != Queued {
				t.Errorf("%s -> sending: only what is queued may be sent", from)
			}
		}
	}
	for _, s := range []State{Accepted, Assessed, Settled} {
		if Allowed(s, Queued) || Allowed(s, Sending) {
			t.Errorf("%s has an effect and could be sent again", s)
		}
	}
}

// Two who read an item at the same moment cannot both change it: what the second one knows is outdated, and an item that was accepted
// meanwhile would go out again.
func TestWhoComesSecondChangesNothing(t *testing.T) {
	received := Answer{Received: true, MaGiaoDich: "GD7"}
	for name, c := range map[string]struct {
		at            func(w *world, k Key)
		first, second func(w *world, row Row) error
	}{
		"accepted by one query, not received by another": {
			at:    func(w *world, k Key) { w.deliver(k, noReply); w.Advance(time.Hour) },
			first: func(w *world, row Row) error { _, err := w.outbox.Learn(ctx, row, received); return err },
			second: func(w *world, row Row) error {
				_, err := w.outbox.Learn(ctx, row, Answer{Asked: w.outbox.now()})
				return err
			},
		},
		"accepted by a query, without an answer by another": {
			at:     func(w *world, k Key) { w.deliver(k, noReply) },
			first:  func(w *world, row Row) error { _, err := w.outbox.Learn(ctx, row, received); return err },
			second: func(w *world, row Row) error { _, err := w.outbox.Unanswered(ctx, row); return err },
		},
		"held by one, put off by another": {
			at: func(*world, Key) {},
			first: func(w *world, row Row) error {
				_, err := w.outbox.Hold(ctx, row, []Reason{{Code: "AMT-06"}})
				return err
			},
			second: func(w *world, row Row) error { _, err := w.outbox.Postpone(ctx, row, time.Minute, nil); return err },
		},
		"held by one, sent by another": {
			at: func(*world, Key) {},
			first: func(w *world, row Row) error {
				_, err := w.outbox.Hold(ctx, row, []Reason{{Code: "AMT-06"}})
				return err
			},
			second: func(w *world, row Row) error {
				d, err := w.outbox.Begin(ctx, row, w.slot(), []byte("x"), timeout)
				if d != nil {
					t.Error("it is sent")
				}
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			k := w.mustWrite("c1", "LK1", "active", "a")
			c.at(w, k)
			row := w.row(k)
			if err := c.first(w, row); err != nil {
				t.Fatal(err)
			}
			after := w.row(k)
			wantCode(t, c.second(w, row), "delivery-moved")
			if got := w.row(k); string(got.raw) != string(after.raw) {
				t.Errorf("%s became %s", after.raw, got.raw)
			}
			w.check()
		})
	}
}

func TestCalledOffWhileSending(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK1", "active", "a")
	s := w.slot()
	d := w.begin(k, s)
	w.mustWrite("c1", "LK1", "cancelled", "a")
	w.finish(d, accepted)
	w.wantState(k, Accepted, ReasonAfterwards)
	w.check()
}

func TestAnAttempt(t *testing.T) {
	t.Run("is on disk before a byte leaves", func(t *testing.T) {
		w := newWorld(t)
		k := w.mustWrite("c1", "LK1", "active", "a")
		w.begin(k, w.slot())
		w.reopen()
		w.wantState(k, Sending, "")
		w.wantTask("c1", Sending)
		st, err := w.outbox.Status(ctx, "c1")
		if err != nil || len(st.Versions[0].Attempts) != 1 {
			t.Fatalf("%+v %v", st, err)
		}
		a := st.Versions[0].Attempts[0]
		if a.N != 1 || a.SHA256 == "" || a.Lease != "job/test" || a.Token != 1 || a.Ended != 0 || a.Deadline != a.Started+30_000 {
			t.Errorf("attempt %+v", a)
		}
	})
	t.Run("is not begun without the lease", func(t *testing.T) {
		w := newWorld(t)
		k := w.mustWrite("c1", "LK1", "active", "a")
		old := w.slot()
		w.Advance(2 * time.Minute)
		w.slot() // another server
		d, err := w.outbox.Begin(ctx, w.row(k), old, []byte("x"), timeout)
		if d != nil || err == nil {
			t.Errorf("begun under a lost lease: %v %v", d, err)
		}
		w.wantState(k, Queued, "")
	})
	t.Run("is begun once by two", func(t *testing.T) {
		w := newWorld(t)
		k := w.mustWrite("c1", "LK1", "active", "a")
		s, row := w.slot(), w.row(k)
		var wg sync.WaitGroup
		got := make([]*Dispatch, 8)
		for i := range got {
			wg.Go(func() { got[i], _ = w.outbox.Begin(ctx, row, s, []byte("x"), timeout) })
		}
		wg.Wait()
		n := 0
		for _, d := range got {
			if d != nil {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d of 8 began", n)
		}
	})
	t.Run("that never left is due again, later each time", func(t *testing.T) {
		w := newWorld(t)
		k := w.mustWrite("c1", "LK1", "active", "a")
		for _, wait := range []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second} {
			w.deliver(k, Result{State: Queued})
			w.wantState(k, Queued, ReasonNotSent)
			if got := w.row(k).Due; got != w.outbox.in(wait) {
				t.Errorf("due in %s, want %s", got.Time().Sub(w.Now()), wait)
			}
			w.Advance(time.Minute)
		}
		w.check()
	})
	t.Run("accepted without a receipt proves nothing", func(t *testing.T) {
		w := newWorld(t)
		k := w.mustWrite("c1", "LK1", "active", "a")
		w.deliver(k, Result{State: Accepted})
		w.wantState(k, Unknown, ReasonNoReply)
	})
	t.Run("refused", func(t *testing.T) {
		w := newWorld(t)
		k := w.mustWrite("c1", "LK1", "active", "a")
		w.deliver(k, Result{State: Rejected, MaKetQua: "205", Reason: &Reason{Code: "205", VI: "Sai định dạng tham số"}})
		w.wantState(k, Rejected, "205")
		doc, _ := w.task("c1")
		if got := doc.Root().Get("statusReason").Get("text").Text(); got != "Sai định dạng tham số" {
			t.Errorf("reason in the Task: %q", got)
		}
	})
}

func TestAProcessThatDiedInSending(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK1", "active", "a")
	d := w.begin(k, w.slot())
	lost := func(want int) {
		t.Helper()
		if n, err := w.outbox.Lost(ctx); err != nil || n != want {
			t.Fatalf("%d lost (%v), want %d", n, err, want)
		}
	}
	lost(0) // its lease lives
	w.reopen()
	w.Advance(61 * time.Second)
	lost(1)
	w.wantState(k, Unknown, ReasonStopped)
	w.wantTask("c1", Unknown)

	// A reply that comes after all is evidence and no more.
	w.finish(d, accepted)
	w.wantState(k, Unknown, ReasonStopped)
	st, err := w.outbox.Status(ctx, "c1")
	if err != nil {
		t.Fatal(err)
	}
	if a := st.Versions[0].Attempts[0]; !a.Late || a.MaGiaoDich != "GD1" {
		t.Errorf("attempt %+v", a)
	}

	// Not received, but asked too early: the deadline of the attempt counts from its start.
	if _, err := w.outbox.Learn(ctx, w.row(k), Answer{Asked: w.row(k).Closed + 59_000}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Unknown, ReasonStopped)
	// Late enough it counts, but once is not enough.
	if _, err := w.outbox.Learn(ctx, w.row(k), Answer{Asked: w.row(k).Closed + 60_000}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Unknown, ReasonStopped)
	if _, err := w.outbox.Learn(ctx, w.row(k), Answer{Asked: w.row(k).Closed + 119_000}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Unknown, ReasonStopped)
	if _, err := w.outbox.Learn(ctx, w.row(k), Answer{Asked: w.row(k).Closed + 120_000}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Queued, ReasonNotReceived)
	w.check()
}

func TestTheAnswerOfAStatusQuery(t *testing.T) {
	hash := "4e94e2f9ca7e8dc6f7d2f7b7e3a1a0ddbb8bb9bfa3d4d8d9c8ee1d3b2a0c1f11"
	for _, c := range []struct {
		name   string
		answer Answer
		want   State
		reason string
	}{
		{"received", Answer{Received: true, MaGiaoDich: "GD9"}, Accepted, ""},
		{"received and assessed", Answer{Received: true, MaGiaoDich: "GD9", Verdict: Decided}, Assessed, ""},
		{"received with a format error", Answer{Received: true, MaGiaoDich: "GD9", Verdict: Refused, Reason: &Reason{Code: "FMT"}}, Rejected, "FMT"},
		{"another file of ours is there", Answer{Received: true, MaGiaoDich: "GD9", SHA256: hash}, Unknown, ReasonOtherFile},
		{"received without a receipt", Answer{Received: true}, Unknown, ReasonOtherFile},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			k := w.mustWrite("c1", "LK1", "active", "a")
			w.deliver(k, noReply)
			w.Advance(2 * time.Minute)
			c.answer.Asked = w.outbox.now()
			if _, err := w.outbox.Learn(ctx, w.row(k), c.answer); err != nil {
				t.Fatal(err)
			}
			w.wantState(k, c.want, c.reason)
			w.wantTask("c1", c.want)
			w.check()
		})
	}
}

// What was accepted may be found faulty afterwards: then a person is told, and nobody waits for a decision.
func TestAFormatErrorFoundAfterwardsRejects(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK1", "active", "a")
	w.deliver(k, accepted)
	if _, err := w.outbox.Learn(ctx, w.row(k), Answer{Received: true, MaGiaoDich: "GD1", Verdict: Refused, Checked: true, Reason: &Reason{Code: "FMT"}}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Rejected, "FMT")
	w.wantTask("c1", Rejected)
	if got := w.row(k); got.Due != 0 || got.MaGiaoDich != "GD1" {
		t.Errorf("%+v", got.Item)
	}
	w.check()
}

func TestADecisionIsWrittenWithTheState(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK1", "active", "a")
	doc, err := resource.New([]byte(`{"resourceType":"ClaimResponse","id":"claim-response-c1","status":"active","type":{"text":"x"},"use":"claim",
		"patient":{"reference":"Patient/p1"},"created":"2026-03-01","insurer":{"display":"BHXH"},"outcome":"complete"}`))
	if err != nil {
		t.Fatal(err)
	}
	w.deliver(k, accepted)
	if _, err := w.outbox.Learn(ctx, w.row(k), Answer{Received: true, Verdict: Decided, Docs: []*resource.Document{doc}}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Assessed, "")
	if _, err := w.store.Read(ctx, fhir.Key{Type: "ClaimResponse", ID: ResponseID("c1")}, w.head()); err != nil {
		t.Error(err)
	}
	task, _ := w.task("c1")
	if !strings.Contains(string(task.Raw()), `{"reference":"ClaimResponse/claim-response-c1"}`) {
		t.Errorf("the Task does not name the decision: %s", task.Raw())
	}
}

func TestAPersonDecides(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK1", "active", "a")
	w.deliver(k, noReply)
	for _, c := range []struct {
		d           Decision
		reason, who string
		code        string
	}{
		{DecideSend, " ", "chi.lan", "reason-required"},
		{DecideSend, "đã gọi điện", "", "reason-required"},
		{"burn", "x", "chi.lan", "delivery-decision-unknown"},
		{DecideAccepted, "x", "chi.lan", "receipt-required"},
		{DecideNotReceived, "x", "chi.lan", "delivery-too-early"},
		{DecideSend, "đã gọi điện", "chi.lan", "delivery-too-early"},
	} {
		_, err := w.outbox.Resolve(ctx, k, Order{Decision: c.d, Reason: c.reason, Who: c.who})
		wantCode(t, err, c.code)
	}
	w.wantState(k, Unknown, ReasonNoReply)
	w.Advance(2 * time.Minute)
	if _, err := w.outbox.Resolve(ctx, k, Order{Decision: DecideSend, Reason: "cơ quan bảo hiểm xác nhận chưa nhận", Who: "chi.lan"}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Queued, ReasonDecidedByHand)
	task, _ := w.task("c1")
	if !strings.Contains(task.Root().Get("statusReason").Get("text").Text(), "cơ quan bảo hiểm xác nhận chưa nhận") {
		t.Errorf("the reason is not in the Task: %s", task.Raw())
	}
	w.deliver(k, accepted)
	_, err := w.outbox.Resolve(ctx, k, Order{Decision: DecideSend, Reason: "nhầm", Who: "chi.lan"})
	wantCode(t, err, "delivery-transition")
	if d := w.row(k).Decided; d == nil || d.By != "chi.lan" {
		t.Errorf("the decision is not kept: %+v", d)
	}
}

func TestAHeldClaim(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK1", "active", "a")
	faults := []Reason{{Code: "AMT-01", Path: "XML3[4].SO_LUONG", VI: "Số lượng không hợp lệ"}}
	row, err := w.outbox.Hold(ctx, w.row(k), faults)
	if err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Held, "AMT-01")
	_, v := w.task("c1")
	if row, err = w.outbox.Hold(ctx, row, faults); err != nil {
		t.Fatal(err)
	}
	if doc, again := w.task("c1"); again != v || doc.Root().Get("note").At(0).Get("text").Text() != "AMT-01 XML3[4].SO_LUONG: Số lượng không hợp lệ" {
		t.Errorf("Task %s at version %d, was %d", doc.Raw(), again, v)
	}
	if _, err := w.outbox.Release(ctx, row); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Queued, "")
	w.check()
}

func TestDueItemsByFacility(t *testing.T) {
	w := newWorld(t)
	for _, f := range []string{"51902", "51901", "51901", "a/b%"} {
		id := fmt.Sprintf("c%d", w.head())
		if _, err := w.svc.Update(ctx, fhir.Key{Type: "Claim", ID: fhir.ID(id)}, claimDoc(t, id, f, "LK-"+id, "active", "a"), interaction.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.Advance(time.Second)
	}
	w.mustWrite("later", "LKX", "active", "a")
	if _, err := w.outbox.Postpone(ctx, w.row(Key{"later", 1}), time.Hour, nil); err != nil {
		t.Fatal(err)
	}
	got, err := w.outbox.Facilities(ctx, ToSend)
	if err != nil || fmt.Sprint(got) != "[51901 51902 a/b%]" {
		t.Errorf("facilities %v %v", got, err)
	}
	due, err := w.outbox.Due(ctx, ToSend, "51901", 10)
	if err != nil || len(due) != 2 || due[0].Claim != "c1" || due[1].Claim != "c2" {
		t.Errorf("due %v %v", due, err)
	}
	if due, err = w.outbox.Due(ctx, ToSend, "51901", 1); err != nil || len(due) != 1 {
		t.Errorf("due %v %v", due, err)
	}
	if due, err = w.outbox.Due(ctx, ToSend, "a/b%", 1); err != nil || len(due) != 1 {
		t.Errorf("due %v %v", due, err)
	}
	sum, err := w.outbox.Summary(ctx)
	if err != nil || sum.String() != "queued 5" {
		t.Errorf("summary %v %v", sum, err)
	}
}
