package search

import (
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/terminology"
)

// maxListed is how many codes of a value set are looked up one by one. Of a larger one, and of one that has systems whose
// codes nobody here knows, all tokens of the parameter are read and held against it.
const maxListed = 500

// within finds the tokens whose code is in a value set (:in, :not-in).
func (b *binder) within(k kinds, valueSet string) ([]span, bool) {
	if valueSet == "" {
		return nil, false
	}
	set, err := b.o.Terminology.Expand(b.o.Context, valueSet)
	if err != nil {
		b.fault = err
		return nil, false
	}
	return b.members(k, set), true
}

// members finds the tokens whose code is in a set.
func (b *binder) members(k kinds, set terminology.Set) []span {
	if set.Len() > maxListed || len(set.Open()) > 0 {
		return []span{allTokens(func(v []byte) bool {
			code, system := cutToken(v)
			if system != implied {
				return system != "" && set.Contains(system, code)
			}
			for _, s := range k.systems {
				if set.Contains(s, code) {
					return true
				}
			}
			return false
		})}
	}
	var out []span
	for c := range set.Codes() {
		out = append(out, tokenSpans(tokenQuery{code: c.Code, system: b.fold(c.System), bar: true}, k)...)
	}
	return out
}

// related finds the tokens of codes that a code subsumes, or that subsume it, itself among them. Elements of type code have
// the system of their definition, which then need not be named.
func (b *binder) related(k kinds, below bool, value string) ([]span, bool) {
	q, ok := parseToken(value)
	if !ok || q.code == "" {
		return nil, false
	}
	systems := []string{q.system}
	if q.system == "" {
		if systems = k.systems; len(systems) == 0 {
			return nil, false
		}
	}
	var out []span
	var fault error
	for _, system := range systems {
		spans, err := b.relatedIn(k, below, system, q.code)
		if err != nil {
			fault = err
		}
		out = append(out, spans...)
	}
	if out == nil && fault != nil {
		b.fault = fault
		return nil, false
	}
	return out, true
}

func (b *binder) relatedIn(k kinds, below bool, system, code string) ([]span, error) {
	if below {
		set, err := b.o.Terminology.BelowSet(b.o.Context, system, code)
		if err != nil {
			return nil, err
		}
		return b.members(k, set), nil
	}
	var out []span
	codes, err := b.o.Terminology.Above(b.o.Context, system, code)
	for _, code := range codes {
		out = append(out, tokenSpans(tokenQuery{code: code, system: b.fold(system), bar: true}, k)...)
	}
	return out, err
}

// list binds _list: the resources that a List has as items.
func (b *binder) list(p Parameter) (Condition, error) {
	switch {
	case p.Modifier != "" || p.Chain != "":
		return nil, fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "", p.Name, clip(p.Modifier+p.Chain), "-")
	case p.Value == "":
		return nil, fhir.Errorf(fhir.Invalid, "search-value-empty", "", p.Key())
	}
	values := split(p.Value, ',')
	if len(values) > b.o.Limits.Values {
		return nil, fhir.Errorf(fhir.TooCostly, "search-limit", "", p.Key(), "values", b.o.Limits.Values)
	}
	for _, v := range values {
		if strings.HasPrefix(v, "$") {
			return nil, fhir.Errorf(fhir.Invalid, "search-list-functional", "", clip(v))
		}
	}
	of, err := ids(p, values)
	if err != nil {
		return nil, err
	}
	return Has{Name: p.Key(), Param: listItem(), Source: Query{Type: "List", Where: []Condition{of}}}, nil
}
