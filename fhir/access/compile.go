package access

import (
	"slices"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// compiler makes the fence of one caller from the rules of the caller's role.
type compiler struct {
	policy  *rolePolicy
	caller  Caller
	options search.Options
	now     func() time.Time
}

// allowance is what rules give on one type for one action: all the conditions of at least one of the lists must hold. By is
// which rules, since two actions by the same rules have the same grant.
type allowance struct {
	free, bound [][]search.Condition // whatever a Consent says, and as long as none denies it
	by          []int
}

// fence gives what the rules allow, narrowed by consents and scopes. A rule that cannot be bound any more, since a search
// parameter was taken away, allows nothing; the fault is given besides.
func (c *compiler) fence() (f store.Fence, fault error) {
	types := map[fhir.Type]*[len(actionLetters)]allowance{}
	for i, r := range c.policy.rules {
		if r.glass && c.caller.BreakGlass == "" {
			continue
		}
		for _, t := range r.types {
			if err := c.add(types, i, r, t); err != nil {
				fault = err
			}
		}
	}
	scopes, narrowed := c.scopes()
	grants := make(map[fhir.Type]*store.Grants, len(types))
	for t, list := range types {
		g := &store.Grants{}
		for a := range list {
			action := store.Action(a)
			if action == store.ActionSearch && slices.Equal(list[a].by, list[store.ActionRead].by) &&
				(!narrowed || sameScopes(scopes, t)) {
				g[a] = g[store.ActionRead] // one and the same, so that the store decides it once
				continue
			}
			if g[a] = c.grant(&list[a], t, action); narrowed && !g[a].None() {
				g[a] = both(g[a], c.scoped(scopes, t, action))
			}
		}
		grants[t] = g
	}
	f = store.NewFence(grants, string(c.caller.Organization)).Allowing(c.policy.operations)
	if c.policy.mask != nil {
		f = f.Hiding(c.policy.mask)
	}
	return f, fault
}

// add notes what a rule gives on a type.
func (c *compiler) add(types map[fhir.Type]*[len(actionLetters)]allowance, number int, r rule, t fhir.Type) error {
	var wheres [][]search.Condition
	for _, w := range r.where {
		all, ok, err := c.bind(w, t)
		if err != nil {
			return err
		}
		if ok {
			wheres = append(wheres, all)
		}
	}
	if len(wheres) == 0 && len(r.where) > 0 {
		return nil
	}
	if len(wheres) == 0 {
		wheres = [][]search.Condition{nil}
	}
	list := types[t]
	if list == nil {
		list = &[len(actionLetters)]allowance{}
		types[t] = list
	}
	for _, a := range r.actions {
		to := &list[a]
		to.by = append(to.by, number)
		for _, all := range wheres {
			if all = c.created(all, a); r.despite {
				to.free = append(to.free, all)
			} else {
				to.bound = append(to.bound, all)
			}
		}
	}
	return nil
}

// grant makes one grant of an allowance: the condition on Consents is in it once, however many rules it is asked of.
func (c *compiler) grant(w *allowance, t fhir.Type, a store.Action) (g store.Grant) {
	for _, all := range w.free {
		g = either(g, all)
	}
	if g.All || len(w.bound) == 0 {
		return g
	}
	var bound store.Grant
	for _, all := range w.bound {
		bound = either(bound, all)
	}
	consent := consented(c.caller, t, a, c.now)
	switch {
	case consent == nil && bound.All:
		return bound
	case consent == nil:
		g.Where = append(g.Where, bound.Where...)
	case bound.All:
		g.Where = append(g.Where, consent)
	default:
		g.Where = append(g.Where, search.All{Of: []search.Condition{bound.Condition(), consent}})
	}
	return g
}

// created takes sender={organization} out of what a create has to meet: whoever creates is the sender.
func (c *compiler) created(all []search.Condition, a store.Action) []search.Condition {
	if a != store.ActionCreate {
		return all
	}
	var out []search.Condition
	for _, one := range all {
		if t, ok := one.(search.Terms); ok && len(t.Any) == 1 && t.Any[0].Param == search.ParamSender {
			continue
		}
		out = append(out, one)
	}
	return out
}
