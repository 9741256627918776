package bhxh

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/fhir"
)

// Breaker says when the portal is left alone because calls fail. The zero Breaker never does.
type Breaker struct {
	Failures int           // in a row, of all facilities together
	Rest     time.Duration // how long no call is made then; afterwards one is tried. 0 is a minute
}

// gate is what each call to the portal passes, before anything about it is recorded:
//
//	Retry-After of the portal -> seats (calls under way) -> breaker -> pace (files in a second)
//
// It is this process's own, and a server that starts begins with an open one. Where servers share the work, limits bring their
// gates together.
type gate struct {
	now     func() time.Time
	atOnce  int                                        // seats; 0 = no bound
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}] // nil = none
	rest    time.Duration                              // of the breaker
	limits  *limits                                    // nil: the bounds are this process's alone
	tripped atomic.Bool                                // the others are to be told

	mu      sync.Mutex // guards what follows; nothing else is done under it
	used    int
	changed chan struct{}
}

func newGate(s *Sync) *gate {
	g := &gate{now: s.Now, atOnce: max(s.AtOnce, 0), rest: s.Breaker.rest(), limits: newLimits(s), changed: make(chan struct{})}
	if s.Breaker.Failures <= 0 {
		return g
	}
	g.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: "assessment portal", Timeout: g.rest, MaxRequests: 1,
		IsExcluded:  func(err error) bool { return errors.Is(err, errNoCall) },
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= uint32(s.Breaker.Failures) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			s.Log.Warn("calls to the assessment portal", "breaker", to.String(), "before", from.String())
			if to == gobreaker.StateOpen {
				g.tripped.Store(true)
			}
			g.wake()
		},
	})
	return g
}

func (g *gate) wake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *gate) turn() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.changed
}

// enter waits until a call may be made; leave ends it with what came of it: nil, errFault or errNoCall. An error means that no call may be
// made: Kind Busy, code "bhxh-gateway-rests", while the portal is left alone.
func (g *gate) enter(ctx context.Context, client *gateway.Client) (leave func(error), err error) {
	if until := client.RestsUntil(); g.now().Before(until) {
		return nil, fhir.Errorf(fhir.Busy, "bhxh-gateway-rests", "", until.UTC().Format(time.RFC3339))
	}
	if err := g.sit(ctx); err != nil {
		return nil, err
	}
	done, err := g.allow(ctx)
	if err != nil {
		g.rise()
		return nil, err
	}
	return func(err error) {
		done(err)
		g.rise()
		if g.limits != nil && g.tripped.Swap(false) {
			told, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
			defer cancel()
			_ = g.limits.leaveAlone(told, g.now().Add(g.rest)) // if it cannot be told, each finds out for itself
		}
	}, nil
}

// tellTimeout bounds the commit that tells other servers that the portal is left alone.
const tellTimeout = 5 * time.Second

// sit waits for a seat. Seats that come free, and changes of the breaker, wake those who wait.
func (g *gate) sit(ctx context.Context) error {
	for {
		g.mu.Lock()
		changed, used := g.changed, g.used
		g.mu.Unlock()
		may, again := g.atOnce, (<-chan time.Time)(nil)
		if g.limits != nil {
			var rest time.Time
			var err error
			if may, rest, err = g.limits.look(ctx, used); err != nil {
				return err
			}
			if g.now().Before(rest) && !g.open() {
				return fhir.Errorf(fhir.Busy, "bhxh-gateway-rests", "", rest.UTC().Format(time.RFC3339))
			}
			again = time.After(limitsBeat) // others give seats up, and nobody here is woken by it
		}
		g.mu.Lock()
		if g.atOnce == 0 || g.used < may {
			g.used++
			g.mu.Unlock()
			return nil
		}
		g.mu.Unlock()
		select {
		case <-changed:
		case <-again:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// open says whether our own breaker knows better than the others' word: it is open, or about to try.
func (g *gate) open() bool { return g.breaker != nil && g.breaker.State() != gobreaker.StateClosed }

func (g *gate) rise() {
	g.mu.Lock()
	g.used--
	g.mu.Unlock()
	g.wake() // for a seat, or since it was perhaps the one that tries
}

var (
	errFault  = errors.New("the portal was at fault")
	errNoCall = errors.New("no call was made")
)

// allow asks the breaker. While one call tries whether the portal is there again, the others wait for what it brings.
func (g *gate) allow(ctx context.Context) (func(error), error) {
	if g.breaker == nil {
		return func(error) {}, nil
	}
	for {
		changed := g.turn()
		done, err := g.breaker.Allow()
		switch {
		case err == nil:
			return done, nil
		case !errors.Is(err, gobreaker.ErrTooManyRequests):
			return nil, fhir.Wrap(fhir.Busy, "bhxh-gateway-rests", err, "")
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// fault says whether the outcome of a call is the portal's, or the network's, and not the file's or the account's.
func fault(out gateway.Outcome) error {
	if out.State == gateway.Unknown || out.State == gateway.NotSent && unavailable(out.Err) {
		return errFault
	}
	return nil
}

func unavailable(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && e.Kind == fhir.Unavailable
}

// rests says whether err means that the portal is left alone for now.
func rests(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && e.Code == "bhxh-gateway-rests"
}

// call makes a call that changes nothing through the gate, again as repeat does.
func call[T any](ctx context.Context, s *Sync, client *gateway.Client, do func() (T, error)) (T, error) {
	return repeat(ctx, s.RepeatAfter, func() (T, error) {
		leave, err := s.gate.enter(ctx, client)
		if err != nil {
			var zero T
			return zero, err
		}
		v, err := do()
		if unavailable(err) {
			leave(errFault)
		} else {
			leave(nil)
		}
		return v, err
	})
}
