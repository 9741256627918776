package engine

import (
	"bytes"
	"slices"

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
		return cc
	}
	return noneCheck{}
}

// noneCheck takes nothing: a condition that nobody knows must not let anything through.
type noneCheck struct{}

func (noneCheck) holds(*versionRow) bool { return false }

type termsCheck search.Terms

func (c termsCheck) holds(v *versionRow) bool {
	for i := range c.Any {
		t := &c.Any[i]
		found := false
		v.values(t.Param, func(value []byte) bool {
			found = accepts(t, value)
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// accepts says whether a value is within a term.
func accepts(t *search.Term, value []byte) bool {
	if t.Exact {
		return bytes.Equal(value, t.Low) && (t.Accept == nil || t.Accept(value))
	}
	return bytes.Compare(value, t.Low) >= 0 && (t.High == nil || bytes.Compare(value, t.High) < 0) &&
		(t.Accept == nil || t.Accept(value))
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
}

// knownMax bounds the memory of a chainCheck.
const knownMax = 100_000

type target struct {
	name   fhir.Type
	typ    typeCode
	checks []check
}

func (r *run) target(q search.Query) target {
	t := target{name: q.Type, typ: r.types.code[q.Type]}
	for _, c := range q.Where {
		t.checks = append(t.checks, r.check(c))
	}
	return t
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
		if found && v.alive() && !slices.ContainsFunc(t.checks, func(c check) bool { return !c.holds(&v) }) {
			return true
		}
	}
	return false
}

func hasPrefix(key, prefix []byte) bool { return bytes.HasPrefix(key, prefix) }
