package engine

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
)

const (
	// chunkBytes is how many bytes of documents a chunk may take, besides tune.chunk resources: the sequencer applies it
	// at once, and all writers wait for it.
	chunkBytes = 1 << 20
	// buildPause is the longest pause after a chunk while others write; it is as long as the chunk took.
	buildPause = 100 * time.Millisecond
	// buildRetry is the wait after a fault or a full queue.
	buildRetry = 200 * time.Millisecond
)

// IndexFunc computes what a document can be found by.
type IndexFunc func(key fhir.Key, doc resource.Stored) (search.Indexed, error)

// builder does the jobs until ctx ends. It is the only one that changes the row m|build.
func (e *Engine) builder(ctx context.Context) {
	for {
		defined, row := e.building.todo()
		if row.Job == nil {
			select {
			case <-ctx.Done():
				return
			case <-e.building.wake:
			}
			continue
		}
		began := time.Now()
		err := e.work(ctx, defined, row)
		switch {
		case ctx.Err() != nil || e.closing() != nil:
			return
		case err != nil:
			e.building.failed(err)
			e.o.Logger.Warn("index of search parameters stopped, to be tried again", "error", err)
			if !fhir.Pause(ctx, 5*buildRetry) {
				return
			}
			for e.o.Room.Full() != nil {
				if !fhir.Pause(ctx, 5*buildRetry) {
					return
				}
			}
		default:
			e.o.Logger.Info("index of search parameters built", "added", row.Job.Add, "dropped", row.Job.Drop, "took", time.Since(began))
		}
	}
}

// closing gives an error once Close was called.
func (e *Engine) closing() error {
	e.queue.mu.Lock()
	defer e.queue.mu.Unlock()
	if e.queue.closed {
		return errClosed()
	}
	return nil
}

// work does the rest of the row's job.
func (e *Engine) work(ctx context.Context, defined map[uint16]search.Registered, row buildRow) error {
	var add []*r4.SearchParam
	for _, n := range row.Job.Add {
		if inForce(defined, n) { // else a later job takes it away again
			add = append(add, defined[n].Param)
		}
	}
	reg, err := (*r4.Registry)(nil).With(add)
	if err != nil {
		return err
	}
	w := &buildWork{e: e, job: *row.Job, index: e.o.IndexWith(reg)}
	w.begin()
	head := e.published.t()
	for {
		if err := e.o.Room.Full(); err != nil {
			return err
		}
		began := time.Now()
		c, err := w.chunk(ctx)
		if err != nil {
			return err
		}
		row.Job = &w.job
		next := row
		if c.end {
			next = row.after()
			c.drop = w.job.Drop
		}
		if row, err = w.apply(ctx, c, next); err != nil {
			return err
		}
		if c.end {
			return nil
		}
		took := time.Since(began)
		if t := e.published.t(); t != head {
			head = t
			if !fhir.Pause(ctx, min(took, buildPause)) {
				return ctx.Err()
			}
		}
	}
}

// buildWork reads the resources of a job.
type buildWork struct {
	e     *Engine
	job   buildJob // with the cursor of the chunk that was read last
	index IndexFunc
	base  []fhir.Type // whose own entries the job may change; others only contain such
}

// begin takes all types into a job that was not begun, if some of its types are contained in others: any may contain them.
func (w *buildWork) begin() {
	types := w.e.types.Load()
	among := slices.ContainsFunc(w.job.Types, func(t fhir.Type) bool { return types.code[within(t)] != 0 })
	if w.base = w.job.Types; among && w.job.Cursor == nil {
		w.job.Types = r4.Types()
	}
}

// build is a chunk on its way to the sequencer.
type build struct {
	resources []builtResource
	end       bool
	drop      []uint16 // numbers whose postings go, at the end
	row       []byte   // m|build

	stale []int // resources that somebody wrote after they were read: told by the sequencer, which then leaves row alone
}

// builtResource is one resource with the rows that it is to have.
type builtResource struct {
	key      []byte // row i
	state    state  // as it was read
	versions []rowPair
	postings []rowPair
}

type rowPair struct{ key, value []byte }

// chunk reads the next resources and moves the job's cursor.
func (w *buildWork) chunk(ctx context.Context) (*build, error) {
	c := &build{}
	types := w.e.types.Load()
	var codes []typeCode
	for _, t := range w.job.Types {
		if code := types.code[t]; code != 0 {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	size := 0
	for _, code := range codes {
		low := appendIDKey(nil, code, "")
		high := after(low)
		if bytes.Compare(w.job.Cursor, high) >= 0 {
			continue
		}
		if bytes.Compare(w.job.Cursor, low) >= 0 {
			low = append(bytes.Clone(w.job.Cursor), 0)
		}
		full, err := w.resources(ctx, low, high, c, &size)
		if err != nil || full {
			return c, err
		}
	}
	c.end = true
	return c, nil
}

// resources reads those between two keys of rows i; full says that the chunk has enough.
func (w *buildWork) resources(ctx context.Context, low, high []byte, c *build, size *int) (full bool, err error) {
	it, err := w.e.db.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: high})
	if err != nil {
		return false, errDisk(err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if len(c.resources) >= tune.chunk || *size >= chunkBytes {
			return true, nil
		}
		r := builtResource{key: bytes.Clone(it.Key())}
		n, err := w.read(&r)
		if err != nil {
			return false, err
		}
		*size += n
		c.resources = append(c.resources, r)
		w.job.Cursor = r.key
		w.job.Done++
	}
	return false, errDisk(it.Error())
}

// read fills r in from the resource as it is now; it gives the bytes of documents read.
func (w *buildWork) read(r *builtResource) (size int, err error) {
	r.versions, r.postings = nil, nil
	db := w.e.db.NewSnapshot()
	defer db.Close()
	if _, err := get(db, r.key, func(v []byte) (err error) { r.state, err = decodeState(v); return err }); err != nil {
		return 0, err
	}
	prefix := appendNumber([]byte{rowVersion}, r.state.number)
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return 0, errDisk(err)
	}
	defer it.Close()
	events := map[string][]byte{}
	open := map[string]bool{}
	for it.Last(); it.Valid(); it.Prev() { // oldest first
		v, err := decodeVersion(it.Value())
		if err != nil {
			return size, err
		}
		now := map[string]bool{}
		if v.alive() {
			n, err := w.version(db, it.Key(), &v, r, now)
			if size += n; err != nil {
				return size, err
			}
		}
		for key := range now {
			if !open[key] {
				events[key] = binary.AppendUvarint(events[key], uint64(v.t))
			}
		}
		for key := range open {
			if !now[key] {
				events[key] = binary.AppendUvarint(events[key], uint64(v.t))
			}
		}
		open = now
	}
	for key, value := range events {
		r.postings = append(r.postings, rowPair{[]byte(key), value})
	}
	slices.SortFunc(r.postings, func(a, b rowPair) int { return bytes.Compare(a.key, b.key) })
	return size, errDisk(it.Error())
}

// version adds to r the rows of a version, and of what it contains, that the job changes, and to now the postings that are
// open with it. It gives the bytes of documents read.
func (w *buildWork) version(db pebble.Reader, key []byte, v *versionRow, r *builtResource, now map[string]bool) (size int, err error) {
	size, found, err := w.entries(db, v)
	if err != nil {
		return size, err
	}
	if err := w.row(key, v, r, r.state.number, found.Entries, now); err != nil {
		return size, err
	}
	links, err := unpackNumbers(v.links)
	if err != nil {
		return size, err
	}
	_, version := versionKey(key)
	for i, n := range links {
		var entries []search.Entry
		if len(w.job.Add) > 0 {
			if len(found.Contained) != len(links) {
				return size, damaged("%d contained resources where %d are stored", len(found.Contained), len(links))
			}
			entries = found.Contained[i].Entries
		}
		inner := appendVersionKey(nil, n, version)
		there, err := get(db, inner, func(b []byte) error {
			row, err := decodeVersion(b)
			if err != nil {
				return err
			}
			return w.row(inner, &row, r, n, entries, now)
		})
		if err == nil && !there {
			err = damaged("no version row %d of contained resource %d", version, n)
		}
		if err != nil {
			return size, err
		}
	}
	return size, nil
}

// row adds to r the version row at key, of the resource n, if the job changes it.
func (w *buildWork) row(key []byte, v *versionRow, r *builtResource, n number, entries []search.Entry, now map[string]bool) error {
	added := func(en search.Entry) bool { return slices.Contains(w.job.Add, en.Param.Number()) }
	entries = sorted(slices.DeleteFunc(slices.Clone(entries), func(en search.Entry) bool { return !added(en) }))
	packed, err := w.merge(v.entries, entries)
	if err != nil {
		return err
	}
	if !bytes.Equal(packed, v.entries) {
		changed := *v
		changed.entries = packed
		r.versions = append(r.versions, rowPair{bytes.Clone(key), changed.append(nil)})
	}
	for _, en := range entries {
		now[string(appendNumber(appendValueKey(nil, en.Param, v.typ, en.Value), n))] = true
	}
	return nil
}

// entries gives what a version can be found by with the parameters that the job adds; nothing if that cannot concern it.
func (w *buildWork) entries(db pebble.Reader, v *versionRow) (size int, found search.Indexed, err error) {
	if len(w.job.Add) == 0 || len(v.links) == 0 && !slices.Contains(w.base, w.e.types.Load().name[v.typ]) {
		return 0, found, nil
	}
	key := fhir.Key{Type: w.e.types.Load().name[v.typ], ID: fhir.ID(v.id)}
	there, err := get(db, embedded.AppendDocumentKey(nil, v.t, v.write), func(b []byte) error {
		size = len(b)
		doc, err := resource.DecodeStored(bytes.Clone(b))
		if err != nil {
			return err
		}
		found, err = w.index(key, doc)
		return err
	})
	if err == nil && !there {
		err = damaged("no document of %s", key)
	}
	if err != nil {
		return size, found, fmt.Errorf("index %s: %w", key, err)
	}
	return size, found, nil
}

// merge gives packed entries without those that the job adds or drops, and with these.
func (w *buildWork) merge(old []byte, more []search.Entry) ([]byte, error) {
	list := slices.Clone(more)
	p := packed{b: old}
	for p.next() {
		if n := p.param.Number(); !slices.Contains(w.job.Add, n) && !slices.Contains(w.job.Drop, n) {
			list = append(list, search.Entry{Param: p.param, Value: p.value()})
		}
	}
	if p.bad {
		return nil, fhir.Wrap(fhir.Internal, "store-damaged", errCorrupt)
	}
	slices.SortFunc(list, func(a, b search.Entry) int {
		return cmp.Or(cmp.Compare(a.Param, b.Param), bytes.Compare(a.Value, b.Value))
	})
	return packEntries(nil, list), nil
}

// apply brings a chunk through the sequencer, reading again what was written meanwhile, and gives the row that is then on
// disk.
func (w *buildWork) apply(ctx context.Context, c *build, row buildRow) (buildRow, error) {
	var err error
	if row.Job != nil {
		job := *row.Job
		row.Job = &job
	}
	if c.row, err = json.Marshal(row); err != nil {
		return row, err
	}
	for {
		p := &pending{ctx: ctx, build: c, done: make(chan struct{})}
		for err := w.e.queue.put(p); err != nil; err = w.e.queue.put(p) {
			if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind != fhir.Busy {
				return row, err
			}
			if !fhir.Pause(ctx, buildRetry) {
				return row, ctx.Err()
			}
		}
		<-p.done // the sequencer answers all that it takes, also when the engine closes
		if p.err != nil {
			return row, p.err
		}
		if len(c.stale) == 0 {
			w.e.building.moved(row)
			return row, nil
		}
		again := make([]builtResource, 0, len(c.stale))
		for _, i := range c.stale {
			r := builtResource{key: c.resources[i].key}
			if _, err := w.read(&r); err != nil {
				return row, err
			}
			again = append(again, r)
		}
		c.resources, c.stale = again, nil
	}
}

// processBuild applies a chunk: of each resource all rows, if it still is as it was read.
func (e *Engine) processBuild(s *sequence, p *pending) outcome {
	o := outcome{p: p, head: s.head}
	if err := e.broken.Load(); err != nil {
		p.err = *err
		return o
	}
	c := p.build
	o.batch = e.db.NewBatch()
	err := s.stageBuild(o.batch, c)
	if err == nil {
		err = e.kept.apply(o.batch, func() error { return e.db.ApplyNoSyncWait(o.batch, pebble.Sync) })
		e.recent.forget()
		if err != nil {
			err = e.breakDown(err)
		}
	}
	if err != nil {
		p.err = err
		_ = o.batch.Close() // the first error says more
		o.batch = nil
	}
	return o
}

func (s *sequence) stageBuild(b *pebble.Batch, c *build) error {
	for i := range c.resources {
		r := &c.resources[i]
		var now state
		if _, err := get(s.db, r.key, func(v []byte) (err error) { now, err = decodeState(v); return err }); err != nil {
			return err
		}
		if now != r.state {
			c.stale = append(c.stale, i)
			continue
		}
		for _, row := range slices.Concat(r.versions, r.postings) {
			if err := b.Set(row.key, row.value, nil); err != nil {
				return err
			}
		}
	}
	if len(c.stale) > 0 {
		return nil
	}
	for _, n := range c.drop {
		for variant := range search.ParamID(8) {
			prefix := appendParamKey(nil, search.ParamID(n)|variant<<13, 0)[:3]
			if err := b.DeleteRange(prefix, after(prefix), nil); err != nil {
				return err
			}
		}
	}
	return b.Set(metaBuild, c.row, nil)
}
