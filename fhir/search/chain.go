package search

import (
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// maxChainTypes is how many types a step of an untyped chain may lead to: subject.status could be nearly everything.
const maxChainTypes = 30

// listItem is the parameter of List that _list goes through.
func listItem() ParamID { return ParamID(r4.Param("List", "item").ID) }

// follow counts a reference that a condition goes over; call the result when what lies behind it is bound.
func (b *binder) follow(name string) (back func(), err error) {
	if b.depth == b.o.Limits.ChainDepth {
		return nil, fhir.Errorf(fhir.TooCostly, "search-limit", "", clip(name), "chain depth", b.o.Limits.ChainDepth)
	}
	b.depth++
	return func() { b.depth-- }, nil
}

// chain binds a chain: patient.identifier=…, subject:Patient.organization.name=…. What follows the first step is a
// parameter of the types that it leads to, be it another chain or a _has.
func (b *binder) chain(param *r4.SearchParam, p Parameter) (Condition, error) {
	inner := Parameter{Value: p.Value}
	inner.Name, inner.Modifier, inner.Chain = cutName(p.Chain)
	types, err := stepTypes(param, p)
	if err != nil {
		return nil, err
	}
	return b.chainTo(param, p.Key(), inner.Name, types, func(t fhir.Type) (Condition, error) { return b.condition(t, inner) })
}

// stepTypes gives the types that a step of a chain may lead to.
func stepTypes(param *r4.SearchParam, p Parameter) ([]fhir.Type, error) {
	switch {
	case param.Type != r4.ParamReference:
		return nil, fhir.Errorf(fhir.Invalid, "search-chain-param", "", p.Name, param.Type)
	case p.Modifier != "":
		if t := fhir.Type(p.Modifier); points(param, t) {
			return []fhir.Type{t}, nil
		}
		return nil, fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "", p.Name, clip(p.Modifier), listTypes(param.Targets))
	case param.Targets == nil:
		return r4.Types(), nil
	}
	return param.Targets, nil
}

// chainTo binds what is asked of the resource that a reference leads to, for each of the types that have the parameter
// inner. A value that one type cannot read is no fault as long as another can; a limit always is.
func (b *binder) chainTo(param *r4.SearchParam, name, inner string, types []fhir.Type, bind func(fhir.Type) (Condition, error)) (Condition, error) {
	back, err := b.follow(name)
	if err != nil {
		return nil, err
	}
	defer back()
	var with []fhir.Type
	for i, t := range types {
		if slices.Contains(types[:i], t) { // the tables name some targets twice
			continue
		}
		if ofEveryType[inner] || b.o.Registry.Param(t, inner) != nil {
			with = append(with, t)
		}
	}
	switch {
	case len(with) > maxChainTypes:
		return nil, fhir.Errorf(fhir.TooCostly, "search-chain-types", "", clip(name), param.Code+":Patient")
	case len(with) == 0 && len(types) == 1:
		return bind(types[0]) // says that there is no such parameter
	case len(with) == 0:
		names := make([]string, 0, len(types))
		for _, t := range types[:min(len(types), 8)] {
			names = append(names, string(t))
		}
		return nil, fhir.Errorf(fhir.Invalid, "search-chain-unknown", "", clip(inner), strings.Join(names, ", "))
	}
	out := Chain{Name: name, Param: ParamID(param.ID)}
	var fault error
	for _, t := range with {
		c, err := bind(t)
		if err == nil {
			out.Targets = append(out.Targets, Query{Type: t, Where: []Condition{c}})
			continue
		}
		if e, ok := err.(*fhir.Error); ok && e.Kind == fhir.TooCostly {
			return nil, err
		}
		fault = err
	}
	if len(out.Targets) == 0 {
		return nil, fault
	}
	if !b.o.Apart {
		out.Within = out.Targets
	}
	return out, nil
}

// ofEveryType are parameters of all types that the tables do not have.
var ofEveryType = map[string]bool{"_has": true, "_list": true, "_filter": true}

// has binds _has:Observation:patient:code=…: a resource of the type named points here by the parameter named, and what
// follows holds for it; that may be a chain or another _has.
func (b *binder) has(t fhir.Type, p Parameter) (Condition, error) {
	parts := strings.SplitN(p.Modifier, ":", 3)
	if len(parts) != 3 || parts[2] == "" || p.Chain != "" {
		return nil, fhir.Errorf(fhir.Invalid, "search-value-has", "", clip(p.Key()))
	}
	source, code := fhir.Type(parts[0]), parts[1]
	if !r4.IsResource(source) {
		return nil, fhir.Errorf(fhir.Invalid, "search-type-unknown", "", clip(parts[0]))
	}
	param := b.o.Registry.Param(source, code)
	switch {
	case param == nil:
		return nil, fhir.Errorf(fhir.Invalid, "search-param-unknown", "", clip(code), source, b.nearest(source, code))
	case param.Type != r4.ParamReference:
		return nil, fhir.Errorf(fhir.Invalid, "search-chain-param", "", clip(code), param.Type)
	case !points(param, t):
		return nil, fhir.Errorf(fhir.Invalid, "search-include-target", "", clip(p.Key()), code, t)
	}
	if err := b.ready(param); err != nil {
		return nil, err
	}
	back, err := b.follow(p.Key())
	if err != nil {
		return nil, err
	}
	defer back()
	inner := Parameter{Value: p.Value}
	inner.Name, inner.Modifier, inner.Chain = cutName(parts[2])
	c, err := b.condition(source, inner)
	if err != nil {
		return nil, err
	}
	return Has{Name: p.Key(), Param: ParamID(param.ID), Source: Query{Type: source, Where: []Condition{c}}}, nil
}
