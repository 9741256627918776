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
		t, err := e.asOf(ctx, t)
		if err != nil {
			yield(store.Match{}, err)
			return
		}
		f := store.FenceOf(ctx)
		if err := mayFind(f, q.Type); err != nil {
			yield(store.Match{}, err)
			return
		}
		r := e.run(ctx, t)
		defer r.close()
		r.limit(o.MaxWork)
		r.fail(e.usable(q))
		now := e.published.t()
		if t == now && q.Inside == search.OnTheirOwn {
			r.sight, r.alike, r.recent = f.Sight(q.Type, now), e.alike, &e.recent
		}
		for m := range r.search(r.fenced(f, q, now), o) {
			if !yield(m, nil) {
				return
			}
		}
		r.fail(e.usable(q))
		if r.err != nil {
			yield(store.Match{}, r.err)
		}
	}
}

// search yields the matches; afterwards r.err says whether these were all.
func (r *run) search(q search.Query, o store.SearchOptions) iter.Seq[store.Match] {
	if q = inside(q); q.Inside == search.ContainedIn {
		return r.containers(q, o)
	}
	return func(yield func(store.Match) bool) {
		left, stopped := o.Limit, false
		show := func(m store.Match) bool {
			if !yield(m) {
				stopped = true
				return false
			}
			left--
			return left != 0
		}
		all := -1 // how many matches there are, if that is found out
		if len(q.Sort) > 0 {
			all = r.sorted(q, o, q.Sort[0].Descending, show)
		} else {
			all = r.unsorted(q, o, show)
		}
		if o.Tally == nil || stopped || r.err != nil {
			return
		}
		switch {
		case all >= 0:
		case o.Tally.Free:
			all = r.known(q)
		default:
			all = r.count(q, o.Tally.Most)
		}
		if o.Tally.Most > 0 {
			all = min(all, o.Tally.Most)
		}
		o.Tally.N = all
	}
}

// unsorted hands the matches of q to show in the order of their numbers. It gives their number if o asks for it and it
// comes from going on, else -1.
func (r *run) unsorted(q search.Query, o store.SearchOptions, show func(store.Match) bool) int {
	from := number(0)
	if len(o.After) > 0 {
		if len(o.After) != numberLen {
			r.fail(errAfter())
			return -1
		}
		from = lastNumber(o.After) + 1
	}
	limit, goOn := o.Limit, false
	if t := o.Tally; t != nil && !t.Free && from == 0 && len(q.Where) > 0 && !r.countsByRange(q) {
		goOn = true
		if limit > 0 && (t.Most == 0 || t.Most > limit) {
			limit = t.Most
		}
	}
	s := r.plan(q, limit, from)
	all := -1
	if from == 0 {
		all = s.collected()
	}
	n, more := 0, true
	for {
		m, ok := s.next()
		if !ok {
			break
		}
		if n++; !more {
			if o.Tally.Most > 0 && n >= o.Tally.Most {
				break
			}
			continue
		}
		if match, ok := r.match(m, nil); ok {
			if more = show(match); !more && (!goOn || all >= 0) {
				return all
			}
		}
	}
	if !goOn && from > 0 {
		return -1
	}
	return n
}

// collected gives the number of a stream's matches if a set that was collected is all there is to it, else -1. It must not have
// been read.
func (s *stream) collected() int {
	if len(s.sources) != 1 || len(s.without)+len(s.checks) > 0 {
		return -1
	}
	switch set := s.sources[0].(type) {
	case *list, bitmap:
		return s.r.estimate(set)
	}
	return -1
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
	if r.types.contained(v.typ) {
		return r.matchWithin(n, v, version, order)
	}
	written := store.Place{Position: store.Position{T: v.t, Index: v.write}, At: v.at, Method: v.method}
	key := r.keyOf(v)
	return store.Match{Key: key, Version: version, Number: uint64(n), Order: order, Place: written, Subjects: r.subjectsOf(v, key.Type), Sight: r.sight}
}
