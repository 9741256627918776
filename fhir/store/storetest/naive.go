package storetest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// matches says whether a resource with these entries is found by q, word by word as search.Condition is documented.
func (m *model) matches(q search.Query, key fhir.Key, entries []search.Entry, t fhir.T) bool {
	if key.Type != q.Type || !m.sees(key, t) {
		return false
	}
	l, _, _ := m.current(key, t)
	return m.all(q.Where, subject{key, entries, l.contained}, t)
}

// subject is a resource that conditions are asked of; within is what its document contains.
type subject struct {
	key     fhir.Key
	entries []search.Entry
	within  []inner
}

func (m *model) all(where []search.Condition, s subject, t fhir.T) bool {
	for _, c := range where {
		if !m.holds(c, s, t) {
			return false
		}
	}
	return true
}

func (m *model) holds(c search.Condition, s subject, t fhir.T) bool {
	switch c := c.(type) {
	case search.IDs:
		return slices.Contains(c.ID, s.key.ID)
	case search.Terms:
		for _, term := range c.Any {
			if slices.ContainsFunc(s.entries, term.Holds) {
				return true
			}
		}
		return false
	case search.Not:
		return !m.holds(c.Condition, s, t)
	case search.All:
		for _, one := range c.Of {
			if !m.holds(one, s, t) {
				return false
			}
		}
		return true
	case search.Either:
		for _, one := range c.Of {
			if m.holds(one, s, t) {
				return true
			}
		}
		return false
	case search.Derived:
		look := func(key fhir.Key) ([]search.Entry, bool) {
			l, _, alive := m.current(key, t)
			return l.entries, alive
		}
		return m.holds(c.From(s.entries, look), s, t)
	case search.Chain:
		for _, e := range s.entries {
			if place, ok := search.PlaceWithin(e.Value); ok && e.Param == c.Param|search.ParamDetail && place < len(s.within) {
				in := s.within[place]
				for _, target := range c.Within {
					if target.Type == in.typ && m.all(target.Where, subject{nowhere, in.entries, s.within}, t) {
						return true
					}
				}
			}
			to, local := search.ReferenceKey(e.Value)
			if e.Param != c.Param || !local {
				continue
			}
			l, _, alive := m.current(to, t)
			if !alive {
				continue
			}
			for _, target := range c.Targets {
				if m.matches(target, to, l.entries, t) {
					return true
				}
			}
		}
		return false
	case search.Has:
		value := search.ReferenceValue(s.key)
		for other := range m.lives {
			l, _, alive := m.current(other, t)
			refers := func(e search.Entry) bool { return e.Param == c.Param && bytes.Equal(e.Value, value) }
			if alive && other.Type == c.Source.Type && slices.ContainsFunc(l.entries, refers) && m.matches(c.Source, other, l.entries, t) {
				return true
			}
		}
		return false
	}
	panic(fmt.Sprintf("condition %T", c))
}

// included gives what the model links to a page: until nothing new comes, those that iterate from all there is, the
// others from the page.
func (m *model) included(q search.Query, page []store.Match, t fhir.T) map[fhir.Key]int {
	all := map[fhir.Key]int{}
	for _, p := range page {
		all[p.Key] = 0
	}
	for {
		before := len(all)
		for _, inc := range q.Include {
			for key := range all {
				if slices.ContainsFunc(page, func(p store.Match) bool { return p.Key == key }) || inc.Iterate {
					m.link(inc, q.Includes, key, t, all)
				}
			}
		}
		if len(all) == before {
			break
		}
	}
	for _, p := range page {
		delete(all, p.Key)
	}
	return all
}

// link adds what one include links to one resource, of the types wanted; nil = all.
func (m *model) link(inc search.Include, wanted func(fhir.Type) bool, from fhir.Key, t fhir.T, to map[fhir.Key]int) {
	add := func(key fhir.Key) {
		if _, there := to[key]; there || wanted != nil && !wanted(key.Type) {
			return
		}
		if _, version, alive := m.current(key, t); alive && m.allowed(store.ActionRead, key, version) {
			to[key] = version
		}
	}
	if !inc.Reverse {
		l, _, _ := m.current(from, t)
		for _, e := range l.entries {
			if key, local := search.ReferenceKey(e.Value); local && e.Param == inc.Param && from.Type == inc.Source && (inc.Target == "" || inc.Target == key.Type) {
				add(key)
			}
		}
		return
	}
	if inc.Target != "" && inc.Target != from.Type {
		return
	}
	for key := range m.lives {
		l, _, alive := m.current(key, t)
		if !alive || key.Type != inc.Source {
			continue
		}
		for _, e := range l.entries {
			if e.Param == inc.Param && bytes.Equal(e.Value, search.ReferenceValue(from)) {
				add(key)
			}
		}
	}
}
