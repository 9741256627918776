package interaction

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Explain says how the search of a page was run, by running it again as of the same commit; one with _contained=both has two
// plans. Searches over several types are refused, as is a store that cannot show a plan.
func (s *Service) Explain(ctx context.Context, p Page) ([]store.Plan, error) {
	e, ok := s.store.(store.Explainer)
	if !ok || p.Request.Query.Type == "" {
		return nil, fhir.Errorf(fhir.Invalid, "search-plan-none", "http.Prefer")
	}
	queries := []search.Query{p.Request.Query}
	if p.Request.Inside != nil {
		queries = append(queries, *p.Request.Inside)
	}
	var plans []store.Plan
	for _, q := range queries {
		plan, err := e.Explain(ctx, q, p.AsOf, store.SearchOptions{Limit: p.Count + 1})
		if err != nil {
			return nil, err
		}
		plan.Shown = min(plan.Shown, p.Count) // one more was asked for, as by the search: whether there is a next page
		plans = append(plans, plan)
	}
	return plans, nil
}
