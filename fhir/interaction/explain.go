package interaction

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// Explain says how the search of a page was run, by running it again as of the same commit. Searches over several types
// have no single plan and are refused, as is a store that cannot show one.
func (s *Service) Explain(ctx context.Context, p Page) (store.Plan, error) {
	e, ok := s.store.(store.Explainer)
	if !ok || p.Request.Query.Type == "" {
		return store.Plan{}, fhir.Errorf(fhir.Invalid, "search-plan-none", "http.Prefer")
	}
	return e.Explain(ctx, p.Request.Query, p.AsOf, store.SearchOptions{Limit: p.Count + 1})
}
