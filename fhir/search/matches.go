package search

import (
	"bytes"
	"iter"
	"slices"

	"github.com/lienthong/lienthong/fhir"
)

// World is all current resources with their entries, as chains and _has need them.
type World interface {
	// Entries gives those of a resource; found is false if there is none.
	Entries(key fhir.Key) (entries []Entry, found bool)
	// Contained gives what a resource contains.
	Contained(key fhir.Key) []Contained
	// Resources yields all resources of a type.
	Resources(t fhir.Type) iter.Seq2[fhir.Key, []Entry]
}

// Lookup is a World that cannot list its resources and knows none that contains others: no Has holds in it.
type Lookup func(key fhir.Key) (entries []Entry, found bool)

func (l Lookup) Entries(key fhir.Key) ([]Entry, bool) {
	if l == nil {
		return nil, false
	}
	return l(key)
}

func (Lookup) Contained(fhir.Key) []Contained { return nil }

func (Lookup) Resources(fhir.Type) iter.Seq2[fhir.Key, []Entry] {
	return func(func(fhir.Key, []Entry) bool) {}
}

// Matches is MatchesIn for queries without Has. look is asked for the resources that chains point at; nil = none.
func Matches(q Query, key fhir.Key, entries []Entry, look Lookup) bool {
	return MatchesIn(q, key, entries, look)
}

// MatchesIn says whether the conditions of q hold for a resource with these entries. It is the plain meaning of a Query,
// for tests and for candidates that are in memory: each Has reads all resources of its type.
func MatchesIn(q Query, key fhir.Key, entries []Entry, w World) bool {
	return key.Type == q.Type && all(q.Where, subject{key, entries, key}, w)
}

// MatchesWithin is MatchesIn for what stands at a place of what the resource around contains.
func MatchesWithin(q Query, around fhir.Key, place int, w World) bool {
	list := w.Contained(around)
	return place < len(list) && list[place].Type == q.Type && all(q.Where, within(list[place], around), w)
}

// subject is a resource that conditions are asked of.
type subject struct {
	key     fhir.Key // of a contained one without an ID: nothing names it
	entries []Entry
	in      fhir.Key // the resource around it, or itself
}

func within(c Contained, around fhir.Key) subject {
	return subject{fhir.Key{Type: c.Type}, c.Entries, around}
}

func all(where []Condition, s subject, w World) bool {
	return !slices.ContainsFunc(where, func(c Condition) bool { return !holds(c, s, w) })
}

func holds(c Condition, s subject, w World) bool {
	switch c := c.(type) {
	case IDs:
		return slices.Contains(c.ID, s.key.ID)
	case Terms:
		return slices.ContainsFunc(c.Any, func(t Term) bool {
			return slices.ContainsFunc(s.entries, t.Holds)
		})
	case Not:
		return !holds(c.Condition, s, w)
	case All:
		return all(c.Of, s, w)
	case Either:
		return slices.ContainsFunc(c.Of, func(c Condition) bool { return holds(c, s, w) })
	case Derived:
		return holds(c.From(s.entries, w.Entries), s, w)
	case Chain:
		return slices.ContainsFunc(s.entries, func(e Entry) bool { return leads(c, e, s, w) })
	case Has:
		pointer := Entry{Param: c.Param, Value: ReferenceValue(s.key)}
		for from, has := range w.Resources(c.Source.Type) {
			points := slices.ContainsFunc(has, func(e Entry) bool {
				return e.Param == pointer.Param && bytes.Equal(e.Value, pointer.Value)
			})
			if points && MatchesIn(c.Source, from, has, w) {
				return true
			}
		}
	}
	return false
}

// leads says whether an entry of s is a reference that leads to a match of c.
func leads(c Chain, e Entry, s subject, w World) bool {
	switch e.Param {
	case c.Param:
		if to, local := ReferenceKey(e.Value); local {
			below, found := w.Entries(to)
			return found && slices.ContainsFunc(c.Targets, func(q Query) bool { return MatchesIn(q, to, below, w) })
		}
	case c.Param | ParamDetail:
		if place, ok := PlaceWithin(e.Value); ok {
			return slices.ContainsFunc(c.Within, func(q Query) bool { return MatchesWithin(q, s.in, place, w) })
		}
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
