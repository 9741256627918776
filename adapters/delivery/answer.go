package delivery

import (
	"cmp"
	"context"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Verdict is how far the other side is with a version that it received.
type Verdict uint8

const (
	Pending Verdict = iota // received, not decided yet
	Refused                // found faulty after it was received
	Decided                // assessed line by line
)

// Answer is what a status query said about one item.
type Answer struct {
	Asked      fhir.Instant // when the query was begun
	Received   bool         // the other side has this version of the episode
	MaGiaoDich string
	SHA256     string // of the file that it has, lower-case hex; "" if it does not tell
	Verdict    Verdict
	Assessment Assessment // of a Decided one
	Checked    bool       // the other side has looked at its form
	Reason     *Reason
	Docs       []*resource.Document // the decision as FHIR
}

// Learn applies the answer of a status query to an item that is unknown or accepted.
//
// "Not received" moves an unknown item only if it was asked for at least Config.Settle after the attempt had closed, and
// again at least Config.Settle later; before, its file may still be on its way, and the item is asked about again, at that
// time at the latest. With Config.ByPerson it then waits for a person. A file that we never sent under this version leaves the item
// unknown, for a person.
//
// An item in a state that is left by nothing more is only watched, see Observe.
func (o *Outbox) Learn(ctx context.Context, row Row, a Answer) (Row, error) {
	switch {
	case row.State == Unknown && a.Received:
		ours, err := o.sentFile(ctx, row.Item, a.SHA256)
		if err != nil {
			return row, err
		}
		if !ours || a.MaGiaoDich == "" {
			return o.move(ctx, row, move{to: Unknown, edit: func(it *Item, _ head) { it.Due, it.Reason = 0, Because(ReasonOtherFile) }})
		}
		if a.Verdict == Refused {
			return o.move(ctx, row, move{to: Rejected, docs: a.Docs, edit: func(it *Item, _ head) { it.MaGiaoDich, it.Due, it.Reason = a.MaGiaoDich, o.watch(*it), a.Reason }})
		}
		docs := a.Docs
		if a.Verdict == Decided {
			docs = nil // written with the next step
		}
		file := a.SHA256
		if file == "" {
			if file, err = o.lastFile(ctx, row.Key()); err != nil {
				return row, err
			}
		}
		known, got, other, err := o.claimReceipt(ctx, a.MaGiaoDich, file, row.Key())
		if err == nil && other != nil {
			err = o.disown(ctx, *other, a.MaGiaoDich)
		}
		if err != nil {
			return row, err
		}
		row, err = o.move(ctx, row, move{to: Accepted, docs: docs, require: known, records: got, edit: func(it *Item, h head) {
			it.MaGiaoDich, it.Due, it.Heard, it.Checked = a.MaGiaoDich, o.in(o.AskEvery), a.Asked, a.Checked
			if h.Off != "" {
				it.Reason = Because(ReasonAfterwards)
			}
		}})
		if err != nil || a.Verdict != Decided {
			return row, err
		}
		return o.Learn(ctx, row, a)
	case row.State == Unknown:
		return o.notReceived(ctx, row, a.Asked)
	case row.State == Accepted && a.Received && a.Verdict == Decided:
		return o.move(ctx, row, move{to: Assessed, docs: a.Docs, edit: func(it *Item, h head) {
			it.Assessment = a.Assessment
			it.MaGiaoDich, it.Due, it.Reason = cmp.Or(it.MaGiaoDich, a.MaGiaoDich), o.watch(*it), a.Reason
			if h.Off != "" {
				it.Reason = Because(ReasonAfterwards)
			}
		}})
	case row.State == Accepted && a.Received && a.Verdict == Refused:
		return o.move(ctx, row, move{to: Rejected, docs: a.Docs, edit: func(it *Item, _ head) { it.Due, it.Reason = o.watch(*it), a.Reason }})
	case row.State == Accepted:
		return o.move(ctx, row, move{to: Accepted, edit: func(it *Item, _ head) {
			it.MaGiaoDich, it.Due, it.Asks = cmp.Or(it.MaGiaoDich, a.MaGiaoDich), o.in(o.AskEvery), it.Asks+1
			if a.Received {
				it.Heard, it.Checked = a.Asked, it.Checked || a.Checked
			}
			switch {
			case !a.Received:
				it.Reason = Because(ReasonForgotten)
			case it.Reason != nil && it.Reason.Code == ReasonForgotten:
				it.Reason = nil
			}
		}})
	case row.work() == ToAsk:
		return o.move(ctx, row, move{to: row.State, edit: func(it *Item, _ head) { it.Due, it.Asks = o.watch(*it), it.Asks+1 }})
	}
	return row, fhir.Errorf(fhir.Conflict, "delivery-transition", "", string(row.State), "?")
}

// notReceived applies "the other side does not have it" to an unknown item.
func (o *Outbox) notReceived(ctx context.Context, row Row, asked fhir.Instant) (Row, error) {
	settle := fhir.Instant(o.Settle.Milliseconds())
	if sure := row.Closed + settle; asked < sure {
		return o.move(ctx, row, move{to: Unknown, edit: func(it *Item, _ head) { it.Due, it.Asks = o.soon(sure, it.Asks+2), it.Asks+1 }})
	}
	if row.Missing == 0 {
		return o.move(ctx, row, move{to: Unknown, edit: func(it *Item, _ head) {
			it.Missing, it.Due, it.Asks = asked, o.soon(asked+settle, it.Asks+2), it.Asks+1
		}})
	}
	if again := row.Missing + settle; asked < again {
		return o.move(ctx, row, move{to: Unknown, edit: func(it *Item, _ head) { it.Due, it.Asks = o.soon(again, it.Asks+2), it.Asks+1 }})
	}
	var h head
	if _, err := o.readRow(ctx, SpaceHeads, string(row.Claim), &h); err != nil {
		return row, err
	}
	if why := unwanted(row.Item, h); why != "" {
		return o.move(ctx, row, move{to: Withdrawn, edit: func(it *Item, _ head) {
			it.Doubt, it.Reason = true, Because(why)
			it.Due = o.watch(*it)
		}})
	}
	if o.ByPerson {
		return o.move(ctx, row, move{to: Unknown, edit: func(it *Item, _ head) {
			it.Due, it.Asks, it.Reason = o.in(o.AskEvery), it.Asks+1, Because(ReasonAwaitsPerson)
		}})
	}
	// If the head changes now, Begin sees it: what is queued is not yet sent.
	return o.move(ctx, row, move{to: Queued, edit: func(it *Item, _ head) { it.Due, it.Doubt, it.Reason = o.now(), true, Because(ReasonNotReceived) }})
}

// soon gives when an unknown item is asked about for the nth time: "received" counts at any moment, so it need not wait
// until "not received" would count too.
func (o *Outbox) soon(latest fhir.Instant, n int) fhir.Instant {
	return min(latest, o.in(o.Retry.wait(n)))
}

// Unanswered records that a status query about the item brought nothing; it is asked again, later each time.
func (o *Outbox) Unanswered(ctx context.Context, row Row) (Row, error) {
	return o.move(ctx, row, move{to: row.State, edit: func(it *Item, _ head) {
		it.Asks++
		it.Due = o.in(o.Retry.wait(it.Asks))
	}})
}

// lastFile gives the hash of the file that the last attempt sent.
func (o *Outbox) lastFile(ctx context.Context, k Key) (string, error) {
	attempts, err := o.attempts(ctx, k)
	if err != nil || len(attempts) == 0 {
		return "", err
	}
	return attempts[len(attempts)-1].SHA256, nil
}

// sentFile says whether one of the item's attempts sent the file with this hash; "" is taken for yes.
func (o *Outbox) sentFile(ctx context.Context, it Item, hash string) (bool, error) {
	if hash == "" {
		return true, nil
	}
	attempts, err := o.attempts(ctx, it.Key())
	if err != nil {
		return false, err
	}
	for _, a := range attempts {
		if strings.EqualFold(a.SHA256, hash) {
			return true, nil
		}
	}
	return false, nil
}
