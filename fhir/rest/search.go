package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// search is GET Type?…, for which some clients write Type/_search?….
func (s *Server) search(ctx context.Context, c *call) (answer, error) {
	params, err := search.Parse(c.query)
	if err != nil {
		return answer{}, err
	}
	return s.searchset(ctx, c, string(c.key.Type), c.key.Type, params, nil)
}

// searchForm is POST Type/_search and POST Patient/id/Type/_search: parameters in the body, and in the URL as well.
func (s *Server) searchForm(ctx context.Context, c *call) (answer, error) {
	raw, err := c.form(s.Limits.FormBytes)
	if err != nil {
		return answer{}, err
	}
	c.query = strings.Trim(c.query+"&"+raw, "&")
	if err := c.negotiateQuery(); err != nil {
		return answer{}, err
	}
	if c.inside != "" {
		return s.compartment(ctx, c)
	}
	return s.search(ctx, c)
}

// form reads the body of a form, as a query.
func (c *call) form(limit int64) (string, error) {
	const want = "application/x-www-form-urlencoded"
	if err := contentType(header(c.http, "Content-Type"), want, func(m string) bool { return m == want }); err != nil {
		return "", err
	}
	raw, err := c.raw(limit)
	return strings.TrimRight(string(raw), "\r\n"), err // files end in a line end
}

// compartment is GET Patient/id/Type?…: the resources of Type that belong to the compartment.
func (s *Server) compartment(ctx context.Context, c *call) (answer, error) {
	t := fhir.Type(c.inside)
	if strings.HasPrefix(c.inside, "$") {
		return answer{}, fhir.Errorf(fhir.NotFound, "operation-unknown", "", clip(c.inside))
	}
	if c.inside == "*" {
		return s.compartmentAll(ctx, c)
	}
	if !r4.IsResource(t) {
		return answer{}, fhir.Errorf(fhir.NotFound, "type-unknown", "", clip(c.inside))
	}
	cond, err := interaction.InCompartment(c.key, t)
	if err != nil {
		return answer{}, err
	}
	params, err := search.Parse(c.query)
	if err != nil {
		return answer{}, err
	}
	return s.searchset(ctx, c, c.key.String()+"/"+c.inside, t, params, []search.Condition{cond})
}

// searchset answers a search for t below path; where are conditions that the path makes.
func (s *Server) searchset(ctx context.Context, c *call, path string, t fhir.Type, params []search.Parameter, where []search.Condition) (answer, error) {
	text, params, err := takePage(params)
	if err != nil {
		return answer{}, err
	}
	o := interaction.SearchOptions{Lenient: c.prefer.lenient, AsOf: c.at, Where: where, CountUp: c.html}
	if c.inside == "*" {
		o.Compartment = c.key
	}
	tok := token{total: -1}
	if text != "" {
		if tok, err = s.decode(ctx, text, scopeOf(path, params)); err != nil {
			return answer{}, err
		}
		o.AsOf, o.After, o.Shown = tok.asOf, tok.after, tok.offset
		o.Skip = tok.offset - tok.base
		if tok.total >= 0 && store.FenceOf(ctx).Open() { // others may see more or less by now
			o.Total = &tok.total
		}
	}
	tag, err := s.stateTag(ctx, c, params)
	if err != nil {
		return answer{}, err
	}
	if c.has(tag) {
		return answer{status: http.StatusNotModified, tag: tag}, nil
	}
	page, err := s.Service.SearchParams(ctx, t, params, o)
	if err != nil {
		return answer{}, err
	}
	b := newBundle("searchset")
	if page.Total != nil {
		b.total(*page.Total)
	}
	if err := s.searchLinks(ctx, b, c, path, params, page, tok, text); err != nil {
		return answer{}, err
	}
	show := showFor(c.show, page.Request)
	for i, f := range page.Matches {
		if n := page.Inside[i]; n > 0 {
			b.contained(c.base, f, n, show)
		} else {
			b.entry(c.base, f, show, "match")
		}
	}
	show.elements = nil // _elements is about the resources searched for
	for _, f := range page.Included {
		b.entry(c.base, f, show, "include")
	}
	notes := ignored(page.Request)
	if c.prefer.explain {
		plan, err := s.explain(ctx, page)
		if err != nil {
			return answer{}, err
		}
		notes = append(notes, plan...)
	}
	if len(notes) > 0 {
		tag = "" // what is told about it is not in the tag
		b.outcome(outcome.Found(notes, c.language()))
	}
	return answer{body: b.end(), tag: tag}, nil
}

// farLast is how many matches may lie before the last page for a link to it: it is reached by counting.
const farLast = 10_000

// lastPage gives the offset of the last page, if it is known, there are several, and it is cheap to reach; else 0.
func lastPage(page interaction.Page, total int) int {
	if page.Request.Most > 0 {
		total = min(total, page.Request.Most)
	}
	if total <= page.Count || total > farLast {
		return 0
	}
	return (total - 1) / page.Count * page.Count
}

// searchLinks adds self, first, previous, next and last.
func (s *Server) searchLinks(ctx context.Context, b *bundle, c *call, path string, params []search.Parameter, page interaction.Page, tok token, text string) error {
	applied, show := page.Request.Applied, showParams(params)
	b.link("self", pageLink(c.base, path, applied, show, text))
	if page.Count == 0 {
		return nil
	}
	used, err := search.Parse(applied)
	if err != nil {
		return err
	}
	scope := scopeOf(path, used)
	known := marksOf(tok, page)
	total := -1
	if page.Total != nil {
		total = *page.Total
	}
	to := func(relation string, t token) {
		t.asOf, t.total = page.AsOf, total
		b.link(relation, pageLink(c.base, path, applied, show, s.encode(ctx, t, scope)))
	}
	if text != "" || page.Next != nil {
		to("first", token{})
	}
	if tok.offset > 0 {
		to("previous", token{}.to(max(tok.offset-page.Count, 0), page.Count, known))
	}
	if page.Next != nil {
		offset := tok.offset + len(page.Matches)
		to("next", token{}.to(offset, page.Count, append([]mark{{offset, page.Next}}, known...)))
	}
	if at := lastPage(page, total); at > 0 {
		to("last", token{offset: at})
	}
	return nil
}

// explain tells how a search was run: for each condition how it was decided, with estimated and actual counts.
func (s *Server) explain(ctx context.Context, page interaction.Page) ([]fhir.Issue, error) {
	plans, err := s.Service.Explain(ctx, page)
	if err != nil {
		return nil, err
	}
	var issues []fhir.Issue
	for _, plan := range plans {
		for line := range strings.Lines(plan.String()) {
			issues = append(issues, fhir.Issue{Severity: fhir.SeverityInformation, Code: "search-plan", Args: []any{strings.TrimSpace(line)}})
		}
	}
	return issues, nil
}

// ignored tells what a lenient search left out.
func ignored(r search.Request) []fhir.Issue {
	issues := make([]fhir.Issue, len(r.Ignored))
	for i, ig := range r.Ignored {
		code := ig.Err.Code
		if code == "search-param-unknown" {
			code = "search-param-passed" // the other says that it would be, if it were asked for
		}
		issues[i] = fhir.Issue{Severity: fhir.SeverityWarning, Code: code, Path: ig.Err.Path, Args: ig.Err.Args}
	}
	return issues
}

// showFor is how the resources of a search are shown: as its bound parameters have it.
func showFor(s show, r search.Request) show {
	s.summary, s.elements = "", r.Elements
	switch r.Summary {
	case search.SummaryTrue:
		s.summary = "true"
	case search.SummaryText:
		s.summary = "text"
	case search.SummaryData:
		s.summary = "data"
	}
	return s
}
