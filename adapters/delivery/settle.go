package delivery

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Revise replaces the decision on an item that is assessed or settled, such as after a dispute: the state stays, Assessment and the
// decision as FHIR change. Conflict "delivery-transition" in any other state.
func (o *Outbox) Revise(ctx context.Context, row Row, a Assessment, why *Reason, docs []*resource.Document) (Row, error) {
	if row.State != Assessed && row.State != Settled {
		return row, fhir.Errorf(fhir.Conflict, "delivery-transition", "", string(row.State), string(Assessed))
	}
	return o.move(ctx, row, move{to: row.State, docs: docs, edit: func(it *Item, _ head) { it.Assessment, it.Reason = a, why }})
}

// Paid records that an assessed item was paid, with what tells of it as FHIR (such as a PaymentNotice) in the same commit.
// For an item that is settled already it corrects the payment.
func (o *Outbox) Paid(ctx context.Context, row Row, p Payment, docs []*resource.Document) (Row, error) {
	if p.At == 0 {
		p.At = o.now()
	}
	return o.move(ctx, row, move{to: Settled, also: docs, edit: func(it *Item, h head) {
		it.Payment, it.Due = &p, o.watch(*it)
		if h.Off != "" {
			it.Reason = Because(ReasonAfterwards)
		}
	}})
}
