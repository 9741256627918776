package search

import (
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// valueBinder finds the spans of one value of a comma list; ok is false for a value that cannot be read.
type valueBinder func(b *binder, param *r4.SearchParam, p Parameter, value string) (spans []span, ok bool)

var binders map[r4.ParamType]valueBinder

func init() { // composites look the others up
	binders = map[r4.ParamType]valueBinder{
		r4.ParamString: bindString, r4.ParamToken: bindToken, r4.ParamReference: bindReference, r4.ParamDate: bindDate,
		r4.ParamNumber: bindNumber, r4.ParamQuantity: bindQuantity, r4.ParamURI: bindURI, r4.ParamComposite: bindComposite,
	}
}

// alternatives binds the alternatives of a comma list.
func (b *binder) alternatives(param *r4.SearchParam, p Parameter, values []string, bind valueBinder) ([]Term, error) {
	var out []Term
	for _, value := range values {
		spans, ok := bind(b, param, p, value)
		if !ok {
			if err := b.fault; err != nil {
				b.fault = nil
				return nil, err
			}
			return nil, unreadable(param, p, value)
		}
		out = append(out, terms(ParamID(param.ID), spans)...)
		if err := b.ranges(len(spans)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ranges counts ranges against the limit.
func (b *binder) ranges(n int) error {
	if b.terms += n; b.terms > maxTerms {
		return fhir.Errorf(fhir.TooCostly, "search-too-many", "", maxTerms)
	}
	return nil
}

// unreadable says that a value does not fit the type of its parameter, and what would.
func unreadable(param *r4.SearchParam, p Parameter, value string) error {
	code := "search-value-" + param.Type.String()
	switch {
	case IsNear(param):
		code = "search-value-near"
	case p.Modifier == "of-type":
		code = "search-value-of-type"
	case p.Modifier == "identifier":
		code = "search-value-token"
	case param.Type == r4.ParamReference && strings.HasPrefix(value, "#"):
		return fhir.Errorf(fhir.Invalid, "search-value-contained", "", p.Key(), clip(value), p.Name)
	case param.Type == r4.ParamURI && p.Modifier != "":
		code = "search-value-path"
	case param.Type == r4.ParamToken && (p.Modifier == "above" || p.Modifier == "below"):
		code = "search-value-concept"
	case param.Type == r4.ParamToken && (p.Modifier == "text" || p.Modifier == "code-text"):
		code = "search-value-string"
	}
	return fhir.Errorf(fhir.Invalid, code, "", p.Key(), clip(value))
}

func bindString(_ *binder, param *r4.SearchParam, p Parameter, value string) ([]span, bool) {
	switch s := unescape(value); p.Modifier {
	case "exact":
		return exactSpans(s)
	case "contains":
		return containsSpans(s)
	default:
		return stringSpans(s, kindsOf(param).names)
	}
}

func bindToken(b *binder, param *r4.SearchParam, p Parameter, value string) ([]span, bool) {
	k := kindsOf(param)
	switch p.Modifier {
	case "text", "code-text":
		return textSpans(unescape(value))
	case "of-type":
		return ofTypeSpans(value, b.fold)
	case "in", "not-in":
		return b.within(k, unescape(value))
	case "above", "below":
		return b.related(k, p.Modifier == "below", value)
	}
	q, ok := parseToken(value)
	if !ok || k.onlyBools && q.code != "true" && q.code != "false" {
		return nil, false
	}
	q.system = b.fold(q.system)
	return tokenSpans(q, k), true
}

func (b *binder) fold(system string) string {
	if b.o.FoldSystem == nil || system == "" {
		return system
	}
	return b.o.FoldSystem(system)
}

func bindReference(b *binder, param *r4.SearchParam, p Parameter, value string) ([]span, bool) {
	if p.Modifier == "identifier" {
		q, ok := parseToken(value)
		q.system = b.fold(q.system)
		return identifierSpans(q), ok
	}
	return referenceSpans(unescape(value), param.Targets, fhir.Type(p.Modifier), kindsOf(param).canonical, b.o.Base, b.o.Also)
}

func bindDate(b *binder, param *r4.SearchParam, p Parameter, value string) ([]span, bool) {
	prefix, q, ok := b.date(value)
	switch {
	case !ok || p.Modifier == overlaps && prefix != PrefixEQ:
		return nil, false
	case p.Modifier == overlaps && ParamID(param.ID) != ParamLastUpdated:
		return dateSpans(PrefixAP, q), true
	case ParamID(param.ID) == ParamLastUpdated:
		return instantSpans(prefix, q), true
	}
	return dateSpans(prefix, q), true
}

// date reads a date with its prefix.
func (b *binder) date(value string) (Prefix, Interval, bool) {
	prefix, rest, ok := cutPrefix(value)
	// A "+" of a zone that was not percent-encoded arrives as a space.
	q, valid := ParseInterval(strings.Replace(rest, " ", "+", 1))
	if prefix == PrefixAP {
		q = widen(q, b.o.Now)
	}
	return prefix, q, ok && valid
}

func bindNumber(_ *binder, _ *r4.SearchParam, _ Parameter, value string) ([]span, bool) {
	prefix, literal, ok := cutPrefix(value)
	if !ok {
		return nil, false
	}
	return numberSpans(prefix, literal)
}

func bindQuantity(_ *binder, _ *r4.SearchParam, _ Parameter, value string) ([]span, bool) {
	q, ok := parseQuantity(value)
	if !ok {
		return nil, false
	}
	return quantitySpans(q)
}

func bindURI(_ *binder, _ *r4.SearchParam, p Parameter, value string) ([]span, bool) {
	switch p.Modifier {
	case "above":
		return aboveURI(unescape(value))
	case "below":
		return belowURI(unescape(value))
	}
	return []span{exactly(AppendURI(nil, unescape(value)))}, true
}

// bindComposite reads the parts of a value, separated by $, each as its component says.
func bindComposite(b *binder, param *r4.SearchParam, _ Parameter, value string) ([]span, bool) {
	parts, components := split(value, '$'), componentsOf(param)
	if len(parts) != len(components) {
		return nil, false
	}
	first, ok := parseToken(parts[0])
	if !ok || first.code == "" {
		return nil, false
	}
	first.system = b.fold(first.system)
	var rest [][]span
	for i, c := range components[1:] {
		spans, ok := b.component(c, parts[i+1])
		if !ok {
			return nil, false
		}
		rest = append(rest, spans)
	}
	return compositeSpans(first, components[0].kinds, rest), true
}

// component binds a part of a composite after the first.
func (b *binder) component(c component, value string) ([]span, bool) {
	switch c.kind {
	case r4.ParamToken:
		q, ok := parseToken(value)
		q.system = b.fold(q.system)
		return tokenSpans(q, c.kinds), ok
	case r4.ParamString:
		return stringSpans(unescape(value), false)
	case r4.ParamReference:
		return referenceSpans(unescape(value), c.targets, "", c.kinds.canonical, b.o.Base, b.o.Also)
	case r4.ParamDate:
		prefix, q, ok := b.date(value)
		return plainDateSpans(prefix, q), ok
	case r4.ParamNumber:
		return bindNumber(b, nil, Parameter{}, value)
	case r4.ParamQuantity:
		q, ok := parseQuantity(value)
		if !ok {
			return nil, false
		}
		return quantityPartSpans(q)
	}
	return nil, false
}
