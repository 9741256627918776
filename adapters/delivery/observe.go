package delivery

import (
	"context"
	"slices"

	"github.com/lienthong/lienthong/fhir"
)

// Taken is one effect that the other side told of: it took a file as this version of an episode.
type Taken struct {
	PB         uint64
	MaGiaoDich string
}

// Observe holds what a status query told of an episode against all versions of the claim, and marks each version that has
// a receipt more than it should: "second-effect" if it was taken more than once, "late-effect" if it was taken after all
// though it had been given up on the word that it was not received. The mark stays, in the item and in the Task; nothing is
// undone by it, for the insurer has no call to take a claim back. It gives the versions that are newly marked.
func (o *Outbox) Observe(ctx context.Context, claim fhir.ID, taken []Taken) ([]Row, error) {
	f, err := o.family(ctx, claim)
	if err != nil {
		return nil, err
	}
	var marked []Row
	for _, row := range f.rows {
		var more []string
		for _, t := range taken {
			if t.PB == row.PB && t.MaGiaoDich != "" && t.MaGiaoDich != row.MaGiaoDich && !slices.Contains(row.Others, t.MaGiaoDich) && !slices.Contains(more, t.MaGiaoDich) {
				more = append(more, t.MaGiaoDich)
			}
		}
		if len(more) == 0 || row.Sends == 0 || row.State == Sending || row.State == Unknown {
			continue // open ones are Learn's
		}
		if row.State == Queued {
			if row, err = o.Reopen(ctx, row); err != nil {
				return marked, err
			}
			continue
		}
		row, err := o.move(ctx, row, move{to: row.State, edit: func(it *Item, _ head) { it.Others = append(slices.Clone(it.Others), more...) }})
		if err != nil {
			return marked, err
		}
		marked = append(marked, row)
	}
	return marked, nil
}

// Reopen makes a queued item that had been sent before unknown again, since the other side has it after all; it is asked
// about at once.
func (o *Outbox) Reopen(ctx context.Context, row Row) (Row, error) {
	return o.move(ctx, row, move{to: Unknown, edit: func(it *Item, _ head) { it.Due, it.Reason = o.now(), Because(ReasonNoReply) }})
}

// watch gives when an item that is at its end is asked about next: not at all, unless it left unknown on the word that it
// had not been received; then less and less often, until Config.Watch after its last attempt had closed.
func (o *Outbox) watch(it Item) fhir.Instant {
	now := o.now()
	if !it.Doubt || now >= it.Closed+fhir.Instant(o.Watch.Milliseconds()) {
		return 0
	}
	return now + max(fhir.Instant(o.AskEvery.Milliseconds()), (now-it.Closed)/2)
}
