package search

import (
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

const (
	// maxCustomBases bounds how many parameters one SearchParameter resource becomes.
	maxCustomBases = 150
	// maxAlternatives bounds the union that is left for one base; R4 has 4 at most. Each is resolved for up to 146 types.
	maxAlternatives = 16
	// maxComponents is what the form of composite values has room for.
	maxComponents = 3
)

// ReadCustom reads a SearchParameter resource into one parameter for each of its bases, without numbers (ID 0). What it
// gives can be indexed: each expression was resolved for each type of its base, and ends at elements that fit the type of the
// parameter. known are the parameters in force: components of composites are taken from them.
//
// It gives none for one that is retired, and none for one of R4's own (by url), which is in force anyway. One that cannot be
// indexed gives an Error of Kind Unprocessable with code "search-custom-…" or "fhirpath-…".
//
// Not read, and so not enforced: multipleOr, multipleAnd, comparator, modifier, chain, xpath, derivedFrom.
func ReadCustom(v resource.Value, known *r4.Registry) ([]*r4.SearchParam, error) {
	r := customReader{v: v, known: known, url: strings.Clone(v.Get("url").Text()), code: strings.Clone(v.Get("code").Text())}
	if v.ResourceType() != "SearchParameter" || r.url == "" {
		return nil, r.fault("search-custom-url", "url", clip(r.url))
	}
	if v.Get("status").Text() == "retired" || r.isOfR4() {
		return nil, nil
	}
	if !isCode(r.code) {
		return nil, r.fault("search-custom-name", "code", clip(r.code))
	}
	if r.kind = customKinds[v.Get("type").Text()]; r.kind == 0 {
		return nil, r.fault("search-custom-kind", "type", clip(v.Get("type").Text()))
	}
	r.expression = strings.Clone(strings.TrimSpace(v.Get("expression").Text()))
	if r.expression == "" {
		return nil, r.fault("search-custom-expression", "expression", r.code)
	}
	if _, err := fhirpath.Parse(r.expression); err != nil {
		return nil, unprocessable(err, "SearchParameter.expression")
	}
	for one := range v.Get("target").Elements() {
		t := fhir.Type(strings.Clone(one.Text()))
		if !r4.IsResource(t) {
			return nil, r.fault("search-type-unknown", "target", clip(string(t)))
		}
		r.targets = append(r.targets, t)
	}
	var out []*r4.SearchParam
	for one := range v.Get("base").Elements() {
		if len(out) == maxCustomBases {
			return nil, r.fault("search-custom-bases", "base", maxCustomBases)
		}
		p, err := r.param(fhir.Type(strings.Clone(one.Text())))
		if err != nil {
			return nil, err
		}
		for _, q := range out {
			if q.Base == p.Base {
				return nil, r.fault("search-custom-code", "base", p.Code, string(p.Base))
			}
		}
		out = append(out, p)
	}
	if out == nil {
		return nil, r.fault("search-type-unknown", "base", "")
	}
	return out, nil
}

// customKinds are the types that can be added: special ones have a meaning that no definition tells.
var customKinds = map[string]r4.ParamType{
	"number": r4.ParamNumber, "date": r4.ParamDate, "string": r4.ParamString, "token": r4.ParamToken, "reference": r4.ParamReference,
	"composite": r4.ParamComposite, "quantity": r4.ParamQuantity, "uri": r4.ParamURI,
}

type customReader struct {
	v          resource.Value
	known      *r4.Registry
	url, code  string
	kind       r4.ParamType
	expression string
	targets    []fhir.Type
}

func (r customReader) fault(code, element string, args ...any) error {
	return fhir.Errorf(fhir.Unprocessable, code, "SearchParameter."+element, args...)
}

// unprocessable gives a fault of an expression its place in the resource.
func unprocessable(err error, path string) error {
	f, ok := err.(*fhir.Error)
	if !ok {
		return err
	}
	g := *f
	g.Kind, g.Path = fhir.Unprocessable, path
	return &g
}

func (r customReader) isOfR4() bool {
	for _, p := range r.known.ByURL(r.url) {
		if p.ID < r4.FirstCustom {
			return true
		}
	}
	return false
}

// isCode says whether a name can be that of an added parameter: a letter, then letters, digits, - and _. Names of R4 for all
// types begin with _, and so do result parameters; : and . part a name from what follows it.
func isCode(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '-' || c == '_')) {
			return false
		}
	}
	return true
}

// param makes the parameter of one base.
func (r customReader) param(base fhir.Type) (*r4.SearchParam, error) {
	types := r4.TypesOfBase(base)
	if types == nil {
		return nil, r.fault("search-type-unknown", "base", clip(string(base)))
	}
	for _, t := range types {
		if p := r.known.Param(t, r.code); p != nil && p.URL != r.url {
			return nil, r.fault("search-custom-code", "code", r.code, string(t))
		}
	}
	p := &r4.SearchParam{Code: r.code, Base: base, URL: r.url, Type: r.kind, Targets: r.targets, Expression: cutTo(base, r.expression)}
	if p.Expression == "" {
		return nil, r.fault("search-custom-base", "expression", clip(r.expression), string(base))
	}
	if strings.Count(p.Expression, "|") >= maxAlternatives {
		return nil, r.fault("search-custom-long", "expression", r.code, maxAlternatives)
	}
	if r.kind == r4.ParamComposite {
		if err := r.components(p); err != nil {
			return nil, err
		}
	}
	e, err := fhirpath.Parse(p.Expression)
	if err != nil {
		return nil, unprocessable(err, "SearchParameter.expression")
	}
	for _, t := range types {
		if err := r.check(p, e, r4.Resource(t)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// check resolves the expression for a type and asks whether some element that it ends at fits.
func (r customReader) check(p *r4.SearchParam, e *fhirpath.Expr, s *r4.Struct) error {
	paths, err := e.Paths(s)
	if err != nil {
		return unprocessable(err, "SearchParameter.expression")
	}
	fit := false
	for _, path := range paths {
		switch {
		case p.Type == r4.ParamComposite:
			if path.Computed != nil {
				return r.fault("search-custom-element", "expression", clip(p.Expression), p.Type.String(), s.Name)
			}
			within := s
			if last := path.Last(); last != nil {
				within = last[0].Struct
			}
			if err := r.checkComponents(p, within); err != nil {
				return err
			}
			fit = true
		case path.Computed != nil:
			fit = fit || p.Type == r4.ParamToken
		}
		for _, last := range path.Last() {
			fit = fit || fits(p.Type, last)
		}
	}
	if !fit {
		return r.fault("search-custom-element", "expression", clip(p.Expression), p.Type.String(), s.Name)
	}
	return nil
}

// components finds the parameters that a composite is made of, among those of its base.
func (r customReader) components(p *r4.SearchParam) error {
	for c := range r.v.Get("component").Elements() {
		definition, _, _ := strings.Cut(c.Get("definition").Text(), "|")
		var of *r4.SearchParam
		for _, q := range r.known.ByURL(definition) {
			if of == nil || q.Base == p.Base {
				of = q
			}
		}
		expression := strings.Clone(strings.TrimSpace(c.Get("expression").Text()))
		if len(p.Components) == maxComponents {
			return r.fault("search-custom-components", "component", r.v.Get("component").Len())
		}
		if of == nil || of.Type == r4.ParamComposite || of.Type == r4.ParamSpecial || expression == "" || strings.Count(expression, "|") >= maxAlternatives {
			return r.fault("search-custom-component", "component", clip(definition))
		}
		p.Components = append(p.Components, r4.Component{Param: of, Expression: expression})
	}
	if n := len(p.Components); n < 2 {
		return r.fault("search-custom-components", "component", n)
	}
	return nil
}

// checkComponents resolves the components' expressions within the element that the composite is of.
func (r customReader) checkComponents(p *r4.SearchParam, within *r4.Struct) error {
	for _, c := range p.Components {
		e, err := fhirpath.Parse(c.Expression)
		if err != nil {
			return unprocessable(err, "SearchParameter.component.expression")
		}
		if within == nil {
			return r.fault("search-custom-element", "expression", clip(p.Expression), p.Type.String(), string(p.Base))
		}
		paths, err := e.Paths(within)
		if err != nil {
			return unprocessable(err, "SearchParameter.component.expression")
		}
		var ends []*r4.Element
		fit := false
		for _, path := range paths {
			fit = fit || path.Computed != nil
			ends = append(ends, path.Last()...)
		}
		kind := ComponentType(c, ends)
		for _, last := range ends {
			fit = fit || fits(kind, last)
		}
		if !fit {
			return r.fault("search-custom-element", "component.expression", clip(c.Expression), c.Param.Type.String(), within.Name)
		}
	}
	return nil
}

// fits says whether values of an element can be indexed as that type: what fhir/search/index makes entries of.
// https://hl7.org/fhir/R4/search.html#table
func fits(kind r4.ParamType, e *r4.Element) bool {
	primitive := e.Primitive != r4.NotPrimitive
	switch kind {
	case r4.ParamToken:
		switch e.TypeName {
		case "CodeableConcept", "Coding", "Identifier", "ContactPoint":
			return true
		}
		return primitive
	case r4.ParamString:
		return primitive || e.TypeName == "HumanName" || e.TypeName == "Address"
	case r4.ParamReference:
		return e.TypeName == "Reference" || e.TypeName == "Resource" || e.Primitive == r4.Canonical || e.Primitive == r4.URI
	case r4.ParamDate:
		switch e.TypeName {
		case "date", "dateTime", "instant", "Period", "Timing":
			return true
		}
	case r4.ParamNumber:
		switch e.TypeName {
		case "integer", "positiveInt", "unsignedInt", "decimal", "Range":
			return true
		}
	case r4.ParamQuantity:
		switch e.TypeName {
		case "Quantity", "SimpleQuantity", "MoneyQuantity", "Age", "Count", "Distance", "Duration", "Money", "Range", "SampledData":
			return true
		}
	case r4.ParamURI:
		switch e.TypeName {
		case "uri", "url", "canonical", "oid", "uuid":
			return true
		}
	}
	return false
}

// cutTo keeps of a union the alternatives that are of base: those that begin with it, with Resource or DomainResource, or
// with an element. "" = none is.
func cutTo(base fhir.Type, expression string) string {
	var keep []string
	for _, alternative := range alternatives(expression) {
		alternative = strings.TrimSpace(alternative)
		root := strings.TrimLeft(alternative, "( \t\r\n")
		if end := strings.IndexFunc(root, func(c rune) bool { return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') }); end >= 0 {
			root = root[:end]
		}
		if t := fhir.Type(root); t == base || t == "Resource" || t == "DomainResource" || !r4.IsResource(t) {
			keep = append(keep, alternative)
		}
	}
	return strings.Join(keep, " | ")
}

// alternatives splits an expression at the | that stand in no parentheses and no text.
func alternatives(s string) (out []string) {
	from, depth := 0, 0
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '`' || c == '"':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}
