package search

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// once refuses a result parameter that was given before, and modifiers on one.
func (b *binder) once(p Parameter) error {
	if p.Modifier != "" || p.Chain != "" {
		return fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "", p.Name, clip(p.Modifier+p.Chain), "-")
	}
	if slices.Contains(b.seen, p.Name) {
		return fhir.Errorf(fhir.Invalid, "search-param-repeated", "", p.Name)
	}
	b.seen = append(b.seen, p.Name)
	return nil
}

// count binds _count.
func (b *binder) count(_ fhir.Type, p Parameter) error {
	if err := b.once(p); err != nil {
		return err
	}
	n, err := strconv.ParseUint(p.Value, 10, 31)
	if err != nil {
		return fhir.Errorf(fhir.Invalid, "search-value-count", "", clip(p.Value))
	}
	b.req.Count = int(n)
	return nil
}

// pass takes a parameter that concerns the format alone.
func (b *binder) pass(_ fhir.Type, p Parameter) error { return b.once(p) }

func (b *binder) total(_ fhir.Type, p Parameter) (err error) {
	if err := b.once(p); err != nil {
		return err
	}
	b.req.Total, err = choose(p, totals)
	return err
}

func (b *binder) summary(_ fhir.Type, p Parameter) (err error) {
	if err := b.once(p); err != nil {
		return err
	}
	b.req.Summary, err = choose(p, summaries)
	return err
}

// choose reads a value out of a fixed set.
func choose[T any](p Parameter, set map[string]T) (T, error) {
	v, ok := set[p.Value]
	if ok {
		return v, nil
	}
	var names []string
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return v, fhir.Errorf(fhir.Invalid, "search-value-choice", "", p.Name, clip(p.Value), strings.Join(names, ", "))
}

// elements binds _elements: names of elements of the root of t. resourceType is none, but clients list it, and it is shown
// in any case.
func (b *binder) elements(t fhir.Type, p Parameter) error {
	if err := b.once(p); err != nil {
		return err
	}
	for _, name := range strings.Split(p.Value, ",") {
		name = strings.TrimPrefix(name, string(t)+".")
		s := r4.Resource(t)
		if name != "resourceType" && s.Element(name) == nil && s.Choices(name) == nil {
			return fhir.Errorf(fhir.Invalid, "search-value-elements", "", clip(name), t)
		}
		b.req.Elements = append(b.req.Elements, name)
	}
	return nil
}

// sort binds _sort: parameters of t, "-" before those that descend.
func (b *binder) sort(t fhir.Type, p Parameter) error {
	if err := b.once(p); err != nil {
		return err
	}
	var keys []SortKey
	for _, name := range strings.Split(p.Value, ",") {
		name, descending := strings.CutPrefix(name, "-")
		if name == "_id" {
			keys = append(keys, SortKey{ByID: true, Descending: descending})
			continue
		}
		param := r4.Param(t, name)
		switch {
		case param == nil:
			return fhir.Errorf(fhir.Invalid, "search-sort-unknown", "", clip(name), t, nearest(t, name))
		case param.Type == r4.ParamComposite || binders[param.Type] == nil || slices.Contains(unsupported, name):
			return fhir.Errorf(fhir.Invalid, "search-sort-unsupported", "", name)
		}
		keys = append(keys, SortKey{Param: ParamID(param.ID), Descending: descending})
	}
	b.req.Query.Sort = keys
	return nil
}

// include binds _include and _revinclude: Type:parameter or Type:parameter:target.
func (b *binder) include(t fhir.Type, p Parameter) error {
	if p.Modifier != "" || p.Chain != "" {
		return fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "", p.Name, clip(p.Modifier+p.Chain), "-")
	}
	reverse := p.Name == "_revinclude"
	parts := strings.Split(p.Value, ":")
	if slices.Contains(parts, "*") {
		return fhir.Errorf(fhir.Invalid, "search-include-unsupported", "", p.Name, clip(p.Value))
	}
	if len(parts) < 2 || len(parts) > 3 || !r4.IsResource(fhir.Type(parts[0])) {
		return fhir.Errorf(fhir.Invalid, "search-value-include", "", p.Name, clip(p.Value))
	}
	source := fhir.Type(parts[0])
	param := r4.Param(source, parts[1])
	switch {
	case param == nil:
		return fhir.Errorf(fhir.Invalid, "search-param-unknown", "", clip(parts[1]), source, nearest(source, parts[1]))
	case param.Type != r4.ParamReference:
		return fhir.Errorf(fhir.Invalid, "search-include-param", "", p.Name, parts[1], param.Type)
	case !reverse && source != t:
		return fhir.Errorf(fhir.Invalid, "search-include-source", "", p.Name, source, t)
	}
	i := Include{Reverse: reverse, Source: source, Param: ParamID(param.ID)}
	if len(parts) == 3 {
		i.Target = fhir.Type(parts[2])
		if !points(param, i.Target) {
			return fhir.Errorf(fhir.Invalid, "search-include-target", "", p.Name, parts[1], clip(parts[2]))
		}
	}
	if reverse && (!points(param, t) || i.Target != "" && i.Target != t) {
		return fhir.Errorf(fhir.Invalid, "search-include-target", "", p.Name, parts[1], t)
	}
	if !slices.Contains(b.req.Query.Include, i) {
		b.req.Query.Include = append(b.req.Query.Include, i)
	}
	return nil
}

// points says whether a reference parameter may point at a type.
func points(param *r4.SearchParam, t fhir.Type) bool {
	return r4.IsResource(t) && (param.Targets == nil || slices.Contains(param.Targets, t))
}
