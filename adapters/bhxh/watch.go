package bhxh

import (
	"context"

	"github.com/lienthong/lienthong/scheduler"
)

// alarmsAtOnce bounds the alarms of one look.
const alarmsAtOnce = 500

// Watch is the job that tells of clocks that ran out: an event for the operator, and a mark in the item and its Task.
func (s *Sync) Watch(ctx context.Context, _ scheduler.Slot) error {
	for ctx.Err() == nil {
		alarms, err := s.Outbox.Alarms(ctx, alarmsAtOnce)
		for _, a := range alarms {
			s.Log.WarnContext(ctx, "claim overdue", "clock", a.Clock, "item", a.Key().String(), "facility", a.Facility, "state", a.State, "since", a.Since.String(), "ran out", a.At.String())
		}
		if err != nil || len(alarms) == 0 {
			return err
		}
	}
	return ctx.Err()
}
