package delivery

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// A request that lingered on the way takes effect after the claim was sent again: nothing can undo it, everybody sees it.
func TestASecondEffectIsSeen(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK1", "active", "a")
	w.deliver(k, noReply)
	w.notReceived(k)
	w.wantState(k, Queued, ReasonNotReceived)
	w.deliver(k, accepted)
	row := w.row(k)
	row, err := w.outbox.Learn(ctx, row, Answer{Received: true, MaGiaoDich: "GD1", Verdict: Decided})
	if err != nil {
		t.Fatal(err)
	}
	if row.State != Assessed || row.Due == 0 || row.work() != ToAsk {
		t.Fatalf("what was sent again is not watched: %+v", row.Item)
	}
	marked, err := w.outbox.Observe(ctx, "c1", []Taken{{1, "GD0"}, {1, "GD1"}})
	if err != nil || len(marked) != 1 {
		t.Fatalf("marked %v %v", marked, err)
	}
	w.wantState(k, Assessed, ReasonSecondEffect)
	doc, _ := w.task("c1")
	if raw := string(doc.Raw()); !strings.Contains(raw, `"code":"second-effect"`) || !strings.Contains(raw, `"GD0"`) {
		t.Errorf("the Task does not tell: %s", raw)
	}
	if again, err := w.outbox.Observe(ctx, "c1", []Taken{{1, "GD0"}, {1, "GD1"}}); err != nil || len(again) != 0 {
		t.Errorf("marked again: %v %v", again, err)
	}
	// The watch ends.
	w.Advance(DefaultWatch)
	if row, err = w.outbox.Learn(ctx, w.row(k), Answer{Received: true, MaGiaoDich: "GD1"}); err != nil || row.Due != 0 {
		t.Errorf("still watched: %+v %v", row.Item, err)
	}
	w.wantState(k, Assessed, ReasonSecondEffect)
	w.check()
}

func TestALateEffectOfAWithdrawnVersionIsSeen(t *testing.T) {
	w := newWorld(t)
	k1 := w.mustWrite("c1", "LK1", "active", "a")
	w.deliver(k1, noReply)
	w.mustWrite("c1", "LK1", "active", "b")
	w.notReceived(k1)
	w.wantState(k1, Withdrawn, ReasonSuperseded)
	if due, err := w.outbox.Due(ctx, ToAsk, "51901", 1); err != nil || len(due) != 0 {
		t.Fatalf("due %v %v", due, err)
	}
	w.Advance(time.Hour)
	if due, err := w.outbox.Due(ctx, ToAsk, "51901", 1); err != nil || len(due) != 1 {
		t.Fatalf("it is not watched: %v %v", due, err)
	}
	if _, err := w.outbox.Observe(ctx, "c1", []Taken{{1, "GD1"}}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k1, Withdrawn, ReasonLateEffect)
	w.check()
}

func TestWhatTurnsUpBeforeItIsSentAgainIsNotSentAgain(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK1", "active", "a")
	w.deliver(k, noReply)
	w.notReceived(k)
	if _, err := w.outbox.Observe(ctx, "c1", []Taken{{1, "GD1"}}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Unknown, ReasonNoReply)
	if _, err := w.outbox.Learn(ctx, w.row(k), Answer{Received: true, MaGiaoDich: "GD1"}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Accepted, "")
	w.check()
}

func TestAPersonIsAskedBeforeItIsSentAgain(t *testing.T) {
	w := newWorld(t)
	w.outbox.ByPerson = true
	k := w.mustWrite("c1", "LK1", "active", "a")
	w.deliver(k, noReply)
	w.notReceived(k)
	w.wantState(k, Unknown, ReasonAwaitsPerson)
	if w.row(k).Due == 0 {
		t.Error("it is not asked about any more")
	}
	if _, err := w.outbox.Resolve(ctx, k, Order{Decision: DecideNotReceived, Reason: "đã gọi điện", Who: "chi.lan"}); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Queued, ReasonDecidedByHand)
	if !w.row(k).Doubt {
		t.Error("it is not watched")
	}
	w.check()
}

func TestTheEpisodeOfASentClaimIsFixed(t *testing.T) {
	w := newWorld(t)
	w.mustWrite("c1", "LK1", "active", "a")
	k := w.mustWrite("c1", "LK2", "active", "a") // never sent: a typing error is mended
	w.wantState(k, Queued, "")
	for _, r := range []Result{accepted, noReply} {
		id := fmt.Sprint("c-", r.State)
		k := w.mustWrite(id, "LK-"+id, "active", "a")
		w.deliver(k, r)
		_, err := w.write(id, "LK-other", "active", "b")
		wantCode(t, err, "delivery-episode-fixed")
		w.mustWrite(id, "LK-"+id, "cancelled", "b")
		_, err = w.write(id, "LK-other", "active", "c")
		wantCode(t, err, "delivery-episode-fixed")
	}
	k = w.mustWrite("c9", "LK9", "active", "a")
	w.deliver(k, Result{State: Rejected, MaKetQua: "205"})
	w.mustWrite("c9", "LK10", "active", "b") // refused: it has no effect
	w.check()
}

// The first version's way stays in sight when a second one is there.
func TestEachVersionTellsInTheTask(t *testing.T) {
	w := newWorld(t)
	k1 := w.mustWrite("c1", "LK1", "active", "a")
	w.deliver(k1, noReply)
	w.mustWrite("c1", "LK1", "active", "b")
	earlier := func() resource.Value {
		doc, _ := w.task("c1")
		for o := range doc.Root().Get("output").Elements() {
			if o.Get("type").Get("coding").At(0).Get("code").Text() == "earlier-version" && o.Get("type").Get("text").Text() == "version 1" {
				return o.Get("valueCodeableConcept").Get("coding").At(0).Get("code")
			}
		}
		t.Fatalf("version 1 is not told of: %s", doc.Raw())
		return resource.Value{}
	}
	w.wantTask("c1", Queued)
	if s := earlier().Text(); s != "unknown" {
		t.Errorf("version 1 is %s", s)
	}
	_, before := w.task("c1")
	decision, err := resource.New([]byte(`{"resourceType":"ClaimResponse","id":"claim-response-c1","status":"active","type":{"text":"x"},"use":"claim",
		"patient":{"reference":"Patient/p1"},"created":"2026-03-01","insurer":{"display":"BHXH"},"outcome":"queued"}`))
	if err != nil {
		t.Fatal(err)
	}
	w.Advance(2 * time.Minute)
	if _, err := w.outbox.Learn(ctx, w.row(k1), Answer{Received: true, MaGiaoDich: "GD7", Docs: []*resource.Document{decision}}); err != nil {
		t.Fatal(err)
	}
	w.wantTask("c1", Queued)
	doc, after := w.task("c1")
	if s := earlier().Text(); s != "accepted" || after != before+1 || !strings.Contains(string(doc.Raw()), "GD7") {
		t.Errorf("version 1 is %s, Task version %d after %d: %s", s, after, before, doc.Raw())
	}
	if _, err := w.store.Read(ctx, fhir.Key{Type: "ClaimResponse", ID: ResponseID("c1")}, w.head()); err != nil {
		t.Error(err)
	}
	sum, err := w.outbox.Summary(ctx)
	if err != nil || sum[Accepted] != 1 || sum[Queued] != 1 {
		t.Errorf("summary %v %v", sum, err)
	}
	w.check()
}

func TestStatusAndOrdersAsParameters(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK1", "active", "a")
	w.deliver(k, Result{State: Unknown, HTTPStatus: 502, ReplySHA256: "abc"})
	raw, err := w.outbox.StatusParameters(ctx, "c1")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"name":"attempt"`, `"name":"http-status","valueInteger":502`, `"name":"reply-sha256","valueString":"abc"`, `"valueCode":"unknown"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("%s is missing in %s", want, raw)
		}
	}
	order := func(text string) error {
		doc, err := resource.New([]byte(`{"resourceType":"Parameters","parameter":[` + text + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.outbox.ResolveParameters(ctx, TaskID("c1"), doc.Root())
		return err
	}
	wantCode(t, order(`{"name":"decision","valueCode":"accepted"}`), "reason-required")
	wantCode(t, order(`{"name":"decision","valueCode":"accepted"},{"name":"reason","valueString":"x"},{"name":"who","valueString":"y"}`), "receipt-required")
	w.mustWrite("c1", "LK1", "active", "b") // the order is about the version that is unknown
	if err := order(`{"name":"decision","valueCode":"accepted"},{"name":"reason","valueString":"biên nhận giấy"},{"name":"who","valueString":"chi.lan"},{"name":"maGiaoDich","valueString":"GD5"}`); err != nil {
		t.Fatal(err)
	}
	w.wantState(k, Accepted, ReasonDecidedByHand)
	if r := w.row(k); r.MaGiaoDich != "GD5" {
		t.Errorf("receipt %q", r.MaGiaoDich)
	}
	_, err = w.outbox.ResolveParameters(ctx, "no-such-task", resource.Value{})
	wantCode(t, err, "delivery-task-unknown")
}
