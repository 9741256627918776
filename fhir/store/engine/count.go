package engine

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
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
	t, err := e.asOf(t)
	if err != nil {
		return 0, err
	}
	return e.countUpTo(ctx, q, t, most)
}

func (e *Engine) countUpTo(ctx context.Context, q search.Query, t fhir.T, most int) (int, error) {
	if len(q.Where) == 0 {
		if n, ok := e.published.count(q.Type, t); ok {
			if most > 0 {
				n = min(n, int64(most))
			}
			return int(n), nil
		}
	}
	r := e.run(ctx, t)
	defer r.close()
	return r.count(q, most), r.err
}

// count counts up to most matches, 0 = all.
func (r *run) count(q search.Query, most int) int {
	typ := r.types.code[q.Type]
	var s *stream
	if where := conjuncts(nil, q.Where); most > 0 && len(where) == 1 && typ != 0 {
		if terms, ok := where[0].(search.Terms); ok {
			set := r.postings(terms, typ)
			if set == nil {
				return r.countRange(terms, typ, most)
			}
			s = &stream{r: r, typ: typ, sources: []numbers{set}}
		}
	}
	if s == nil {
		s = r.plan(q, most, 0)
	}
	n := 0
	for _, ok := s.next(); ok && (most == 0 || n < most); _, ok = s.next() {
		n++
	}
	return n
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
