package scheduler

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/robfig/cron/v3"
	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler/lease"
)

const (
	// DefaultKeep is how many rows of ended slots are kept for each job.
	DefaultKeep = 200
	// DefaultPoll is how often a job is looked at besides its schedule: for requests, and for servers that died.
	DefaultPoll = 2 * time.Second
)

// Config is what a Runner needs. Only Store is required.
type Config struct {
	Store  store.Store
	Now    func() time.Time // nil is time.Now
	Holder string           // names this server in leases and slots; "" is host/process/random
	Keep   int              // rows of ended slots kept for each job; 0 is DefaultKeep
	Poll   time.Duration    // 0 is DefaultPoll
	Log    *slog.Logger     // nil is slog.Default
}

// Runner runs jobs on this server. Several runners on one store, in one process or many, share the slots between them.
type Runner struct {
	store  store.Store
	now    func() time.Time
	holder string
	keep   int
	poll   time.Duration
	log    *slog.Logger
	jobs   []*job
}

// New checks the jobs. Errors have Kind Invalid: "job-invalid" (name, no function, name twice), "schedule-invalid",
// "zone-unknown".
func New(c Config, jobs ...Job) (*Runner, error) {
	r := &Runner{store: c.Store, now: c.Now, holder: c.Holder, keep: c.Keep, poll: c.Poll, log: c.Log}
	if r.now == nil {
		r.now = time.Now
	}
	if r.holder == "" {
		r.holder = newHolder()
	}
	if r.keep <= 0 {
		r.keep = DefaultKeep
	}
	if r.poll <= 0 {
		r.poll = DefaultPoll
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	for _, j := range jobs {
		if _, err := r.job(j.Name); err == nil {
			return nil, fhir.Errorf(fhir.Invalid, "job-invalid", "", j.Name)
		}
		checked, err := newJob(j)
		if err != nil {
			return nil, err
		}
		r.jobs = append(r.jobs, checked)
	}
	return r, nil
}

// Run runs the jobs until ctx ends. It then takes no more slots, waits for the runs that are under way, whose ctx has
// ended too, and returns nil.
//
//	cron (one goroutine) --ring--> one goroutine for each job: step, step, ... until nothing is due --> wait
//	poll (ticker of that goroutine) ^
func (r *Runner) Run(ctx context.Context) error {
	bell := cron.New()
	var g errgroup.Group
	for _, j := range r.jobs {
		bell.Schedule(j.schedule, cron.FuncJob(j.ring))
		g.Go(func() error { return r.serve(ctx, j) })
	}
	bell.Start()
	<-ctx.Done()
	<-bell.Stop().Done()
	return g.Wait()
}

// serve is the goroutine of one job.
func (r *Runner) serve(ctx context.Context, j *job) error {
	tick := time.NewTicker(r.poll)
	defer tick.Stop()
	for {
		if err := r.drain(ctx, j); err != nil && ctx.Err() == nil {
			r.log.ErrorContext(ctx, "job could not be looked at", "job", j.Name, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-j.wake:
		case <-tick.C:
		}
	}
}

// Tick looks at a job as often as there is something to do, and returns when its due slots are run or held by another
// server. It is what the bell does, for tests and for tools that bring their own clock.
func (r *Runner) Tick(ctx context.Context, name string) error {
	j, err := r.job(name)
	if err != nil {
		return err
	}
	return r.drain(ctx, j)
}

func (r *Runner) drain(ctx context.Context, j *job) error {
	for ctx.Err() == nil {
		more, err := r.step(ctx, j)
		if raced(err) {
			return nil // another server was quicker; the next look sees what it did
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// raced says whether err only means that another server changed the rows first.
func raced(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return lease.Changed(err) || ok && (e.Code == "lease-held" || e.Code == "lease-lost")
}

func (r *Runner) job(name string) (*job, error) {
	for _, j := range r.jobs {
		if j.Name == name {
			return j, nil
		}
	}
	return nil, fhir.Errorf(fhir.NotFound, "job-unknown", "", name)
}

// newHolder names this process: a host may run several, and a process number comes again.
func newHolder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "host"
	}
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, by its contract
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), hex.EncodeToString(b[:]))
}
