package search

import (
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// filter binds _filter. A test holds if any of the values does; ne holds if eq does not, so also where there is no value.
func (b *binder) filter(t fhir.Type, p Parameter) (Condition, error) {
	switch {
	case p.Modifier != "" || p.Chain != "":
		return nil, fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "", p.Name, clip(p.Modifier+p.Chain), "-")
	case strings.TrimSpace(p.Value) == "":
		return nil, fhir.Errorf(fhir.Invalid, "search-value-empty", "", p.Key())
	}
	n, err := parseFilter(p.Value)
	if err != nil {
		return nil, err
	}
	return b.filterNode(t, n)
}

func (b *binder) filterNode(t fhir.Type, n *filterNode) (Condition, error) {
	switch n.op {
	case "and", "or", "not":
	default:
		return b.filterTest(t, n.path, n)
	}
	if len(n.of) == 1 && n.op == "and" {
		return b.filterNode(t, n.of[0])
	}
	var of []Condition
	for _, x := range n.of {
		c, err := b.filterNode(t, x)
		if err != nil {
			return nil, err
		}
		of = append(of, c)
	}
	switch n.op {
	case "not":
		return Not{Condition: of[0]}, nil
	case "or":
		return Either{of}, nil
	}
	return All{of}, nil
}

// filterTest binds a test whose path is, from type t on, the one given.
func (b *binder) filterTest(t fhir.Type, path []filterStep, n *filterNode) (Condition, error) {
	if err := b.costs("_filter", 1); err != nil {
		return nil, err
	}
	step := path[0]
	param := b.o.Registry.Param(t, step.name)
	switch {
	case unsupported[step.name] != "":
		return nil, refusal(t, step.name, n.value)
	case param == nil:
		return nil, fhir.Errorf(fhir.Invalid, "search-param-unknown", "", clip(step.name), t, b.nearest(t, step.name))
	case len(path) == 1 && step.of != "":
		return nil, fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "", step.name, clip(step.of), "-")
	}
	if err := b.ready(param); err != nil {
		return nil, err
	}
	if len(path) == 1 {
		return b.filterLeaf(param, n)
	}
	types, err := stepTypes(param, Parameter{Name: step.name, Modifier: step.of})
	if err != nil {
		return nil, err
	}
	return b.chainTo(param, "_filter "+step.name, path[1].name, types, func(to fhir.Type) (Condition, error) {
		rest, err := b.filterTest(to, path[1:], n)
		if err != nil || step.inside == nil {
			return rest, err
		}
		inside, err := b.filterNode(to, step.inside)
		return All{[]Condition{inside, rest}}, err
	})
}

// filterTakes gives the operators of each type of parameter.
var filterTakes = map[r4.ParamType][]string{
	r4.ParamString:    {"co", "eq", "ew", "ne", "pr", "sw"},
	r4.ParamURI:       {"co", "eq", "ew", "ne", "pr", "sw"},
	r4.ParamToken:     {"eq", "in", "ne", "ni", "pr", "sb", "ss"},
	r4.ParamReference: {"eq", "ne", "pr", "re"},
	r4.ParamDate:      {"ap", "eb", "eq", "ge", "gt", "le", "lt", "ne", "po", "pr", "sa"},
	r4.ParamNumber:    {"ap", "eb", "eq", "ge", "gt", "le", "lt", "ne", "pr", "sa"},
	r4.ParamQuantity:  {"ap", "eb", "eq", "ge", "gt", "le", "lt", "ne", "pr", "sa"},
	r4.ParamComposite: {"eq", "ne", "pr"},
}

// filterLeaf binds operator and value of a test to a parameter.
func (b *binder) filterLeaf(param *r4.SearchParam, n *filterNode) (Condition, error) {
	takes := filterTakes[param.Type]
	if isWords(param) {
		takes = []string{"co", "eq", "ne"}
	}
	if !slices.Contains(takes, n.op) {
		return nil, fhir.Errorf(fhir.Invalid, "search-filter-operator", "", n.op, param.Code, param.Type, strings.Join(takes, ", "))
	}
	switch n.op {
	case "pr":
		if n.value != "true" && n.value != "false" {
			return nil, fhir.Errorf(fhir.Invalid, "search-value-choice", "", param.Code+" pr", clip(n.value), "false, true")
		}
		return missingIs(param, param.Code, n.value == "false"), nil
	case "ne":
		eq := *n
		eq.op = "eq"
		c, err := b.filterLeaf(param, &eq)
		if terms, ok := c.(Terms); ok && err == nil {
			return notAmong(param, param.Code, terms), nil
		}
		return Not{Condition: c}, err
	}
	if (param.Type == r4.ParamString || param.Type == r4.ParamURI) && !isWords(param) {
		return b.filterText(param, n)
	}
	return b.plain(param, filterParameter(param, n))
}

// filterParameter writes a test as the parameter that means the same.
func filterParameter(param *r4.SearchParam, n *filterNode) Parameter {
	p := Parameter{Name: param.Code}
	switch n.op {
	case "ss":
		p.Modifier = "below"
	case "sb":
		p.Modifier = "above"
	case "in":
		p.Modifier = "in"
	case "ni":
		p.Modifier = "not-in"
	case "po":
		p.Modifier = overlaps
	case "eq", "re", "co":
	default:
		p.Value = n.op
	}
	switch param.Type {
	case r4.ParamDate, r4.ParamNumber, r4.ParamQuantity:
		if n.op == "eq" || n.op == "po" {
			p.Value = "eq" // the value itself is not to bring a prefix
		}
	}
	escape := `\` + ","
	if param.Type != r4.ParamComposite {
		escape += "$"
	}
	for i := range len(n.value) {
		if strings.IndexByte(escape, n.value[i]) >= 0 {
			p.Value += `\`
		}
		p.Value += n.value[i : i+1]
	}
	return p
}

// filterText binds the tests of strings and uris.
func (b *binder) filterText(param *r4.SearchParam, n *filterNode) (Condition, error) {
	var spans []span
	ok := true
	if param.Type == r4.ParamURI {
		spans = uriTextSpans(n.op, n.value)
	} else {
		switch n.op {
		case "eq":
			spans, ok = equalSpans(n.value)
		case "co":
			spans, ok = containsSpans(n.value)
		case "ew":
			spans, ok = endingSpans(n.value)
		default:
			spans, ok = stringSpans(n.value, false)
		}
	}
	if !ok {
		return nil, unreadable(param, Parameter{Name: param.Code}, n.value)
	}
	return Terms{Name: param.Code, Any: terms(ParamID(param.ID), spans)}, b.ranges(len(spans))
}

func uriTextSpans(op, s string) []span {
	switch op {
	case "sw":
		return []span{beginning([]byte(s))}
	case "co":
		return []span{{accept: func(v []byte) bool { return strings.Contains(string(v), s) }}}
	case "ew":
		return []span{{accept: func(v []byte) bool { return strings.HasSuffix(string(v), s) }}}
	}
	return []span{exactly(AppendURI(nil, s))}
}
