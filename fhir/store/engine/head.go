package engine

import (
	"context"
	"errors"
	"sync"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// FRESH over a log that others append to: a read asks the log's head and waits until the engine is there. All readers who
// wait share one question, but none shares one that was under way before it came: the answer could be older than a commit
// that was acknowledged before. Few questions are under way at once: a reader who comes just after one left does not have
// to wait for its answer first.

// questionsAtOnce bounds the questions under way; who comes when there are so many waits for one to end.
const questionsAtOnce = 2

// headQuestion asks for the log's head. mu guards its fields; the log is asked outside of it.
type headQuestion struct {
	mu     sync.Mutex
	next   *headAnswer // of the question that has not left yet
	asking int         // goroutines that ask
}

type headAnswer struct {
	done chan struct{}
	t    fhir.T
	err  error
}

// ask gives a head that the log had after the call.
func (q *headQuestion) ask(ctx context.Context, e *Engine) (fhir.T, error) {
	q.mu.Lock()
	if q.next == nil {
		q.next = &headAnswer{done: make(chan struct{})}
	}
	a := q.next
	if q.asking < questionsAtOnce {
		q.asking++
		e.running.Go(func() { q.answer(e.o.Log) })
	}
	q.mu.Unlock()
	select {
	case <-a.done:
		return a.t, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// answer asks until nobody waits.
func (q *headQuestion) answer(log commitlog.Log) {
	for {
		q.mu.Lock()
		a := q.next
		q.next = nil
		if a == nil {
			q.asking--
		}
		q.mu.Unlock()
		if a == nil {
			return
		}
		a.t, a.err = log.Head(context.Background()) // the log bounds how long it takes
		close(a.done)
	}
}

// confirm returns when the engine has what the log had when confirm was called. Errors: Unavailable log-unreachable,
// log-behind, store-diverged; ctx's.
func (e *Engine) confirm(ctx context.Context) error {
	if e.o.Log == nil {
		return nil
	}
	if err := e.broken.Load(); err != nil {
		return *err
	}
	reading := store.ReadingOf(ctx)
	if reading.Confirmed() {
		return nil
	}
	had, _ := e.published.all()
	t, err := e.head.ask(ctx, e)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err == nil && t < had.t:
		return e.halt(fhir.Wrap(fhir.Unavailable, "log-behind", commitlog.ErrBehind, uint64(t), uint64(had.t)))
	case err == nil:
		err = e.follow(ctx, t)
	}
	if err == nil {
		reading.Confirm()
		return nil
	}
	if !e.o.StaleReads || ctx.Err() != nil || !errors.Is(err, commitlog.ErrUnreachable) {
		return errLog(err)
	}
	had, _ = e.published.all()
	reading.GoStale(had.t, had.at)
	return nil
}

// follow returns when the engine is at t, which the log has. What there is no room for is not followed.
func (e *Engine) follow(ctx context.Context, t fhir.T) error {
	if t <= e.published.t() {
		return nil
	}
	if err := e.o.Room.Full(); err != nil {
		return err
	}
	p := &pending{ctx: ctx, follow: t, done: make(chan struct{})}
	if err := e.queue.put(p); err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-e.o.Room.waiting():
		return errFull(nil)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tail follows what others append until ctx ends.
func (e *Engine) tail(ctx context.Context) {
	away := false
	for ctx.Err() == nil {
		err := e.waitLog(ctx)
		if err == nil {
			err = e.confirm(ctx)
		}
		switch {
		case ctx.Err() != nil || e.closing() != nil:
			return
		case err != nil && !away:
			e.o.Logger.Warn("the log cannot be followed", "error", err)
		case err == nil && away:
			e.o.Logger.Info("the log is followed again", "commit", e.published.t())
		}
		if away = err != nil; away && !fhir.Pause(ctx, e.o.Poll) {
			return
		}
	}
}

func (e *Engine) waitLog(ctx context.Context) error {
	if w, ok := e.o.Log.(commitlog.Waiter); ok {
		return w.Wait(ctx, e.published.t())
	}
	fhir.Pause(ctx, e.o.Poll)
	return nil
}
