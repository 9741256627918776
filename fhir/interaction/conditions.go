package interaction

import (
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// eachCondition calls f with the conditions that are no composition of others: those in Not, All and Either one by one.
func eachCondition(where []search.Condition, f func(search.Condition)) {
	for _, c := range where {
		switch c := c.(type) {
		case search.Not:
			eachCondition([]search.Condition{c.Condition}, f)
		case search.All:
			eachCondition(c.Of, f)
		case search.Either:
			eachCondition(c.Of, f)
		default:
			f(c)
		}
	}
}

// nameOf gives the parameter of a condition, as the caller wrote it.
func nameOf(c search.Condition) string {
	switch c := c.(type) {
	case search.Terms:
		return c.Name
	case search.Chain:
		return c.Name
	case search.Has:
		return c.Name
	case search.IDs:
		return "_id"
	}
	return ""
}

// undecided says whether a condition cannot be decided by the entries of one document: chains and _has ask other resources,
// and the time of the last update is not known before the commit.
func undecided(c search.Condition) (yes bool) {
	eachCondition([]search.Condition{c}, func(c search.Condition) {
		switch c := c.(type) {
		case search.Chain, search.Has, search.Derived:
			yes = true
		case search.Terms:
			yes = yes || slices.ContainsFunc(c.Any, func(t search.Term) bool { return t.Param == search.ParamLastUpdated })
		}
	})
	return yes
}

// asked adds the types of the other resources that conditions ask about, at any depth.
func asked(where []search.Condition, types map[fhir.Type]bool) {
	eachCondition(where, func(c search.Condition) {
		switch c := c.(type) {
		case search.Chain:
			for _, q := range c.Targets {
				types[q.Type] = true
				asked(q.Where, types)
			}
		case search.Has:
			types[c.Source.Type] = true
			asked(c.Source.Where, types)
		}
	})
}
