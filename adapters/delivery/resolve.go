package delivery

import (
	"context"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
)

// Decision is what a person may decide about an item that stands still.
type Decision string

const (
	DecideSend     Decision = "send"     // send it (again): held, unknown, rejected -> queued
	DecideAccepted Decision = "accepted" // the other side has it, by other evidence: unknown -> accepted
	DecideRejected Decision = "rejected" // the other side refused it, by other evidence: unknown -> rejected
	DecideWithdraw Decision = "withdraw" // it is not to be sent: queued, held, unknown, rejected -> withdrawn
)

var decisions = map[Decision]struct {
	from []State
	to   State
}{
	DecideSend:     {[]State{Held, Unknown, Rejected}, Queued},
	DecideAccepted: {[]State{Unknown}, Accepted},
	DecideRejected: {[]State{Unknown}, Rejected},
	DecideWithdraw: {[]State{Queued, Held, Unknown, Rejected}, Withdrawn},
}

// Resolve applies a person's decision to an item; who and reason are kept with it and in the Task.
// Errors: Unprocessable "reason-required", "delivery-decision-unknown"; Conflict "delivery-transition" if the state does
// not allow it, "delivery-too-early" while a file that was sent may still come to an effect, "delivery-superseded" if
// the claim has a newer version or is called off, "delivery-moved" if the item changed at the same moment.
func (o *Outbox) Resolve(ctx context.Context, k Key, d Decision, reason, who string) (Row, error) {
	if strings.TrimSpace(reason) == "" || strings.TrimSpace(who) == "" {
		return Row{}, fhir.Errorf(fhir.Unprocessable, "reason-required", "")
	}
	rule, ok := decisions[d]
	if !ok {
		return Row{}, fhir.Errorf(fhir.Unprocessable, "delivery-decision-unknown", "", string(d))
	}
	row, err := o.Load(ctx, k)
	if err != nil {
		return Row{}, err
	}
	if !slices.Contains(rule.from, row.State) {
		return row, fhir.Errorf(fhir.Conflict, "delivery-transition", "", string(row.State), string(rule.to))
	}
	if row.State == Unknown && rule.to == Queued && o.now() < row.Closed+fhir.Instant(o.Settle.Milliseconds()) {
		return row, fhir.Errorf(fhir.Conflict, "delivery-too-early", "", row.Closed.String())
	}
	if rule.to == Queued {
		var h head
		if _, err := o.readRow(ctx, SpaceHeads, string(k.Claim), &h); err != nil {
			return row, err
		}
		if unwanted(row.Item, h) != "" {
			return row, fhir.Errorf(fhir.Conflict, "delivery-superseded", "", "Claim/"+string(k.Claim))
		}
	}
	return o.move(ctx, row, move{to: rule.to, edit: func(it *Item, _ head) {
		it.Decided = &Ruling{By: who, Decision: d, Reason: reason, At: o.now()}
		it.Reason, it.Due = Because(ReasonDecidedByHand), 0
		switch rule.to {
		case Queued:
			it.Due = o.now()
		case Accepted:
			it.Due = o.in(o.AskEvery)
		}
	}})
}
