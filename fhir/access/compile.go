package access

import (
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

// fence gives what the rules allow, narrowed by consents and scopes. A rule that cannot be bound any more, since a search
// parameter was taken away, allows nothing; the fault is given besides.
func (c *compiler) fence() (f store.Fence, fault error) {
	grants := map[fhir.Type]*store.Grants{}
	for _, r := range c.policy.rules {
		if r.glass && c.caller.BreakGlass == "" {
			continue
		}
		for _, t := range r.types {
			if err := c.add(grants, r, t); err != nil {
				fault = err
			}
		}
	}
	c.narrow(grants)
	f = store.NewFence(grants, string(c.caller.Organization)).Allowing(c.policy.operations)
	if c.policy.mask != nil {
		f = f.Hiding(c.policy.mask)
	}
	return f, fault
}

func (c *compiler) add(grants map[fhir.Type]*store.Grants, r rule, t fhir.Type) error {
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
	if wheres == nil {
		wheres = [][]search.Condition{nil}
	}
	g := grants[t]
	if g == nil {
		g = &store.Grants{}
		grants[t] = g
	}
	for _, a := range r.actions {
		var consent search.Condition
		if !r.despite {
			consent = consented(c.caller, t, a, c.now)
		}
		for _, all := range wheres {
			all = c.created(all, a)
			if consent != nil {
				all = append(all[:len(all):len(all)], consent)
			}
			g[a] = either(g[a], all)
		}
	}
	return nil
}

// created takes sender={organization} out of what a create has to meet: whoever creates is the sender.
func (c *compiler) created(all []search.Condition, a store.Action) []search.Condition {
	if a != store.ActionCreate {
		return all
	}
	var out []search.Condition
	for _, one := range all {
		if t, ok := one.(search.Terms); ok && t.Name == "sender" && len(t.Any) == 1 && t.Any[0].Param == search.ParamSender {
			continue
		}
		out = append(out, one)
	}
	return out
}
