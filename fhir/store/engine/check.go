package engine

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// check decides a condition on one candidate, by its version row.
type check interface {
	holds(v *versionRow) bool
}

// check makes the check of a condition.
func (r *run) check(c search.Condition) check {
	switch c := c.(type) {
	case search.Terms:
		return termsCheck(c)
	case search.IDs:
		return idsCheck(c)
	case search.Chain:
		cc := &chainCheck{r: r, param: c.Param, versions: r.newVersions(), known: map[string]bool{}}
		for _, q := range c.Targets {
			cc.targets = append(cc.targets, r.target(q))
		}
		for _, q := range c.Within {
			cc.within = append(cc.within, r.target(queryWithin(q)))
		}
		return cc
	case search.Has:
		return r.hasCheck(c)
	case visible:
		return c
	case heldTo:
		return allCheck(r.checks(c.of))
	case search.Derived:
		return r.derivedCheck(c)
	case search.Not:
		return notCheck{r.check(c.Condition)}
	case search.All:
		return allCheck(r.checks(c.Of))
	case search.Either:
		return eitherCheck(r.checks(c.Of))
	}
	r.fail(errCondition(c))
	return eitherCheck{}
}

// errCondition refuses a condition that nobody knows: it must not let anything through, negated or not.
func errCondition(c search.Condition) error {
	return fhir.Wrap(fhir.Internal, "condition-unknown", fmt.Errorf("%T", c))
}

func (r *run) checks(of []search.Condition) []check {
	list := make([]check, len(of))
	for i, c := range of {
		switch c.(type) {
		case search.Terms, search.IDs:
			list[i] = r.check(c)
		default:
			list[i] = &laterCheck{r: r, c: c}
		}
	}
	return list
}

// laterCheck is a check that is made when it is asked: mostly those before it decide.
type laterCheck struct {
	r    *run
	c    search.Condition
	made check
}

func (l *laterCheck) holds(v *versionRow) bool {
	if l.made == nil {
		l.made = l.r.check(l.c)
	}
	return l.made.holds(v)
}

type notCheck struct{ of check }

func (c notCheck) holds(v *versionRow) bool { return !c.of.holds(v) }

type allCheck []check

func (c allCheck) holds(v *versionRow) bool {
	return !slices.ContainsFunc(c, func(one check) bool { return !one.holds(v) })
}

type eitherCheck []check

func (c eitherCheck) holds(v *versionRow) bool {
	return slices.ContainsFunc(c, func(one check) bool { return one.holds(v) })
}

type termsCheck search.Terms

func (c termsCheck) holds(v *versionRow) bool { return c.noting(nil, v) }

// noting is holds; n is told what functions of terms said.
func (c termsCheck) noting(n *noted, v *versionRow) bool {
	for i := range c.Any {
		t := &c.Any[i]
		found := false
		v.values(t.Param, func(value []byte) bool {
			if found = ranges(t, value); found && t.Accept != nil {
				found = t.Accept(value)
				n.asked(t, value, found)
			}
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// ranges says whether a value is within the range of a term.
func ranges(t *search.Term, value []byte) bool {
	if t.Exact {
		return bytes.Equal(value, t.Low)
	}
	return bytes.Compare(value, t.Low) >= 0 && (t.High == nil || bytes.Compare(value, t.High) < 0)
}

type idsCheck search.IDs

func (c idsCheck) holds(v *versionRow) bool { return slices.Contains(c.ID, fhir.ID(v.id)) }

// chainCheck follows the references of a candidate.
type chainCheck struct {
	r        *run
	param    search.ParamID
	targets  []target
	versions *versions       // for the resources that are referred to
	known    map[string]bool // reference value -> whether it leads to a match; many candidates refer to the same

	within []target  // of references into the same document
	inner  *versions // for the contained resources that they lead to
	around *versions // for the document, of a candidate that is contained itself
}

// knownMax bounds the memory of a chainCheck.
const knownMax = 100_000

type target struct {
	name   fhir.Type
	typ    typeCode
	checks allCheck
}

func (r *run) target(q search.Query) target {
	return target{name: q.Type, typ: r.types.code[q.Type], checks: r.checks(q.Where)}
}

func (c *chainCheck) holds(v *versionRow) bool {
	found := false
	v.values(c.param, func(value []byte) bool {
		leads, known := c.known[string(value)]
		if !known {
			leads = c.leads(value)
			if len(c.known) < knownMax {
				c.known[string(value)] = leads
			}
		}
		found = leads
		return !found
	})
	return found || c.leadsWithin(v)
}

// leadsWithin says whether a reference leads to a match of one of the targets in the same document.
func (c *chainCheck) leadsWithin(v *versionRow) (found bool) {
	if len(c.within) == 0 {
		return false
	}
	var links []number
	v.values(c.param|search.ParamDetail, func(value []byte) bool {
		if links == nil {
			if c.inner == nil {
				c.inner, c.around = c.r.newVersions(), c.r.newVersions()
			}
			links = c.r.besides(v, c.around)
		}
		place, ok := search.PlaceWithin(value)
		if !ok || place >= len(links) {
			return c.r.err == nil
		}
		to, _, there := c.inner.at(links[place])
		found = there && to.alive() && slices.ContainsFunc(c.within, func(t target) bool { return t.typ == to.typ && t.checks.holds(&to) })
		return !found && c.r.tick()
	})
	return found
}

// leads says whether a reference leads to a match of one of the targets.
func (c *chainCheck) leads(value []byte) bool {
	key, ok := search.ReferenceKey(value)
	if !ok {
		return false
	}
	for i := range c.targets {
		t := &c.targets[i]
		if t.typ == 0 || t.name != key.Type {
			continue
		}
		s := c.r.state(t.typ, key.ID)
		if s.number == 0 {
			continue
		}
		v, _, found := c.versions.at(s.number)
		if found && v.alive() && t.checks.holds(&v) {
			return true
		}
	}
	return false
}

// hasCheck looks at what refers to a candidate.
type hasCheck struct {
	r        *run
	source   target
	prefix   []byte    // of the source's reference parameter
	versions *versions // of what refers

	none  bool             // nothing at all refers by the parameter, whatever to
	asked int              // candidates so far
	it    *pebble.Iterator // over what begins with prefix; nil while candidates are few
}

func (r *run) hasCheck(c search.Has) check {
	h := &hasCheck{r: r, source: r.target(c.Source)}
	if h.source.typ == 0 {
		return eitherCheck{}
	}
	h.versions = r.newVersions()
	h.prefix = appendParamKey(nil, c.Param, h.source.typ)
	return h
}

func (h *hasCheck) holds(v *versionRow) (found bool) {
	if h.asked == 0 {
		any, err := h.r.kept.anyOf(h.r.db, h.prefix)
		h.r.fail(err)
		h.none = !any
	}
	if h.none || h.r.err != nil {
		h.asked++
		return false
	}
	key := appendEscaped(h.prefix[:paramKeyLen:paramKeyLen], search.ReferenceValue(h.r.keyOf(v)))
	if h.asked++; h.asked <= tune.fewAsked {
		h.r.fail(h.r.kept.list(h.r.db, key, nil, func(n number, events []byte) bool {
			found = h.refers(n, events)
			return !found && h.r.tick()
		}))
		return found && h.r.err == nil
	}
	if h.it == nil {
		if h.it = h.r.iter(h.prefix, after(h.prefix)); h.it == nil {
			return false
		}
	}
	for ok := h.it.SeekGE(key); ok && hasPrefix(h.it.Key(), key) && h.r.tick(); ok = h.it.Next() {
		if h.refers(lastNumber(h.it.Key()), h.r.value(h.it)) {
			return true
		}
	}
	h.r.done(h.it)
	return false
}

// refers says whether a resource with these events in the list is a match of the source.
func (h *hasCheck) refers(n number, events []byte) bool {
	if !openAt(events, h.r.t) {
		return false
	}
	row, _, there := h.versions.at(n)
	return there && h.source.checks.holds(&row)
}

func hasPrefix(key, prefix []byte) bool { return bytes.HasPrefix(key, prefix) }
