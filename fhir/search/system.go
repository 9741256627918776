package search

import (
	"errors"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// SystemRequest is a search over several types. Its Query is not used: there is one in Queries for each type, in the order
// in which they were named, or by name where none was.
type SystemRequest struct {
	Request
	Queries []Query
}

// BindSystem is Bind for a search over several types: those of _type=Patient,Observation (which may be repeated), or all
// types without it. A parameter must be one of every type; of _include, _revinclude and _elements it is enough that one
// type can use it.
func BindSystem(params []Parameter, o Options) (SystemRequest, error) {
	types, rest, err := typesOf(params)
	if err != nil {
		return SystemRequest{}, err
	}
	named := types != nil
	if !named {
		types = r4.Types()
	}
	s := systemBinder{types: types}
	for _, t := range types {
		b := newBinder(t, o)
		s.binders = append(s.binders, &b)
	}
	first := s.binders[0]
	if named {
		first.applied(Parameter{Name: "_type", Value: joinTypes(types)})
	}
	for _, p := range rest {
		if slices.Contains(o.Pass, p.Name) {
			continue
		}
		err := s.parameter(p)
		if err == nil {
			first.applied(p)
			continue
		}
		var e *fhir.Error
		if !o.Lenient || !errors.As(err, &e) || !ignorable[e.Code] {
			return SystemRequest{}, err
		}
		first.req.Ignored = append(first.req.Ignored, Ignored{Name: p.Key(), Err: e})
	}
	out := SystemRequest{Request: first.finish()}
	out.Query = Query{}
	for _, b := range s.binders {
		out.Queries = append(out.Queries, b.req.Query)
	}
	return out, nil
}

// typesOf takes _type off the parameters.
func typesOf(params []Parameter) (types []fhir.Type, rest []Parameter, err error) {
	for _, p := range params {
		if p.Name != "_type" {
			rest = append(rest, p)
			continue
		}
		if p.Modifier != "" || p.Chain != "" {
			return nil, nil, fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "", p.Name, clip(p.Modifier+p.Chain), "-")
		}
		for name := range strings.SplitSeq(p.Value, ",") {
			t := fhir.Type(name)
			if !r4.IsResource(t) {
				return nil, nil, fhir.Errorf(fhir.Invalid, "search-type-unknown", "", clip(name))
			}
			if !slices.Contains(types, t) {
				types = append(types, t)
			}
		}
	}
	return types, rest, nil
}

func joinTypes(types []fhir.Type) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ",")
}

type systemBinder struct {
	types   []fhir.Type
	binders []*binder
}

// parameter binds one parameter for every type, or for none.
func (s *systemBinder) parameter(p Parameter) error {
	if f := results[p.Name]; f != nil {
		return s.result(p, f)
	}
	list := make([]Condition, len(s.types))
	for i, t := range s.types {
		c, err := s.binders[i].condition(t, p)
		if err != nil {
			return err
		}
		list[i] = c
	}
	for i, c := range list {
		s.binders[i].req.Query.Where = append(s.binders[i].req.Query.Where, c)
	}
	return nil
}

func (s *systemBinder) result(p Parameter, f func(*binder, fhir.Type, Parameter) error) error {
	if p.Name == "_elements" {
		return s.elements(p)
	}
	some := p.Name == "_include" || p.Name == "_revinclude"
	var fault error
	done := false
	for i, t := range s.types {
		switch err := f(s.binders[i], t, p); {
		case err == nil:
			done = true
		case !some:
			return err
		case fault == nil:
			fault = err
		}
	}
	if done {
		return nil
	}
	return fault
}

// elements binds _elements: each must be one of some type.
func (s *systemBinder) elements(p Parameter) error {
	first := s.binders[0]
	if err := first.once(p); err != nil {
		return err
	}
	for name := range strings.SplitSeq(p.Value, ",") {
		if !slices.ContainsFunc(s.types, func(t fhir.Type) bool { return hasElement(t, name) }) {
			return fhir.Errorf(fhir.Invalid, "search-value-elements", "", clip(name), clip(joinTypes(s.types)))
		}
		first.req.Elements = append(first.req.Elements, name)
	}
	return nil
}
