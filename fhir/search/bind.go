package search

import (
	"context"
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
	b := newBinder(t, o)
	return b.insideToo(t, params)
}

// all binds the parameters one by one.
func (b *binder) all(t fhir.Type, params []Parameter) error {
	for _, p := range params {
		if slices.Contains(b.o.Pass, p.Name) {
			continue
		}
		if err := b.try(t, p); err != nil {
			return err
		}
	}
	return nil
}

func newBinder(t fhir.Type, o Options) binder {
	o.Limits = o.Limits.withDefaults()
	if o.Context == nil {
		o.Context = context.Background()
	}
	return binder{o: o, req: Request{Query: Query{Type: t}, Count: -1}}
}

// try binds a parameter, or notes that it is ignored.
func (b *binder) try(t fhir.Type, p Parameter) error {
	err := b.parameter(t, p)
	if err == nil {
		b.applied(p)
		return nil
	}
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok {
		return err
	}
	if e.Path == "" {
		e.Path = "http." + p.Name
	}
	if !b.o.Lenient || !ignorable[e.Code] {
		return e
	}
	b.req.Ignored = append(b.req.Ignored, Ignored{Name: p.Key(), Err: e})
	return nil
}

func (b *binder) finish() Request {
	if b.req.Count == 0 {
		b.req.Summary = SummaryCount
	}
	b.req.Applied = b.applies.String()
	return b.req
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
	"search-query-named": true, "search-chain-unknown": true, "search-sort-unknown": true, "search-terminology-off": true, "search-text-off": true,
}

// maxTerms bounds the ranges that one search may ask the index for.
const maxTerms = 5000

type binder struct {
	o          Options
	req        Request
	seen       []string // result parameters that were given
	terms      int
	conditions int
	depth      int   // references followed to where the binder is
	inside     bool  // what is searched, at depth 0, is contained in others
	fault      error // of a value, where it is known better than by the type of the parameter
	applies    strings.Builder
}

// unsupported are parameters that are refused everywhere, with the code that says why and what is accepted instead. _query
// names operations that nobody has defined here, _score needs ranks.
var unsupported = map[string]string{
	"_query": "search-query-named", "_score": "search-param-unsupported",
}

// refusal gives the error of an unsupported parameter of type t.
func refusal(t fhir.Type, name, value string) error {
	return fhir.Errorf(fhir.Invalid, unsupported[name], "", name, clip(value), t)
}

// results are the parameters that say how the result is shown.
var results = map[string]func(*binder, fhir.Type, Parameter) error{
	"_count": (*binder).count, "_total": (*binder).total, "_summary": (*binder).summary, "_elements": (*binder).elements,
	"_sort": (*binder).sort, "_include": (*binder).include, "_revinclude": (*binder).include,
	"_contained": (*binder).contained, "_containedType": (*binder).contained, "_maxresults": (*binder).most, "_format": (*binder).pass, "_pretty": (*binder).pass,
}

func (b *binder) parameter(t fhir.Type, p Parameter) error {
	if f := results[p.Name]; f != nil {
		if p.Value == "" && p.Name != "_format" && p.Name != "_pretty" {
			return fhir.Errorf(fhir.Invalid, "search-value-empty", "", p.Key())
		}
		return f(b, t, p)
	}
	c, err := b.condition(t, p)
	if err != nil {
		return err
	}
	b.req.Query.Where = append(b.req.Query.Where, c)
	return nil
}

// condition binds one parameter of type t: a plain one, a chain, or one that is a language of its own.
func (b *binder) condition(t fhir.Type, p Parameter) (Condition, error) {
	if err := b.costs(p.Key(), 1); err != nil {
		return nil, err
	}
	if b.inside && b.depth == 0 && (p.Name == "_has" || p.Name == "_list") {
		return nil, notInside(p.Name)
	}
	switch p.Name {
	case "_has":
		return b.has(t, p)
	case "_list":
		return b.list(p)
	case "_filter":
		return b.filter(t, p)
	case "_type":
		return nil, fhir.Errorf(fhir.Invalid, "search-type-place", "", t)
	}
	param := b.o.Registry.Param(t, p.Name)
	switch {
	case unsupported[p.Name] != "":
		return nil, refusal(t, p.Name, p.Value)
	case param == nil:
		return nil, fhir.Errorf(fhir.Invalid, "search-param-unknown", "", clip(p.Name), t, b.nearest(t, p.Name))
	case p.Value == "":
		return nil, fhir.Errorf(fhir.Invalid, "search-value-empty", "", p.Key())
	}
	if err := b.ready(param); err != nil {
		return nil, err
	}
	if p.Chain != "" {
		return b.chain(param, p)
	}
	return b.plain(param, p)
}

// costs counts conditions against the limit.
func (b *binder) costs(name string, n int) error {
	if b.conditions += n; b.conditions > b.o.Limits.Conditions {
		return fhir.Errorf(fhir.TooCostly, "search-limit", "", clip(name), "conditions", b.o.Limits.Conditions)
	}
	return nil
}

// plain binds a parameter by its values.
func (b *binder) plain(param *r4.SearchParam, p Parameter) (Condition, error) {
	bind := binders[param.Type]
	if IsNear(param) {
		bind = bindNear
	}
	if bind == nil {
		return nil, fhir.Errorf(fhir.Invalid, "search-param-unsupported", "", p.Name)
	}
	if err := b.checkModifier(param, p); err != nil {
		return nil, err
	}
	values := split(p.Value, ',')
	switch {
	case slices.Contains(values, ""):
		return nil, fhir.Errorf(fhir.Invalid, "search-value-empty", "", p.Key())
	case len(values) > b.o.Limits.Values:
		return nil, fhir.Errorf(fhir.TooCostly, "search-limit", "", p.Key(), "values", b.o.Limits.Values)
	case p.Modifier == "missing":
		return missing(param, p)
	case p.Name == "_id":
		return b.ids(param, p, values)
	case isWords(param):
		return b.words(param, p, values)
	}
	list, err := b.alternatives(param, p, values, bind)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0 && p.Modifier == "not-in": // the value set is empty
		return always, nil
	case len(list) == 0:
		return never, nil
	case p.Modifier == "not" || p.Modifier == "not-in":
		return notAmong(param, p.Key(), Terms{Name: p.Key(), Any: list}), nil
	}
	return Terms{Name: p.Key(), Any: list}, nil
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
