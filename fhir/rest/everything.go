package rest

import (
	"context"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/operation"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// everything is GET Patient/id/$everything, with start, end, _since, _type, _count and paging, and the same without start
// and end of an Encounter.
func (s *Server) everything(ctx context.Context, c *call) (answer, error) {
	path := c.key.String() + "/$everything"
	params, err := search.Parse(c.query)
	if err != nil {
		return answer{}, err
	}
	text, params, err := takePage(params)
	if err != nil {
		return answer{}, err
	}
	o, applied, err := everythingOptions(c.key, params, c.prefer.lenient)
	if err != nil {
		return answer{}, err
	}
	if err := c.checkElements(""); err != nil {
		return answer{}, err
	}
	used, err := search.Parse(applied)
	if err != nil {
		return answer{}, err
	}
	scope := scopeOf(path, used)
	o.AsOf = c.at
	if text != "" {
		tok, err := s.decode(ctx, text, scope)
		if err != nil {
			return answer{}, err
		}
		if len(tok.after) == 0 { // of a build that counted
			return answer{}, fhir.Errorf(fhir.Invalid, "page-token", "")
		}
		o.AsOf, o.After = tok.asOf, string(tok.after)
	}
	page, err := s.operations.Everything(ctx, c.key, o)
	if err != nil {
		return answer{}, err
	}
	b := newBundle("searchset")
	b.total(page.Total)
	show := showParams(params)
	b.link("self", pageLink(c.base, path, applied, show, text))
	if page.Next != "" {
		b.link("next", pageLink(c.base, path, applied, show, s.encode(ctx, token{asOf: page.AsOf, total: -1, after: []byte(page.Next)}, scope)))
	}
	if c.show.whole() {
		size := 0
		for _, f := range page.Found {
			size += len(f.Found.Stored.Body)
		}
		b.reserve(c.base, len(page.Found), size)
	}
	for _, f := range page.Found {
		mode := "match"
		if f.Supporting {
			mode = "include"
		}
		b.entry(c.base, f.Found, c.show, mode)
	}
	return answer{body: b.end()}, nil
}

// everythingOfAll refuses Patient/$everything: the records of all patients are no page to look at.
func (s *Server) everythingOfAll(_ context.Context, c *call) (answer, error) {
	if c.key.Type != "Patient" && c.key.Type != "Encounter" {
		return answer{}, fhir.Errorf(fhir.NotFound, "operation-unknown", "", string(c.key.Type)+"/$everything")
	}
	return answer{}, fhir.Errorf(fhir.NotFound, "everything-of-all", "", string(c.key.Type))
}

// operationQuery reads the body of an operation, Parameters or a form, as a query.
func (s *Server) operationQuery(c *call) (string, error) {
	if strings.HasPrefix(header(c.http, "Content-Type"), "application/x-www-form-urlencoded") {
		return c.form(s.Limits.FormBytes)
	}
	doc, err := c.document(s.Limits.FormBytes)
	if err != nil {
		return "", err
	}
	return parametersQuery(doc.Root())
}

// parametersQuery gives the parameters of an operation, which are all primitive but for identifiers, as a query.
func parametersQuery(v resource.Value) (string, error) {
	if t := v.ResourceType(); t != "Parameters" {
		return "", fhir.Errorf(fhir.Invalid, "type-mismatch", v.Path(), string(t), "Parameters")
	}
	var parts []string
	for p := range v.Get("parameter").Elements() {
		value, found := resource.Value{}, false
		for m := p.First(); m.Kind() != resource.None; m = m.Next() {
			if strings.HasPrefix(m.Name(), "value") {
				value, found = m, true
			}
		}
		name := p.Get("name").Text()
		if value.Name() == "valueIdentifier" && name != "" { // which is primitive in an address: system|value
			parts = append(parts, queryEscape(name)+"="+queryEscape(value.Get("system").Text()+"|"+value.Get("value").Text()))
			continue
		}
		if !found || name == "" || value.Kind() == resource.Object || value.Kind() == resource.Array {
			return "", fhir.Errorf(fhir.Invalid, "operation-parameter-value", p.Path(), clip(name))
		}
		parts = append(parts, queryEscape(name)+"="+queryEscape(value.Text()))
	}
	return strings.Join(parts, "&"), nil
}

// everythingOptions reads the parameters; applied are those that were used, for links.
func everythingOptions(key fhir.Key, params []search.Parameter, lenient bool) (o operation.EverythingOptions, applied string, err error) {
	o.Count = -1
	var used []string
	for _, p := range params {
		bad := fhir.Errorf(fhir.Invalid, "everything-parameter", "http."+p.Name, clip(p.Key()), clip(p.Value))
		switch p.Key() {
		case "_count":
			if o.Count, err = strconv.Atoi(p.Value); err != nil || o.Count < 1 {
				return o, "", bad
			}
		case "_since":
			from, _, ok := parseTime(p.Value)
			if !ok {
				return o, "", bad
			}
			o.Since = from
		case "start", "end":
			if _, _, ok := parseTime(p.Value); !ok || key.Type != "Patient" {
				return o, "", bad
			}
			if value := strings.Replace(p.Value, " ", "+", 1); p.Name == "start" { // a plus sign sent as such is a blank now
				o.Start = value
			} else {
				o.End = value
			}
		case "_type":
			for _, t := range strings.Split(p.Value, ",") {
				o.Types = append(o.Types, fhir.Type(t))
			}
		case "_summary", "_elements": // read by negotiate; they stay in the links
			if p.Value == "count" {
				return o, "", fhir.Errorf(fhir.Invalid, "summary-count", "http._summary")
			}
		case "_format", "_pretty":
			continue
		default:
			if !lenient {
				return o, "", fhir.Errorf(fhir.Invalid, "everything-parameter-unknown", "http."+p.Name, clip(p.Key()))
			}
			continue
		}
		used = append(used, p.Name+"="+queryEscape(p.Value))
	}
	return o, strings.Join(used, "&"), nil
}
