package bhxh

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
)

// A claim with an error is held with what was found, in both languages, and goes out when a corrected version comes.
func TestAHeldClaimTellsWhyAndIsReleasedByACorrection(t *testing.T) {
	w := newWorld(t)
	first := w.claim("c1", faulty)
	w.slots(10 * time.Second)
	w.wantState(first, delivery.Held)
	task := w.read("Task", delivery.TaskID("c1"))
	var issue resource.Value
	for c := range task.Get("contained").Elements() {
		if c.Get("resourceType").Text() == "OperationOutcome" && "#"+c.Get("id").Text() == task.Get("output").At(0).Get("valueReference").Get("reference").Text() {
			issue = c.Get("issue").At(0)
		}
	}
	vi := issue.Get("details").Get("text").Text()
	en := issue.Get("details").Get("_text").Get("extension").At(0).Get("extension").At(1).Get("valueString").Text()
	if issue.Get("details").Get("coding").At(0).Get("code").Text() == "" || vi == "" || en == "" || vi == en || !strings.HasPrefix(issue.Get("diagnostics").Text(), "XML3") {
		t.Errorf("the Task of a held claim: %s", task.Raw())
	}
	second := w.claim("c1", "outpatient")
	w.slots(10 * time.Second)
	w.wantState(first, delivery.Withdrawn)
	w.settle()
	w.wantState(second, delivery.Assessed)
	if after := w.read("Task", delivery.TaskID("c1")); after.Get("contained").Len() != 0 {
		t.Errorf("the Task still tells of findings: %s", after.Raw())
	}
	w.once()
}

// A claim that is withdrawn on request, or marked as entered in error, is not sent.
func TestAWithdrawnClaimIsNotSent(t *testing.T) {
	w := newWorld(t)
	asked, wrong := w.claim("c1", "outpatient"), w.claim("c2", "outpatient")
	if _, err := w.outbox.Resolve(ours(t.Context()), asked, delivery.Order{Decision: delivery.DecideWithdraw, Reason: "trùng hồ sơ giấy", Who: "chi.lan"}); err != nil {
		t.Fatal(err)
	}
	w.edit("c2", `"status":"active"`, `"status":"entered-in-error"`)
	w.settle()
	w.wantState(asked, delivery.Withdrawn)
	w.wantState(wrong, delivery.Withdrawn)
	if it := w.item(wrong); it.Reason == nil || it.Reason.Code != delivery.ReasonInError {
		t.Errorf("%+v", it.Reason)
	}
	if n := len(w.mock.Rows()); n != 0 {
		t.Errorf("%d files arrived", n)
	}
}

// A corrected file says why, in the words of its sender.
func TestACorrectionCarriesItsReason(t *testing.T) {
	w := newWorld(t)
	w.claim("c1", "outpatient")
	w.settle()
	w.edit("c1", `"extension":[`, `"extension":[{"url":"https://lienthong.example/fhir/StructureDefinition/correction-reason","valueString":"Bổ sung\n kết quả xét nghiệm; lần 2"},`)
	w.settle()
	second := delivery.Key{Claim: "c1", Version: 2}
	w.wantState(second, delivery.Assessed)
	raw, err := w.outbox.Body(ours(t.Context()), second, 1, delivery.Request)
	if err != nil {
		t.Fatal(err)
	}
	f, err := hoso.Decode(raw, hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	v := wire.ParsePhienBan(f.HoSo[0].XML1().Get("DU_PHONG"))
	if v.So != 2 || v.LyDo != "Bổ sung kết quả xét nghiệm, lần 2" {
		t.Errorf("%+v", v)
	}
	w.once()
}

// edit stores a claim with a piece of its text changed.
func (w *world) edit(id, old, with string) {
	w.tb.Helper()
	raw := bytes.Clone(w.read("Claim", fhir.ID(id)).Raw())
	if !bytes.Contains(raw, []byte(old)) {
		w.tb.Fatalf("the claim has no %s: %s", old, raw)
	}
	doc, err := resource.New(bytes.Replace(raw, []byte(old), []byte(with), 1))
	if err != nil {
		w.tb.Fatal(err)
	}
	if _, err := w.svc.Update(ours(context.Background()), fhir.Key{Type: "Claim", ID: fhir.ID(id)}, doc, interaction.UpdateOptions{}); err != nil {
		w.tb.Fatal(err)
	}
}

// A claim whose sender is not registered for its facility (any more) is held with that reason, and goes out once he is.
func TestAClaimOfAForeignFacilityWaits(t *testing.T) {
	w := newWorld(t)
	registered := false
	w.sync.Registered = func(_ context.Context, it Sent) (bool, error) {
		if it.Key.Type != "Claim" || it.Facility == "" || it.Sender != delivery.SenderAny {
			t.Errorf("asked of %+v", it)
		}
		return registered, nil
	}
	key := w.claim("c1", "outpatient")
	w.slots(10 * time.Second)
	w.wantState(key, delivery.Held)
	it := w.item(key)
	if it.Reason == nil || it.Reason.Code != delivery.ReasonForeign || it.Reason.Path != "XML1.MA_CSKCB" || it.Reason.VI == "" || it.Reason.EN == "" || len(w.mock.Rows()) != 0 {
		t.Errorf("%+v, and %d files arrived", it.Reason, len(w.mock.Rows()))
	}
	if task := w.read("Task", delivery.TaskID("c1")); !strings.Contains(string(task.Raw()), delivery.ReasonForeign) {
		t.Errorf("the Task does not say why: %s", task.Raw())
	}
	registered = true
	w.slots(delivery.DefaultRecheck + time.Minute)
	w.settle()
	w.wantState(key, delivery.Assessed)
	w.once()
}
