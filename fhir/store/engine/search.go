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

// Count implements store.Store. No document and no version is looked at unless a check needs it.
func (e *Engine) Count(ctx context.Context, q search.Query, t fhir.T) (int, error) {
	if err := e.gate.enter(); err != nil {
		return 0, err
	}
	defer e.gate.leave()
	t, err := e.asOf(t)
	if err != nil {
		return 0, err
	}
	if len(q.Where) == 0 {
		if n, ok := e.published.count(q.Type, t); ok {
			return int(n), nil
		}
	}
	r := e.run(ctx, t)
	defer r.close()
	n := 0
	s := r.plan(q, 0, 0)
	for _, ok := s.next(); ok; _, ok = s.next() {
		n++
	}
	return n, r.err
}

// Included implements store.Store.
func (e *Engine) Included(ctx context.Context, q search.Query, page []store.Match, t fhir.T) iter.Seq2[store.Match, error] {
	return func(yield func(store.Match, error) bool) {
		if len(q.Include) == 0 || len(page) == 0 {
			return
		}
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
		in := includer{r: r, seen: map[number]struct{}{}, yield: func(m store.Match) bool { return yield(m, nil) }}
		for _, m := range page {
			in.seen[number(m.Number)] = struct{}{}
		}
		for _, inc := range q.Include {
			for _, m := range page {
				more := false
				if inc.Reverse {
					more = in.backward(inc, m)
				} else {
					more = in.forward(inc, m)
				}
				if !more {
					break
				}
			}
		}
		if r.err != nil && !in.stopped {
			yield(store.Match{}, r.err)
		}
	}
}

// includer yields what is linked to a page, each resource once.
type includer struct {
	r       *run
	seen    map[number]struct{}
	yield   func(store.Match) bool
	stopped bool
}

// forward follows the references of a match.
func (in *includer) forward(inc search.Include, m store.Match) bool {
	if inc.Source != "" && inc.Source != m.Key.Type || in.stopped {
		return !in.stopped
	}
	v, _, found := in.r.versions().at(number(m.Number))
	if !found {
		return in.r.err == nil
	}
	var values [][]byte // the row is overwritten by the look-ups that follow
	v.values(inc.Param, func(value []byte) bool {
		values = append(values, append([]byte(nil), value...))
		return true
	})
	for _, value := range values {
		key, ok := search.ReferenceKey(value)
		if !ok || inc.Target != "" && inc.Target != key.Type {
			continue
		}
		code := in.r.types.code[key.Type]
		if code == 0 {
			continue
		}
		if s := in.r.state(code, key.ID); s.number != 0 && !in.add(s.number) {
			return false
		}
	}
	return in.r.err == nil
}

// backward finds what refers to a match.
func (in *includer) backward(inc search.Include, m store.Match) bool {
	if inc.Target != "" && inc.Target != m.Key.Type || in.stopped {
		return !in.stopped
	}
	code := in.r.types.code[inc.Source]
	if code == 0 {
		return true
	}
	p := in.r.posting(inc.Param, code, search.ReferenceValue(m.Key))
	for n, ok := p.seek(0); ok; n, ok = p.seek(n + 1) {
		if !in.add(n) {
			return false
		}
	}
	return in.r.err == nil
}

func (in *includer) add(n number) bool {
	if _, twice := in.seen[n]; twice {
		return true
	}
	in.seen[n] = struct{}{}
	m, ok := in.r.match(n, nil)
	if !ok {
		return in.r.err == nil
	}
	in.stopped = !in.yield(m)
	return !in.stopped
}
