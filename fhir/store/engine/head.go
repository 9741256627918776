package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// FRESH over a log that others append to: a read asks the log's head and waits until the engine is there. All readers who
// wait share one question, but none shares one that was under way before it came: the answer could be older than a commit
// that was acknowledged before.
//
// A question costs the log's servers some milliseconds of processor time, and us as much as many reads. So where many share one,
// one is under way at a time, and it leaves when those who can run have joined it; where a crowd does, when a moment brings few more.
// Where few do, a second one may be under way: who comes just after one left does not have to wait for its answer first.

const (
	// questionsAtOnce bounds the questions under way; who comes when there are so many waits for one to end.
	questionsAtOnce = 2
	// many is from how many readers on a question is the only one under way.
	many = 8
	// crowd is from how many readers on a question the next one waits for more by the clock. Below, the processors would stand still
	// meanwhile: sixty clients are slower with it, two hundred faster.
	crowd = 32
	// moment is how long it waits at a time, until one brings less than a quarter more, and moments how often at most.
	moment  = 300 * time.Microsecond
	moments = 10
)

// headQuestion asks for the log's head. mu guards its fields; the log is asked outside of it.
type headQuestion struct {
	mu     sync.Mutex
	next   *headAnswer // of the question that has not left yet
	asking int         // goroutines that ask
	alone  bool        // a question of many readers is under way; who asks it will ask the next one too
	last   int         // how many readers had the answer before
}

type headAnswer struct {
	done    chan struct{}
	readers int
	t       fhir.T
	err     error
}

// ask gives a head that the log had after the call.
func (q *headQuestion) ask(ctx context.Context, e *Engine) (fhir.T, error) {
	q.mu.Lock()
	if q.next == nil {
		q.next = &headAnswer{done: make(chan struct{})}
	}
	a := q.next
	a.readers++
	if q.asking < questionsAtOnce && !q.alone {
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

// answer asks until nobody waits, or another goroutine asks for many and will ask for who waits.
func (q *headQuestion) answer(log commitlog.Log) {
	for {
		q.gather()
		q.mu.Lock()
		a := q.next
		if a == nil || q.alone {
			q.asking--
			q.mu.Unlock()
			return
		}
		q.next, q.alone = nil, a.readers >= many
		q.mu.Unlock()
		a.t, a.err = log.Head(context.Background()) // the log bounds how long it takes
		q.mu.Lock()
		if q.last = a.readers; a.readers >= many {
			q.alone = false
		}
		q.mu.Unlock()
		close(a.done)
	}
}

// gather lets those who can run go first, as long as they bring readers, if many shared the last question: one reader who comes by
// itself never waits for others. Only a crowd waits by the clock; else, where nothing else can run it is over at once.
func (q *headQuestion) gather() {
	for before, round := 0, 0; round < 16; round++ {
		waiting, _ := q.waiting()
		if waiting == before {
			break
		}
		before = waiting
		runtime.Gosched()
	}
	before, crowded := q.waiting()
	for n := 0; crowded && n < moments; n++ {
		time.Sleep(moment)
		now, _ := q.waiting()
		if now <= before+before/4 {
			return
		}
		before = now
	}
}

// waiting is how many wait for the next question, 0 if few shared the last one; crowded: so many did that it is worth waiting for more.
func (q *headQuestion) waiting() (readers int, crowded bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next == nil || q.last < many {
		return 0, false
	}
	return q.next.readers, q.last >= crowd
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
		return ErrLog(err)
	}
	had, _ = e.published.all()
	reading.GoStale(had.t, had.at, ErrLog(err))
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
