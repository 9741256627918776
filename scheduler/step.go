package scheduler

import (
	"context"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler/lease"
)

// step looks once at a job and runs at most one slot. It answers whether there may be more to do at once.
func (r *Runner) step(ctx context.Context, j *job) (more bool, err error) {
	var row jobRow
	raw, err := readRow(ctx, r.store, SpaceJobs, j.Name, &row)
	if err != nil {
		return false, err
	}
	now := r.now()
	if raw == nil { // a new job: its past is not caught up
		return true, r.commit(ctx, swap{SpaceJobs, j.Name, nil, jobRow{Cursor: now.UnixMilli()}})
	}
	if row.Current != "" {
		return r.takeOver(ctx, j, row, raw, now)
	}
	if len(row.Requests) > 0 {
		return r.takeRequest(ctx, j, row, raw, now)
	}
	if row.Paused != nil {
		return false, nil
	}
	return r.takeDue(ctx, j, row, raw, now)
}

// takeOver handles a slot that is marked as running: nothing while its server lives, else by policy.
func (r *Runner) takeOver(ctx context.Context, j *job, row jobRow, raw []byte, now time.Time) (bool, error) {
	var slot SlotRecord
	slotRaw, err := readRow(ctx, r.store, SpaceSlots, row.Current, &slot)
	if err != nil {
		return false, err
	}
	if lives, err := lease.Lives(ctx, r.store, leaseName(j.Name), slot.Token, now); lives || err != nil {
		return false, err
	}
	_, newer := j.due(time.UnixMilli(row.Cursor), now)
	again := j.CatchUp == All || j.CatchUp == Latest && (slot.Manual || !newer)
	if again && slot.Try < maxTries && row.Paused == nil {
		return r.take(ctx, j, row, raw, row.Current, slotRaw, slot, now)
	}
	key := row.Current
	slot.State, slot.Ended, slot.Message = Lost, fhir.InstantOf(now), "the server that ran it stopped without a word"
	row.Current = ""
	return true, r.commit(ctx, swap{SpaceJobs, j.Name, raw, row}, swap{SpaceSlots, key, slotRaw, slot})
}

// takeRequest begins the oldest run that somebody asked for.
func (r *Runner) takeRequest(ctx context.Context, j *job, row jobRow, raw []byte, now time.Time) (bool, error) {
	key := row.Requests[0]
	var slot SlotRecord
	slotRaw, err := readRow(ctx, r.store, SpaceSlots, key, &slot)
	if err != nil {
		return false, err
	}
	row.Requests = row.Requests[1:]
	return r.take(ctx, j, row, raw, key, slotRaw, slot, now)
}

// takeDue begins the slot that is due by schedule and policy, or notes that it went by.
func (r *Runner) takeDue(ctx context.Context, j *job, row jobRow, raw []byte, now time.Time) (bool, error) {
	cursor := time.UnixMilli(row.Cursor)
	first := j.schedule.Next(cursor)
	if first.IsZero() || first.After(now) {
		return false, nil
	}
	due := first
	if j.CatchUp == All {
		if first.Add(j.delay(first)).After(now) {
			return false, nil
		}
	} else {
		var ok bool
		if due, ok = j.due(cursor, now); !ok {
			return false, nil
		}
	}
	slot := SlotRecord{At: fhir.InstantOf(due)}
	if !due.Equal(first) {
		slot.Since = fhir.Instant(row.Cursor)
	}
	row.Cursor = due.UnixMilli()
	key := slotKey(j.Name, due, false)
	if j.CatchUp == Skip && now.Sub(due.Add(j.delay(due))) > onTime {
		slot.State, slot.Ended = Missed, fhir.InstantOf(now)
		return true, r.commit(ctx, swap{SpaceJobs, j.Name, raw, row}, swap{SpaceSlots, key, nil, slot})
	}
	return r.take(ctx, j, row, raw, key, nil, slot, now)
}

// take begins slot under the job's lease, in one commit, and runs it.
func (r *Runner) take(ctx context.Context, j *job, row jobRow, raw []byte, key string, slotRaw []byte, slot SlotRecord, now time.Time) (bool, error) {
	held, changes, err := lease.Take(ctx, r.store, leaseName(j.Name), r.holder, now, j.Lease)
	if err != nil {
		return false, err
	}
	row.Current = key
	slot.State, slot.Try, slot.Holder, slot.Token = Running, slot.Try+1, held.Holder, held.Token
	slot.Started, slot.Ended, slot.Message = fhir.InstantOf(now), 0, ""
	swap{SpaceJobs, j.Name, raw, row}.addTo(&changes)
	swap{SpaceSlots, key, slotRaw, slot}.addTo(&changes)
	if _, err := r.store.Commit(ctx, changes); err != nil {
		return false, err
	}
	slot.Key = key
	return true, r.run(ctx, j, slot, held)
}

func (r *Runner) commit(ctx context.Context, swaps ...swap) error {
	var c store.Changes
	for _, w := range swaps {
		w.addTo(&c)
	}
	_, err := r.store.Commit(ctx, c)
	return err
}
