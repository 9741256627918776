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

func (e *Engine) feedCommit(c *commitlog.Commit) (store.Commit, error) {
	out := store.Commit{T: c.T, At: c.At}
	for i := range c.Writes {
		w := &c.Writes[i]
		f := store.Found{Key: w.Key, Version: w.Version, At: c.At, T: c.T, Method: store.Method(w.Method)}
		if !f.Deleted() {
			var err error
			if f.Stored, err = resource.DecodeStored(w.Document); err != nil {
				return out, err
			}
			if f.Subjects, err = e.subjectsOf(f.Key, f.Version); err != nil {
				return out, err
			}
		}
		out.Writes = append(out.Writes, f)
	}
	for _, r := range c.Records {
		out.Records = append(out.Records, store.Record{Space: store.Space(r.Space), Key: r.Key, Value: r.Value})
	}
	return out, nil
}
