package delivery

import (
	"testing"
)

// A reply with the number that another file got is no acceptance, whether that file was accepted by a reply or by a status
// query, and also when the reply comes too late. The same file may be told its number again.
func TestAReceiptIsOfOneFile(t *testing.T) {
	w := newWorld(t)
	begin := func(k Key, file string) *Dispatch {
		t.Helper()
		s := w.slot()
		defer w.release(s)
		d, err := w.outbox.Begin(ctx, w.row(k), s, []byte(file), timeout)
		if err != nil || d == nil {
			t.Fatal(d, err)
		}
		return d
	}
	accepted := Result{State: Accepted, MaGiaoDich: "GD/1"}
	k1, k2, k3 := w.mustWrite("c1", "LK1", "active", "a"), w.mustWrite("c2", "LK2", "active", "a"), w.mustWrite("c3", "LK3", "active", "a")
	w.finish(begin(k1, "one"), accepted)
	w.wantState(k1, Accepted, "")
	w.finish(begin(k2, "two"), accepted)
	w.wantState(k2, Unknown, ReasonOtherReceipt)
	if it := w.row(k2).Item; it.MaGiaoDich != "" {
		t.Errorf("%+v", it)
	}

	// c3 is learned of by a status query; its number is then known too.
	w.finish(begin(k3, "three"), Result{State: Unknown})
	if _, err := w.outbox.Learn(ctx, w.row(k3), Answer{Asked: w.outbox.now(), Received: true, MaGiaoDich: "GD/3"}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k3, Accepted, "")
	k4 := w.mustWrite("c4", "LK4", "active", "a")
	w.finish(begin(k4, "four"), Result{State: Accepted, MaGiaoDich: "GD/3"})
	w.wantState(k4, Unknown, ReasonOtherReceipt)

	// Given up as unknown, said not to be received twice, sent again, and then the first reply of all comes late.
	late := begin(w.mustWrite("c5", "LK5", "active", "a"), "five")
	w.Advance(timeout * 10)
	if n, err := w.outbox.Lost(ctx); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	w.finish(late, accepted)
	if it := w.row(late.Key()).Item; it.State != Unknown || len(it.Others) > 0 {
		t.Errorf("%+v", it)
	}
	if _, err := w.outbox.Learn(ctx, w.row(k2), Answer{Asked: w.outbox.now(), Received: true, MaGiaoDich: "GD/2"}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k2, Accepted, "")
	w.check()
}

// The reply of a file whose own reply was lost cannot be told from a true one; the answer to the status query about that file
// takes the acceptance back.
func TestAnAcceptanceIsTakenBackWhenItsReceiptIsAnothers(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"c1", "c2"} {
		k := w.mustWrite(id, "LK"+id, "active", "a")
		s := w.slot()
		d, err := w.outbox.Begin(ctx, w.row(k), s, []byte(id), timeout)
		if err != nil || d == nil {
			t.Fatal(d, err)
		}
		w.release(s)
		if id == "c1" {
			w.finish(d, Result{State: Unknown})
			continue
		}
		w.finish(d, Result{State: Accepted, MaGiaoDich: "GD1"}) // it is that of c1
		w.wantState(k, Accepted, "")
		first := Key{"c1", 1}
		if _, err := w.outbox.Learn(ctx, w.row(first), Answer{Asked: w.outbox.now(), Received: true, MaGiaoDich: "GD1"}); err != nil {
			t.Fatal(err)
		}
		w.wantState(first, Accepted, "")
		w.wantState(k, Unknown, ReasonOtherReceipt)
		if it := w.row(k).Item; it.MaGiaoDich != "" || it.Due == 0 {
			t.Errorf("%+v", it)
		}
		w.notReceived(k)
		w.wantState(k, Queued, ReasonNotReceived)
	}
	w.check()
}
