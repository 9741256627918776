package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// Follower takes the entries of commits over into the journal, and commits the journal's checkpoints to the log.
type Follower struct {
	Store   store.Store
	Journal *Journal
	// Every is how often a checkpoint is made while lines are added. 0 = 10 s.
	Every time.Duration

	mu sync.Mutex // one at a time takes over
	at fhir.T     // commits up to this one were looked at
}

// Run works until ctx ends. ctx must have a fence that allows everything.
func (f *Follower) Run(ctx context.Context) error {
	if f.Every <= 0 {
		f.Every = 10 * time.Second
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.follow(ctx) })
	g.Go(func() error { return f.checkpoints(ctx) })
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// pause is how long a commit lies in the log before its entry is taken over: a sync of the journal for each group of commits
// would hold up the syncs of the commits themselves. The entry is safe all the while, and whoever asks gets it by Now.
const pause = 100 * time.Millisecond

// again is how long the follower rests after what may pass.
const again = 5 * time.Second

func (f *Follower) follow(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		if err := f.takeOver(ctx); fhir.Transient(err) { // the entries are safe with their commits
			f.Journal.o.Log.WarnContext(ctx, "audit trail: the entries of commits cannot be taken over and are tried again", "err", err)
			timer.Reset(again)
			continue
		} else if err != nil {
			return err
		}
		if _, err := f.Store.WaitHead(ctx, f.reached()); fhir.Transient(err) { // a server whose log was put back stays, to say so
			timer.Reset(again)
			continue
		} else if err != nil {
			return err
		}
		timer.Reset(pause)
	}
}

func (f *Follower) reached() fhir.T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

// Now takes over the entries of all commits up to the head of now, those of other servers included (FRESH). ctx must have a
// fence that allows everything. Where the log cannot be asked, what is here is taken over all the same.
func (f *Follower) Now(ctx context.Context) error {
	_, err := f.Store.Head(ctx)
	return errors.Join(f.takeOver(ctx), err)
}

// takeOver takes over what has come to this server.
func (f *Follower) takeOver(ctx context.Context) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, err = f.catchUp(ctx, max(f.at, f.Journal.Followed()))
	return err
}

// catchUp takes over the entries of the commits after at, and gives the head. What it began is finished at the next
// call: the journal knows which commits it has.
func (f *Follower) catchUp(ctx context.Context, at fhir.T) (fhir.T, error) {
	whole := context.WithoutCancel(ctx) // what was handed over is waited for: else it would be handed over again
	waiting := takeLines()
	defer linesPool.Put(waiting)
	kept := at // commits up to this one are in the journal, as far as they have an entry
	for c, err := range f.Store.Outlines(ctx, at) {
		if err == nil {
			err = waiting.takeOver(&c)
		}
		if err != nil {
			return kept, err
		}
		at = c.T
		if len(waiting.leaves) == 500 {
			if err := f.Journal.appendLines(whole, waiting); err != nil {
				return kept, err
			}
			kept = at
			waiting.reset()
		}
	}
	if err := f.Journal.appendLines(whole, waiting); err != nil {
		return kept, err
	}
	return at, nil
}

// checkpoints makes one at each tick and puts it into the log, where nobody can take it out again.
func (f *Follower) checkpoints(ctx context.Context) error {
	tick := time.NewTicker(f.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			if err := f.Checkpoint(ctx, now); fhir.Transient(err) { // the next one says all that this one does
				f.Journal.o.Log.WarnContext(ctx, "audit trail: a checkpoint cannot be kept", "err", err)
			} else if err != nil {
				return err
			}
		}
	}
}

// Checkpoint makes a checkpoint now, if there is anything new, and puts it into the log.
func (f *Follower) Checkpoint(ctx context.Context, now time.Time) error {
	signed, err := f.Journal.Checkpoint(now)
	if err != nil || signed == nil {
		return err
	}
	key := fmt.Sprintf("%s|%020d", f.Journal.Origin(), f.Journal.signedSize())
	_, err = f.Store.Commit(ctx, store.Changes{Records: []store.Record{{Space: checkpointSpace, Key: key, Value: signed}}})
	return err
}
