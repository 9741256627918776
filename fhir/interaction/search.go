package interaction

import (
	"context"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// SearchOptions say which page of a search is wanted.
type SearchOptions struct {
	Lenient bool               // Prefer: handling=lenient: what cannot be used is left out of Page.Applied instead of an error
	AsOf    fhir.T             // of the first page, for those after it; 0 = the head
	After   []byte             // Page.Next of the page before; nil = from the start
	Skip    int                // matches to pass over, after After: how a page before is reached
	Total   *int               // known from the first page: not counted again
	Where   []search.Condition // besides those of the query, such as InCompartment
	Shown   int                // matches on the pages before, for _maxresults
	CountUp bool               // without _total, matches are counted up to Limits.CountMatches: for people, who read totals

	// Compartment, of a search without a type: only what belongs to it, and the resource itself. Zero = everything.
	Compartment fhir.Key
}

// Page is one page of a search.
type Page struct {
	AsOf     fhir.T
	Matches  []store.Found
	Inside   []int         // of contained matches, by the place in Matches: the place in its element contained, from 1 on; else 0
	Included []store.Found // by _include and _revinclude, none of the matches
	Count    int           // matches that the page may have
	Next     []byte        // continue after it; nil = this is the last page
	Total    *int          // of all pages; nil = not asked for, and not found out by the page itself
	Request  search.Request

	// Passed are places among the matches that Skip passed over, one page apart and the last one where the page begins:
	// from there the pages before are reached without passing over all.
	Passed []Passed

	cut bool // there are more matches, which _maxresults cuts off
}

// Passed is the place after so many matches of SearchOptions.Skip.
type Passed struct {
	Matches int
	Place   []byte
}

// pass takes note of the place after n matches that were passed over.
func (p *Page) pass(n, skip int, place []byte) {
	if p.Count > 0 && (skip-n)%p.Count == 0 {
		p.Passed = append(p.Passed, Passed{n, place})
	}
}

// Search finds resources of type t by a query string (without "?"). All pages show the state as of the first one (AS-OF);
// every committed resource is found (FRESH).
func (s *Service) Search(ctx context.Context, t fhir.Type, rawQuery string, o SearchOptions) (Page, error) {
	params, err := search.Parse(rawQuery)
	if err != nil {
		return Page{}, err
	}
	return s.SearchParams(ctx, t, params, o)
}

// SearchParams is Search with the query taken apart, such as that of a POST with parameters in both places. Without a type
// it is a search over several (several.go).
func (s *Service) SearchParams(ctx context.Context, t fhir.Type, params []search.Parameter, o SearchOptions) (Page, error) {
	if t == "" {
		return s.searchSeveral(ctx, params, o)
	}
	return s.searchType(ctx, t, params, o)
}

// searchType is SearchParams for one type.
func (s *Service) searchType(ctx context.Context, t fhir.Type, params []search.Parameter, o SearchOptions) (Page, error) {
	if !r4.IsResource(t) {
		return Page{}, fhir.Errorf(fhir.NotFound, "type-unknown", "", string(t))
	}
	options, err := s.searchOptions(ctx, o.Lenient)
	if err != nil {
		return Page{}, err
	}
	req, err := search.Bind(t, params, options)
	if err != nil {
		return Page{}, err
	}
	if req.Inside != nil {
		legs, err := s.legs([]search.Query{req.Query, *req.Inside}, o)
		if err != nil {
			return Page{}, err
		}
		p := Page{AsOf: o.AsOf, Total: o.Total, Request: req}
		return s.searchLegs(ctx, legs, p, o)
	}
	req.Query.Where = append(req.Query.Where, o.Where...)
	p := Page{AsOf: o.AsOf, Request: req, Total: o.Total, Count: s.pageSize(req.Count)}
	if p.AsOf == 0 {
		if p.AsOf, err = s.store.Head(ctx); err != nil {
			return Page{}, err
		}
	}
	if err := s.FollowMerged(ctx, &req.Query, p.AsOf); err != nil {
		return Page{}, err
	}
	p.Request = req
	if req.Summary == search.SummaryCount {
		n, err := s.store.Count(ctx, req.Query, p.AsOf)
		p.Total, p.Count = &n, 0
		return p, err
	}
	matches, err := s.page(ctx, &p, o)
	if err != nil {
		return Page{}, err
	}
	return p, s.fetch(ctx, &p, matches)
}

// InCompartment is the condition that a resource of type t belongs to the compartment of key, such as Patient/1: one of
// the parameters that the compartment's definition names refers to it.
func InCompartment(key fhir.Key, t fhir.Type) (search.Condition, error) {
	value := search.ReferenceValue(key)
	c := search.Terms{Name: "compartment"}
	for _, code := range r4.CompartmentParams(key.Type, t) {
		if p := r4.Param(t, code); p != nil && p.Type == r4.ParamReference {
			c.Any = append(c.Any, search.Term{Param: search.ParamID(p.ID), Low: value, Exact: true})
		}
	}
	if len(c.Any) == 0 {
		return nil, fhir.Errorf(fhir.NotFound, "compartment-unknown", "", string(t), string(key.Type))
	}
	return c, nil
}

// pageSize is the number of matches on a page for the _count asked for, -1 = none.
func (s *Service) pageSize(asked int) int {
	if asked < 0 {
		return min(s.limits.Count, s.limits.MaxCount)
	}
	return min(asked, s.limits.MaxCount)
}

// page collects the matches of the page, finds out whether there are more and, as far as that was asked for or is cheap,
// how many there are in all.
func (s *Service) page(ctx context.Context, p *Page, o SearchOptions) ([]store.Match, error) {
	var matches []store.Match
	skip, size := o.Skip, p.size(o)
	if size <= 0 {
		return nil, nil
	}
	options := store.SearchOptions{After: o.After, Limit: skip + size + 1, Tally: s.tally(p, o)}
	for m, err := range s.store.Search(ctx, p.Request.Query, p.AsOf, options) {
		switch {
		case err != nil:
			return nil, err
		case skip > 0:
			skip--
			p.pass(o.Skip-skip, o.Skip, m.Order)
		default:
			matches = append(roomFor(matches, p.Count+1), m)
		}
	}
	if t := options.Tally; t != nil && t.N >= 0 && (t.Most == 0 || t.N < t.Most) {
		p.Total = &t.N
	}
	if len(matches) > size {
		matches = matches[:size]
		p.more(matches[size-1].Order, o)
	}
	p.allOnOne(len(matches), o)
	return matches, nil
}

// allOnOne takes the total from the only page, of n matches.
func (p *Page) allOnOne(n int, o SearchOptions) {
	if p.Total == nil && p.Request.Total != search.TotalNone && o.After == nil && o.Skip == 0 && p.Next == nil && !p.cut {
		p.Total = &n
	}
}

// tally says how far the matches of a page's search are to be counted; nil = not at all. When _total was not asked for a page
// has the total that it costs nothing to give, or, for people, one of up to Limits.CountMatches.
func (s *Service) tally(p *Page, o SearchOptions) *store.Tally {
	switch {
	case p.Request.Total == search.TotalNone:
		p.Total = nil
		return nil
	case p.Total != nil:
		return nil
	case p.Request.Total != search.TotalDefault:
		return &store.Tally{}
	case !o.CountUp:
		return &store.Tally{Free: true, N: -1}
	case len(p.Request.Query.Where) > 0:
		return &store.Tally{Most: s.limits.CountMatches + 1}
	}
	return &store.Tally{}
}

// fetch gets the documents of the page and of what it includes.
func (s *Service) fetch(ctx context.Context, p *Page, matches []store.Match) error {
	if err := s.documents(ctx, p, matches); err != nil {
		return err
	}
	return s.include(ctx, p, p.Request.Query, matches, nil)
}

// documents gets the documents of the matches.
func (s *Service) documents(ctx context.Context, p *Page, matches []store.Match) error {
	found, err := s.store.FetchAll(ctx, matches)
	if err != nil {
		return err
	}
	for i, f := range found {
		if f.Key.ID != "" {
			p.Inside = append(p.Inside, matches[i].Contained)
		}
	}
	p.Matches = inSight(found)
	return nil
}

// include adds to the page what q includes for these matches, but not what is in seen, and notes it there; nil when q alone
// makes the page, since the store gives each resource once.
func (s *Service) include(ctx context.Context, p *Page, q search.Query, matches []store.Match, seen map[fhir.Key]bool) error {
	if len(q.Include) == 0 || len(matches) == 0 {
		return nil
	}
	var included []store.Match
	for m, err := range s.store.Included(ctx, q, matches, p.AsOf) {
		if err != nil {
			return err
		}
		if seen[m.Key] {
			continue
		}
		if seen != nil {
			seen[m.Key] = true
		}
		if len(p.Included)+len(included) == s.limits.MaxIncluded {
			return fhir.Errorf(fhir.TooCostly, "include-too-many", "", s.limits.MaxIncluded)
		}
		included = append(included, m)
	}
	found, err := s.store.FetchAll(ctx, included)
	if err != nil {
		return err
	}
	p.Included = append(p.Included, inSight(found)...)
	return nil
}

// inSight takes out what was found a moment ago and may not be seen any more.
func inSight(found []store.Found) []store.Found {
	return slices.DeleteFunc(found, func(f store.Found) bool { return f.Key.ID == "" })
}
