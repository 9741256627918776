package engine

import (
	"context"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Count implements store.Store. No document and no version is looked at unless a check needs it.
func (e *Engine) Count(ctx context.Context, q search.Query, t fhir.T) (int, error) {
	return e.CountUpTo(ctx, q, t, 0)
}

// CountUpTo implements store.Counter; most = 0 is no bound.
func (e *Engine) CountUpTo(ctx context.Context, q search.Query, t fhir.T, most int) (int, error) {
	if err := e.gate.enter(); err != nil {
		return 0, err
	}
	defer e.gate.leave()
	t, err := e.asOf(ctx, t)
	if err != nil {
		return 0, err
	}
	if err := mayFind(store.FenceOf(ctx), q.Type); err != nil {
		return 0, err
	}
	return e.countUpTo(ctx, q, t, most)
}

func (e *Engine) countUpTo(ctx context.Context, q search.Query, t fhir.T, most int) (int, error) {
	r := e.run(ctx, t)
	defer r.close()
	r.fail(e.usable(q))
	n := r.count(r.fenced(store.FenceOf(ctx), q, e.published.t()), most)
	r.fail(e.usable(q))
	if most > 0 {
		n = min(n, most)
	}
	return n, r.err
}

// count counts up to most matches, 0 = all.
func (r *run) count(q search.Query, most int) int {
	if q = inside(q); q.Inside == search.ContainedIn {
		return r.countContainers(q, most)
	}
	if n := r.known(q); n >= 0 {
		return n
	}
	if most > 0 && r.countsByRange(q) {
		return r.countRange(conjuncts(nil, q.Where)[0].(search.Terms), r.types.code[q.Type], most)
	}
	n := 0
	s := r.plan(q, most, 0)
	for _, ok := s.next(); ok && (most == 0 || n < most); _, ok = s.next() {
		n++
	}
	return n
}

// known gives the number of matches of a query without conditions, if it is kept as of now, else -1.
func (r *run) known(q search.Query) int {
	if len(q.Where) == 0 {
		if n, ok := r.countAll(q.Type); ok {
			return int(n)
		}
	}
	return -1
}

// countsByRange says that q has one condition only, with a range of values.
func (r *run) countsByRange(q search.Query) bool {
	where := conjuncts(nil, q.Where)
	if len(where) != 1 {
		return false
	}
	terms, ok := where[0].(search.Terms)
	return ok && r.types.code[q.Type] != 0 && slices.ContainsFunc(terms.Any, func(t search.Term) bool { return !t.Exact })
}

// countRange counts the resources within ranges in the order of the rows, so that it need not read them all.
func (r *run) countRange(c search.Terms, typ typeCode, most int) int {
	seen := make(map[number]struct{}, min(most, 1024))
	for _, t := range c.Any {
		r.scanUntil(t, typ, -1, func(n number) bool {
			seen[n] = struct{}{}
			return len(seen) < most
		})
		if len(seen) >= most {
			break
		}
	}
	return min(len(seen), most)
}
