package delivery

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/wording"
)

// The page that people read and the table that decides are the same.
func TestTheDiagramIsTheTable(t *testing.T) {
	raw, err := os.ReadFile("../../docs/claims.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), DiagramBegin+"\n")
	drawn, _, closed := strings.Cut(rest, DiagramEnd)
	if !ok || !closed || drawn != Diagram() {
		t.Error("docs/claims.md does not show the table of states: go generate ./adapters/delivery")
	}
	for _, tr := range Transitions {
		if !strings.Contains(drawn, "    "+string(tr.From)+" --> "+string(tr.To)+": ") {
			t.Errorf("%s -> %s is not drawn", tr.From, tr.To)
		}
	}
}

// Each state has its words, each transition both languages, and none is there twice.
func TestTheTableIsWhole(t *testing.T) {
	seen := map[[2]State]bool{}
	for _, tr := range Transitions {
		if tr.EN == "" || tr.VI == "" || seen[[2]State{tr.From, tr.To}] || !slices.Contains(States, tr.From) || !slices.Contains(States, tr.To) {
			t.Errorf("%+v", tr)
		}
		seen[[2]State{tr.From, tr.To}] = true
	}
	reached := map[State]bool{Draft: true}
	for range States {
		for _, tr := range Transitions {
			reached[tr.To] = reached[tr.To] || reached[tr.From]
		}
	}
	for _, s := range States {
		if s.In(outcome.Vietnamese) == "" || s.In(outcome.English) == "" || taskStatus[s] == "" || !reached[s] {
			t.Errorf("%s: %q %q reached %v", s, s.In(outcome.Vietnamese), taskStatus[s], reached[s])
		}
	}
}

// What a person may meet as a code has words, in both languages.
func TestCodesHaveWords(t *testing.T) {
	codes := map[string][]string{}
	for _, a := range Assessments {
		codes["delivery-assessment"] = append(codes["delivery-assessment"], string(a))
	}
	for d := range decisions {
		codes["delivery-decision"] = append(codes["delivery-decision"], string(d))
	}
	for _, c := range []Clock{ClockSending, ClockReply, ClockFields, ClockTotals, ClockDispute} {
		codes["delivery-overdue"] = append(codes["delivery-overdue"], string(c))
	}
	for _, s := range taskStatus {
		codes["Task.status"] = append(codes["Task.status"], s)
	}
	for list, of := range codes {
		for _, c := range of {
			if wording.Of(list, c, outcome.Vietnamese) == "" || wording.Of(list, c, outcome.English) == "" {
				t.Errorf("%s: %s has no words", list, c)
			}
		}
	}
}

func TestAnAssessedClaimIsRevisedAndSettled(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK-1", "active", "a")
	row := w.force(w.row(k), Accepted)
	if _, err := w.outbox.Paid(ctx, row, Payment{Settlement: "2026Q1"}, nil); err == nil {
		t.Fatal("settled before it was assessed")
	}
	row, err := w.outbox.Learn(ctx, row, Answer{Received: true, MaGiaoDich: "GD1", Verdict: Decided, Assessment: Partly})
	if err != nil || row.Assessment != Partly {
		t.Fatalf("%v %+v", err, row.Item)
	}
	if row, err = w.outbox.Revise(ctx, row, Approved, nil, nil); err != nil {
		t.Fatal(err)
	}
	if row, err = w.outbox.Paid(ctx, row, Payment{Settlement: "2026Q1", Amount: "12000.00", Date: "2026-04-20"}, nil); err != nil {
		t.Fatal(err)
	}
	if got := w.row(k); got.State != Settled || got.Assessment != Approved || got.Payment == nil || got.Payment.Amount != "12000.00" {
		t.Errorf("%+v", got.Item)
	}
	task, _ := w.task("c1")
	for _, want := range []string{`"settled"`, `"approved"`, "chấp nhận toàn bộ", `"2026Q1"`, `"12000.00"`} {
		if !strings.Contains(string(task.Raw()), want) {
			t.Errorf("the Task lacks %s: %s", want, task.Raw())
		}
	}
	w.check()
}
