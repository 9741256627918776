package store

import (
	"context"
	"sync"

	"github.com/lienthong/lienthong/fhir"
)

// Reading is what one request knows of a log that other servers append to. All reads of a request that carries one share
// one question for the log's head, since FRESH is held to the moment when the request came. Without one each read asks.
type Reading struct {
	mu        sync.Mutex
	confirmed bool
	stale     error // why the log could not be asked
	staleAsOf fhir.T
	staleAt   fhir.Instant
}

type readingKey struct{}

// WithReading begins a request.
func WithReading(ctx context.Context) (context.Context, *Reading) {
	r := &Reading{}
	return context.WithValue(ctx, readingKey{}, r), r
}

// OneReading gives the Reading of ctx, and begins one where it has none: for what reads many times and is one request, whoever calls it.
func OneReading(ctx context.Context) (context.Context, *Reading) {
	if r := ReadingOf(ctx); r != nil {
		return ctx, r
	}
	return WithReading(ctx)
}

// ReadingOf gives the Reading of ctx; nil if it has none. A nil one takes all calls.
func ReadingOf(ctx context.Context) *Reading {
	r, _ := ctx.Value(readingKey{}).(*Reading)
	return r
}

// Confirmed says whether a read of the request has asked for the head already, or need not.
func (r *Reading) Confirmed() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.confirmed
}

// Confirm notes that the store has what the log had when the request came.
func (r *Reading) Confirm() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.confirmed = true
}

// GoStale notes that the log could not be asked, and why, and that reads are as of t, which was committed at at.
func (r *Reading) GoStale(t fhir.T, at fhir.Instant, why error) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.confirmed, r.stale, r.staleAsOf, r.staleAt = true, why, t, at
}

// Stale tells whether the request was answered without asking the log, and as of what.
func (r *Reading) Stale() (t fhir.T, at fhir.Instant, stale bool) {
	if r == nil {
		return 0, 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.staleAsOf, r.staleAt, r.stale != nil
}

// Away gives why the log could not be asked, as an error of the catalogue; nil unless the request is Stale.
func (r *Reading) Away() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stale
}

// Answers asks st whether it can answer: obstacle is why not, stale why its reads are of an earlier moment.
func Answers(ctx context.Context, st Store) (obstacle, stale error) {
	ctx, reading := OneReading(ctx)
	_, obstacle = st.Head(ctx)
	return obstacle, reading.Away()
}
