package interaction

import (
	"bytes"
	"context"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// A search over several types is one search for each of them, a leg, whose matches are merged by their places in the
// order: these are comparable across types, since they hold the values to sort by and the engine's number of the resource.
// So the whole has one order, and a page goes on after one place in all legs.
//
//	_type=Patient,Practitioner   the parameters must be ones that all of these types have
//	without _type                all types, or all of a compartment: parameters of the root type Resource alone
//
// _include, _revinclude and _elements go to the types that they are about.
//
// With _contained=both there are two legs for one type: resources on their own, and contained ones.

// farthest is how many matches a page of several types may lie behind its start when it is reached by counting.
const farthest = 100_000

// fewTypes is how many types are counted for people without having been asked to.
const fewTypes = 16

// leg is the part of one type.
type leg struct {
	query search.Query
	own   bool // the resource that a compartment is named after, which the leg after it may find as well
}

// searchSeveral is SearchParams without a type.
func (s *Service) searchSeveral(ctx context.Context, params []search.Parameter, o SearchOptions) (Page, error) {
	types, params, err := search.TakeTypes(params)
	if err != nil {
		return Page{}, err
	}
	if o.Skip > farthest {
		return Page{}, fhir.Errorf(fhir.TooCostly, "page-too-far", "", farthest)
	}
	named := types != nil
	if types, err = inCompartment(o.Compartment, types); err != nil {
		return Page{}, err
	}
	if !named { // one that is named is refused
		fence := store.FenceOf(ctx)
		all := types[0]
		types = slices.DeleteFunc(slices.Clone(types), func(t fhir.Type) bool { return !fence.Finds(t) })
		if len(types) == 0 {
			return Page{}, fhir.Errorf(fhir.Denied, "access-denied", "", string(all), store.ActionSearch.Word())
		}
	}
	options, err := s.searchOptions(ctx, o.Lenient)
	if err != nil {
		return Page{}, err
	}
	req, err := search.BindTypes(types, named, params, options)
	if err != nil {
		return Page{}, err
	}
	legs, err := s.legs(req.Queries, o)
	if err != nil {
		return Page{}, err
	}
	if !named && o.Compartment.ID == "" && len(legs[0].query.Where) == 0 {
		return Page{}, fhir.Errorf(fhir.Invalid, "search-all-empty", "http._type")
	}
	return s.searchLegs(ctx, legs, Page{AsOf: o.AsOf, Total: o.Total, Request: req.Request}, o)
}

// searchLegs makes the page of several legs.
func (s *Service) searchLegs(ctx context.Context, legs []leg, p Page, o SearchOptions) (_ Page, err error) {
	p.Count = s.pageSize(p.Request.Count)
	if p.AsOf == 0 {
		if p.AsOf, err = s.store.Head(ctx); err != nil {
			return Page{}, err
		}
	}
	for i := range legs {
		if err := s.FollowMerged(ctx, &legs[i].query, p.AsOf); err != nil {
			return Page{}, err
		}
	}
	if p.Request.Summary == search.SummaryCount {
		n, err := s.countLegs(ctx, legs, p.AsOf)
		p.Total, p.Count = &n, 0
		return p, err
	}
	matches, err := s.mergeLegs(ctx, legs, &p, o)
	if err != nil {
		return Page{}, err
	}
	p.allOnOne(len(matches), o)
	if err := s.totalOfLegs(ctx, legs, &p, o); err != nil {
		return Page{}, err
	}
	return p, s.fetchLegs(ctx, legs, &p, matches)
}

// inCompartment gives the types to search: those asked for, or all, or all of the compartment. What was asked for must be
// part of it.
func inCompartment(compartment fhir.Key, asked []fhir.Type) ([]fhir.Type, error) {
	if compartment.ID == "" {
		if len(asked) == 0 {
			return r4.Types(), nil
		}
		return asked, nil
	}
	if !slices.Contains(r4.Compartments(), compartment.Type) {
		return nil, fhir.Errorf(fhir.NotFound, "compartment-unknown", "", "*", string(compartment.Type))
	}
	part := func(t fhir.Type) bool {
		return t == compartment.Type || r4.CompartmentParams(compartment.Type, t) != nil
	}
	if len(asked) == 0 {
		return slices.DeleteFunc(slices.Clone(r4.Types()), func(t fhir.Type) bool { return !part(t) }), nil
	}
	for _, t := range asked {
		if !part(t) {
			return nil, fhir.Errorf(fhir.Invalid, "compartment-unknown", "http._type", string(t), string(compartment.Type))
		}
	}
	return asked, nil
}

// legs gives the searches to make: one for each type, and one more for the resource that a compartment is named after,
// which is part of it without a reference.
func (s *Service) legs(queries []search.Query, o SearchOptions) ([]leg, error) {
	out := make([]leg, 0, len(queries)+1)
	for _, q := range queries {
		t := q.Type
		q.Where = append(q.Where, o.Where...)
		if o.Compartment.ID == "" {
			out = append(out, leg{query: q})
			continue
		}
		with := func(c search.Condition) search.Query {
			q := q
			q.Where = append(slices.Clone(q.Where), c)
			return q
		}
		if t == o.Compartment.Type {
			out = append(out, leg{with(search.IDs{ID: []fhir.ID{o.Compartment.ID}}), true})
			if r4.CompartmentParams(o.Compartment.Type, t) == nil {
				continue
			}
		}
		c, err := InCompartment(o.Compartment, t)
		if err != nil {
			return nil, err
		}
		out = append(out, leg{query: with(c)})
	}
	return out, nil
}

// mergeLegs collects the matches of the page, in the order of the whole, and finds out whether there are more.
func (s *Service) mergeLegs(ctx context.Context, legs []leg, p *Page, o SearchOptions) ([]store.Match, error) {
	size := p.size(o)
	if size <= 0 {
		return nil, nil
	}
	limit := o.Skip + size + 1
	var all []store.Match
	for _, l := range legs {
		var bound []byte // matches from here on are behind the page
		if len(all) == limit {
			bound = all[limit-1].Order
		}
		for m, err := range s.store.Search(ctx, l.query, p.AsOf, store.SearchOptions{After: o.After, Limit: limit}) {
			if err != nil {
				return nil, err
			}
			if bound != nil && bytes.Compare(m.Order, bound) >= 0 {
				break
			}
			all = append(all, m)
		}
		slices.SortFunc(all, func(a, b store.Match) int { return bytes.Compare(a.Order, b.Order) })
		all = slices.CompactFunc(all, func(a, b store.Match) bool { return a.Key == b.Key && a.Contained == b.Contained })
		all = all[:min(len(all), limit)]
	}
	for i := range min(o.Skip, len(all)) {
		p.pass(i+1, o.Skip, all[i].Order)
	}
	all = all[min(o.Skip, len(all)):]
	if len(all) > size {
		all = all[:size]
		p.more(all[size-1].Order, o)
	}
	return all, nil
}

// countLegs counts the matches of all legs; a resource that two of them find counts once.
func (s *Service) countLegs(ctx context.Context, legs []leg, t fhir.T) (int, error) {
	total := 0
	for i, l := range legs {
		n, err := s.store.Count(ctx, l.query, t)
		if err != nil {
			return 0, err
		}
		total += n
		if l.own && n > 0 && i+1 < len(legs) && legs[i+1].query.Type == l.query.Type {
			both := l.query
			both.Where = append(slices.Clone(both.Where), legs[i+1].query.Where...)
			if n, err = s.store.Count(ctx, both, t); err != nil {
				return 0, err
			}
			total -= n
		}
	}
	return total, nil
}

// totalOfLegs finds the number of all matches, as far as that was asked for.
func (s *Service) totalOfLegs(ctx context.Context, legs []leg, p *Page, o SearchOptions) error {
	byItself := p.Request.Total == search.TotalDefault
	switch {
	case p.Request.Total == search.TotalNone:
		p.Total = nil
		return nil
	case p.Total != nil:
		return nil
	case byItself && (!o.CountUp || o.Compartment.ID == "" && len(legs) > fewTypes):
		return nil
	case byItself && len(legs[0].query.Where) > 0:
		all := Page{AsOf: p.AsOf, Count: s.limits.CountMatches}
		for i := range legs {
			legs[i].query.Sort = nil
		}
		found, err := s.mergeLegs(ctx, legs, &all, SearchOptions{})
		if n := len(found); err == nil && all.Next == nil {
			p.Total = &n
		}
		return err
	}
	n, err := s.countLegs(ctx, legs, p.AsOf)
	p.Total = &n
	return err
}

// fetchLegs gets the documents of the page and of what it includes, each once.
func (s *Service) fetchLegs(ctx context.Context, legs []leg, p *Page, matches []store.Match) error {
	if err := s.documents(ctx, p, matches); err != nil {
		return err
	}
	seen := make(map[fhir.Key]bool, len(matches))
	byType := map[fhir.Type][]store.Match{}
	for _, m := range matches {
		seen[m.Key] = true
		byType[m.Key.Type] = append(byType[m.Key.Type], m)
	}
	for _, l := range legs {
		found := byType[l.query.Type]
		if len(l.query.Include) == 0 {
			continue
		}
		delete(byType, l.query.Type)
		if err := s.include(ctx, p, l.query, found, seen); err != nil {
			return err
		}
	}
	return nil
}
