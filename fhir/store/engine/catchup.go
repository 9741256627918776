package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/sync/semaphore"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

const (
	// ahead bounds the bytes of documents that are read and indexed before they can be applied.
	ahead = 32 << 20
	// gatherBytes ends a batch of several commits: enough that its fixed cost is nothing, far from what the memory table
	// would take as a file of its own.
	gatherBytes = 1 << 20
)

var (
	// bulkFrom is how many bytes of rows a start applies before it takes the way for many (bulk.go). Tests shorten it.
	bulkFrom int64 = 32 << 20
	// runBytes ends a batch there, which is sorted (sortedrun.go). Tests shorten it.
	runBytes = 32 << 20
)

// incoming is a commit of somebody else on its way into the state.
type incoming struct {
	c      commitlog.Commit
	unread error            // of the log
	err    error            // of the index; after done
	found  []search.Indexed // of c.Writes, by the parameters of registry generation gen
	gen    int
	size   int64
	done   chan struct{} // found is there
}

// catchUp applies all that the log has beyond the sequence. Documents are indexed in parallel, commits staged in order and
// applied by batches of several: whoever waits sees them as soon as there is nothing more at hand. ErrUnreachable: some of it
// may have been applied.
func (e *Engine) catchUp(ctx context.Context, s *sequence) error { return e.catchUpBy(ctx, s, false) }

// catchUpBy: starting = nobody reads yet, so that batches are filled and the way for many may be taken.
func (e *Engine) catchUpBy(ctx context.Context, s *sequence, starting bool) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	index, gen, err := e.indexNow()
	if err != nil {
		return err
	}
	coming := make(chan *incoming, 256)
	room := semaphore.NewWeighted(ahead)
	go e.fetch(ctx, s.head.t, coming, room, index, gen)
	defer func() { // the log may be closed after this
		stop()
		for range coming {
		}
	}()
	g := e.gather(s)
	defer func() { err = errors.Join(err, g.close()) }()
	began, told, from := time.Now(), time.Now(), s.head.t
	for {
		in := next(coming, starting)
		if in == nil { // nothing is at hand, or there is nothing more
			if err := g.apply(); err != nil {
				return err
			}
			if in = <-coming; in == nil {
				break
			}
		}
		if in.unread != nil {
			return errors.Join(g.apply(), in.unread)
		}
		<-in.done
		if in.err == nil && in.gen != e.building.generation() {
			if index, gen, err = e.indexNow(); err != nil {
				return err
			}
			in.gen = gen
			in.found, in.err = indexCommit(&in.c, index)
		}
		if in.err != nil {
			return e.halt(fhir.Wrap(fhir.Internal, "store-damaged", in.err))
		}
		if err := g.add(in); err != nil {
			return err
		}
		room.Release(in.size)
		if starting && !g.bulk && g.total > bulkFrom {
			if err := g.reopen(true); err != nil {
				return err
			}
		}
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			e.o.Logger.Info("catching up with the log", "commit", s.head.t, "versions", s.head.versions)
		}
	}
	if n := s.head.t - from; n > 1000 {
		e.o.Logger.Info("caught up with the log", "commits", n, "versions", s.head.versions, "took", time.Since(began))
	}
	return nil
}

// next gives the next commit if it is at hand, with wait also if it has to be waited for; nil if not.
func next(coming <-chan *incoming, wait bool) *incoming {
	if wait {
		return <-coming
	}
	select {
	case in := <-coming:
		return in
	default:
		return nil
	}
}

// fetch reads the log and has what it reads indexed, until ctx ends or the log does.
func (e *Engine) fetch(ctx context.Context, after fhir.T, coming chan<- *incoming, room *semaphore.Weighted, index IndexFunc, gen int) {
	defer close(coming)
	workers := make(chan struct{}, runtime.GOMAXPROCS(0))
	for c, err := range e.o.Log.Read(ctx, after) {
		in := &incoming{c: c, unread: err, gen: gen, done: make(chan struct{})}
		if err != nil {
			close(in.done)
		} else {
			for i := range c.Writes {
				in.size += int64(len(c.Writes[i].Document)) + 64
			}
			in.size = min(in.size, ahead)
			if room.Acquire(ctx, in.size) != nil {
				return
			}
			workers <- struct{}{}
			go func() {
				defer close(in.done)
				in.found, in.err = indexCommit(&in.c, index)
				<-workers
			}()
		}
		select {
		case coming <- in:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// indexNow gives the function that indexes as all servers do now, and the generation of added parameters that it knows.
func (e *Engine) indexNow() (IndexFunc, int, error) {
	defined, gen := e.building.definitions()
	if e.o.IndexWith == nil || len(defined) == 0 {
		return e.o.Index, gen, nil
	}
	reg, err := search.InForce(defined)
	if err != nil {
		return nil, gen, err
	}
	return e.o.IndexWith(reg), gen, nil
}

// indexCommit computes what each write can be found by, in order.
func indexCommit(c *commitlog.Commit, index IndexFunc) ([]search.Indexed, error) {
	all := make([]search.Indexed, len(c.Writes))
	for i := range c.Writes {
		w := &c.Writes[i]
		if store.Method(w.Method) == store.MethodDelete {
			continue
		}
		doc, err := resource.DecodeStored(w.Document)
		if err != nil {
			return nil, err
		}
		if index == nil {
			return nil, fhir.Errorf(fhir.Unavailable, "store-definition", "")
		}
		found, err := index(w.Key, doc)
		if err == nil {
			found.Entries = sorted(found.Entries)
			found.Contained, err = sortedContained(found.Contained)
		}
		if err != nil {
			return nil, fmt.Errorf("index %s version %s: %w", w.Key, w.Version, err)
		}
		all[i] = found
	}
	return all, nil
}

// openShared joins the state of the folder to a log that others append to, and brings it up to its head.
func (e *Engine) openShared(s *sequence) error {
	ctx := context.Background()
	if s.head.t > 0 {
		own, err := e.commitHeader(s.head.t)
		if err != nil {
			return err
		}
		s.last = own.ID
		same, err := e.joins(ctx, s.head.t, own.ID)
		if err != nil {
			if e.o.StaleReads && errors.Is(err, commitlog.ErrUnreachable) {
				e.o.Logger.Warn("the log is out of reach; the store opens as of what it has", "commit", s.head.t)
				return nil
			}
			return ErrLog(err)
		}
		if !same {
			return fhir.Wrap(fhir.Unavailable, "log-other-history", fmt.Errorf("commit %d here is not the one of the log", s.head.t))
		}
	}
	if err := e.db.Set(metaShared, []byte{1}, pebble.Sync); err != nil {
		return errDisk(err)
	}
	return ErrLog(e.catchUpBy(ctx, s, true))
}

// joins says whether the log's commit t is the one that is here. A log that ends before is log-behind.
func (e *Engine) joins(ctx context.Context, t fhir.T, id commitlog.ID) (bool, error) {
	for c, err := range e.o.Log.Read(ctx, t-1) {
		return c.ID == id, err
	}
	head, err := e.o.Log.Head(ctx)
	if err == nil {
		err = fhir.Wrap(fhir.Unavailable, "log-behind", commitlog.ErrBehind, uint64(head), uint64(t))
	}
	return false, err
}

// metaShared marks a folder whose log is elsewhere: alone it would go on with a history of its own.
var metaShared = []byte("m|shared")
