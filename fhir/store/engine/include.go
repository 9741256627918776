package engine

import (
	"context"
	"iter"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Included implements store.Store. Nothing is left out: what is too much ends with TooCostly.
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
		t, err := e.asOf(ctx, t)
		if err != nil {
			yield(store.Match{}, err)
			return
		}
		r := e.run(ctx, t)
		defer r.close()
		r.fail(e.usable(q))
		in := includer{r: r, guard: r.guard(store.FenceOf(ctx), e.published.t()), seen: map[number]struct{}{}, asked: map[string]struct{}{}, types: q.Includes, yield: func(m store.Match) bool { return yield(m, nil) }}
		for _, m := range page {
			in.seen[number(m.Number)] = struct{}{}
		}
		page = in.shown(page)
		for _, m := range page { // all that one asks for, while its row is at hand
			if slices.ContainsFunc(q.Include, func(inc search.Include) bool { return !in.apply(inc, m) }) {
				break
			}
		}
		in.iterate(q.Include)
		r.fail(e.usable(q))
		if r.err != nil && !in.stopped {
			yield(store.Match{}, r.err)
		}
	}
}

// includer yields what is linked to a page, each resource once.
type includer struct {
	r       *run
	guard   *guard
	seen    map[number]struct{}
	asked   map[string]struct{}  // reference values that were followed; many of a page refer to the same
	added   []store.Match        // what was included, in order: iterating goes on from there
	types   func(fhir.Type) bool // search.Query.Includes
	yield   func(store.Match) bool
	stopped bool
}

func (in *includer) takes(t fhir.Type) bool { return in.types == nil || in.types(t) }

// shown gives those matches of a page that may still be read: of the others nothing is told, not even where they lead.
func (in *includer) shown(page []store.Match) []store.Match {
	if in.guard.fence.Open() {
		return page
	}
	return slices.DeleteFunc(slices.Clone(page), func(m store.Match) bool { return !in.guard.shows(m.Key, m.Version) })
}

// iterate applies those includes that ask for it to what was included, until nothing new comes.
func (in *includer) iterate(includes []search.Include) {
	for i := 0; i < len(in.added); i++ {
		for _, inc := range includes {
			if inc.Iterate && !in.apply(inc, in.added[i]) {
				return
			}
		}
	}
}

// apply adds what one include links to one match; false when nothing more is wanted.
func (in *includer) apply(inc search.Include, m store.Match) bool {
	if !in.r.tick() {
		return false
	}
	if inc.Reverse {
		return in.backward(inc, m)
	}
	return in.forward(inc, m)
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
		if _, twice := in.asked[string(value)]; !twice {
			values = append(values, append([]byte(nil), value...))
		}
		return true
	})
	for _, value := range values {
		key, ok := search.ReferenceKey(value)
		if !ok || inc.Target != "" && inc.Target != key.Type || !in.takes(key.Type) {
			continue
		}
		in.asked[string(value)] = struct{}{}
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
	if inc.Target != "" && inc.Target != m.Key.Type || in.stopped || !in.takes(inc.Source) {
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
	if !ok || !in.guard.fence.Open() && !in.guard.shows(m.Key, m.Version) {
		return in.r.err == nil
	}
	in.added = append(in.added, m)
	in.stopped = !in.yield(m)
	return !in.stopped
}
