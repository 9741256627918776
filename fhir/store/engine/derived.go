package engine

import (
	"bytes"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// onlyChecked says whether a condition is never a set: there is no list to read it from but that of all resources.
func onlyChecked(c search.Condition) bool {
	switch c := c.(type) {
	case visible, heldTo, search.Derived:
		return true
	case search.Not:
		return onlyChecked(c.Condition)
	case search.Either:
		return slices.ContainsFunc(c.Of, onlyChecked)
	case search.All: // one part that is a set leaves the others to be checked on few
		return len(c.Of) > 0 && !slices.ContainsFunc(c.Of, func(one search.Condition) bool { return !onlyChecked(one) })
	}
	return false
}

// derived decides a condition that is made for s.
func (j *judge) derived(c search.Derived, s subject) bool {
	j.r.noted.lose() // it may look at the clock
	return j.holds(c.From(s.row.unpacked(), func(key fhir.Key) ([]search.Entry, bool) {
		if !j.r.tick() {
			return nil, false
		}
		to, there := j.current(key)
		if !there {
			return nil, false
		}
		return to.row.unpacked(), true
	}), s)
}

// unpacked gives the entries of a version that is alive; they are parts of the row.
func (v *versionRow) unpacked() (list []search.Entry) {
	if !v.alive() {
		return nil
	}
	for e := (packed{b: v.entries}); e.next(); {
		list = append(list, search.Entry{Param: e.param, Value: e.value()})
	}
	return list
}

// derivedCheck decides by a judge of its own: what a candidate asks for lies anywhere.
type derivedCheck struct {
	owner *run
	judge judge
	c     search.Derived
}

func (r *run) derivedCheck(c search.Derived) check {
	inner := newRun(r.ctx, r.db, r.types, r.t)
	inner.kept, inner.maxWork = r.kept, r.maxWork
	r.within = append(r.within, inner)
	return &derivedCheck{owner: r, judge: judge{r: inner}, c: c}
}

func (d *derivedCheck) holds(v *versionRow) bool {
	row := *v // whose bytes last until the next look-up
	row.id, row.links, row.entries = bytes.Clone(v.id), bytes.Clone(v.links), bytes.Clone(v.entries)
	ok := d.judge.derived(d.c, subjectOf(d.owner.keyOf(&row), &row))
	d.owner.fail(d.judge.r.err)
	return ok && d.owner.err == nil
}
