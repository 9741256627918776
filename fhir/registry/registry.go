package registry

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/store"
)

// Space holds all rows; see the package comment.
const Space store.Space = "registry"

// Config is what a Registry is made of.
type Config struct {
	Store        store.Store
	Interactions *interaction.Service
	Given        *vaccination.Service
	Schedules    *immunization.Set
	Now          func() time.Time // nil = time.Now
	Log          *slog.Logger     // nil = slog.Default()
}

// Registry follows the feed and answers from what it keeps. It is safe for concurrent use.
type Registry struct {
	Config

	follow sync.Mutex // one at a time follows; the store settles it between servers

	mu      sync.Mutex    // guards what follows; nothing is waited for under it
	reached fhir.T        // commits up to this one are counted, as far as this process knows
	moved   chan struct{} // closed when reached moves
}

// New makes a Registry. It does nothing until Run or CatchUp.
func New(c Config) *Registry {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Schedules == nil {
		c.Schedules = immunization.Standard()
	}
	return &Registry{Config: c, moved: make(chan struct{})}
}

// pause is the shortest time between two looks at the feed: single writes are counted together.
const pause = 100 * time.Millisecond

// Run follows the feed and the calendar until ctx ends. It rests as long as it works, so that a large import is not kept
// from the processors by being counted. ctx must have a fence that allows everything.
func (r *Registry) Run(ctx context.Context) error {
	for {
		began := time.Now()
		more, err := r.step(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !fhir.Transient(err):
			return err
		case err != nil:
			r.Log.WarnContext(ctx, "the vaccination registry could not go on and tries again", "err", err)
		}
		rest := max(pause, time.Since(began))
		if err != nil {
			rest = 5 * time.Second
		}
		if !fhir.Pause(ctx, rest) {
			return nil
		}
		if more || err != nil {
			continue
		}
		untilMidnight, cancel := context.WithTimeout(ctx, r.untilMidnight())
		_, err = r.Store.WaitHead(untilMidnight, r.at())
		cancel()
		if err != nil && ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) && !fhir.Transient(err) {
			return err
		}
	}
}

// today is the day in Vietnam.
func (r *Registry) today() time.Time { return immunization.LocalDay(r.Now()) }

// untilMidnight is how long the day in Vietnam still lasts.
func (r *Registry) untilMidnight() time.Duration {
	now := r.Now()
	const offset = 7 * time.Hour // no summer time
	into := now.UTC().Add(offset).Sub(immunization.LocalDay(now))
	return 24*time.Hour - into + time.Second
}

// position is the row "state".
type position struct {
	T          fhir.T `json:"t"`
	Day        string `json:"day"`        // for which all rows are right
	Definition string `json:"definition"` // of the schedules by which all rows are judged, but see Cursor
	// Next is the definition that rows are being moved to, Cursor the person up to which they are; "" = none are.
	Next   string `json:"next,omitempty"`
	Cursor string `json:"cursor,omitempty"`
}

// state reads the position; raw is nil if there is none yet.
func (r *Registry) state(ctx context.Context) (p position, raw []byte, err error) {
	raw, found, err := r.Store.Record(ctx, Space, "state")
	if err != nil || !found {
		return p, nil, err
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, nil, fhir.Wrap(fhir.Internal, "registry-unreadable", err)
	}
	return p, raw, nil
}

func (r *Registry) at() fhir.T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reached
}

func (r *Registry) reach(t fhir.T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t > r.reached {
		r.reached = t
		close(r.moved)
		r.moved = make(chan struct{})
	}
}

// patience is how long an answer waits for what was committed before it was asked for to be counted.
const patience = 300 * time.Millisecond

// Settle waits until what is committed is counted, but not for long, and says what the answer is as of. ctx may be a caller's.
// Errors: Kind Unavailable, code "registry-building", while rows are judged by other schedules or nothing is counted yet.
func (r *Registry) Settle(ctx context.Context) (as AsOf, err error) {
	ctx = store.Ourselves(ctx)
	head, err := r.Store.Head(ctx)
	if err != nil {
		return as, err
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for late := false; !late; {
		r.mu.Lock()
		reached, moved := r.reached, r.moved
		r.mu.Unlock()
		if reached >= head {
			break
		}
		select {
		case <-ctx.Done():
			return as, ctx.Err()
		case <-moved:
		case <-timeout.C:
			late = true
		}
	}
	p, raw, err := r.state(ctx)
	if err != nil {
		return as, err
	}
	if raw == nil && head > 0 || p.Next != "" {
		return as, fhir.Errorf(fhir.Unavailable, "registry-building", "")
	}
	as.T = max(p.T, r.at())
	as.Day = p.Day
	if raw == nil {
		as.Day = r.today().Format(time.DateOnly)
	}
	as.Behind = head > as.T
	return as, nil
}

// AsOf says which state an answer shows.
type AsOf struct {
	T      fhir.T
	Day    string // yyyy-MM-dd
	Behind bool   // commits are not counted yet that were there when it was asked for
}
