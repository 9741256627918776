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
			if !in.follow(q.Include, m) {
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
	asked   map[string]struct{}  // reference values that were followed, or lead nowhere; many of a page refer to the same
	keys    []fhir.Key           // scratch
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
	again := slices.DeleteFunc(slices.Clone(includes), func(inc search.Include) bool { return !inc.Iterate })
	for i := 0; i < len(in.added) && len(again) > 0; i++ {
		if !in.follow(again, in.added[i]) {
			return
		}
	}
}

// follow adds what the includes link to one match; false when nothing more is wanted.
func (in *includer) follow(includes []search.Include, m store.Match) bool {
	if !in.r.tick() || !in.forward(includes, m) {
		return false
	}
	for _, inc := range includes {
		if inc.Reverse && !in.backward(inc, m) {
			return false
		}
	}
	return true
}

// forward follows the references of a match, all parameters in one pass over its row.
func (in *includer) forward(includes []search.Include, m store.Match) bool {
	from := func(inc *search.Include) bool { return !inc.Reverse && (inc.Source == "" || inc.Source == m.Key.Type) }
	last := search.ParamID(0)
	for i := range includes {
		if from(&includes[i]) {
			last = max(last, includes[i].Param)
		}
	}
	if last == 0 || in.stopped {
		return !in.stopped
	}
	v, _, found := in.r.versions().at(number(m.Number))
	if !found || !v.alive() {
		return in.r.err == nil
	}
	in.keys = in.keys[:0] // the row is overwritten by the look-ups that follow
	for e := (packed{b: v.entries}); e.next() && e.param <= last; {
		for i := range includes {
			if inc := &includes[i]; inc.Param == e.param && from(inc) {
				in.lead(inc.Target, e.value())
			}
		}
	}
	for _, key := range in.keys {
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

// lead takes note of where a reference leads, if that is wanted and new. Target restricts it, unless it is "".
func (in *includer) lead(target fhir.Type, value []byte) {
	if _, twice := in.asked[string(value)]; twice {
		return
	}
	key, ok := search.ReferenceKey(value)
	if ok && target != "" && target != key.Type {
		return // another include may want it
	}
	in.asked[string(value)] = struct{}{}
	if ok && in.takes(key.Type) {
		in.keys = append(in.keys, key)
	}
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
