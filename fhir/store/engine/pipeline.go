package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// queue holds the commits that wait for the sequencer, in order. mu guards its fields; nothing is done under it but to
// change them.
type queue struct {
	mu       sync.Mutex
	waiting  []*pending
	bytes    int64 // of waiting and of those that the sequencer has taken and not yet applied
	closed   bool
	maxCount int
	maxBytes int64

	wake chan struct{} // one token: there is something to take, or the queue was closed
}

// put adds p or refuses: Busy when the queue is full, Unavailable when it is closed. One commit is always let in when
// nothing waits, however large.
func (q *queue) put(p *pending) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed()
	}
	if p.follow == 0 && (len(q.waiting) >= q.maxCount || q.bytes > 0 && q.bytes+p.bytes > q.maxBytes) {
		return fhir.Errorf(fhir.Busy, "store-busy", "")
	}
	q.waiting = append(q.waiting, p)
	q.bytes += p.bytes
	q.signal()
	return nil
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take gives all that waits, in order; it blocks until there is something. nil: the queue is closed and empty.
func (q *queue) take() []*pending {
	for {
		q.mu.Lock()
		group, closed := q.waiting, q.closed
		q.waiting = nil
		q.mu.Unlock()
		if len(group) > 0 {
			return group
		}
		if closed {
			return nil
		}
		<-q.wake
	}
}

// applied gives back the room of a commit.
func (q *queue) applied(bytes int64) {
	q.mu.Lock()
	q.bytes -= bytes
	q.mu.Unlock()
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.signal()
	q.mu.Unlock()
}

// Commit implements store.Store. When ctx ends while the commit waits in the queue it certainly does not happen and the
// error wraps that of ctx; once the sequencer has it, Commit waits for the disk and gives the true outcome. A disk that has no
// room for it is waited for as well, but not for long: log-unknown then says that the outcome is not known.
func (e *Engine) Commit(ctx context.Context, c store.Changes) (store.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return store.Receipt{}, fmt.Errorf("commit: %w", err)
	}
	if err := e.o.Room.Full(); err != nil && !c.Trial {
		return store.Receipt{}, err
	}
	p, err := prepare(ctx, c)
	if err == nil {
		err = e.compare(p)
	}
	if err == nil {
		err = e.claimsNothing(ctx, p)
	}
	if err != nil {
		return store.Receipt{}, err
	}
	if err := e.queue.put(p); err != nil {
		return store.Receipt{}, err
	}
	var gaveUp error
	select {
	case <-p.done:
		return p.receipt, p.err
	case <-ctx.Done():
		gaveUp = fmt.Errorf("commit: %w", ctx.Err())
	case <-e.o.Room.waiting():
		gaveUp = errFull(nil)
	}
	if p.taken.CompareAndSwap(false, true) {
		return store.Receipt{}, gaveUp
	}
	select {
	case <-p.done:
		return p.receipt, p.err
	case <-e.o.Room.tooLong():
		return store.Receipt{}, fhir.Wrap(fhir.Unavailable, "log-unknown", errors.New("the disk of the store is full"))
	}
}

// outcome is what the sequencer hands to the syncer: an applied batch, or an answer that waits for those before it.
type outcome struct {
	p      *pending
	batch  *pebble.Batch // nil: nothing was written
	head   head
	counts []count
}

// count is the number of current resources of a type after a commit that changed it.
type count struct {
	typ fhir.Type
	n   int64
}

// sequencer is the only writer of the state where the log is the engine's own. It ends when the queue is closed and empty.
func (e *Engine) sequencer(s *sequence, out chan<- outcome) {
	defer close(out)
	for {
		group := e.queue.take()
		if group == nil {
			return
		}
		for _, p := range group {
			if p.taken.CompareAndSwap(false, true) {
				out <- e.process(s, p)
			}
			e.queue.applied(p.bytes)
		}
	}
}

// process decides p and applies it, without waiting for the disk.
func (e *Engine) process(s *sequence, p *pending) outcome {
	if p.build != nil {
		return e.processBuild(s, p)
	}
	o := outcome{p: p, head: s.head}
	if err := e.broken.Load(); err != nil {
		p.err = *err
		return o
	}
	writes, err := s.decide(p, e.usable)
	if err != nil {
		p.err = err
		return o
	}
	if p.leavesAll(writes) {
		p.receipt = receipt(p, s.head)
		return o
	}
	c := s.commit(p, writes, commitlog.ID(uuid.New()), fhir.InstantOf(e.o.Now()))
	o.batch = e.db.NewBatchWithSize(batchSize(writes, c.Records))
	e.spaces.note(c.Records, c.T)
	if err = s.stage(o.batch, c, writes); err == nil {
		err = e.kept.apply(o.batch, func() error { return e.db.ApplyNoSyncWait(o.batch, pebble.Sync) })
	}
	if err != nil {
		// The sequence may be half moved: nothing may be decided on it any more.
		p.err = e.breakDown(err)
		_ = o.batch.Close() // the first error says more
		o.batch = nil
		return o
	}
	e.types.Store(s.types)
	e.building.take(c.Records)
	e.lately.add(outline(c, writes))
	o.counts = s.movedCounts()
	o.head = s.head
	p.receipt = receipt(p, s.head)
	return o
}

// batchSize estimates the bytes of the batch, so that it need not grow by copying.
func batchSize(writes []*write, records []commitlog.Record) int {
	size := 256
	for i := range records {
		size += 2 * (32 + len(records[i].Key) + len(records[i].Value))
	}
	for _, w := range writes {
		size += 320 + len(w.doc) + 2*len(w.packed) + 24*len(w.entries)
		for _, c := range w.contained {
			size += 256 + 64*len(c.Entries)
		}
	}
	return size
}

// breakDown makes the engine refuse all further commits: its state in memory may differ from that on disk.
func (e *Engine) breakDown(err error) error {
	if !pebble.IsCorruptionError(err) {
		return e.halt(fhir.Wrap(fhir.Unavailable, "store-halted", err))
	}
	return e.halt(errDamage(err))
}

// halt makes the engine refuse all further commits, and over a shared log all reads too, with err.
func (e *Engine) halt(err error) error {
	if e.broken.CompareAndSwap(nil, &err) {
		e.o.Logger.Error("the store takes no more commits", "error", err)
		e.published.close() // the head will not move again
	}
	return err
}

// syncer answers in order: each commit when it is on disk, each refusal when all is that it was decided on.
func (e *Engine) syncer(in <-chan outcome) {
	for o := range in {
		if o.batch != nil {
			if err := errors.Join(o.batch.SyncWait(), o.batch.Close()); err != nil {
				// It may be on disk all the same, and then the next start finds it.
				o.p.err = fhir.Wrap(fhir.Unavailable, "log-unknown", e.breakDown(err))
				o.p.receipt = store.Receipt{}
			} else {
				e.log.Durable(o.head.t)
				e.published.move(o.head, o.counts)
			}
		}
		o.p.writes, o.p.require, o.p.records = nil, nil, nil
		close(o.p.done)
	}
}

// receipt gives the outcome of each write of p, which was decided and, where anything changed, staged as commit h.t.
func receipt(p *pending, h head) store.Receipt {
	r := store.Receipt{T: h.t, At: h.at, Puts: make([]store.Written, p.puts)}
	if n := len(p.writes) - p.puts; n > 0 {
		r.Deletes = make([]store.Written, n)
	}
	for i := range p.writes {
		w := &p.writes[i]
		var written store.Written
		switch {
		case w.version != 0:
			written = store.Written{Version: w.version, Created: !w.old.alive(), At: h.at}
		case w.old.alive():
			written = store.Written{Version: w.old.version, Same: true, At: w.old.at}
		}
		if i < p.puts {
			r.Puts[i] = written
		} else {
			written.Created = false
			r.Deletes[i-p.puts] = written
		}
	}
	return r
}
