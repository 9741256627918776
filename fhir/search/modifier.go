package search

import (
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// modifiers gives those that a parameter takes, by its type and by the elements that it looks at.
// https://hl7.org/fhir/R4/search.html#modifiers; code-text is another name of text on tokens.
func modifiers(param *r4.SearchParam) []string {
	k := kindsOf(param)
	switch {
	case param.Code == "_id" && param.Base == "Resource":
		return []string{"missing", "not"}
	case isWords(param):
		return nil
	}
	switch param.Type {
	case r4.ParamString:
		return []string{"contains", "exact", "missing"}
	case r4.ParamURI:
		return []string{"above", "below", "missing"}
	case r4.ParamReference:
		if k.refs {
			return []string{"identifier", "missing"}
		}
	case r4.ParamToken:
		out := []string{"missing", "not"}
		if !k.onlyPlain {
			out = append(out, "above", "below", "in", "not-in")
		}
		if k.concepts {
			out = append(out, "code-text", "text")
		}
		if k.idents {
			out = append(out, "of-type")
		}
		return out
	}
	return []string{"missing"}
}

// Offers says whether a search with these options can use the parameter: what a CapabilityStatement may list. Besides there
// are _has, _list and _filter on every type, which are no SearchParameters.
func (o Options) Offers(p *r4.SearchParam) bool {
	switch {
	case isWords(p):
		return (p.Code == "_text" && !o.NoText || IsContent(p)) && o.Registry.Ready(p)
	case IsNear(p):
	case p.Code == "_query" || binders[p.Type] == nil:
		return false
	}
	return o.Registry.Ready(p)
}

// checkModifier refuses modifiers that a parameter does not take, and says which it does.
func (b *binder) checkModifier(param *r4.SearchParam, p Parameter) error {
	takes := modifiers(param)
	if p.Modifier == "" || p.Modifier == overlaps || slices.Contains(takes, p.Modifier) {
		if param.Type == r4.ParamToken && b.o.Terminology == nil && needsTerminology[p.Modifier] {
			return fhir.Errorf(fhir.Invalid, "search-terminology-off", "", p.Name, p.Modifier)
		}
		return nil
	}
	if param.Type == r4.ParamReference {
		if points(param, fhir.Type(p.Modifier)) {
			return nil
		}
		takes = append(takes, listTypes(param.Targets))
	}
	slices.Sort(takes)
	accepted := strings.Join(takes, ", ")
	if accepted == "" {
		accepted = "-"
	}
	return fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "", p.Name, clip(p.Modifier), accepted)
}

// overlaps is the modifier that stands for the operator po of _filter: the periods have some time in common. No query
// string can have it.
const overlaps = " po"

var needsTerminology = map[string]bool{"in": true, "not-in": true, "above": true, "below": true}

// ready refuses a parameter whose index is still being built: it would find a part of what there is.
func (b *binder) ready(param *r4.SearchParam) error {
	if b.o.Registry.Ready(param) {
		return nil
	}
	percent := 0
	if b.o.Percent != nil {
		percent = b.o.Percent(param.ID)
	}
	return fhir.Errorf(fhir.Unavailable, "search-param-building", "", param.Code, percent)
}

// listTypes names the types a reference may point at.
func listTypes(types []fhir.Type) string {
	if types == nil {
		return "[type]"
	}
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// always and never are conditions whose answer does not depend on the resource.
var (
	always Condition = All{}
	never  Condition = Either{}
)

// missing binds :missing: whether the resource has the element, be it without a value to search by.
func missing(param *r4.SearchParam, p Parameter) (Condition, error) {
	if p.Value != "true" && p.Value != "false" {
		return nil, fhir.Errorf(fhir.Invalid, "search-value-choice", "", p.Key(), clip(p.Value), "false, true")
	}
	return missingIs(param, p.Key(), p.Value == "true"), nil
}

func missingIs(param *r4.SearchParam, name string, is bool) Condition {
	switch {
	case param.Code == "_id" && param.Base == "Resource" && is: // contained resources must have ids as well
		return never
	case param.Code == "_id" && param.Base == "Resource":
		return always
	}
	there := Terms{Name: name, Any: []Term{{Param: ParamID(param.ID)}, {Param: ParamID(param.ID) | ParamAside}}}
	if is {
		return Not{Condition: there, Among: lacking(param, name, false)}
	}
	return there
}

// ids binds _id and _id:not.
func ids(p Parameter, values []string) (Condition, error) {
	var out IDs
	for _, value := range values {
		id, err := fhir.ParseID(value)
		if err != nil {
			return nil, fhir.Errorf(fhir.Invalid, "search-value-id", "", p.Key(), clip(value))
		}
		out.ID = append(out.ID, id)
	}
	if p.Modifier == "not" {
		return Not{Condition: out}, nil
	}
	return out, nil
}

// ids binds _id: contained resources have an entry for theirs.
func (b *binder) ids(param *r4.SearchParam, p Parameter, values []string) (Condition, error) {
	c, err := ids(p, values)
	if err != nil || !b.inside || b.depth > 0 {
		return c, err
	}
	not, isNot := c.(Not)
	if isNot {
		c = not.Condition
	}
	out := Terms{Name: p.Key()}
	for _, id := range c.(IDs).ID {
		out.Any = append(out.Any, Term{Param: ParamID(param.ID), Low: []byte(id), Exact: true})
	}
	if isNot {
		return Not{Condition: out}, nil
	}
	return out, nil
}

// isWords says whether a parameter looks for words: _text, _content.
func isWords(param *r4.SearchParam) bool {
	return param.Base == "DomainResource" && param.Code == "_text" || param.Base == "Resource" && param.Code == "_content"
}

// words binds _text and _content.
func (b *binder) words(param *r4.SearchParam, p Parameter, values []string) (Condition, error) {
	id := ParamID(param.ID)
	switch {
	case IsContent(param):
		id |= ParamWords
	case param.Code == "_content" || b.o.NoText:
		return nil, fhir.Errorf(fhir.Invalid, "search-text-off", "", p.Name)
	}
	c, n, ok := wordsCondition(id, p.Key(), values)
	if !ok {
		return nil, fhir.Errorf(fhir.Invalid, "search-value-string", "", p.Key(), clip(p.Value))
	}
	return c, b.ranges(n)
}
