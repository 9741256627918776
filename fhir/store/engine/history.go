package engine

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"sort"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
)

// History implements store.Store. A resource that never existed gives NotFound as the only element; types and the whole
// store have an empty history at worst.
func (e *Engine) History(ctx context.Context, h store.History) iter.Seq2[store.Found, error] {
	return func(yield func(store.Found, error) bool) {
		if err := e.gate.enter(); err != nil {
			yield(store.Found{}, err)
			return
		}
		defer e.gate.leave()
		w := historyWalk{e: e, ctx: ctx, yield: yield, since: h.Since, fence: store.FenceOf(ctx)}
		asOf, err := e.asOf(ctx, h.AsOf)
		if err != nil {
			yield(store.Found{}, err)
			return
		}
		r := e.run(ctx, e.published.t())
		defer r.close()
		w.run, w.guard = r, r.guard(w.fence, r.t)
		if err := w.walk(h, asOf); err != nil {
			yield(store.Found{}, err)
		}
	}
}

// historyWalk goes from newer to older versions.
type historyWalk struct {
	e     *Engine
	ctx   context.Context
	yield func(store.Found, error) bool
	since fhir.Instant
	fence store.Fence
	run   *run // of the guard
	guard *guard

	// The header of one commit, kept while its writes are shown.
	header commitlog.Commit
}

func (w *historyWalk) walk(h store.History, t fhir.T) (err error) {
	if h.Key.Type != "" && w.fence.Grant(h.Key.Type, store.ActionRead).None() {
		return errDenied(h.Key.Type, store.ActionRead)
	}
	if h.Until != 0 {
		if t, err = w.e.lastBefore(t, h.Until); err != nil {
			return err
		}
	}
	// end is the first place that is not shown any more, counted from the oldest.
	end := store.Position{T: t + 1}
	if b := h.Before; b != (store.Position{}) && (b.T < end.T || b.T == end.T && b.Index < end.Index) {
		end = b
	}
	switch {
	case h.Key.ID != "":
		return w.instance(h.Key, end)
	case h.Key.Type != "":
		return w.ofType(h.Key.Type, end)
	default:
		return w.system(end)
	}
}

// lastBefore gives the newest commit up to t that is not younger than at. Instants never go back along the log, so this
// is a binary search.
func (e *Engine) lastBefore(t fhir.T, at fhir.Instant) (fhir.T, error) {
	var failed error
	n := sort.Search(int(t), func(i int) bool {
		c, err := e.commitHeader(fhir.T(i) + 1)
		if err != nil {
			failed = err
		}
		return err != nil || c.At > at
	})
	return fhir.T(n), failed
}

func (e *Engine) commitHeader(t fhir.T) (commitlog.Commit, error) { return commitHeader(e.db, t) }

// commitHeader gives commit t without its documents.
func commitHeader(db pebble.Reader, t fhir.T) (commitlog.Commit, error) {
	var c commitlog.Commit
	found, err := get(db, embedded.AppendHeaderKey(nil, t), func(v []byte) (err error) {
		if c, err = commitlog.DecodeHeader(v); err != nil {
			err = fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("header of commit %d: %w", t, err))
		}
		return err
	})
	if err == nil && !found {
		err = fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("no header of commit %d", t))
	}
	c.T = t
	return c, err
}

// show yields one version; false ends the walk.
func (w *historyWalk) show(key fhir.Key, version fhir.Version, p place, subjects []fhir.ID) bool {
	if p.at < w.since {
		return false
	}
	if err := w.ctx.Err(); err != nil {
		w.yield(store.Found{}, err)
		return false
	}
	if !w.fence.Open() && !w.guard.shows(key, version) {
		if w.run.err != nil {
			w.yield(store.Found{}, w.run.err)
		}
		return w.run.err == nil
	}
	f := store.Found{Key: key, Version: version, At: p.at, T: p.t, Method: p.method, Subjects: subjects}
	var err error
	if !f.Deleted() {
		f.Stored, err = w.e.document(p)
	}
	return w.yield(f, err) && err == nil
}

func (w *historyWalk) instance(key fhir.Key, end store.Position) error {
	s, err := w.e.stateOf(key)
	if err != nil {
		return err
	}
	if s.number == 0 {
		return errNotFound(key)
	}
	if !w.fence.Open() {
		// Whoever may not read the current version is told what is told of a resource that never was, whatever there is of it.
		_, newest := w.guard.judge.r.newest(key)
		if shown := w.guard.shows(key, newest); !shown || w.run.err != nil {
			return cmp.Or(w.run.err, errNotFound(key))
		}
	}
	low := appendVersionKey(nil, s.number, fhir.Version(maxNumber))
	it, err := w.e.db.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: after(low[:1+numberLen])})
	if err != nil {
		return errDisk(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		v, err := decodeVersion(it.Value())
		if err != nil {
			return err
		}
		if v.t > end.T || v.t == end.T && v.write >= end.Index {
			continue
		}
		_, version := versionKey(it.Key())
		if !w.show(key, version, v.place, v.subjects(key.Type)) {
			return nil
		}
	}
	return errDisk(it.Error())
}

func (w *historyWalk) ofType(typ fhir.Type, end store.Position) error {
	code := w.e.types.Load().code[typ]
	if code == 0 {
		return nil
	}
	it, err := w.e.db.NewIter(&pebble.IterOptions{
		LowerBound: appendHistoryKey(nil, code, 0, 0),
		UpperBound: appendHistoryKey(nil, code, end.T, end.Index),
	})
	if err != nil {
		return errDisk(err)
	}
	defer it.Close()
	for it.Last(); it.Valid(); it.Prev() {
		t, i := historyKey(it.Key())
		if more, err := w.showWrite(t, i); err != nil || !more {
			return err
		}
	}
	return errDisk(it.Error())
}

func (w *historyWalk) system(end store.Position) error {
	it, err := w.e.db.NewIter(&pebble.IterOptions{
		LowerBound: embedded.AppendHeaderKey(nil, 0),
		UpperBound: embedded.AppendHeaderKey(nil, end.T+1),
	})
	if err != nil {
		return errDisk(err)
	}
	defer it.Close()
	for it.Last(); it.Valid(); it.Prev() {
		c, err := commitlog.DecodeHeader(it.Value())
		if err != nil {
			return err
		}
		c.T = embedded.HeaderT(it.Key())
		w.header = c
		n := uint32(len(c.Writes))
		if c.T == end.T {
			n = min(n, end.Index)
		}
		for i := n; i > 0; i-- {
			if more, err := w.showWrite(c.T, i-1); err != nil || !more {
				return err
			}
		}
	}
	return errDisk(it.Error())
}

// showWrite yields write i of commit t.
func (w *historyWalk) showWrite(t fhir.T, i uint32) (bool, error) {
	if w.header.T != t {
		c, err := w.e.commitHeader(t)
		if err != nil {
			return false, err
		}
		w.header = c
	}
	if int(i) >= len(w.header.Writes) {
		return false, fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("commit %d has no write %d", t, i))
	}
	h := &w.header.Writes[i]
	subjects, err := w.e.subjectsOf(h.Key, h.Version)
	if err != nil {
		return false, err
	}
	return w.show(h.Key, h.Version, place{t: t, at: w.header.At, write: i, method: store.Method(h.Method)}, subjects), nil
}
