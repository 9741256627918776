package interaction

import (
	"context"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// criteria are the bound search criteria of a conditional interaction or reference.
type criteria struct {
	typ   fhir.Type
	query search.Query
}

// bindCriteria binds raw, written as "identifier=S|V", "?identifier=S|V" or "Patient?identifier=S|V". Criteria are always
// strict: a parameter that were passed over would make them match more.
func (s *Service) bindCriteria(t fhir.Type, raw string) (*criteria, error) {
	q, err := search.BindCriteria(t, trimCriteria(t, raw), s.searchOptions(false))
	if err != nil {
		return nil, err
	}
	return &criteria{typ: t, query: q}, nil
}

// trimCriteria takes a leading "?" or "Type?" away.
func trimCriteria(t fhir.Type, raw string) string {
	if q := strings.IndexByte(raw, '?'); q == 0 || q > 0 && raw[:q] == string(t) {
		return raw[q+1:]
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
		return nil, fhir.Errorf(fhir.Precondition, "criteria-many", "", string(c.typ))
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
func (s *Service) searchOptions(lenient bool) search.Options {
	return search.Options{Lenient: lenient, Base: s.base, FoldSystem: s.fold, Now: s.now(), Pass: passed}
}

// passed are the parameters that a search may carry for the rooms above: they say how to show, not what to find.
var passed = []string{"_page", "_format", "_pretty"}
