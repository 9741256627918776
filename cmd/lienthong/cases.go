package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/rest"
)

// forAuditors are what auditors ask about claims; lists and cases come as FHIR, and with output=json as plain JSON:
//
//	GET  Claim/$cases?state=…&facility=…     claims by what is asked, a page at a time (cases.ParseFilter)
//	GET  Claim/{id}/$case                    one of them: lines, what it cites, attempts, issues, reviews
//	GET  Claim/$sample?seed=…&size=…&by=…    a stratified sample that anybody can draw again
//	POST Claim/{id}/$review                  what a review came to: Parameters outcome, note, sample
//	GET  Claim/{id}/$evidence                all of it as one file that a third party can check
//	POST Claim/$reconcile?facility=…         hold ours against the portal's lists now
//	GET  Claim/$claim-news?after=…           what happened to claims since, for hospitals and auditors
func forAuditors(n *node, base string) []rest.Operation {
	s := cases.New(cases.Config{Store: n.store, Outbox: n.outbox, Interactions: n.service, Systems: mapping.Systems{Base: base}})
	own := base + "/fhir/OperationDefinition/Claim-"
	return []rest.Operation{
		{Name: "cases", Type: "Claim", Reads: true, Names: cases.Names, Codes: cases.Codes, Definition: own + "cases", Serve: func(ctx context.Context, a rest.Asked) (rest.Content, error) {
			return listCases(ctx, s, a)
		}},
		{Name: "case", Type: "Claim", Instance: true, Reads: true, Names: cases.Names, Codes: cases.Codes, Link: called("Line by line", "Từng dòng"), Definition: own + "case", Serve: func(ctx context.Context, a rest.Asked) (rest.Content, error) {
			return showCase(ctx, s, a)
		}},
		{Name: "sample", Type: "Claim", Reads: true, Definition: own + "sample", Serve: func(ctx context.Context, a rest.Asked) (rest.Content, error) {
			return drawSample(ctx, s, a)
		}},
		{Name: "review", Type: "Claim", Instance: true, Definition: own + "review", Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			return reviewCase(ctx, s, a)
		}},
		evidenceOf(n, s, base), reconcile(n, base), claimNews(n, base),
	}
}

// question is the query of an operation, with the form that the answer is to have.
func question(a rest.Asked) (q url.Values, plain bool, err error) {
	if q, err = url.ParseQuery(a.Query); err != nil {
		return nil, false, fhir.Errorf(fhir.Invalid, "case-parameter", "", "?")
	}
	switch q.Get("output") {
	case "", "fhir":
	case "json":
		plain = true
	default:
		return nil, false, fhir.Errorf(fhir.Invalid, "case-parameter", "http.output", "output")
	}
	q.Del("output")
	return q, plain, nil
}

// nothingElse refuses parameters that nobody has read.
func nothingElse(q url.Values) error {
	for name := range q {
		return fhir.Errorf(fhir.Invalid, "case-parameter", "http."+name, name)
	}
	return nil
}

// inForm is the answer in the form that was asked for.
func inForm(plain bool, v any, asFHIR func() []byte) (rest.Content, error) {
	if !plain {
		return rest.Content{Type: "application/fhir+json", Body: asFHIR()}, nil
	}
	body, err := json.Marshal(v)
	return rest.Content{Type: "application/json", Body: body}, err
}

func listCases(ctx context.Context, s *cases.Service, a rest.Asked) (rest.Content, error) {
	q, plain, err := question(a)
	if err != nil {
		return rest.Content{}, err
	}
	again, err := url.ParseQuery(a.Query)
	if err != nil {
		return rest.Content{}, err
	}
	count := cases.DefaultCount
	if text := q.Get("_count"); text != "" {
		if count, err = strconv.Atoi(text); err != nil || count < 1 || count > cases.MaxCount {
			return rest.Content{}, fhir.Errorf(fhir.Invalid, "case-parameter", "http._count", "_count")
		}
	}
	page := q.Get("page")
	q.Del("_count")
	q.Del("page")
	o, err := cases.ParseOrder(q)
	if err != nil {
		return rest.Content{}, err
	}
	f, err := cases.ParseFilter(q)
	if err == nil {
		err = nothingElse(q)
	}
	if err != nil {
		return rest.Content{}, err
	}
	list := s.List
	if o != (cases.Order{}) {
		list = func(ctx context.Context, f cases.Filter, count int, page string) (cases.Page, error) {
			return s.Sorted(ctx, f, o, count, page)
		}
	}
	p, err := list(ctx, f, count, page)
	if err != nil {
		return rest.Content{}, err
	}
	return inForm(plain, p, func() []byte {
		if p.Next == "" {
			return p.Parameters("")
		}
		again.Set("page", p.Next)
		return p.Parameters(a.Base + "/Claim/$cases?" + again.Encode())
	})
}

func showCase(ctx context.Context, s *cases.Service, a rest.Asked) (rest.Content, error) {
	q, plain, err := question(a)
	if err == nil {
		err = nothingElse(q)
	}
	if err != nil {
		return rest.Content{}, err
	}
	c, docs, err := s.Show(ctx, a.Key.ID)
	if err != nil {
		return rest.Content{}, err
	}
	return inForm(plain, c, func() []byte { return c.Bundle(docs) })
}

func drawSample(ctx context.Context, s *cases.Service, a rest.Asked) (rest.Content, error) {
	q, plain, err := question(a)
	if err != nil {
		return rest.Content{}, err
	}
	d, err := cases.ParseDraw(q)
	if err != nil {
		return rest.Content{}, err
	}
	filter := q.Encode()
	f, err := cases.ParseFilter(q)
	if err == nil {
		err = nothingElse(q)
	}
	if err != nil {
		return rest.Content{}, err
	}
	drawn, err := s.Sample(ctx, f, d)
	if err != nil {
		return rest.Content{}, err
	}
	drawn.Filter = filter
	return inForm(plain, drawn, drawn.List)
}

func reviewCase(ctx context.Context, s *cases.Service, a rest.Asked) ([]byte, error) {
	if a.Body.ResourceType() != "Parameters" {
		return nil, fhir.Errorf(fhir.Unprocessable, "case-review", "", "outcome")
	}
	given := map[string]string{}
	for p := range a.Body.Get("parameter").Elements() {
		given[p.Get("name").Text()] = textOf(p)
	}
	doc, err := s.Review(ctx, a.Key.ID, cases.Review{
		Outcome: cases.Outcome(given["outcome"]), Note: given["note"], Who: given["who"], Sample: given["sample"],
	})
	if err != nil {
		return nil, err
	}
	return doc.Root().Raw(), nil
}

// hidden says that there is nothing that the caller may see.
func hidden(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone || e.Kind == fhir.Denied)
}
