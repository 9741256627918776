package engine

import (
	"slices"
	"sync/atomic"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// settled is what is left of a grant for one version, once all is decided that its row alone decides: what it says never changes,
// so that a caller who reads it again is held to what depends on other resources and on the time alone, such as consents
// (FENCED).
type settled struct {
	grant store.Grant
	rest  search.Condition
	last  atomic.Pointer[judged] // what the rest came to last
}

// settle decides what a condition asks of the row itself. What a term accepts by a function of its own is left to be asked each
// time: it may look at the clock.
func settle(c search.Condition, key fhir.Key, row *versionRow) search.Condition {
	switch c := c.(type) {
	case search.Terms:
		if slices.ContainsFunc(c.Any, func(t search.Term) bool { return t.Accept != nil }) {
			return c
		}
		return always(termsCheck(c).holds(row))
	case search.IDs:
		return always(slices.Contains(c.ID, key.ID))
	case search.Not:
		of := settle(c.Condition, key, row)
		if holds, known := constant(of); known {
			return always(!holds)
		}
		return search.Not{Condition: of}
	case search.All:
		of, known := settleEach(c.Of, key, row, false)
		if known {
			return search.Never
		}
		return search.All{Of: of}
	case search.Either:
		of, known := settleEach(c.Of, key, row, true)
		if known {
			return search.Holds
		}
		return search.Either{Of: of}
	case search.Chain:
		if len(c.Within) == 0 {
			return leading{c: c, to: row.references(c.Param)}
		}
	}
	return c
}

// settleEach settles conditions and leaves out those that decide nothing; known says that one came to what decides.
func settleEach(all []search.Condition, key fhir.Key, row *versionRow, decides bool) (of []search.Condition, known bool) {
	for _, c := range all {
		c = settle(c, key, row)
		holds, known := constant(c)
		if known && holds == decides {
			return nil, true
		}
		if !known {
			of = append(of, c)
		}
	}
	return of, false
}

func always(holds bool) search.Condition {
	if holds {
		return search.Holds
	}
	return search.Never
}

// constant says whether a condition is decided, and how.
func constant(c search.Condition) (holds, known bool) {
	switch c := c.(type) {
	case search.All:
		return true, len(c.Of) == 0
	case search.Either:
		return false, len(c.Of) == 0
	}
	return false, false
}

// leading is a chain of one version, whose references are known.
type leading struct {
	search.Condition
	c  search.Chain
	to []fhir.Key
}

// references gives what a version refers to by a parameter, as far as it is on this server.
func (v *versionRow) references(p search.ParamID) (keys []fhir.Key) {
	v.values(p, func(value []byte) bool {
		if key, local := search.ReferenceKey(value); local {
			keys = append(keys, key)
		}
		return true
	})
	return keys
}
