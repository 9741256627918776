package scheduler

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/scheduler/cron"
	"github.com/lienthong/lienthong/scheduler/lease"
)

// Policy says what becomes of slots that went by, and of a slot whose server died.
type Policy uint8

const (
	// Latest runs the newest slot that went by and lets the older ones go. A slot whose server died is run again unless
	// a newer one is due. It suits jobs that look at what there is to do, which are most.
	Latest Policy = iota
	// Skip lets slots that went by go; only a slot that is due now is run. A slot whose server died is not run again.
	Skip
	// All runs each slot that went by, in order, and runs a slot again whose server died.
	All
)

const (
	// DefaultLease is how long after its death a server still keeps others from its job.
	DefaultLease = time.Minute
	// onTime is how old a slot may be under Skip and still count as due now.
	onTime = 10 * time.Second
	// maxTries bounds how often a slot is run again whose server died of it, perhaps each time.
	maxTries = 3
)

// Job is work with a schedule.
type Job struct {
	Name     string        // 1 to 40 of a-z 0-9 -; it is in keys, so it must stay the same
	Schedule string        // expression, see package cron
	Zone     string        // of the expression; "" is cron.DefaultZone
	CatchUp  Policy        // of slots that went by
	Jitter   time.Duration // a slot begins up to so much after its time, see delay; 0 is none
	Lease    time.Duration // how long a dead server keeps others out; 0 is DefaultLease; renewed at a third of it
	Timeout  time.Duration // of one run; 0 is none

	// Run does the work of one slot. Its ctx ends when the server stops, the lease is lost or Timeout is over; it then
	// returns soon, at a place where its own account is right. An error or a panic makes the slot failed; it is not
	// run again, the next slot comes.
	Run func(ctx context.Context, s Slot) error
}

// String gives the policy's name in settings.
func (p Policy) String() string { return policies[p] }

var policies = [...]string{Latest: "latest", Skip: "skip", All: "all"}

// ParsePolicy reads latest, skip or all; "" is latest. Kind Invalid, code "job-policy".
func ParsePolicy(s string) (Policy, error) {
	if s == "" {
		return Latest, nil
	}
	for p, name := range policies {
		if s == name {
			return Policy(p), nil
		}
	}
	return Latest, fhir.Errorf(fhir.Invalid, "job-policy", "", s)
}

// Slot is one due run of a job.
type Slot struct {
	Job    string
	At     time.Time  // the instant of the schedule; for manual slots that of the request
	Manual bool       // somebody asked for it
	Try    int        // 1, or more if the server of an earlier try died
	Lease  lease.Held // its Fence belongs into each commit of the run
}

// job is a Job, checked.
type job struct {
	Job
	schedule *cron.Schedule
	wake     chan struct{} // capacity 1: a second ring while one waits adds nothing
}

func newJob(j Job) (*job, error) {
	if !validName(j.Name) || j.Run == nil {
		return nil, fhir.Errorf(fhir.Invalid, "job-invalid", "", j.Name)
	}
	s, err := cron.Parse(j.Schedule, j.Zone)
	if err != nil {
		return nil, err
	}
	if j.Jitter < 0 || int(j.CatchUp) >= len(policies) {
		return nil, fhir.Errorf(fhir.Invalid, "job-invalid", "", j.Name)
	}
	if j.Lease <= 0 {
		j.Lease = DefaultLease
	}
	return &job{Job: j, schedule: s, wake: make(chan struct{}, 1)}, nil
}

// delay is how long after its time a slot begins: a share of Jitter that is drawn from the job's name and the slot, so that jobs of
// one schedule spread, and all servers, before and after a restart, agree.
func (j *job) delay(slot time.Time) time.Duration {
	if j.Jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", j.Name, slot.UnixMilli())
	return time.Duration(h.Sum64() % uint64(j.Jitter))
}

// due gives the newest slot after the cursor that may begin by now, false if there is none.
func (j *job) due(cursor, now time.Time) (time.Time, bool) {
	for to := now; ; {
		slot, ok := j.schedule.Latest(cursor, to)
		if !ok || !slot.Add(j.delay(slot)).After(now) {
			return slot, ok
		}
		to = slot.Add(-time.Millisecond) // slots are whole seconds
	}
}

func (j *job) ring() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

func validName(s string) bool {
	if s == "" || len(s) > 40 {
		return false
	}
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}
