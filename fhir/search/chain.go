package search

import (
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// maxChainTypes is how many types an untyped chain may lead to: subject.status could be nearly everything.
const maxChainTypes = 30

// chain binds a chain of one step: patient.identifier=…, subject:Patient.name=….
// Without a type it leads to each possible target that has the inner parameter.
func (b *binder) chain(param *r4.SearchParam, p Parameter) (Condition, error) {
	if param.Type != r4.ParamReference {
		return nil, fhir.Errorf(fhir.Invalid, "search-chain-param", "", p.Name, param.Type)
	}
	inner := Parameter{Value: p.Value}
	inner.Name, inner.Modifier, inner.Chain = cutName(p.Chain)
	if inner.Chain != "" || inner.Name == "_has" {
		return nil, fhir.Errorf(fhir.Invalid, "search-chain-unsupported", "", clip(p.Key()))
	}
	types := param.Targets
	if p.Modifier != "" {
		types = []fhir.Type{fhir.Type(p.Modifier)}
		if !points(param, types[0]) {
			return nil, fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "", p.Name, clip(p.Modifier), listTypes(param.Targets))
		}
	} else if types == nil {
		types = r4.Types()
	}
	return b.chainTo(param, p, inner, types)
}

// chainTo binds the inner parameter for each of the types that have it. A value that one type cannot read is no fault
// as long as another can.
func (b *binder) chainTo(param *r4.SearchParam, p, inner Parameter, types []fhir.Type) (Condition, error) {
	out := Chain{Name: p.Key(), Param: ParamID(param.ID)}
	var fault error
	for _, t := range types {
		if r4.Param(t, inner.Name) == nil {
			continue
		}
		c, err := b.condition(t, inner)
		if err != nil {
			fault = err
			continue
		}
		out.Targets = append(out.Targets, Query{Type: t, Where: []Condition{c}})
	}
	switch {
	case len(out.Targets) > maxChainTypes:
		return nil, fhir.Errorf(fhir.TooCostly, "search-chain-types", "", p.Key(), param.Code+":Patient."+p.Chain)
	case len(out.Targets) > 0:
		return out, nil
	case fault != nil:
		return nil, fault
	case len(types) == 1:
		return b.condition(types[0], inner) // says that there is no such parameter, or that it is not supported
	}
	names := make([]string, 0, len(types))
	for _, t := range types[:min(len(types), 8)] {
		names = append(names, string(t))
	}
	return nil, fhir.Errorf(fhir.Invalid, "search-chain-unknown", "", clip(inner.Name), strings.Join(names, ", "))
}
