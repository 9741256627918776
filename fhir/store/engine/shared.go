package engine

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// The pipeline over a log that other servers append to (Options.Log):
//
//	sharedSequencer: take what waits, decide it in order on a fork of the sequence, without touching the state
//	                 append the commits after the head that they were decided on
//	                   it is in:      apply the batches, publish, answer all, refusals too: they were decided on the true state
//	                   ErrMoved:      drop the batches, apply what others wrote, decide again
//	                   anything else: drop the batches, answer with the error; what got in all the same comes back as if
//	                                  another server had written it
//
// The state is only ever changed by commits that are in the log, so it needs no sync of its own: what a crash takes from it
// is read again.

const (
	// groupBytes and groupCommits end a group: what waits behind it goes into the next append.
	groupBytes   = 1 << 20
	groupCommits = 256
	// movedFor is how long one group may lose the race before its callers are told to try again.
	movedFor = 15 * time.Second
)

// sharedSequencer is the only writer of the state. It ends when the queue is closed and empty.
func (e *Engine) sharedSequencer(s *sequence) {
	for {
		taken := e.queue.take()
		if taken == nil {
			return
		}
		var group []*pending
		size := int64(0)
		flush := func() {
			if len(group) > 0 {
				e.together(s, group)
				for _, p := range group {
					e.queue.applied(p.bytes)
				}
				group, size = nil, 0
			}
		}
		for _, p := range taken {
			switch {
			case p.follow != 0:
				flush()
				if p.follow > s.head.t {
					p.err = ErrLog(e.catchUp(context.Background(), s))
				}
				close(p.done)
			case p.build != nil:
				flush()
				e.buildHere(s, p)
			case p.taken.CompareAndSwap(false, true):
				if group = append(group, p); len(group) >= groupCommits || size+p.bytes > groupBytes {
					flush()
				} else {
					size += p.bytes
				}
			default: // its caller has gone
				e.queue.applied(p.bytes)
			}
		}
		flush()
	}
}

// buildHere applies a chunk of the builder, which is no commit.
func (e *Engine) buildHere(s *sequence, p *pending) {
	if o := e.processBuild(s, p); o.batch != nil {
		if err := errors.Join(o.batch.SyncWait(), o.batch.Close()); err != nil {
			p.err = e.breakDown(err)
		}
	}
	close(p.done)
}

// together brings a group into the log and answers it.
func (e *Engine) together(s *sequence, group []*pending) {
	began := time.Now()
	for try := 0; ; try++ {
		g, err := e.decideGroup(s, group)
		if err == nil {
			err = e.appendGroup(s, g)
		}
		if err == nil {
			err = e.applyGroup(s, g)
		}
		g.close()
		if errors.Is(err, commitlog.ErrMoved) {
			was := s.head.t
			if err = e.catchUp(context.Background(), s); err == nil {
				if s.head.t == was { // what was there first cannot be read yet
					fhir.Pause(context.Background(), min(time.Duration(try+1)*5*time.Millisecond, 100*time.Millisecond))
				}
				if time.Since(began) < movedFor {
					continue
				}
				err = fhir.Errorf(fhir.Busy, "store-busy", "")
			}
		}
		for _, p := range group {
			if err != nil {
				p.err = ErrLog(err)
			}
			p.writes, p.require, p.records = nil, nil, nil
			close(p.done)
		}
		return
	}
}

// decided is a group that was decided and is not applied. Its commits may be fewer than its members.
type decided struct {
	end     *sequence // after all of them
	commits []commitlog.Commit
	shown   []store.Commit  // outlines of them
	batches []*pebble.Batch // of commits[i]
	heads   []head          // after commits[i]
	counts  []count
	before  *pebble.Batch // what was decided so far, to be read; nil before the second commit
	seen    int           // batches in before
}

func (g *decided) close() {
	if g == nil {
		return
	}
	for _, b := range g.batches {
		_ = b.Close() // nothing is lost: it was applied, or is not to be
	}
	g.batches = nil
	if g.before != nil {
		_ = g.before.Close()
		g.before = nil
	}
}

// decideGroup decides each member on the state and those before it. Its own faults go to the member.
func (e *Engine) decideGroup(s *sequence, group []*pending) (*decided, error) {
	view := *s
	view.counts, view.key, view.asked = maps.Clone(s.counts), nil, nil
	g := &decided{end: &view}
	if err := e.broken.Load(); err != nil {
		return g, *err
	}
	for _, p := range group {
		if err := p.again(); err != nil {
			p.err = err
			continue
		}
		if err := e.readsBefore(g); err != nil {
			return g, err
		}
		writes, err := view.decide(p, e.usable)
		if err != nil {
			p.err = err
			continue
		}
		if p.leavesAll(writes) {
			p.receipt = receipt(p, view.head)
			continue
		}
		c := view.commit(p, writes, commitlog.ID(uuid.New()), fhir.InstantOf(e.o.Now()))
		c.Prev = view.last
		b := e.db.NewBatchWithSize(batchSize(writes, c.Records))
		g.batches = append(g.batches, b)
		if err := view.stageShared(b, c, writes, e.definition()); err != nil {
			return g, errDisk(err)
		}
		g.counts = append(g.counts, view.movedCounts()...)
		g.commits, g.shown, g.heads = append(g.commits, *c), append(g.shown, outline(c, writes)), append(g.heads, view.head)
		p.receipt = receipt(p, view.head)
	}
	return g, nil
}

// readsBefore lets the next member see the commits before it. One alone in its group costs nothing.
func (e *Engine) readsBefore(g *decided) error {
	n := len(g.batches)
	if n == 0 {
		return nil
	}
	if g.before == nil {
		g.before = e.db.NewIndexedBatch()
		g.end.db, g.end.kept = g.before, nil
	}
	if g.seen == n {
		return nil
	}
	g.seen = n
	return g.before.Apply(g.batches[n-1], nil)
}

// again makes p as it was before it was decided.
func (p *pending) again() error {
	p.err = nil
	for i := range p.writes {
		w := &p.writes[i]
		w.typ, w.old, w.oldValues, w.oldUnique, w.oldLinks, w.hidden, w.version, w.number = 0, state{}, nil, nil, nil, false, 0, 0
	}
	return p.ctx.Err()
}

// appendGroup appends the commits of g. Where there are none it asks whether the state that the members were decided on
// still is the log's.
func (e *Engine) appendGroup(s *sequence, g *decided) error {
	ctx := context.Background() // the log bounds how long it takes
	if len(g.commits) > 0 {
		_, err := e.o.Log.Append(ctx, s.head.t, g.commits)
		return errAppend(err)
	}
	t, err := e.o.Log.Head(ctx)
	switch {
	case err != nil:
		return err
	case t > s.head.t:
		return commitlog.ErrMoved
	case t < s.head.t:
		return e.halt(fhir.Wrap(fhir.Unavailable, "log-behind", commitlog.ErrBehind, uint64(t), uint64(s.head.t)))
	}
	return nil
}

// applyGroup applies what is in the log.
func (e *Engine) applyGroup(s *sequence, g *decided) error {
	if len(g.commits) == 0 {
		return nil
	}
	for i, b := range g.batches {
		e.spaces.note(g.commits[i].Records, g.commits[i].T)
		if err := e.kept.apply(b, func() error { return e.db.Apply(b, pebble.NoSync) }); err != nil {
			return e.breakDown(err)
		}
		e.building.take(g.commits[i].Records)
		e.lately.add(g.shown[i])
	}
	disk, kept := s.db, s.kept
	*s = *g.end
	s.db, s.kept = disk, kept
	e.types.Store(s.types)
	e.log.Durable(s.head.t)
	e.published.move(s.head, g.counts)
	return nil
}
