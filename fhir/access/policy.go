package access

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/setting"
	"github.com/lienthong/lienthong/fhir/store"
)

// file is a policy as it is written.
type file struct {
	Groups map[string][]string  `yaml:"groups"`
	Roles  map[string]roleEntry `yaml:"roles"`
}

type roleEntry struct {
	Says       string              `yaml:"says"`
	Purpose    string              `yaml:"purpose"`
	Rules      []ruleEntry         `yaml:"rules"`
	BreakGlass []ruleEntry         `yaml:"break-glass"`
	Operations []string            `yaml:"operations"`
	Facilities string              `yaml:"facilities"`
	Mask       map[string][]string `yaml:"mask"`
}

type ruleEntry struct {
	Types          []string `yaml:"types"`
	Actions        string   `yaml:"actions"`
	Where          []string `yaml:"where"`
	DespiteConsent bool     `yaml:"despite-consent"`
}

// Policy is a policy that was read and checked. It is immutable.
type Policy struct {
	// Version names the text that the policy was read from.
	Version string
	roles   map[Role]*rolePolicy
}

type rolePolicy struct {
	purpose    string
	rules      []rule
	operations map[string]bool
	facilities bool // it may write of any facility
	mask       *mask
}

// rule allows actions on types where one of its criteria holds.
type rule struct {
	types   []fhir.Type
	actions []store.Action
	where   []criterion // empty = everywhere
	glass   bool        // only with a reason to break the glass
	despite bool        // also where a Consent denies it
}

// Operations are those that a policy may name, by their name without $. An operation that is not listed here cannot be
// allowed: who adds one, adds it here.
var Operations = []string{
	"immunization-coverage", "immunization-coverage-exact", "immunization-due", "immunization-recall", "immunization-import",
	"everything", "lastn", "meta", "meta-add", "meta-delete", "diff", "resolve", "match", "merge", "unmerge", "summary",
	"validate", "immunization-certificate", "health-cards-issue", "health-cards-revoke", "precheck", "status", "sync-status",
	"immds-forecast", "immunization-summary", "access-report", "cases", "case", "sample", "review", "evidence", "reconcile",
	"claim-news", "attempt", "jobs", "job-pause", "job-resume", "job-run",
}

// ReadPolicy reads and checks a policy. Its errors say where in the file the fault is.
func ReadPolicy(text []byte, o search.Options) (*Policy, error) {
	var f file
	if err := setting.ParseYAML(text, &f); err != nil {
		return nil, fmt.Errorf("the policy cannot be read: %w", err)
	}
	sum := sha256.Sum256(text)
	p := &Policy{Version: hex.EncodeToString(sum[:6]), roles: map[Role]*rolePolicy{}}
	groups, err := readGroups(f.Groups)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(f.Roles)) {
		role := Role(name)
		if role == RoleService || !roleName.MatchString(name) {
			return nil, fmt.Errorf("roles.%s: no role can be called so: small letters, digits and hyphens; service is the server's own", name)
		}
		if !slices.Contains(Roles, role) && f.Roles[name].Says == "" {
			return nil, fmt.Errorf("roles.%s: there is no such role; roles are %v, and those of your own that say what they are (says)", name, Roles)
		}
		r, err := readRole(f.Roles[name], groups)
		if err != nil {
			return nil, fmt.Errorf("roles.%s.%w", name, err)
		}
		if err := r.check(o); err != nil {
			return nil, fmt.Errorf("roles.%s.%w", name, err)
		}
		p.roles[role] = r
	}
	return p, nil
}

// Roles gives the roles that the policy has something for, sorted.
func (p *Policy) Roles() []Role { return slices.Sorted(maps.Keys(p.roles)) }

// roleName is how a role can be called.
var roleName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Roles are those that this server knows by name. A policy may have others, which must say what they are: a slip of the pen in
// one of these names is no role of its own.
var Roles = []Role{RoleHospital, RoleClinic, RoleAuditor, RoleCitizen, RoleRegistrar, RoleOperator}

func readGroups(in map[string][]string) (map[string][]fhir.Type, error) {
	out := map[string][]fhir.Type{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if r4.IsResource(fhir.Type(name)) || name == "*" {
			return nil, fmt.Errorf("groups.%s: a group cannot be called like a type", name)
		}
		for i, t := range in[name] {
			if !r4.IsResource(fhir.Type(t)) {
				return nil, fmt.Errorf("groups.%s[%d]: %q is no type of R4", name, i, t)
			}
			out[name] = append(out[name], fhir.Type(t))
		}
	}
	return out, nil
}

func readRole(e roleEntry, groups map[string][]fhir.Type) (*rolePolicy, error) {
	r := &rolePolicy{purpose: e.Purpose, operations: map[string]bool{}}
	for i, entry := range e.Rules {
		one, err := readRule(entry, groups)
		if err != nil {
			return nil, fmt.Errorf("rules[%d].%w", i, err)
		}
		r.rules = append(r.rules, one)
	}
	for i, entry := range e.BreakGlass {
		one, err := readRule(entry, groups)
		if err != nil {
			return nil, fmt.Errorf("break-glass[%d].%w", i, err)
		}
		one.glass = true
		r.rules = append(r.rules, one)
	}
	for i, name := range e.Operations {
		if !slices.Contains(Operations, name) {
			return nil, fmt.Errorf("operations[%d]: there is no operation %q; there are %v", i, name, Operations)
		}
		r.operations[name] = true
	}
	switch e.Facilities {
	case "", "own":
	case "any":
		r.facilities = true
	default:
		return nil, fmt.Errorf("facilities: %q is neither own nor any", e.Facilities)
	}
	var err error
	if r.mask, err = newMask(e.Mask); err != nil {
		return nil, fmt.Errorf("mask.%w", err)
	}
	return r, nil
}

func readRule(e ruleEntry, groups map[string][]fhir.Type) (r rule, err error) {
	r.despite = e.DespiteConsent
	for i, name := range e.Types {
		switch {
		case name == "*":
			r.types = append(r.types, r4.Types()...)
		case r4.IsResource(fhir.Type(name)):
			r.types = append(r.types, fhir.Type(name))
		case groups[name] != nil:
			r.types = append(r.types, groups[name]...)
		default:
			return r, fmt.Errorf("types[%d]: %q is neither a type of R4 nor a group of this file", i, name)
		}
	}
	slices.Sort(r.types)
	r.types = slices.Compact(r.types)
	if len(r.types) == 0 {
		return r, fmt.Errorf("types: a rule needs types")
	}
	var ok bool
	if r.actions, ok = parseActions(e.Actions); !ok {
		return r, fmt.Errorf("actions: %q is no part of %s (create, read, update, delete, search), in this order", e.Actions, actionLetters)
	}
	for i, text := range e.Where {
		c, err := parseCriterion(text)
		if err != nil {
			return r, fmt.Errorf("where[%d]: %w", i, err)
		}
		r.where = append(r.where, c)
	}
	if e.Where != nil && len(e.Where) == 0 {
		return r, fmt.Errorf("where: an empty list would allow everything; leave it out where that is meant")
	}
	return r, nil
}

// check binds every rule for a caller who has everything, so that a fault shows when the file is read.
func (r *rolePolicy) check(o search.Options) error {
	o.Apart = true
	c := compiler{policy: r, options: o, caller: Caller{Organization: "o", Facilities: []string{"f"}, Practitioner: "p", Patient: "c"}}
	for i, one := range r.rules {
		place := fmt.Sprintf("rules[%d]", i)
		if one.glass {
			place = "break-glass rule"
		}
		if r.mask != nil && slices.Contains(one.actions, store.ActionUpdate) {
			return fmt.Errorf("%s: a role with a mask may update nothing: what is hidden from it would be lost", place)
		}
		for _, t := range one.types {
			for j, w := range one.where {
				if _, _, err := c.bind(w, t); err != nil {
					return fmt.Errorf("%s.where[%d] %q for %s: %w", place, j, w.text, t, wordsOf(err))
				}
			}
		}
	}
	return nil
}
