package interaction

import (
	"context"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// criteria are the bound search criteria of a conditional interaction or reference.
type criteria struct {
	typ   fhir.Type
	query search.Query
	text  string // Type?criteria: the same text is the same question
	path  string // of a bundle: where they stand

	registry *r4.Registry // that query was bound with
}

// conditions names the parameters, for messages.
func (c *criteria) conditions() string {
	var names []string
	eachCondition(c.query.Where, func(w search.Condition) {
		if name := nameOf(w); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	})
	return strings.Join(names, ", ")
}

// bindCriteria binds raw, written as "identifier=S|V", "?identifier=S|V", "Patient?identifier=S|V" or, as HAPI's client has
// it, "http://host/fhir/Patient?identifier=S|V". Criteria are always strict: a parameter that were passed over would make them match more.
func (s *Service) bindCriteria(ctx context.Context, t fhir.Type, raw string) (*criteria, error) {
	raw = trimCriteria(t, raw)
	o, err := s.searchOptions(ctx, false)
	if err != nil {
		return nil, err
	}
	q, err := search.BindCriteria(t, raw, o)
	if err != nil {
		return nil, err
	}
	return &criteria{typ: t, query: q, text: string(t) + "?" + raw, registry: o.Registry}, nil
}

// met says whether a resource with these entries meets the criteria. Conditions that its own entries do not decide, such
// as chains, count as met.
func (c *criteria) met(key fhir.Key, entries []search.Entry) bool {
	q := c.query
	q.Where = slices.DeleteFunc(slices.Clone(q.Where), undecided)
	return search.Matches(q, key, entries, nil)
}

// refers says whether the criteria look at references or other links, whose final text a transaction puts in late.
func (c *criteria) refers() (yes bool) {
	eachCondition(c.query.Where, func(w search.Condition) {
		t, ok := w.(search.Terms)
		yes = yes || ok && slices.ContainsFunc(t.Any, func(t search.Term) bool {
			p := c.registry.ByID(t.Param.Number())
			return p != nil && (p.Type == r4.ParamReference || p.Type == r4.ParamComposite || p.Type == r4.ParamURI)
		})
	})
	return yes
}

// trimCriteria takes a leading "?", "Type?" or URL of the type away.
func trimCriteria(t fhir.Type, raw string) string {
	path, query, ok := strings.Cut(raw, "?")
	if !ok {
		return raw
	}
	if scheme, _, absolute := strings.Cut(path, "://"); absolute && (scheme == "http" || scheme == "https") {
		path = path[strings.LastIndexByte(path, '/')+1:]
	}
	if path == "" || path == string(t) {
		return query
	}
	return raw
}

// one gives the only match as of t, nil if there is none; more than one is Kind Precondition, code "criteria-many".
func (s *Service) one(ctx context.Context, c *criteria, t fhir.T) (*store.Match, error) {
	found, err := s.atMostTwo(ctx, c, t)
	switch {
	case err != nil:
		return nil, err
	case len(found) > 1:
		return nil, fhir.Errorf(fhir.Precondition, codeCriteriaMany, "", string(c.typ))
	case len(found) == 0:
		return nil, nil
	}
	return &found[0], nil
}

// atMostTwo gives the first two matches as of t: enough to tell none, one and many.
func (s *Service) atMostTwo(ctx context.Context, c *criteria, t fhir.T) ([]store.Match, error) {
	var found []store.Match
	for m, err := range s.store.Search(ctx, c.query, t, store.SearchOptions{Limit: 2}) {
		if err != nil {
			return nil, err
		}
		if found = append(found, m); len(found) == 2 {
			break
		}
	}
	return found, nil
}

// searchOptions are what all query strings of this service are bound with.
func (s *Service) searchOptions(ctx context.Context, lenient bool) (search.Options, error) {
	d, err := s.definitions(ctx)
	if err != nil {
		return search.Options{}, err
	}
	return search.Options{
		Context: ctx, Lenient: lenient, Base: s.base, Also: s.also, FoldSystem: s.fold, Now: s.now(), Pass: passed, Terminology: s.codes,
		Registry: d.registry, Percent: s.percent,
	}, nil
}

// passed are the parameters that a search may carry for the rooms above: they say how to show, not what to find.
var passed = []string{"_page", "_format", "_pretty"}
