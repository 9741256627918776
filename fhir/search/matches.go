package search

import (
	"bytes"
	"slices"

	"github.com/lienthong/lienthong/fhir"
)

// Lookup gives the entries of a current resource; found is false if there is none.
type Lookup func(key fhir.Key) (entries []Entry, found bool)

// Matches says whether the conditions of q hold for a resource with these entries. It is the plain meaning of a Query,
// for tests and for candidates that are in memory. look is asked for the resources that chains point at; nil = none.
func Matches(q Query, key fhir.Key, entries []Entry, look Lookup) bool {
	if key.Type != q.Type {
		return false
	}
	for _, c := range q.Where {
		if !holds(c, key, entries, look) {
			return false
		}
	}
	return true
}

func holds(c Condition, key fhir.Key, entries []Entry, look Lookup) bool {
	switch c := c.(type) {
	case IDs:
		return slices.Contains(c.ID, key.ID)
	case Terms:
		return slices.ContainsFunc(c.Any, func(t Term) bool {
			return slices.ContainsFunc(entries, t.Holds)
		})
	case Chain:
		return look != nil && slices.ContainsFunc(entries, func(e Entry) bool {
			to, local := ReferenceKey(e.Value)
			if e.Param != c.Param || !local {
				return false
			}
			below, found := look(to)
			return found && slices.ContainsFunc(c.Targets, func(q Query) bool { return Matches(q, to, below, look) })
		})
	}
	return false
}

// Holds says whether the term accepts an entry.
func (t Term) Holds(e Entry) bool { return e.Param == t.Param && t.holds(e.Value) }

func (t Term) holds(v []byte) bool {
	switch {
	case t.Exact:
		if !bytes.Equal(v, t.Low) {
			return false
		}
	case bytes.Compare(v, t.Low) < 0, t.High != nil && bytes.Compare(v, t.High) >= 0:
		return false
	}
	return t.Accept == nil || t.Accept(v)
}

// SortValue gives the bytes by which k orders a resource: its least value of the parameter, or the greatest if
// Descending. ok is false for a resource without one, which comes last in both directions.
func SortValue(k SortKey, key fhir.Key, entries []Entry) (value []byte, ok bool) {
	if k.ByID {
		return []byte(key.ID), true
	}
	for _, e := range entries {
		if e.Param != k.Param {
			continue
		}
		if c := bytes.Compare(e.Value, value); !ok || k.Descending && c > 0 || !k.Descending && c < 0 {
			value, ok = e.Value, true
		}
	}
	return value, ok
}
