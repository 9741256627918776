package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// slowLog is a log whose head is asked for: each answer takes a while, and is what the head was in the middle of it.
type slowLog struct {
	commitlog.Log
	head     atomic.Uint64
	asked    atomic.Int64
	underWay atomic.Int64
	most     atomic.Int64 // under way at once
	err      error
}

const answerTakes = time.Millisecond

func (l *slowLog) Head(context.Context) (fhir.T, error) {
	l.asked.Add(1)
	l.most.Store(max(l.most.Load(), l.underWay.Add(1)))
	defer l.underWay.Add(-1)
	time.Sleep(answerTakes / 2)
	t := fhir.T(l.head.Load())
	time.Sleep(answerTakes / 2)
	return t, l.err
}

// TestHeadIsFresh has readers come at all moments of a question while the head moves: none may have an answer from before it came.
func TestHeadIsFresh(t *testing.T) {
	for _, readers := range []int{1, many - 1, 64} {
		t.Run(fmt.Sprint(readers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &slowLog{}
				e := &Engine{o: Options{Log: l}}
				var wg sync.WaitGroup
				for i := range readers {
					wg.Go(func() {
						time.Sleep(time.Duration(i) * answerTakes / 7)
						for range 50 {
							before := fhir.T(l.head.Add(1))
							if got, err := e.head.ask(t.Context(), e); err != nil || got < before {
								t.Errorf("asked at %d, answered %d, %v", before, got, err)
							}
						}
					})
				}
				wg.Wait()
				e.running.Wait()
				if e.head.asking != 0 || e.head.alone || e.head.next != nil {
					t.Errorf("left behind: %+v", &e.head)
				}
			})
		})
	}
}

// TestHeadIsShared counts the questions: who comes by itself waits for one answer, others for no more than two, many share, and
// a crowd waits for more of it no longer than it may.
func TestHeadIsShared(t *testing.T) {
	for _, c := range []struct {
		readers     int
		most, asked int64 // under way at once; at most for 100 reads of each reader
		longest     time.Duration
	}{
		{1, 1, 100, answerTakes},
		{2, 2, 200, answerTakes},
		{many - 1, 2, (many - 1) * 100, 2 * answerTakes},
		{64, 2, 64 * 100 / 32, 2*answerTakes + moments*moment},
	} {
		t.Run(fmt.Sprint(c.readers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &slowLog{}
				e := &Engine{o: Options{Log: l}}
				var wg sync.WaitGroup
				for range c.readers {
					wg.Go(func() {
						for range 100 {
							began := time.Now()
							if _, err := e.head.ask(t.Context(), e); err != nil {
								t.Error(err)
							}
							if took := time.Since(began); took > c.longest {
								t.Errorf("a reader waited for %s", took)
							}
						}
					})
				}
				wg.Wait()
				e.running.Wait()
				if n := l.asked.Load(); n > c.asked || l.most.Load() > c.most {
					t.Errorf("%d questions, %d at once", n, l.most.Load())
				}
				t.Logf("%d reads by %d questions", 100*c.readers, l.asked.Load())
			})
		})
	}
}

// TestCrowdWaitsNoLonger has a crowd grow without end: it is waited for as often as it may, and then asked for.
func TestCrowdWaitsNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &headQuestion{last: crowd, next: &headAnswer{readers: 1}}
		var growing sync.WaitGroup
		growing.Go(func() {
			time.Sleep(moment / 2)
			for range 2 * moments {
				q.mu.Lock()
				q.next.readers *= 2
				q.mu.Unlock()
				time.Sleep(moment)
			}
		})
		began := time.Now()
		q.gather()
		if took := time.Since(began); took != moments*moment {
			t.Errorf("it waited for %s, want %s", took, moments*moment)
		}
		growing.Wait()
	})
}

// TestHeadIsNotToBeHad gives the log's error to all who wait, and ends a wait with its context.
func TestHeadIsNotToBeHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &slowLog{err: commitlog.ErrUnreachable}
		e := &Engine{o: Options{Log: l}}
		var wg sync.WaitGroup
		for range 2 * many {
			wg.Go(func() {
				if _, err := e.head.ask(t.Context(), e); !errors.Is(err, commitlog.ErrUnreachable) {
					t.Errorf("%v", err)
				}
			})
		}
		wg.Go(func() {
			ctx, stop := context.WithTimeout(t.Context(), answerTakes/4)
			defer stop()
			if _, err := e.head.ask(ctx, e); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
		})
		wg.Wait()
		e.running.Wait()
	})
}
