package search

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// Bind turns the parameters of a search for type t into a Request: names are resolved, values are checked and encoded.
//
// An unknown parameter or one that is not supported is an error (Kind Invalid, code search-param-unknown,
// search-param-unsupported, search-modifier-unsupported) unless Options.Lenient. A value that cannot be read always is:
// to drop it would find more than was asked for. Error args are what the caller wrote; the path is that of R4 for faults
// in a request's parameters, "http." and the name.
func Bind(t fhir.Type, params []Parameter, o Options) (Request, error) {
	if !r4.IsResource(t) {
		return Request{}, fhir.Errorf(fhir.Invalid, "search-type-unknown", "", clip(string(t)))
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	b := binder{o: o, req: Request{Query: Query{Type: t}, Count: -1}}
	for _, p := range params {
		if slices.Contains(o.Pass, p.Name) {
			continue
		}
		err := b.parameter(t, p)
		if err == nil {
			b.applied(p)
			continue
		}
		e, ok := errors.AsType[*fhir.Error](err)
		if !ok {
			return Request{}, err
		}
		if e.Path == "" {
			e.Path = "http." + p.Name
		}
		if !o.Lenient || !ignorable[e.Code] {
			return Request{}, e
		}
		b.req.Ignored = append(b.req.Ignored, Ignored{Name: p.Key(), Err: e})
	}
	if b.req.Count == 0 {
		b.req.Summary = SummaryCount
	}
	b.req.Applied = b.applies.String()
	return b.req, nil
}

// BindCriteria binds the criteria of a conditional interaction (If-None-Exist, PUT Type?criteria). They are always read
// strictly, must not be empty, and must not say how a result is shown.
func BindCriteria(t fhir.Type, rawQuery string, o Options) (Query, error) {
	params, err := Parse(rawQuery)
	if err != nil {
		return Query{}, err
	}
	for _, p := range params {
		if results[p.Name] != nil {
			return Query{}, fhir.Errorf(fhir.Invalid, "search-criteria-result", "", p.Key())
		}
	}
	o.Lenient, o.Pass = false, nil
	req, err := Bind(t, params, o)
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		e.Path = "" // criteria stand in a header or an element: whoever read them from there knows the place
	}
	if err == nil && len(req.Query.Where) == 0 {
		err = fhir.Errorf(fhir.Invalid, "search-criteria-empty", "")
	}
	return req.Query, err
}

// ignorable are the faults that handling=lenient forgives.
var ignorable = map[string]bool{
	"search-param-unknown": true, "search-param-unsupported": true, "search-modifier-unsupported": true,
	"search-chain-unsupported": true, "search-include-unsupported": true, "search-sort-unsupported": true,
	"search-chain-unknown": true, "search-sort-unknown": true,
}

// maxTerms bounds what one search may ask the index for.
const maxTerms = 5000

type binder struct {
	o       Options
	req     Request
	seen    []string // result parameters that were given
	terms   int
	applies strings.Builder
}

// unsupported are parameters of the specification that this version refuses, everywhere.
var unsupported = []string{
	"_text", "_content", "_query", "_filter", "_list", "_has", "_type", "_contained", "_containedType", "_score", "near",
}

// results are the parameters that say how the result is shown.
var results = map[string]func(*binder, fhir.Type, Parameter) error{
	"_count": (*binder).count, "_total": (*binder).total, "_summary": (*binder).summary, "_elements": (*binder).elements,
	"_sort": (*binder).sort, "_include": (*binder).include, "_revinclude": (*binder).include,
	"_format": (*binder).pass, "_pretty": (*binder).pass,
}

func (b *binder) parameter(t fhir.Type, p Parameter) error {
	if f := results[p.Name]; f != nil {
		return f(b, t, p)
	}
	c, err := b.condition(t, p)
	if err != nil {
		return err
	}
	b.req.Query.Where = append(b.req.Query.Where, c)
	return nil
}

// condition binds one parameter of type t: a plain one, or a chain.
func (b *binder) condition(t fhir.Type, p Parameter) (Condition, error) {
	param := r4.Param(t, p.Name)
	switch {
	case slices.Contains(unsupported, p.Name) && (param == nil || param.Type == r4.ParamSpecial || p.Name[0] == '_'):
		return nil, fhir.Errorf(fhir.Invalid, "search-param-unsupported", "", p.Name)
	case param == nil:
		return nil, fhir.Errorf(fhir.Invalid, "search-param-unknown", "", clip(p.Name), t, nearest(t, p.Name))
	case p.Value == "":
		return nil, fhir.Errorf(fhir.Invalid, "search-value-empty", "", p.Key())
	case p.Chain != "":
		return b.chain(param, p)
	case p.Name == "_id":
		return b.ids(p)
	}
	bind := binders[param.Type]
	if bind == nil {
		return nil, fhir.Errorf(fhir.Invalid, "search-param-unsupported", "", p.Name)
	}
	if err := checkModifier(param, p); err != nil {
		return nil, err
	}
	terms, err := b.alternatives(param, p, bind)
	if err != nil {
		return nil, err
	}
	return Terms{Name: p.Key(), Any: terms}, nil
}

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
func (b *binder) alternatives(param *r4.SearchParam, p Parameter, bind valueBinder) ([]Term, error) {
	var out []Term
	for _, value := range split(p.Value, ',') {
		if value == "" {
			return nil, fhir.Errorf(fhir.Invalid, "search-value-empty", "", p.Key())
		}
		spans, ok := bind(b, param, p, value)
		if !ok {
			return nil, fhir.Errorf(fhir.Invalid, "search-value-"+param.Type.String(), "", p.Key(), clip(value))
		}
		out = append(out, terms(ParamID(param.ID), spans)...)
		if b.terms += len(spans); b.terms > maxTerms {
			return nil, fhir.Errorf(fhir.TooCostly, "search-too-many", "", maxTerms)
		}
	}
	return out, nil
}

func bindString(_ *binder, _ *r4.SearchParam, p Parameter, value string) ([]span, bool) {
	return stringSpans(unescape(value), p.Modifier == "exact")
}

func bindToken(b *binder, param *r4.SearchParam, _ Parameter, value string) ([]span, bool) {
	q, ok := parseToken(value)
	k := kindsOf(param)
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
	return referenceSpans(unescape(value), param.Targets, fhir.Type(p.Modifier), b.o.Base, b.o.Also)
}

func bindDate(b *binder, param *r4.SearchParam, _ Parameter, value string) ([]span, bool) {
	prefix, q, ok := b.date(value)
	switch {
	case !ok:
		return nil, false
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

func bindURI(_ *binder, _ *r4.SearchParam, _ Parameter, value string) ([]span, bool) {
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
		return referenceSpans(unescape(value), c.targets, "", b.o.Base, b.o.Also)
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

// ids binds _id.
func (b *binder) ids(p Parameter) (Condition, error) {
	if p.Modifier != "" {
		return nil, fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "", p.Name, p.Modifier, "-")
	}
	var out IDs
	for _, value := range split(p.Value, ',') {
		id, err := fhir.ParseID(value)
		if err != nil {
			return nil, fhir.Errorf(fhir.Invalid, "search-value-id", "", p.Name, clip(value))
		}
		out.ID = append(out.ID, id)
	}
	if b.terms += len(out.ID); b.terms > maxTerms {
		return nil, fhir.Errorf(fhir.TooCostly, "search-too-many", "", maxTerms)
	}
	return out, nil
}

// checkModifier refuses all modifiers but :exact on strings and :[type] on references.
func checkModifier(param *r4.SearchParam, p Parameter) error {
	if p.Modifier == "" {
		return nil
	}
	accepted := "-"
	switch param.Type {
	case r4.ParamString:
		if p.Modifier == "exact" {
			return nil
		}
		accepted = "exact"
	case r4.ParamReference:
		t := fhir.Type(p.Modifier)
		if r4.IsResource(t) && (param.Targets == nil || slices.Contains(param.Targets, t)) {
			return nil
		}
		accepted = listTypes(param.Targets)
	}
	return fhir.Errorf(fhir.Invalid, "search-modifier-unsupported", "", p.Name, clip(p.Modifier), accepted)
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

// applied adds a parameter that was used to the self link.
func (b *binder) applied(p Parameter) {
	if b.applies.Len() > 0 {
		b.applies.WriteByte('&')
	}
	b.applies.WriteString(escapeQuery(p.Key()))
	b.applies.WriteByte('=')
	b.applies.WriteString(escapeQuery(p.Value))
}

// escapeQuery percent-encodes what may not stand in a query, and leaves what searches are made of readable.
func escapeQuery(s string) string {
	return readable.Replace(url.QueryEscape(s))
}

var readable = strings.NewReplacer("%2C", ",", "%3A", ":", "%2F", "/", "%24", "$", "%40", "@", "+", "%20")
