package bhxh

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/scheduler"
)

// Plan says when and how fast the claims of a facility are sent. Members that are zero are those of Config.
type Plan struct {
	Schedule    string // cron expression
	Zone        string // of the expression
	CatchUp     scheduler.Policy
	Jitter      time.Duration
	Concurrency int     // files under way at once
	PerSecond   float64 // files in a second
}

// JobOf names the job that sends the claims of a facility with a plan of its own.
func JobOf(facility string) string { return SyncJob + "-" + strings.ToLower(facility) }

// Jobs are those of Sync for scheduler.New: one for each facility with a plan, one for all others, one that asks, and
// one that watches the deadlines.
func (s *Sync) Jobs() []scheduler.Job {
	jobs := []scheduler.Job{
		{Name: SyncJob, Schedule: s.Schedule, Zone: s.Zone, CatchUp: s.CatchUp, Jitter: s.Jitter, Lease: s.Lease, Run: s.Send},
		{Name: StatusJob, Schedule: s.StatusSchedule, Zone: s.Zone, Lease: s.Lease, Run: s.Ask},
		{Name: ClockJob, Schedule: clockSchedule, Lease: s.Lease, Run: s.Watch},
	}
	if s.CheckIns {
		jobs = append(jobs, scheduler.Job{Name: CheckInJob, Schedule: checkInSchedule, Lease: s.Lease, Run: s.CheckIn})
	}
	for _, facility := range slices.Sorted(maps.Keys(s.Plans)) {
		p := s.Plans[facility]
		jobs = append(jobs, scheduler.Job{Name: JobOf(facility), Schedule: cmp.Or(p.Schedule, s.Schedule), Zone: cmp.Or(p.Zone, s.Zone),
			CatchUp: cmp.Or(p.CatchUp, s.CatchUp), Jitter: cmp.Or(p.Jitter, s.Jitter), Lease: s.Lease,
			Run: func(ctx context.Context, slot scheduler.Slot) error { return s.sendOne(ctx, slot, facility) }})
	}
	return jobs
}

// concurrency is how many files of a facility are under way at once.
func (s *Sync) concurrency(facility string) int {
	return cmp.Or(s.Plans[facility].Concurrency, s.Concurrency)
}

// paced waits for the facility's turn, then for that of all.
func (s *Sync) paced(ctx context.Context, facility string) error {
	if p := s.paces[facility]; p != nil {
		if err := p.wait(ctx); err != nil {
			return err
		}
	}
	if l := s.gate.limits; l != nil && l.gap > 0 {
		return l.wait(ctx)
	}
	return s.pace.wait(ctx)
}
