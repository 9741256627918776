package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler/lease"
)

const (
	// finishTimeout bounds the commits that record a run's end, which happen also after the server was told to stop.
	finishTimeout = 10 * time.Second
	// maxMessage bounds the message of a slot's row, bytes.
	maxMessage = 500
)

// errLeaseLost is the cause with which the ctx of a run ends when another server has its lease.
var errLeaseLost = errors.New("the lease of the job was lost")

// run does the work of a slot that is marked as running, and records its end.
func (r *Runner) run(ctx context.Context, j *job, slot SlotRecord, held lease.Held) error {
	runCtx, cancel := context.WithCancelCause(ctx)
	if j.Timeout > 0 {
		var stop context.CancelFunc
		runCtx, stop = context.WithTimeout(runCtx, j.Timeout)
		defer stop()
	}
	renewed := make(chan struct{})
	go func() { // ends with runCtx, which is cancelled below; joined through renewed
		defer close(renewed)
		r.renew(runCtx, cancel, j, held)
	}()

	began := r.now()
	err := call(runCtx, j, Slot{Job: j.Name, At: slot.At.Time().In(j.schedule.Zone()), Manual: slot.Manual, Try: slot.Try, Lease: held})
	lost := errors.Is(context.Cause(runCtx), errLeaseLost)
	cancel(nil)
	<-renewed

	ended := r.now()
	attrs := []any{"job", j.Name, "slot", slot.At.String(), "try", slot.Try, "took", ended.Sub(began)}
	if lost {
		r.log.WarnContext(ctx, "job lost its lease", attrs...)
		return nil // whoever has the lease records the slot
	}
	slot.State, slot.Ended = Finished, fhir.InstantOf(ended)
	if err != nil {
		slot.State, slot.Message = Failed, clip(err.Error())
		r.log.ErrorContext(ctx, "job failed", append(attrs, "error", err)...)
	} else {
		r.log.DebugContext(ctx, "job finished", attrs...)
	}
	return r.finish(context.WithoutCancel(ctx), j, slot, held)
}

// renew keeps the lease until ctx ends; when it cannot before the lease is over, it ends the run.
func (r *Runner) renew(ctx context.Context, cancel context.CancelCauseFunc, j *job, held lease.Held) {
	tick := time.NewTicker(j.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := r.now()
		next, err := held.Renew(ctx, r.store, now, j.Lease)
		switch e, ok := errors.AsType[*fhir.Error](err); {
		case err == nil:
			held = next
		case ok && e.Code == "lease-lost", !now.Before(held.Until):
			cancel(errLeaseLost)
			return
		case ctx.Err() == nil:
			r.log.WarnContext(ctx, "lease not renewed, trying again", "job", j.Name, "error", err)
		}
	}
}

// finish records the end of a run, gives the lease back and trims old rows. A row that changed meanwhile (a pause, a
// request) is read again; a lease that is gone ends it without a trace, for then another server decides.
func (r *Runner) finish(ctx context.Context, j *job, slot SlotRecord, held lease.Held) error {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	trimmed, err := r.trimmable(ctx, j.Name)
	if err != nil {
		return err
	}
	for {
		var row jobRow
		raw, err := readRow(ctx, r.store, SpaceJobs, j.Name, &row)
		if err != nil {
			return err
		}
		if row.Current != slot.Key {
			return fhir.Errorf(fhir.Conflict, "lease-lost", "", leaseName(j.Name))
		}
		row.Current = ""
		c := held.Release()
		swap{SpaceJobs, j.Name, raw, row}.addTo(&c)
		c.Records = append(c.Records, store.Record{Space: SpaceSlots, Key: slot.Key, Value: encodeRow(slot)})
		c.Records = append(c.Records, trimmed...)
		if _, err = r.store.Commit(ctx, c); err == nil || !lease.Changed(err) {
			return err
		}
		if lives, lerr := lease.Lives(ctx, r.store, held.Name, held.Token, time.Time{}); lerr != nil || !lives {
			return fhir.Wrap(fhir.Conflict, "lease-lost", err, held.Name)
		}
	}
}

// trimmable gives the removals that leave the newest rows of a job, those that wait or run not counted.
func (r *Runner) trimmable(ctx context.Context, name string) ([]store.Record, error) {
	var done []store.Record
	for rec, err := range r.store.Records(ctx, SpaceSlots, name+"/", name+"0") {
		if err != nil {
			return nil, err
		}
		var s SlotRecord
		if err := decodeSlot(rec, &s); err != nil {
			return nil, err
		}
		if s.State != Requested && s.State != Running {
			done = append(done, store.Record{Space: SpaceSlots, Key: rec.Key})
		}
	}
	if over := len(done) - r.keep + 1; over > 0 { // one more comes with this commit
		return done[:over], nil
	}
	return nil, nil
}

// call runs the job's function; a panic there is that job's failure and not the server's.
func call(ctx context.Context, j *job, s Slot) (err error) {
	defer func() {
		if p := recover(); p != nil {
			slog.ErrorContext(ctx, "job panicked", "job", j.Name, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("job panicked: %v", p)
		}
	}()
	return j.Run(ctx, s)
}

func clip(s string) string {
	if len(s) > maxMessage {
		return s[:maxMessage] + "…"
	}
	return s
}
