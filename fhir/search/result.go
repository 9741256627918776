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

// most binds _maxresults.
func (b *binder) most(_ fhir.Type, p Parameter) error {
	if err := b.once(p); err != nil {
		return err
	}
	n, err := strconv.ParseUint(p.Value, 10, 31)
	if err != nil || n == 0 {
		return fhir.Errorf(fhir.Invalid, "maxresults-invalid", "", clip(p.Value))
	}
	b.req.Most = int(n)
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
	var names []string
	for _, name := range strings.Split(p.Value, ",") {
		name = strings.TrimPrefix(name, string(t)+".")
		if name != "resourceType" && !hasElement(t, name) {
			return fhir.Errorf(fhir.Invalid, "search-value-elements", "", clip(name), t)
		}
		names = append(names, name)
	}
	b.req.Elements = names
	return nil
}

func hasElement(t fhir.Type, name string) bool {
	s := r4.Resource(t)
	return s.Element(name) != nil || s.Choices(name) != nil
}

// sort binds _sort: parameters of t, "-" before those that descend.
func (b *binder) sort(t fhir.Type, p Parameter) error {
	if err := b.once(p); err != nil {
		return err
	}
	var keys []SortKey
	seen := map[string]bool{}
	for _, name := range strings.Split(p.Value, ",") {
		name, descending := strings.CutPrefix(name, "-")
		if seen[name] { // it settled what it can
			continue
		}
		if seen[name] = true; len(seen) > b.o.Limits.SortKeys {
			return fhir.Errorf(fhir.TooCostly, "search-limit", "", p.Name, "sort keys", b.o.Limits.SortKeys)
		}
		if name == "_id" && !b.inside {
			keys = append(keys, SortKey{ByID: true, Descending: descending})
			continue
		}
		param := b.o.Registry.Param(t, name)
		switch {
		case param == nil:
			return fhir.Errorf(fhir.Invalid, "search-sort-unknown", "", clip(name), t, b.nearest(t, name))
		case param.Type == r4.ParamComposite || binders[param.Type] == nil || isWords(param) || unsupported[name] != "":
			return fhir.Errorf(fhir.Invalid, "search-sort-unsupported", "", name)
		}
		if err := b.ready(param); err != nil {
			return err
		}
		keys = append(keys, SortKey{Param: ParamID(param.ID), Descending: descending, Marked: Marks(param)})
	}
	b.req.Query.Sort = keys
	return nil
}
