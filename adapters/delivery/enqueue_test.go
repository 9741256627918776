package delivery

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/scheduler/lease"
)

func TestAClaimEntersWithItsCommit(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK1", "active", "a")
	w.wantState(k, Queued, "")
	w.wantTask("c1", Queued)
	if row := w.row(k); row.PB != 1 || row.Facility != "51901" || row.Episode != "LK1" || row.Patient != "Patient/p1" {
		t.Errorf("item %+v", row.Item)
	}
	if _, err := w.write("c2", "LK2", "draft", "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.outbox.Load(ctx, Key{"c2", 1}); err == nil {
		t.Error("a draft was queued")
	}
	// The same again makes no version, so no item.
	w.mustWrite("c1", "LK1", "active", "a")
	if st, err := w.outbox.Status(ctx, "c1"); err != nil || len(st.Versions) != 1 {
		t.Errorf("status %+v %v", st, err)
	}
	w.check()
}

func TestOneEpisodeBelongsToOneClaim(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK1", "active", "a")
	_, err := w.write("c2", "LK1", "active", "a")
	wantCode(t, err, "delivery-episode-taken")
	if _, err := w.outbox.Status(ctx, "c2"); err == nil {
		t.Error("the refused claim left an item")
	}
	// After the first is gone the episode is free, and PB goes on, because version 1 of the episode has an effect.
	w.deliver(k, accepted)
	if _, err := w.svc.Delete(ctx, fhir.Key{Type: "Claim", ID: "c1"}, interaction.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Accepted, ReasonAfterwards)
	k2 := w.mustWrite("c2", "LK1", "active", "a")
	if row := w.row(k2); row.PB != 2 {
		t.Errorf("PB %d, want 2", row.PB)
	}
	w.check()
}

func TestANewVersion(t *testing.T) {
	t.Run("takes the place of one that waits", func(t *testing.T) {
		w := newWorld(t)
		k1 := w.mustWrite("c1", "LK1", "active", "a")
		k2 := w.mustWrite("c1", "LK1", "active", "b")
		w.wantState(k1, Withdrawn, ReasonSuperseded)
		w.wantState(k2, Queued, "")
		if row := w.row(k2); row.PB != 2 || row.Resend {
			t.Errorf("item %+v", row.Item)
		}
		w.wantTask("c1", Queued)
		w.check()
	})
	t.Run("is a correction of one that was accepted", func(t *testing.T) {
		w := newWorld(t)
		k1 := w.mustWrite("c1", "LK1", "active", "a")
		w.deliver(k1, accepted)
		k2 := w.mustWrite("c1", "LK1", "active", "b")
		w.wantState(k1, Accepted, "")
		if row := w.row(k2); row.State != Queued || row.PB != 2 || !row.Resend {
			t.Errorf("item %+v", row.Item)
		}
		w.deliver(k2, accepted)
		w.wantTask("c1", Accepted)
		w.check()
	})
	t.Run("waits while the fate of an earlier one is open", func(t *testing.T) {
		w := newWorld(t)
		k1 := w.mustWrite("c1", "LK1", "active", "a")
		w.deliver(k1, noReply)
		k2 := w.mustWrite("c1", "LK1", "active", "b")
		s := w.slot()
		if d, err := w.outbox.Begin(ctx, w.row(k2), s, []byte("x"), timeout); d != nil || err != nil {
			t.Fatalf("sent beside an open one: %v %v", d, err)
		}
		w.wantState(k2, Queued, ReasonEarlier)
		w.release(s)
		// Not received: the earlier one is not wanted any more, and the new one may go.
		w.notReceived(k1)
		w.wantState(k1, Withdrawn, ReasonSuperseded)
		w.deliver(k2, accepted)
		w.check()
	})
}

func TestAClaimThatIsCalledOff(t *testing.T) {
	for _, c := range []struct {
		name   string
		result *Result // of an attempt before it is called off; nil = none
		status string  // "" = deleted
		want   State
		reason string
	}{
		{"cancelled before it was sent", nil, "cancelled", Withdrawn, ReasonCancelled},
		{"entered in error", nil, "entered-in-error", Withdrawn, ReasonInError},
		{"deleted before it was sent", nil, "", Withdrawn, ReasonDeleted},
		{"cancelled after acceptance", &accepted, "cancelled", Accepted, ReasonAfterwards},
		{"cancelled while unknown", &noReply, "cancelled", Unknown, ReasonNoReply},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			k := w.mustWrite("c1", "LK1", "active", "a")
			if c.result != nil {
				w.deliver(k, *c.result)
			}
			if c.status == "" {
				if _, err := w.svc.Delete(ctx, fhir.Key{Type: "Claim", ID: "c1"}, interaction.DeleteOptions{}); err != nil {
					t.Fatal(err)
				}
			} else {
				w.mustWrite("c1", "LK1", c.status, "a")
			}
			w.wantState(k, c.want, c.reason)
			w.wantTask("c1", c.want)
			if c.want == Unknown {
				w.notReceived(k)
				w.wantState(k, Withdrawn, ReasonCancelled)
			}
			// Active again: a new item.
			k2 := w.mustWrite("c1", "LK1", "active", "again")
			w.wantState(k2, Queued, "")
			w.check()
		})
	}
}

// A hospital that writes versions while they are being sent never meets an error, and at most one version waits at the end.
func TestVersionsAgainstTheSender(t *testing.T) {
	w := newWorld(t)
	s := w.slot()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		for i := range 40 {
			if _, err := w.write("c1", "LK1", "active", fmt.Sprint("note ", i)); err != nil {
				t.Errorf("version %d: %v", i, err)
			}
		}
	})
	sent := map[fhir.Version]int{}
	send := func() {
		due, err := w.outbox.Due(ctx, ToSend, "51901", 10)
		if err != nil {
			t.Error(err)
		}
		for _, row := range due {
			d, err := w.outbox.Begin(ctx, row, s, []byte("x"), timeout)
			if e, ok := errors.AsType[*fhir.Error](err); ok && e.Code == "delivery-moved" || lease.Changed(err) {
				continue
			}
			if err != nil {
				t.Error(err)
			}
			if d == nil {
				continue
			}
			sent[d.Version]++
			w.finish(d, accepted)
		}
	}
	for open := true; open; {
		select {
		case <-done:
			open = false
		default:
		}
		send()
	}
	wg.Wait()
	w.Advance(time.Hour)
	s = w.slot()
	send()
	if sent[40] != 1 {
		t.Errorf("the last version was sent %d times", sent[40])
	}
	for v, n := range sent {
		if n != 1 {
			t.Errorf("version %d was sent %d times", v, n)
		}
	}
	w.check()
}
