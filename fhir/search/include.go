package search

import (
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// include binds _include and _revinclude: Type:parameter, Type:parameter:Target, Type:* or, forward, *. With :iterate it is
// also applied to what was included, so its type need not be the one searched. A wildcard becomes an Include for each
// reference parameter of the type.
func (b *binder) include(t fhir.Type, p Parameter) error {
	if p.Chain != "" || p.Modifier != "" && p.Modifier != "iterate" {
		return fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "", p.Name, clip(p.Modifier+p.Chain), "iterate")
	}
	if b.inside {
		return notInside(p.Name)
	}
	reverse, iterate := p.Name == "_revinclude", p.Modifier == "iterate"
	parts := strings.Split(p.Value, ":")
	switch {
	case p.Value == "*" && !reverse:
		parts = []string{string(t), "*"}
	case parts[0] == "*":
		return fhir.Errorf(fhir.Invalid, "search-include-unsupported", "", p.Name, clip(p.Value))
	}
	if len(parts) < 2 || len(parts) > 3 || !r4.IsResource(fhir.Type(parts[0])) {
		return fhir.Errorf(fhir.Invalid, "search-value-include", "", p.Name, clip(p.Value))
	}
	i := Include{Reverse: reverse, Source: fhir.Type(parts[0]), Iterate: iterate}
	if !reverse && i.Source != t && !iterate {
		return fhir.Errorf(fhir.Invalid, "search-include-source", "", p.Name, i.Source, t)
	}
	if len(parts) == 3 {
		if i.Target = fhir.Type(parts[2]); !r4.IsResource(i.Target) {
			return fhir.Errorf(fhir.Invalid, "search-include-target", "", p.Name, parts[1], clip(parts[2]))
		}
	}
	if parts[1] == "*" {
		return b.wildcard(t, p, i)
	}
	param := b.o.Registry.Param(i.Source, parts[1])
	switch {
	case param == nil:
		return fhir.Errorf(fhir.Invalid, "search-param-unknown", "", clip(parts[1]), i.Source, b.nearest(i.Source, parts[1]))
	case param.Type != r4.ParamReference:
		return fhir.Errorf(fhir.Invalid, "search-include-param", "", p.Name, parts[1], param.Type)
	case i.Target != "" && !points(param, i.Target):
		return fhir.Errorf(fhir.Invalid, "search-include-target", "", p.Name, parts[1], i.Target)
	case reverse && !iterate && (!points(param, t) || i.Target != "" && i.Target != t):
		return fhir.Errorf(fhir.Invalid, "search-include-target", "", p.Name, parts[1], t)
	}
	i.Param = ParamID(param.ID)
	b.addInclude(i)
	return b.ready(param)
}

// wildcard adds i for each reference parameter of its source that can lead where it is to.
func (b *binder) wildcard(t fhir.Type, p Parameter, i Include) error {
	to := i.Target
	if i.Reverse && !i.Iterate {
		if to != "" && to != t {
			return fhir.Errorf(fhir.Invalid, "search-include-target", "", p.Name, i.Source, t)
		}
		to = t
	}
	some := false
	for _, param := range b.o.Registry.Params(i.Source) {
		if param.Type == r4.ParamReference && (to == "" || points(param, to)) {
			if err := b.ready(param); err != nil {
				return err
			}
			i.Param, some = ParamID(param.ID), true
			b.addInclude(i)
		}
	}
	if !some && to != "" {
		return fhir.Errorf(fhir.Invalid, "search-include-target", "", p.Name, i.Source, to)
	}
	return nil
}

func (b *binder) addInclude(i Include) {
	if !slices.Contains(b.req.Query.Include, i) {
		b.req.Query.Include = append(b.req.Query.Include, i)
	}
}

// points says whether a reference parameter may point at a type.
func points(param *r4.SearchParam, t fhir.Type) bool {
	return r4.IsResource(t) && (param.Targets == nil || slices.Contains(param.Targets, t))
}
