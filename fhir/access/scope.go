package access

import (
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Scope is one SMART scope about resources: patient/Immunization.rs?status=completed.
// Source: https://hl7.org/fhir/smart-app-launch/STU2/scopes-and-launch-context.html
type Scope struct {
	Level   string    // patient, user, system
	Type    fhir.Type // "" = every type
	Actions []store.Action
	Query   string // "" = no criteria
}

// ParseScope reads a scope; ok is false for those that are not about resources (openid, launch, offline_access) and for
// what is none. The letters must be a part of cruds in this order; .read, .write and .* of version 1 are taken too.
func ParseScope(s string) (sc Scope, ok bool) {
	level, rest, found := strings.Cut(s, "/")
	if !found || level != "patient" && level != "user" && level != "system" {
		return sc, false
	}
	rest, query, asked := strings.Cut(rest, "?")
	if asked && query == "" {
		return sc, false
	}
	name, letters, found := strings.Cut(rest, ".")
	if !found || name != "*" && !r4.IsResource(fhir.Type(name)) {
		return sc, false
	}
	sc = Scope{Level: level, Query: query}
	if name != "*" {
		sc.Type = fhir.Type(name)
	}
	switch letters {
	case "read":
		letters = "rs"
	case "write":
		letters = "cud"
	case "*":
		letters = "cruds"
	}
	sc.Actions, ok = parseActions(letters)
	return sc, ok
}

const actionLetters = "cruds" // by store.Action

// parseActions reads letters of cruds, each at most once and in this order.
func parseActions(letters string) (out []store.Action, ok bool) {
	last := -1
	for _, l := range letters {
		i := strings.IndexRune(actionLetters, l)
		if i <= last {
			return nil, false
		}
		last = i
		out = append(out, store.Action(i))
	}
	return out, len(out) > 0
}

// scopes gives the caller's scopes about resources, and whether they narrow at all. Software has nothing without a scope; a
// person whose token names no scope about resources, since the issuer knows none, has what the role allows.
func (c *compiler) scopes() (out []Scope, narrowed bool) {
	narrowed = c.caller.System
	for _, s := range c.caller.Scopes {
		narrowed = narrowed || strings.HasPrefix(s, "patient/") || strings.HasPrefix(s, "user/") || strings.HasPrefix(s, "system/")
		if sc, ok := ParseScope(s); ok && (sc.Level == "system") == c.caller.System {
			out = append(out, sc)
		}
	}
	return out, narrowed
}

// sameScopes says whether scopes tell reading a type and searching it apart.
func sameScopes(scopes []Scope, t fhir.Type) bool {
	for _, s := range scopes {
		if (s.Type == "" || s.Type == t) && slices.Contains(s.Actions, store.ActionRead) != slices.Contains(s.Actions, store.ActionSearch) {
			return false
		}
	}
	return true
}

// scoped gives what scopes allow. A scope that cannot be bound allows nothing.
func (c *compiler) scoped(scopes []Scope, t fhir.Type, a store.Action) (out store.Grant) {
	for _, s := range scopes {
		if s.Type != "" && s.Type != t || !slices.Contains(s.Actions, a) {
			continue
		}
		var all []search.Condition
		if s.Level == "patient" {
			in, ok := c.compartment("Patient", c.caller.patients(), t)
			if !ok && r4.CompartmentParams("Patient", t) != nil {
				continue
			}
			if ok {
				all = append(all, in)
			}
		}
		if s.Query != "" {
			q, err := search.BindCriteria(t, s.Query, c.options)
			if err != nil || c.policy.mask != nil && c.policy.mask.Searches(q) != nil {
				continue // also where it would tell what is hidden
			}
			all = append(all, q.Where...)
		}
		out = either(out, all)
	}
	return out
}

// either adds to a grant what all conditions together allow.
func either(g store.Grant, all []search.Condition) store.Grant {
	switch {
	case g.All || len(all) == 0:
		return store.Grant{All: true}
	case len(all) == 1:
		return store.Grant{Where: append(g.Where, all[0])}
	}
	return store.Grant{Where: append(g.Where, search.All{Of: all})}
}

// both is what two grants allow alike.
func both(a, b store.Grant) store.Grant {
	switch {
	case a.None() || b.None():
		return store.Grant{}
	case a.All:
		return b
	case b.All:
		return a
	}
	return store.Grant{Where: []search.Condition{search.All{Of: []search.Condition{a.Condition(), b.Condition()}}}}
}
