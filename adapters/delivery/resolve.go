package delivery

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
)

// Decision is what a person may decide about an item that stands still.
type Decision string

const (
	DecideSend        Decision = "send"         // send it (again): held, unknown, rejected -> queued
	DecideAccepted    Decision = "accepted"     // the other side has it, by other evidence: unknown -> accepted
	DecideRejected    Decision = "rejected"     // the other side refused it, by other evidence: unknown -> rejected
	DecideNotReceived Decision = "not-received" // the other side never got it: unknown -> queued, or withdrawn if it is not wanted any more
	DecideWithdraw    Decision = "withdraw"     // it is not to be sent: queued, held, unknown, rejected -> withdrawn
)

var decisions = map[Decision]struct {
	from []State
	to   State
}{
	DecideSend:        {[]State{Held, Unknown, Rejected}, Queued},
	DecideAccepted:    {[]State{Unknown}, Accepted},
	DecideRejected:    {[]State{Unknown}, Rejected},
	DecideNotReceived: {[]State{Unknown}, Queued},
	DecideWithdraw:    {[]State{Queued, Held, Unknown, Rejected}, Withdrawn},
}

// Order is a person's decision about an item.
type Order struct {
	Decision   Decision
	Reason     string // required; it is kept with the item and in the Task
	Who        string // required: who answers for it
	MaGiaoDich string // receipt number, required for accepted
}

// Resolve applies a person's decision to an item; who and reason are kept with it and in the Task.
// Errors: Unprocessable "reason-required", "receipt-required", "delivery-decision-unknown"; Conflict "delivery-transition"
// if the state does not allow it, "delivery-too-early" while a file that was sent may still come to an effect,
// "delivery-superseded" if it should be sent and the claim has a newer version or is called off, "delivery-moved" if the
// item changed at the same moment.
func (o *Outbox) Resolve(ctx context.Context, k Key, d Order) (Row, error) {
	d.Reason, d.Who, d.MaGiaoDich = strings.TrimSpace(d.Reason), strings.TrimSpace(d.Who), strings.TrimSpace(d.MaGiaoDich)
	if d.Reason == "" || d.Who == "" {
		return Row{}, fhir.Errorf(fhir.Unprocessable, "reason-required", "")
	}
	rule, ok := decisions[d.Decision]
	if !ok {
		return Row{}, fhir.Errorf(fhir.Unprocessable, "delivery-decision-unknown", "", string(d.Decision))
	}
	if d.Decision == DecideAccepted && d.MaGiaoDich == "" {
		return Row{}, fhir.Errorf(fhir.Unprocessable, "receipt-required", "")
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
		switch gone := unwanted(row.Item, h) != ""; {
		case gone && d.Decision == DecideNotReceived:
			rule.to = Withdrawn
		case gone:
			return row, fhir.Errorf(fhir.Conflict, "delivery-superseded", "", "Claim/"+string(k.Claim))
		}
	}
	return o.move(ctx, row, move{to: rule.to, edit: func(it *Item, _ head) {
		it.Decided = &Ruling{By: d.Who, Decision: d.Decision, Reason: d.Reason, At: o.now()}
		it.Doubt = it.Doubt || row.State == Unknown && rule.to != Accepted
		it.Reason, it.Due = Because(ReasonDecidedByHand), o.watch(*it)
		switch rule.to {
		case Queued:
			it.Due = o.now()
		case Accepted:
			it.Due, it.MaGiaoDich = o.in(o.AskEvery), cmp.Or(d.MaGiaoDich, it.MaGiaoDich)
		}
	}})
}
