package engine

import (
	"context"
	"sync"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// How a fence is kept (FENCED; store.Fence says what it means):
//
//	search, count, criteria   the query is rewritten before it is planned: the grants of a type are further conditions on
//	                          it, here and in each target of a chain and each source of a _has. So they may drive a search
//	                          like any other, and nothing that is counted ever counts what is hidden
//	  … of few candidates     these are judged, those that are alike together (alike.go)
//	  … as of an older commit the same, and visible{grants} besides: a check on the version found and on the current one
//	read, vread, history,     the version is judged before its document is read (guard)
//	includes, fetch
//	writes                    prepare judges what the new version's own entries decide, the sequencer the rest (admit.go);
//	  … at an id of one's own what refers to the id already must not become readable by it (chosen.go)
//
// A fence's own conditions are decided by a run as of the head that has no fence: whoever may see his patients' records by
// a chain need not be allowed to see the patients.
//
// What is left to see: that a value is unique (unique-taken), that an id cannot be had for an update that creates, and the
// few microseconds for which a hidden match is looked at.

// errDenied names the type and the action, so nothing that depends on a record.
func errDenied(t fhir.Type, a store.Action) error {
	return fhir.Errorf(fhir.Denied, "access-denied", "", string(t), a.Word())
}

// mayFind refuses types of which the fence lets nothing be found.
func mayFind(f store.Fence, t fhir.Type) error {
	for _, a := range []store.Action{store.ActionSearch, store.ActionRead} {
		if f.Grant(t, a).None() {
			return errDenied(t, a)
		}
	}
	return nil
}

// never holds for nothing.
var never = search.Either{}

// fenced gives q as f lets it see: f's grants are conditions on all that q finds and goes through. now is the head: where
// the run is as of an older commit, f is decided on the current version as well.
func (r *run) fenced(f store.Fence, q search.Query, now fhir.T) search.Query {
	if f.Open() {
		return q
	}
	b := barrier{r: r, fence: f, now: now, old: r.t != now}
	if b.old {
		b.guard = r.guard(f, now)
	}
	return b.held(q)
}

// barrier puts a fence into one query.
type barrier struct {
	r     *run
	fence store.Fence
	now   fhir.T
	old   bool // the query is as of a commit before now, the head
	guard *guard
	types map[fhir.Type][]search.Condition
}

// held is query for one whose few candidates are judged, those that are alike together; the target of a chain mostly has one.
func (b *barrier) held(q search.Query) search.Query {
	if b.r.alike != nil && q.Inside == search.OnTheirOwn {
		if asks := b.r.alike.of(b.fence, q.Type); asks != nil {
			q.Where = append(b.through(q.Where), heldTo{of: asks.where, asks: asks})
			return q
		}
	}
	return b.query(q)
}

func (b *barrier) query(q search.Query) search.Query {
	if q.Where = b.through(q.Where); q.Inside == search.OnTheirOwn {
		q.Where = append(q.Where, b.on(q.Type)...)
		return q
	}
	q.Where = append(q.Where, visible{guard: b.r.guard(b.fence, b.now), inside: true})
	if q.Besides != nil {
		besides := b.query(*q.Besides)
		q.Besides = &besides
	}
	return q
}

// through puts the fence into what conditions go through. It never writes into the caller's query.
func (b *barrier) through(where []search.Condition) []search.Condition {
	out := make([]search.Condition, len(where), len(where)+3)
	for i, c := range where {
		switch c := c.(type) {
		case search.Chain:
			targets := make([]search.Query, len(c.Targets))
			for i, q := range c.Targets {
				targets[i] = b.held(q)
			}
			c.Targets = targets
			if c.Within != nil { // the fence of the resource around decides, and that is the one which is searched
				in := make([]search.Query, len(c.Within))
				for i, q := range c.Within {
					q.Where = b.through(q.Where)
					in[i] = q
				}
				c.Within = in
			}
			out[i] = c
		case search.Has:
			c.Source = b.query(c.Source)
			out[i] = c
		case search.Not:
			not := search.Not{Condition: b.through([]search.Condition{c.Condition})[0]}
			if c.Among != nil {
				not.Among = b.through([]search.Condition{c.Among})[0]
			}
			out[i] = not
		case search.All:
			out[i] = search.All{Of: b.through(c.Of)}
		case search.Either:
			out[i] = search.Either{Of: b.through(c.Of)}
		default:
			out[i] = c
		}
	}
	return out
}

// on gives the conditions of the fence on a type that is searched.
func (b *barrier) on(t fhir.Type) []search.Condition {
	if known, ok := b.types[t]; ok {
		return known
	}
	c := granted(b.fence, t)
	if b.old && len(c) > 0 {
		// Conditions on the resource itself hold as of the run's commit or not at all, so they may drive. Others are to be
		// decided with the state of now.
		var drive []search.Condition
		for _, one := range conjuncts(nil, c) {
			if onItself(one) {
				drive = append(drive, one)
			}
		}
		c = append(drive, visible{Condition: search.All{Of: c}, guard: b.guard})
	}
	if b.types == nil {
		b.types = map[fhir.Type][]search.Condition{}
	}
	b.types[t] = c
	return c
}

// granted gives what must hold for a resource to be found: it may be searched for and read.
func granted(f store.Fence, t fhir.Type) []search.Condition {
	s, r := f.Grant(t, store.ActionSearch), f.Grant(t, store.ActionRead)
	switch {
	case s.None() || r.None():
		return []search.Condition{never}
	case s.All && r.All:
		return nil
	case s.All || sameGrant(s, r):
		return []search.Condition{r.Condition()}
	case r.All:
		return []search.Condition{s.Condition()}
	}
	return []search.Condition{s.Condition(), r.Condition()}
}

// sameGrant says whether both are the same conditions, as policies that do not tell the actions apart make them: deciding
// them once will do. Equal ones that lie elsewhere are decided twice.
func sameGrant(a, b store.Grant) bool {
	of := conditionsOf(a)
	return of.first != nil && of == conditionsOf(b)
}

// onItself says whether a condition asks nothing but the entries and the id of the resource.
func onItself(c search.Condition) bool {
	all := func(of []search.Condition) bool {
		for _, one := range of {
			if !onItself(one) {
				return false
			}
		}
		return true
	}
	switch c := c.(type) {
	case search.Terms, search.IDs:
		return true
	case search.Not:
		return onItself(c.Condition)
	case search.All:
		return all(c.Of)
	case search.Either:
		return all(c.Of)
	}
	return false
}

// visible is a condition of the engine's own: that the fence shows a version which may not be the current one. It is always
// a check, never a set.
type visible struct {
	search.Condition
	guard  *guard
	inside bool // of contained resources: that the fence lets the resource around them be found
}

func (c visible) holds(v *versionRow) bool {
	if c.inside {
		return c.guard.findsAround(v)
	}
	return c.guard.sees(c.Condition, c.guard.owner.keyOf(v), v)
}

// guard says which versions a fence shows, with the state as of its run. It belongs to one goroutine.
type guard struct {
	fence store.Fence
	judge judge
	owner *run // gets the errors

	containers *versions // as of the owner's commit; nil until they are needed
}

// guard makes the guard of f for a run; now is the head.
func (r *run) guard(f store.Fence, now fhir.T) *guard {
	open := newRun(r.ctx, r.db, r.types, now)
	open.kept, open.maxWork = r.kept, r.maxWork
	r.within = append(r.within, open)
	return &guard{fence: f, judge: judge{r: open}, owner: r}
}

// watch is a run as of the head without a fence and the guard that judges by it. They are used again and again: reads of single
// resources need one each.
type watch struct {
	run   run
	guard guard
	noted noted
}

var watches = sync.Pool{New: func() any { return new(watch) }}

// watch gives a guard for a single read. It is given back by end.
func (e *Engine) watch(ctx context.Context, now fhir.T) *watch {
	w := watches.Get().(*watch)
	w.run = *newRun(ctx, e.db, e.types.Load(), now)
	w.run.kept, w.run.maxWork = e.kept, e.o.MaxWork
	w.guard = guard{fence: store.FenceOf(ctx), judge: judge{r: &w.run, recent: &e.recent}, owner: &w.run}
	return w
}

func (w *watch) end() {
	w.run.close()
	w.run, w.guard = run{}, guard{}
	w.noted.reset()
	watches.Put(w)
}

// sees says whether cond holds for the version v of key, which is alive, and for the current one.
func (g *guard) sees(cond search.Condition, key fhir.Key, v *versionRow) bool {
	ok := g.judge.holds(cond, subjectOf(key, v)) && g.seesCurrent(cond, key, v)
	g.owner.fail(g.judge.r.err)
	return ok && g.owner.err == nil
}

// showsNewest says whether the fence of ctx lets the newest version of key, as of now, be read. If it is alive, its grant is settled.
func (e *Engine) showsNewest(ctx context.Context, key fhir.Key, newest *recentVersion, now fhir.T) (bool, error) {
	alive := newest.row.alive()
	if alive {
		if last := newest.settled.last.Load(); last.stands(e.types.Load(), now) {
			return last.holds, nil
		}
	}
	w := e.watch(ctx, now)
	defer w.end()
	j := &w.guard.judge
	if !alive {
		before, ok := w.run.living(newest.number, newest.version)
		ok = ok && j.holds(w.guard.fence.Grant(key.Type, store.ActionRead).Condition(), subjectOf(key, &before))
		return ok, w.run.err
	}
	w.run.noted = &w.noted
	ok := j.holds(newest.settled.rest, subjectOf(key, &newest.row))
	newest.settled.last.Store(w.noted.judgement(ok, &w.run))
	return ok, w.run.err
}

// seesCurrent says whether cond holds for the current version, of a deleted resource for the last before the delete. v was
// found to fulfil it.
func (g *guard) seesCurrent(cond search.Condition, key fhir.Key, v *versionRow) bool {
	r := g.judge.r
	n, version := r.newest(key)
	if n == 0 {
		return false
	}
	row, ok := r.living(n, version)
	if !ok {
		return false
	}
	if row.t == v.t && row.write == v.write {
		return true
	}
	return g.judge.holds(cond, subjectOf(key, &row))
}

// shows says whether the version of key may be read. A version that says deleted is shown to whom the one before it is.
func (g *guard) shows(key fhir.Key, version fhir.Version) bool {
	grant := g.fence.Grant(key.Type, store.ActionRead)
	if grant.All || grant.None() {
		return grant.All
	}
	n, newest := g.judge.r.newest(key)
	if n == 0 {
		return false
	}
	cond := grant.Condition()
	row, ok := g.judge.r.living(n, version)
	ok = ok && g.judge.holds(cond, subjectOf(key, &row))
	if ok && version != newest {
		ok = g.seesCurrent(cond, key, &row)
	}
	g.owner.fail(g.judge.r.err)
	return ok && g.owner.err == nil
}

// newest gives the number of a resource and its newest version as of the run's t; 0 if there was none.
func (r *run) newest(key fhir.Key) (number, fhir.Version) {
	code := r.types.code[key.Type]
	if code == 0 {
		return 0, 0
	}
	s := r.state(code, key.ID)
	if s.number == 0 || s.t <= r.t {
		return s.number, s.version
	}
	r.noted.lose()
	if _, version, found := r.versions().at(s.number); found {
		return s.number, version
	}
	return 0, 0
}

// living gives a version, or the last one before it that is none that says deleted.
func (r *run) living(n number, version fhir.Version) (row versionRow, ok bool) {
	for ; version > 0 && r.tick(); version-- {
		if row, ok = r.version(n, version); !ok {
			return row, false
		}
		if row.alive() {
			return row, true
		}
	}
	return row, false
}

// shows says whether the fence of ctx lets a version be read. A type of which nothing may be read is access-denied.
func (e *Engine) shows(ctx context.Context, key fhir.Key, version fhir.Version) (bool, error) {
	f := store.FenceOf(ctx)
	if grant := f.Grant(key.Type, store.ActionRead); grant.All {
		return true, nil
	} else if grant.None() {
		return false, errDenied(key.Type, store.ActionRead)
	}
	now := e.published.t()
	r := e.run(ctx, now)
	defer r.close()
	ok := r.guard(f, now).shows(key, version)
	return ok && r.err == nil, r.err
}
