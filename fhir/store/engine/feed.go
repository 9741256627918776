package engine

import (
	"context"
	"iter"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// Feed implements store.Store.
func (e *Engine) Feed(ctx context.Context, after fhir.T) iter.Seq2[store.Commit, error] {
	return func(yield func(store.Commit, error) bool) {
		if err := e.gate.enter(); err != nil {
			yield(store.Commit{}, err)
			return
		}
		defer e.gate.leave()
		for c, err := range e.log.Read(ctx, after) {
			if err != nil {
				yield(store.Commit{}, errDamage(err))
				return
			}
			out, err := e.feedCommit(&c)
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// Outlines implements store.Store: from memory as far as they are there, else from the headers of the log.
func (e *Engine) Outlines(ctx context.Context, after fhir.T) iter.Seq2[store.Commit, error] {
	return func(yield func(store.Commit, error) bool) {
		if err := e.gate.enter(); err != nil {
			yield(store.Commit{}, err)
			return
		}
		defer e.gate.leave()
		head := e.published.t()
		for some := make([]store.Commit, 256); after < head; {
			known := e.lately.after(after, head, some)
			if len(known) == 0 {
				break
			}
			for _, c := range known {
				err := ctx.Err()
				if !yield(c, err) || err != nil {
					return
				}
			}
			after += fhir.T(len(known))
		}
		if after >= head {
			return
		}
		for c, err := range e.log.Headers(ctx, after) {
			if err != nil {
				yield(store.Commit{}, errDamage(err))
				return
			}
			out, err := e.outlineOf(&c)
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// ReadLog yields the commits after t that are on disk, as they lie in the log of the folder: for copies of it that are made while it is
// served.
func (e *Engine) ReadLog(ctx context.Context, after fhir.T) iter.Seq2[commitlog.Commit, error] {
	return func(yield func(commitlog.Commit, error) bool) {
		if err := e.gate.enter(); err != nil {
			yield(commitlog.Commit{}, err)
			return
		}
		defer e.gate.leave()
		for c, err := range e.log.Read(ctx, after) {
			if !yield(c, errDamage(err)) || err != nil {
				return
			}
		}
	}
}

// feedCommit gives a commit with the documents that it has in the log.
func (e *Engine) feedCommit(c *commitlog.Commit) (store.Commit, error) {
	out, err := e.outlineOf(c)
	for i := range out.Writes {
		if f := &out.Writes[i]; err == nil && !f.Deleted() {
			f.Stored, err = resource.DecodeStored(c.Writes[i].Document)
		}
	}
	return out, err
}

// outlineOf gives the outline of a commit of the log: its header, and from the rows whom each version is about.
func (e *Engine) outlineOf(c *commitlog.Commit) (store.Commit, error) {
	out := store.Commit{T: c.T, At: c.At, Records: recordsOf(c)}
	for i := range c.Writes {
		w := &c.Writes[i]
		f := store.Found{Key: w.Key, Version: w.Version, At: c.At, T: c.T, Method: store.Method(w.Method)}
		if !f.Deleted() {
			var err error
			if f.Subjects, err = e.subjectsOf(f.Key, f.Version); err != nil {
				return out, err
			}
		}
		out.Writes = append(out.Writes, f)
	}
	return out, nil
}
