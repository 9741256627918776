package engine

import (
	"context"
	"iter"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Search implements store.Store. With o.Limit > 0 it yields at most that many. t = 0 is the head.
func (e *Engine) Search(ctx context.Context, q search.Query, t fhir.T, o store.SearchOptions) iter.Seq2[store.Match, error] {
	return func(yield func(store.Match, error) bool) {
		if err := e.gate.enter(); err != nil {
			yield(store.Match{}, err)
			return
		}
		defer e.gate.leave()
		t, err := e.asOf(t)
		if err != nil {
			yield(store.Match{}, err)
			return
		}
		r := e.run(ctx, t)
		defer r.close()
		r.limit(o.MaxWork)
		for m := range r.search(q, o) {
			if !yield(m, nil) {
				return
			}
		}
		if r.err != nil {
			yield(store.Match{}, r.err)
		}
	}
}

// search yields the matches; afterwards r.err says whether these were all.
func (r *run) search(q search.Query, o store.SearchOptions) iter.Seq[store.Match] {
	return func(yield func(store.Match) bool) {
		left := o.Limit
		show := func(m store.Match) bool {
			if !yield(m) {
				return false
			}
			left--
			return left != 0
		}
		r.fail(r.ctx.Err())
		if len(q.Sort) > 0 {
			r.sorted(q, o, show)
			return
		}
		from := number(0)
		if len(o.After) > 0 {
			if len(o.After) != numberLen {
				r.fail(errAfter())
				return
			}
			from = lastNumber(o.After) + 1
		}
		s := r.plan(q, o.Limit, from)
		for n, ok := s.next(); ok; n, ok = s.next() {
			if m, ok := r.match(n, nil); ok && !show(m) {
				return
			}
		}
	}
}

func errAfter() error { return fhir.Errorf(fhir.Invalid, "cursor-invalid", "") }

// match gives what is shown of a match. order is its place if it is not the number alone.
func (r *run) match(n number, order []byte) (store.Match, bool) {
	v, version, found := r.versions().at(n)
	if !found || !v.alive() {
		return store.Match{}, false
	}
	if order == nil {
		order = appendNumber(nil, n)
	}
	return r.matchOf(n, &v, version, order), r.err == nil
}

func (r *run) matchOf(n number, v *versionRow, version fhir.Version, order []byte) store.Match {
	return store.Match{Key: r.keyOf(v), Version: version, Number: uint64(n), Order: order}
}
