package search

import (
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// SystemRequest is a search over several types. Its own Query is not used: there is one in Queries for each type.
//
//	_type=Patient,Practitioner   the parameters must be ones that all of these types have
//	without _type                all types, or all of a compartment: parameters of the root type Resource alone
//
// _include, _revinclude and _elements go to the types that they are about.
type SystemRequest struct {
	Request
	Queries []Query
}

// TakeTypes takes _type out of the parameters: the types in the order given, each once; nil = it is not there.
func TakeTypes(params []Parameter) (types []fhir.Type, rest []Parameter, err error) {
	for _, p := range params {
		if p.Name != "_type" {
			rest = append(rest, p)
			continue
		}
		if types != nil {
			return nil, nil, fhir.Errorf(fhir.Invalid, "search-param-repeated", "http._type", "_type")
		}
		if p.Key() != p.Name {
			return nil, nil, fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "http._type", "_type", p.Modifier+p.Chain, "-")
		}
		if p.Value == "" {
			return nil, nil, fhir.Errorf(fhir.Invalid, "search-value-empty", "http._type", "_type")
		}
		for _, name := range strings.Split(p.Value, ",") {
			t := fhir.Type(name)
			if !r4.IsResource(t) {
				return nil, nil, fhir.Errorf(fhir.Invalid, "search-type-unknown", "http._type", clip(name))
			}
			if !slices.Contains(types, t) {
				types = append(types, t)
			}
		}
	}
	return types, rest, nil
}

// forAllTypes refuses parameters that not every type has: those of Resource begin with "_".
func forAllTypes(params []Parameter) error {
	for _, p := range params {
		if p.Name[0] != '_' {
			return fhir.Errorf(fhir.Invalid, "search-all-parameter", "http."+p.Name, clip(p.Name))
		}
	}
	return nil
}

// BindTypes is Bind for a search over several types. named says that the caller chose them: else every parameter must be
// one that all types have. What handling=lenient leaves out for one type it leaves out for all: else the others would be
// found by other criteria.
func BindTypes(types []fhir.Type, named bool, params []Parameter, o Options) (SystemRequest, error) {
	if err := onTheirOwn(params); err != nil {
		return SystemRequest{}, err
	}
	if !named {
		if err := forAllTypes(params); err != nil {
			return SystemRequest{}, err
		}
	}
	var ignored []Ignored
	used := params
	for {
		bound := make([]Request, 0, len(types))
		var more []Ignored
		for _, t := range types {
			own, err := paramsOf(t, types, used, o.Registry)
			if err != nil {
				return SystemRequest{}, err
			}
			req, err := Bind(t, own, o)
			if err != nil {
				return SystemRequest{}, err
			}
			bound = append(bound, req)
			more = append(more, req.Ignored...)
		}
		if len(more) == 0 {
			return together(bound, named, used, ignored), nil
		}
		for _, i := range more {
			if !slices.ContainsFunc(ignored, func(have Ignored) bool { return have.Name == i.Name }) {
				ignored = append(ignored, i)
			}
		}
		used = slices.DeleteFunc(slices.Clone(used), func(p Parameter) bool { return isIgnored(ignored, p) })
	}
}

// together is the request of the whole: how it is shown, what was used, and what was left out.
func together(bound []Request, named bool, used []Parameter, ignored []Ignored) SystemRequest {
	out := SystemRequest{Request: bound[0]}
	out.Query, out.Ignored = Query{}, ignored
	var types []string
	for _, b := range bound {
		types = append(types, string(b.Query.Type))
		out.Queries = append(out.Queries, b.Query)
		for _, e := range b.Elements {
			if !slices.Contains(out.Elements, e) {
				out.Elements = append(out.Elements, e)
			}
		}
	}
	var b binder
	if named {
		b.applied(Parameter{Name: "_type", Value: strings.Join(types, ",")})
	}
	for _, p := range used {
		b.applied(p)
	}
	out.Applied = b.applies.String()
	return out
}

func isIgnored(ignored []Ignored, p Parameter) bool {
	return slices.ContainsFunc(ignored, func(i Ignored) bool { return i.Name == p.Key() })
}

// paramsOf gives the parameters as they concern one of the types.
func paramsOf(t fhir.Type, types []fhir.Type, params []Parameter, reg *r4.Registry) ([]Parameter, error) {
	out := make([]Parameter, 0, len(params))
	for _, p := range params {
		switch p.Name {
		case "_include", "_revinclude":
			if others := includeOf(p, types, reg); len(others) > 0 && !slices.Contains(others, t) {
				continue
			}
		case "_elements":
			var names []string
			for _, name := range strings.Split(p.Value, ",") {
				if hasElementOf(t, name) || !slices.ContainsFunc(types, func(o fhir.Type) bool { return hasElementOf(o, name) }) {
					names = append(names, name) // what no type has is left for the binding to refuse
				}
			}
			if len(names) == 0 {
				names = []string{"resourceType"}
			}
			p.Value = strings.Join(names, ",")
		}
		out = append(out, p)
	}
	return out, nil
}

// includeOf gives those of the types whose matches an include can start from; nil = it is for the binding to judge.
func includeOf(p Parameter, types []fhir.Type, reg *r4.Registry) []fhir.Type {
	parts := strings.Split(p.Value, ":")
	if len(parts) < 2 {
		return nil
	}
	source := fhir.Type(parts[0])
	if p.Name == "_include" {
		if slices.Contains(types, source) {
			return []fhir.Type{source}
		}
		return nil
	}
	param := reg.Param(source, parts[1])
	if param == nil || param.Type != r4.ParamReference {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(types), func(t fhir.Type) bool {
		return len(parts) > 2 && parts[2] != string(t) || param.Targets != nil && !slices.Contains(param.Targets, t)
	})
}

// hasElementOf says whether t has an element that _elements may name, be it with the type before it.
func hasElementOf(t fhir.Type, name string) bool {
	name = strings.TrimPrefix(name, string(t)+".")
	return name == "resourceType" || hasElement(t, name)
}
