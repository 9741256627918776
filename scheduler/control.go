package scheduler

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler/lease"
)

// maxRequests bounds the runs that wait because somebody asked for them.
const maxRequests = 16

// JobStatus is a job as an operator sees it.
type JobStatus struct {
	Name     string
	Schedule string
	Zone     string
	CatchUp  Policy
	Jitter   time.Duration
	Paused   *Pause      // nil if it runs by schedule
	Next     time.Time   // when the next slot by schedule begins, also while paused
	Current  *SlotRecord // the run under way on any server, nil if none
	Waiting  int         // runs that somebody asked for and that have not begun
}

// Pause stops the schedule of a job on all servers; a run that is under way goes on. A reason is required. Slots that go
// by are treated by the job's policy when it is resumed.
func (r *Runner) Pause(ctx context.Context, name, who, reason string) error {
	if strings.TrimSpace(reason) == "" || strings.TrimSpace(who) == "" {
		return fhir.Errorf(fhir.Unprocessable, "reason-required", "")
	}
	return r.edit(ctx, name, func(row *jobRow, _ *store.Changes) error {
		row.Paused = &Pause{By: who, Reason: reason, At: fhir.InstantOf(r.now())}
		return nil
	})
}

// Resume takes a pause back; it is no error if there is none.
func (r *Runner) Resume(ctx context.Context, name string) error {
	return r.edit(ctx, name, func(row *jobRow, _ *store.Changes) error {
		row.Paused = nil
		return nil
	})
}

// RunNow asks for a run as soon as no other run of the job is under way, on any server, also while it is paused. It gives the
// key of the slot. Kind Busy, "job-requests-full" says that too many wait already.
func (r *Runner) RunNow(ctx context.Context, name, who string) (key string, err error) {
	err = r.edit(ctx, name, func(row *jobRow, c *store.Changes) error {
		if len(row.Requests) >= maxRequests {
			return fhir.Errorf(fhir.Busy, "job-requests-full", "", name)
		}
		at := r.now()
		for key = slotKey(name, at, true); ; key = slotKey(name, at, true) { // two requests in one millisecond
			if _, found, err := r.store.Record(ctx, SpaceSlots, key); err != nil {
				return err
			} else if !found {
				break
			}
			at = at.Add(time.Millisecond)
		}
		row.Requests = append(row.Requests, key)
		swap{SpaceSlots, key, nil, SlotRecord{State: Requested, At: fhir.InstantOf(at), Manual: true, By: who}}.addTo(c)
		return nil
	})
	return key, err
}

// edit changes a job's row, again if another server changed it meanwhile.
func (r *Runner) edit(ctx context.Context, name string, f func(*jobRow, *store.Changes) error) error {
	j, err := r.job(name)
	if err != nil {
		return err
	}
	for {
		row := jobRow{Cursor: r.now().UnixMilli()}
		raw, err := readRow(ctx, r.store, SpaceJobs, name, &row)
		if err != nil {
			return err
		}
		var c store.Changes
		if err := f(&row, &c); err != nil {
			return err
		}
		swap{SpaceJobs, name, raw, row}.addTo(&c)
		if _, err := r.store.Commit(ctx, c); err == nil {
			j.ring()
			return nil
		} else if !lease.Changed(err) {
			return err
		}
	}
}

// Jobs gives the state of each job, in the order they were given to New.
func (r *Runner) Jobs(ctx context.Context) ([]JobStatus, error) {
	out := make([]JobStatus, 0, len(r.jobs))
	for _, j := range r.jobs {
		var row jobRow
		if _, err := readRow(ctx, r.store, SpaceJobs, j.Name, &row); err != nil {
			return nil, err
		}
		st := JobStatus{Name: j.Name, Schedule: j.schedule.String(), Zone: j.schedule.Zone().String(),
			CatchUp: j.CatchUp, Jitter: j.Jitter, Paused: row.Paused, Waiting: len(row.Requests)}
		now := r.now()
		from := now.Add(-j.Jitter)
		if decided := time.UnixMilli(row.Cursor); row.Cursor != 0 && decided.After(from) {
			from = decided
		}
		for t := j.schedule.Next(from); !t.IsZero(); t = j.schedule.Next(t) {
			if st.Next = t.Add(j.delay(t)); st.Next.After(now) {
				break
			}
		}
		if row.Current != "" {
			st.Current = &SlotRecord{Key: row.Current}
			if _, err := readRow(ctx, r.store, SpaceSlots, row.Current, st.Current); err != nil {
				return nil, err
			}
		}
		out = append(out, st)
	}
	return out, nil
}

// Slots gives the rows of a job's slots, newest first, at most limit (0 = all that are kept).
func (r *Runner) Slots(ctx context.Context, name string, limit int) ([]SlotRecord, error) {
	if _, err := r.job(name); err != nil {
		return nil, err
	}
	var all []SlotRecord
	for rec, err := range r.store.Records(ctx, SpaceSlots, name+"/", name+"0") {
		if err != nil {
			return nil, err
		}
		s := SlotRecord{Key: rec.Key}
		if err := decodeSlot(rec, &s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	if limit > 0 && len(all) > limit {
		all = all[len(all)-limit:]
	}
	for i, k := 0, len(all)-1; i < k; i, k = i+1, k-1 {
		all[i], all[k] = all[k], all[i]
	}
	return all, nil
}

func decodeSlot(rec store.Record, s *SlotRecord) error {
	if err := json.Unmarshal(rec.Value, s); err != nil {
		return fhir.Wrap(fhir.Internal, "scheduler-record-unreadable", err, string(rec.Space), rec.Key)
	}
	return nil
}
