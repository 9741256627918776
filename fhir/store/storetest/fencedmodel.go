package storetest

import (
	"bytes"
	"context"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// A fence of chance, and what the model has it allow.

// ctx is the context of the world's questions and commits.
func (w *world) ctx() context.Context { return store.WithFence(w.t.Context(), w.m.fence) }

// fence makes one with grants of all sorts.
func (w *world) fence() store.Fence {
	grants := map[fhir.Type]*store.Grants{}
	for _, t := range worldTypes {
		if w.rng.IntN(12) == 0 {
			continue // nothing at all
		}
		var g store.Grants
		same := w.grant()
		for a := range g {
			if g[a] = same; w.rng.IntN(5) == 0 {
				g[a] = w.grant()
			}
		}
		grants[t] = &g
	}
	return store.NewFence(grants, []string{"", "org-1", "org-2"}[w.rng.IntN(3)])
}

func (w *world) grant() store.Grant {
	if w.rng.IntN(6) == 0 {
		return store.Grant{All: true}
	}
	var g store.Grant
	for range max(0, w.rng.IntN(8)-1) / 2 {
		c := w.condition(2)
		switch w.rng.IntN(8) {
		case 0, 1: // what an organization sent
			c = search.Terms{Any: []search.Term{{Param: search.ParamSender, Low: []byte("org-1"), Exact: true}}}
		case 2: // what belongs to somebody
			c = search.Terms{Any: []search.Term{{Param: pRef, Low: search.ReferenceValue(w.key()), Exact: true}}}
		case 3:
			c = search.Not{Condition: c}
		case 4, 5:
			c = w.derived(c)
		}
		g.Where = append(g.Where, c)
	}
	return g
}

// derived gives a condition that is made of the resource's own entries and of those of what it refers to.
func (w *world) derived(c search.Condition) search.Condition {
	entry := func() search.Term { // one that documents have: the time of a version is no entry of it
		t := w.term()
		for t.Param == search.ParamLastUpdated {
			t = w.term()
		}
		return t
	}
	own, theirs, none := entry(), entry(), w.rng.IntN(2) == 0
	other := search.All{Of: []search.Condition{c, w.condition(1)}}
	d := search.Derived{Name: "derived", From: func(entries []search.Entry, look search.Lookup) search.Condition {
		switch {
		case slices.ContainsFunc(entries, own.Holds):
			return c
		case slices.ContainsFunc(entries, func(e search.Entry) bool {
			to, local := search.ReferenceKey(e.Value)
			if e.Param != pRef || !local {
				return false
			}
			found, there := look(to)
			return there && slices.ContainsFunc(found, theirs.Holds)
		}):
			return search.Derived{Name: "again", From: func([]search.Entry, search.Lookup) search.Condition { return other }}
		case none:
			return search.Never
		}
		return search.Not{Condition: c}
	}}
	switch w.rng.IntN(4) {
	case 0:
		return search.All{Of: []search.Condition{c, d}}
	case 1:
		return search.Not{Condition: search.Either{Of: []search.Condition{search.All{Of: []search.Condition{w.condition(1), d}}, c}}}
	}
	return d
}

// allowed says whether the fence allows an action on a version, with the state of now: the version (of one that says
// deleted: the one before it) and the current one fulfil the grant.
func (m *model) allowed(a store.Action, key fhir.Key, version int) bool {
	g := m.fence.Grant(key.Type, a)
	if g.All || g.None() {
		return g.All
	}
	_, current, _ := m.current(key, m.t)
	return m.fulfils(g, key, version) && m.fulfils(g, key, current)
}

func (m *model) fulfils(g store.Grant, key fhir.Key, version int) bool {
	if g.All {
		return true
	}
	for ; version > 0; version-- {
		if l := m.lives[key][version-1]; !l.deleted {
			return m.grants(g, l.subject(key))
		}
	}
	return false
}

// grants decides on entries, with the state of now and no fence.
func (m *model) grants(g store.Grant, s subject) bool {
	open := *m
	open.fence = store.OpenFence()
	return g.All || !g.None() && open.holds(g.Condition(), s, m.t)
}

// sees says whether a search as of t may find key.
func (m *model) sees(key fhir.Key, t fhir.T) bool {
	if m.fence.Open() {
		return true
	}
	_, version, _ := m.current(key, t)
	return m.allowed(store.ActionSearch, key, version) && m.allowed(store.ActionRead, key, version)
}

// admit says whether the fence allows the writes, and which deletes concern what is not there for it.
func (m *model) admit(c store.Changes) (hidden map[fhir.Key]bool, ok bool) {
	hidden = map[fhir.Key]bool{}
	if m.fence.Open() {
		return hidden, true
	}
	after := *m
	after.t++
	after.fence = store.OpenFence()
	after.lives = map[fhir.Key][]life{}
	for key, lives := range m.lives {
		after.lives[key] = lives[:len(lives):len(lives)]
	}
	for _, d := range c.Deletes {
		l, _, alive := m.current(d.Key, m.t)
		if m.fence.Grant(d.Key.Type, store.ActionDelete).None() {
			return nil, false
		}
		if !alive {
			continue
		}
		if !m.grants(m.fence.Grant(d.Key.Type, store.ActionRead), l.subject(d.Key)) {
			hidden[d.Key] = true
			continue
		}
		if !m.grants(m.fence.Grant(d.Key.Type, store.ActionDelete), l.subject(d.Key)) {
			return nil, false
		}
		after.lives[d.Key] = append(after.lives[d.Key], life{t: after.t, deleted: true})
	}
	for _, p := range c.Puts {
		l := life{t: after.t, at: m.at, entries: m.entriesOf(p, m.at), contained: innerOf(p.Contained, m.at)}
		after.lives[p.Key] = append(after.lives[p.Key], l)
	}
	for _, p := range c.Puts {
		l, version, alive := m.current(p.Key, m.t)
		action := store.ActionCreate
		if alive {
			action = store.ActionUpdate
		}
		switch {
		case version == 0 && p.Method != store.MethodCreate && m.opens(&after, c, p.Key, 4):
			return nil, false
		case version > 0 && !alive && !m.fulfils(m.fence.Grant(p.Key.Type, store.ActionUpdate), p.Key, version):
			return nil, false
		}
		g := m.fence.Grant(p.Key.Type, action)
		written, _, _ := after.current(p.Key, after.t)
		if alive && !m.grants(g, l.subject(p.Key)) || !after.grants(g, written.subject(p.Key)) {
			return nil, false
		}
	}
	return hidden, true
}

// opens says whether something that refers to key, or to what does, may be read after a commit and not before.
func (m *model) opens(after *model, c store.Changes, key fhir.Key, depth int) bool {
	if depth == 0 {
		return false
	}
	value := search.ReferenceValue(key)
	for _, way := range m.fence.Ways(key.Type) {
		for from := range m.lives {
			l, _, alive := m.current(from, m.t)
			refers := slices.ContainsFunc(l.entries, func(e search.Entry) bool { return e.Param == way.Param && bytes.Equal(e.Value, value) })
			if !alive || !refers || from.Type != way.From || slices.ContainsFunc(c.Puts, func(p store.Put) bool { return p.Key == from }) {
				continue
			}
			g := m.fence.Grant(from.Type, store.ActionRead)
			if !g.All && after.grants(g, l.subject(from)) && !m.grants(g, l.subject(from)) || m.opens(after, c, from, depth-1) {
				return true
			}
		}
	}
	return false
}

// entriesOf gives the entries of a version with those that the store adds.
func (m *model) entriesOf(p store.Put, at fhir.Instant) []search.Entry {
	entries := append([]search.Entry{{Param: search.ParamExists}, {Param: search.ParamLastUpdated, Value: search.InstantValue(at)}}, p.Entries...)
	sender := m.fence.Sender()
	if l, _, alive := m.current(p.Key, m.t); alive {
		sender = ""
		for _, e := range l.entries {
			if e.Param == search.ParamSender {
				sender = string(e.Value)
			}
		}
	}
	if sender != "" {
		entries = append(entries, search.Entry{Param: search.ParamSender, Value: []byte(sender)})
	}
	return entries
}
