package engine

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"sync/atomic"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Matches that are alike in all that a fence asks of them, such as the values of one patient that one hospital sent, are judged once
// (FENCED): what the fence asks of a resource itself makes its likeness, and the judgement on what that leads to is kept under it, until
// something that it was made of changes (judged.go). A likeness holds the very values, so two that are equal follow one and the same
// path through the conditions:
//
//	values of the resource       those of each parameter that a condition names
//	what refers to the resource  whether there is anything, looked up for each unless nothing of the kind refers to anything; if so,
//	                             its id, so that it is like no other
//	its id                       where a condition asks for it
//	a Patient                    the version: so much refers to one that each is like no other
//	anything else                search.Derived, what a document contains: whoever meets it keeps no judgement (noted.lose)
//
// It is for few candidates as of the head (plan.go); of many, a fence's conditions are sets or checks like any others.
type alike struct {
	seed   maphash.Seed
	salts  atomic.Uint64
	asking [askingPlaces]atomic.Pointer[asking]
	places [alikePlaces]atomic.Pointer[likeness]
}

// A place holds what came there last, so nobody has to wait for anybody. A likeness with its judgement is some 400 bytes.
const (
	askingPlaces = 512
	alikePlaces  = 4096
	alikeBytes   = 512 // a longer likeness is not kept
)

// likeness is what the judgement on all that are alike came to last.
type likeness struct {
	value []byte
	epoch uint64 // of recent, from before anything was read for it
	last  *judged
}

func newAlike() *alike { return &alike{seed: maphash.MakeSeed()} }

func (a *alike) at(value []byte) *atomic.Pointer[likeness] {
	return &a.places[maphash.Bytes(a.seed, value)%alikePlaces]
}

// asker is whoever may find and read resources of a type by the same conditions, which are never changed.
type asker struct {
	typ          fhir.Type
	search, read conditions
}

// conditions tells those of a grant apart from all others by where they lie.
type conditions struct {
	first *search.Condition
	many  int // 0: the grant is none, and nothing is found; -1: it is all
}

func askerOf(f store.Fence, t fhir.Type) asker {
	return asker{t, conditionsOf(f.Grant(t, store.ActionSearch)), conditionsOf(f.Grant(t, store.ActionRead))}
}

func conditionsOf(g store.Grant) conditions {
	switch {
	case g.All:
		return conditions{many: -1}
	case len(g.Where) == 0:
		return conditions{}
	}
	return conditions{&g.Where[0], len(g.Where)}
}

// asking is what the fence of an asker asks of a resource.
type asking struct {
	asker  asker
	salt   uint64 // begins each likeness: no two askings have the same
	where  []search.Condition
	params []search.ParamID // whose values matter, sorted
	id     bool             // so does the id
	stored bool             // so does when the version was stored
	refers []referring      // whether anything refers to it does
	cost   int              // of a judgement, as checkCost has it

	itself bool // a likeness is the version itself: nearly everything refers to a Patient, so each is like no other

	lists atomic.Pointer[referringLists] // refers, as rows have it
}

// referring is what refers to a resource by a parameter.
type referring struct {
	param  search.ParamID
	source fhir.Type
}

// referringLists are the rows of what refers, by the types of a time: of others nothing is stored.
type referringLists struct {
	types *types
	lists []referringList
}

type referringList struct {
	all []byte // what all rows begin with
	to  []byte // what those begin with that name a resource of the asker's type, up to its id
}

// rowsOf gives the lists of what refers.
func (a *asking) rowsOf(ts *types) []referringList {
	if known := a.lists.Load(); known != nil && known.types == ts {
		return known.lists
	}
	found := &referringLists{types: ts}
	for _, l := range a.refers {
		if code := ts.code[l.source]; code != 0 {
			to := appendValueKey(nil, l.param, code, search.ReferenceValue(fhir.Key{Type: a.asker.typ}))
			found.lists = append(found.lists, referringList{appendParamKey(nil, l.param, code), to[:len(to)-len(valueEnd)]})
		}
	}
	a.lists.Store(found)
	return found.lists
}

// of gives what f asks of the resources of t that are searched for. nil: nothing is asked, or likeness cannot say it.
func (a *alike) of(f store.Fence, t fhir.Type) *asking {
	who := askerOf(f, t)
	place := &a.asking[maphash.Comparable(a.seed, who)%askingPlaces]
	known := place.Load()
	if known == nil || known.asker != who {
		known = &asking{asker: who, salt: a.salts.Add(1), where: granted(f, t), cost: 2 * candidateCost, itself: t == patient}
		for _, c := range known.where {
			if !known.ask(c) {
				known.where = nil
			}
		}
		slices.Sort(known.params)
		known.params = slices.Compact(known.params)
		place.Store(known)
	}
	if len(known.where) == 0 {
		return nil
	}
	return known
}

// ask takes note of what a condition asks of the resource; false if it is one that nobody knows.
func (a *asking) ask(c search.Condition) bool {
	each := func(of []search.Condition) bool {
		return !slices.ContainsFunc(of, func(one search.Condition) bool { return !a.ask(one) })
	}
	switch c := c.(type) {
	case search.Terms:
		for i := range c.Any {
			switch p := c.Any[i].Param; p {
			case search.ParamExists: // all that is searched for exists
			case search.ParamLastUpdated:
				a.stored = true
			default:
				a.params = append(a.params, p)
			}
		}
	case search.IDs:
		a.id = true
	case search.Not:
		return a.ask(c.Condition)
	case search.All:
		return each(c.Of)
	case search.Either:
		return each(c.Of)
	case search.Chain:
		a.params = append(a.params, c.Param)
		if len(c.Within) > 0 {
			a.params = append(a.params, c.Param|search.ParamDetail)
		}
	case search.Has:
		a.refers = append(a.refers, referring{c.Param, c.Source.Type})
		if len(c.Source.Where) > 0 {
			a.cost = 10 * candidateCost // each of what refers may have to be looked at
		}
	case search.Derived:
	default:
		return false
	}
	return true
}

// heldTo is the condition of the engine's own that a fence lets a resource be found: all of of.
type heldTo struct {
	search.Condition
	of   []search.Condition
	asks *asking
}

// apart gives conditions without the one that is the fence's.
func apart(where []search.Condition) (others []search.Condition, fence heldTo, fenced bool) {
	for i, c := range where {
		if fence, fenced = c.(heldTo); fenced {
			return slices.Concat(where[:i], where[i+1:]), fence, true
		}
	}
	return where, fence, false
}

// alikeCheck decides a fence's conditions on candidates, as of the head.
type alikeCheck struct {
	r      *run
	asks   *asking
	alike  *alike
	recent *recent
	lists  [][]byte // what the rows of each list of asks.refers begin with, but for the id; without those of which there are none

	value []byte // the likeness of a candidate
	key   []byte // scratch

	last []byte // the likeness that was decided last, and
	said bool   // how

	judge *judge // made when it is needed
	noted noted
	plain check // decides once a judgement was made of more than can be kept
}

func (c heldTo) check(r *run) *alikeCheck {
	check := &alikeCheck{r: r, asks: c.asks, alike: r.alike, recent: r.recent, value: make([]byte, 0, 192)}
	if c.asks.itself {
		return check
	}
	for _, l := range c.asks.rowsOf(r.types) {
		any, err := r.kept.anyOf(r.db, l.all)
		if r.fail(err); any {
			check.lists = append(check.lists, l.to)
		}
	}
	return check
}

// likeness makes the likeness of a version, which is the newest.
func (c *alikeCheck) likeness(v *versionRow) {
	b := binary.BigEndian.AppendUint64(c.value[:0], c.asks.salt)
	if c.asks.itself {
		b = binary.BigEndian.AppendUint64(b, uint64(v.t))
		c.value = binary.BigEndian.AppendUint64(b, uint64(v.write))
		return
	}
	own := c.asks.id
	for _, prefix := range c.lists {
		c.key = appendEscaped(append(c.key[:0], prefix...), v.id)
		any, err := c.r.kept.any(c.r.db, c.key)
		c.r.fail(err)
		own = own || any
	}
	if own {
		b = append(binary.AppendUvarint(b, uint64(len(v.id))), v.id...)
	} else {
		b = append(b, 0)
	}
	if c.asks.stored {
		b = append(b, search.InstantValue(v.at)...)
	}
	params := c.asks.params
	for e := (packed{b: v.entries}); len(params) > 0 && e.next(); {
		for len(params) > 0 && params[0] < e.param {
			params = params[1:]
		}
		if len(params) > 0 && params[0] == e.param {
			value := e.value()
			b = binary.AppendUvarint(binary.BigEndian.AppendUint16(b, uint16(e.param)), uint64(len(value)))
			b = append(b, value...)
		}
	}
	c.value = b
}

func (c *alikeCheck) holds(v *versionRow) bool {
	if !v.alive() || c.r.err != nil {
		return false
	}
	if c.plain != nil {
		return c.plain.holds(v)
	}
	c.likeness(v)
	if c.last != nil && bytes.Equal(c.value, c.last) {
		return c.said
	}
	epoch := c.recent.epoch.Load()
	place := c.alike.at(c.value)
	if known := place.Load(); known != nil && known.epoch == epoch && bytes.Equal(known.value, c.value) && known.last.stands(c.r.types, c.r.t) {
		c.last, c.said = known.value, known.last.holds
		return c.said
	}
	holds, judged := c.decide(v)
	if judged == nil {
		c.last, c.plain = nil, c.r.check(search.All{Of: c.asks.where})
		return holds
	}
	known := &likeness{value: bytes.Clone(c.value), epoch: epoch, last: judged}
	if len(known.value) <= alikeBytes {
		place.Store(known)
	}
	c.last, c.said = known.value, holds
	return holds
}

// decide judges a version. judged is nil if that must not be kept.
func (c *alikeCheck) decide(v *versionRow) (holds bool, judgement *judged) {
	if c.judge == nil {
		open := newRun(c.r.ctx, c.r.db, c.r.types, c.r.t)
		open.kept, open.maxWork, open.noted = c.r.kept, c.r.maxWork, &c.noted
		c.r.within = append(c.r.within, open)
		c.judge = &judge{r: open, recent: c.recent}
	}
	row := *v // whose bytes last until the next look-up
	row.id, row.links, row.entries = bytes.Clone(v.id), bytes.Clone(v.links), bytes.Clone(v.entries)
	c.noted.reset()
	holds = c.judge.all(c.asks.where, subjectOf(c.r.keyOf(&row), &row))
	c.r.fail(c.judge.r.err)
	if c.r.err != nil {
		return false, nil
	}
	return holds, c.noted.judgement(holds, c.judge.r)
}
