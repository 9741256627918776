package store

import (
	"context"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// Action is what a caller may do with a resource, divided as SMART App Launch 2 divides it: c r u d s.
// Source: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
type Action uint8

const (
	ActionCreate Action = iota // the first version of a resource, and the first one after a delete, which has to be an allowed update of the last before it too
	ActionRead                 // read, vread, history, and what a search includes
	ActionUpdate               // update, patch
	ActionDelete
	ActionSearch // to find it, also through chains, _has and the criteria of conditional interactions
	numActions
)

var actionNames = [numActions]string{"create", "read", "update", "delete", "search"}

// String is the name of the interaction, as FHIR has it.
func (a Action) String() string { return actionNames[a] }

// Word is what errors call it.
func (a Action) Word() fhir.Word { return fhir.Word("action-" + a.String()) }

// Grant says on which resources of a type an action is allowed. The zero Grant allows none.
type Grant struct {
	All   bool               // every one
	Where []search.Condition // those for which at least one holds
}

// None says whether the grant allows nothing.
func (g Grant) None() bool { return !g.All && len(g.Where) == 0 }

// Condition is the grant as one condition; nothing to check gives nil.
func (g Grant) Condition() search.Condition {
	switch {
	case g.All:
		return nil
	case len(g.Where) == 1:
		return g.Where[0]
	}
	return search.Either{Of: g.Where}
}

// Grants are the grants on one type, by Action.
type Grants [numActions]Grant

// Fence is what one caller may see and change. It travels with the context of a request into every method of a Store,
// which decides by it and by nothing else (FENCED): what it does not allow is as if it were not there.
//
// A condition of a fence is decided on the version that is shown and, where that is not the current one, on the current
// one too (of a deleted resource: the last before the delete), with the state of now: a consent or a transfer holds at
// once, also in the middle of paging. For a write it is decided on the current version and on the new one.
//
// The zero Fence allows nothing.
type Fence struct {
	open   bool
	grants map[fhir.Type]*Grants
	ways   map[fhir.Type][]Way
	sender string

	operations map[string]bool
	hider      Hider
}

// Hider hides elements of what a caller may see.
type Hider interface {
	// Hiding gives what shows versions as the caller is to see them, for one answer; it does not change their bytes and is not safe
	// for concurrent use. s is where it learns of whom they tell. An error means that a version cannot be shown.
	Hiding(ctx context.Context, s Store) func(Found) (Found, error)
	// Searches refuses a query, with Kind Denied, that would tell what Hide hides.
	Searches(q search.Query) error
}

// Sight says that a search found a match for a caller: with nothing committed since, a fetch for the same one need not judge again what
// the search did. The zero Sight says nothing.
type Sight struct {
	grants *Grants
	t      fhir.T
}

// Sight gives the proof for matches of type t, all of whose conditions to be found and read were decided as of now, the head.
func (f Fence) Sight(t fhir.Type, now fhir.T) Sight { return Sight{f.grants[t], now} }

// Saw says whether s is of a search for this caller as of now.
func (f Fence) Saw(s Sight, t fhir.Type, now fhir.T) bool {
	return s.grants != nil && s.grants == f.grants[t] && s.t == now
}

// OpenFence allows everything: for rooms of ours that work on their own, never for a request from outside.
func OpenFence() Fence { return Fence{open: true} }

// NewFence makes a fence of grants; types that are not named are not allowed. sender is the organization on whose behalf
// the caller writes: resources that it creates are found by search.ParamSender with this value from then on. "" = none.
func NewFence(grants map[fhir.Type]*Grants, sender string) Fence {
	f := Fence{grants: grants, ways: map[fhir.Type][]Way{}, sender: sender}
	for t, g := range grants {
		f.addWays(t, g[ActionRead].Where)
	}
	return f
}

// Way is a reference by which a fence lets something be read: what a resource of type From refers to by Param decides, such as who
// cares for the patient of an Observation.
type Way struct {
	From  fhir.Type
	Param search.ParamID
}

// Ways gives the references to resources of a type that decide what may be read: whoever could make up what they lead to would
// open what refers to it.
func (f Fence) Ways(to fhir.Type) []Way { return f.ways[to] }

// addWays notes the ways of conditions on a type. What stands in a Not only takes away, and nobody can look into a Derived.
func (f *Fence) addWays(from fhir.Type, where []search.Condition) {
	for _, c := range where {
		switch c := c.(type) {
		case search.All:
			f.addWays(from, c.Of)
		case search.Either:
			f.addWays(from, c.Of)
		case search.Has:
			f.addWays(c.Source.Type, c.Source.Where)
		case search.Chain:
			for _, q := range c.Targets {
				if way := (Way{from, c.Param}); !slices.Contains(f.ways[q.Type], way) {
					f.ways[q.Type] = append(f.ways[q.Type], way)
				}
				f.addWays(q.Type, q.Where)
			}
		}
	}
}

// Allowing gives the fence with the operations, by name without $, that may be called; without it none may.
func (f Fence) Allowing(operations map[string]bool) Fence {
	f.operations = operations
	return f
}

// Operation says whether the operation of this name may be called.
func (f Fence) Operation(name string) bool { return f.open || f.operations[name] }

// Hiding gives the fence with what its Hider hides left out.
func (f Fence) Hiding(h Hider) Fence {
	f.hider = h
	return f
}

// Hider gives what hides elements from the caller, nil if nothing does.
func (f Fence) Hider() Hider { return f.hider }

// Open says whether everything is allowed.
func (f Fence) Open() bool { return f.open }

// Sender is the organization on whose behalf the caller writes.
func (f Fence) Sender() string { return f.sender }

// Grant gives what is allowed with the resources of a type.
func (f Fence) Grant(t fhir.Type, a Action) Grant {
	if f.open {
		return Grant{All: true}
	}
	if g := f.grants[t]; g != nil {
		return g[a]
	}
	return Grant{}
}

// Finds says whether anything of a type can be found: to search for a type of which nothing can is refused.
func (f Fence) Finds(t fhir.Type) bool {
	return !f.Grant(t, ActionSearch).None() && !f.Grant(t, ActionRead).None()
}

type fenceKey struct{}

// fenced is a context with a fence.
type fenced struct {
	context.Context
	fence Fence
}

func (c *fenced) Value(key any) any {
	if key == (fenceKey{}) {
		return &c.fence
	}
	return c.Context.Value(key)
}

// WithFence gives a context whose reads and writes are held to f.
func WithFence(ctx context.Context, f Fence) context.Context { return &fenced{ctx, f} }

// FenceOf gives the fence of a context: where none was set, the zero Fence, which allows nothing.
func FenceOf(ctx context.Context) Fence {
	if f, ok := ctx.Value(fenceKey{}).(*Fence); ok {
		return *f
	}
	return Fence{}
}

// HasFence says whether a fence was set, be it one that allows nothing.
func HasFence(ctx context.Context) bool { return ctx.Value(fenceKey{}) != nil }

type ourselvesKey struct{}

// Ourselves gives a context for what the server does on its own account, also in the middle of a request: it sees and changes
// everything, and what it reads is shown to nobody, so the trail of the request does not tell of it.
func Ourselves(ctx context.Context) context.Context {
	return context.WithValue(WithFence(ctx, OpenFence()), ourselvesKey{}, true)
}

type withoutSubjectsKey struct{}

// WithoutSubjects gives a context of Ourselves whose reads do not ask whom a version is about: Found.Subjects of Read and ReadVersion may
// be nil then, which saves looking that up.
func WithoutSubjects(ctx context.Context) context.Context {
	return context.WithValue(ctx, withoutSubjectsKey{}, true)
}

// AsksSubjects says whether a read in a context asks whom a version is about. Whoever does not read for himself always does.
func AsksSubjects(ctx context.Context) bool {
	return ctx.Value(withoutSubjectsKey{}) == nil || !IsOurselves(ctx)
}

// IsOurselves says whether a context is one of Ourselves whose fence still is.
func IsOurselves(ctx context.Context) bool {
	return ctx.Value(ourselvesKey{}) != nil && FenceOf(ctx).Open()
}
