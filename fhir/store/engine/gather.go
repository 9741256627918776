package engine

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// gathered is a batch of commits of others, staged in order and not yet applied. The position of the engine (the row m|head)
// moves with the batch: after a crash the state ends with a whole commit, and the rest is read from the log again.
type gathered struct {
	e *Engine
	s *sequence
	b *pebble.Batch

	staged  []stagedCommit
	touched map[fhir.Key]struct{} // resources that b writes: their newest state cannot be read yet
	total   int64                 // bytes applied
	bulk    bool                  // the database is open for many rows (bulk.go)
	sorter  runSorter
}

// stagedCommit is what is published when its commit is applied.
type stagedCommit struct {
	head    head
	counts  []count
	outline store.Commit // zero on the way for many: nobody follows yet
	records []commitlog.Record
}

func (e *Engine) gather(s *sequence) *gathered {
	return &gathered{e: e, s: s, touched: map[fhir.Key]struct{}{}}
}

// add stages a commit, and applies what has come together when it is enough.
func (g *gathered) add(in *incoming) error {
	e, s, c := g.e, g.s, &in.c
	if c.T != s.head.t+1 || c.Prev != s.last {
		return e.halt(fhir.Wrap(fhir.Unavailable, "log-other-history", fmt.Errorf("commit %d follows another commit than %d as it is here", c.T, s.head.t)))
	}
	if g.touches(c) {
		if err := g.apply(); err != nil {
			return err
		}
	}
	// The sum of a commit that wrote a first version proves that there was none before: the number that was given to it is
	// among the rows. So it need not be looked for.
	writes, err := s.resolved(c, in.found, c.Sum.Definition == e.definition())
	if err != nil {
		return e.halt(err)
	}
	if g.b == nil {
		g.b = e.db.NewBatchWithSize(g.enough() + g.enough()/4)
	}
	if err := s.stageShared(g.b, c, writes, e.definition()); err != nil {
		return e.halt(err)
	}
	e.building.take(c.Records)
	staged := stagedCommit{head: s.head, counts: s.movedCounts(), records: c.Records}
	if !g.bulk {
		staged.outline = outline(c, writes)
	}
	g.staged = append(g.staged, staged)
	if g.b.Len() >= g.enough() {
		return g.apply()
	}
	for i := range c.Writes {
		g.touched[c.Writes[i].Key] = struct{}{}
	}
	return nil
}

// touches says whether c changes what the batch writes.
func (g *gathered) touches(c *commitlog.Commit) bool {
	for i := range c.Writes {
		if _, ok := g.touched[c.Writes[i].Key]; ok {
			return true
		}
	}
	return false
}

// apply applies and publishes what has come together.
func (g *gathered) apply() error {
	if len(g.staged) == 0 {
		return nil
	}
	e := g.e
	for _, c := range g.staged {
		e.spaces.note(c.records, c.head.t)
	}
	g.total += int64(g.b.Len())
	if err := g.write(); err != nil {
		return e.breakDown(err)
	}
	clear(g.touched)
	e.types.Store(g.s.types)
	e.log.Durable(g.s.head.t)
	for _, c := range g.staged {
		if c.outline.T != 0 {
			e.lately.add(c.outline)
		}
		e.published.move(c.head, c.counts)
	}
	clear(g.staged)
	g.staged = g.staged[:0]
	return nil
}

// enough is how many bytes end a batch.
func (g *gathered) enough() int {
	if g.bulk {
		return runBytes
	}
	return gatherBytes
}

// write applies the batch. On the way for many it is sorted before, if it is large enough to become a sorted file as it is.
func (g *gathered) write() error {
	if !g.bulk || g.b.Len() < min(runBytes, int(g.e.o.MemTableBytes/2)) {
		err := g.e.kept.apply(g.b, func() error { return g.e.db.Apply(g.b, pebble.NoSync) })
		g.b.Reset()
		return err
	}
	sorted, err := g.sorter.sorted(g.e.db, g.b)
	if err != nil {
		return err
	}
	unsorted := g.b
	g.b = nil // the next one is made as large at once
	return errors.Join(g.e.kept.apply(unsorted, func() error { return g.e.db.Apply(sorted, pebble.NoSync) }), sorted.Close(), unsorted.Close())
}

// drop lets go of the batch; what is in it was not applied, and is read from the log again.
func (g *gathered) drop() error {
	b := g.b
	g.b, g.staged = nil, nil
	if b == nil {
		return nil
	}
	return b.Close()
}

// close drops what was not applied and has the database open as usual.
func (g *gathered) close() error {
	err := g.drop()
	if g.bulk && g.e.db != nil {
		err = errors.Join(err, g.reopen(false))
	}
	return err
}
