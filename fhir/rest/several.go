package rest

import (
	"context"

	"github.com/lienthong/lienthong/fhir/search"
)

// searchAll is GET (base)?…: a search over the types that _type names, or over all. A browser that opens the base without
// a query sees what there is.
func (s *Server) searchAll(ctx context.Context, c *call) (answer, error) {
	if c.html && c.query == "" {
		return s.capabilities(ctx, c)
	}
	return s.search(ctx, c)
}

// compartmentAll is GET Patient/id/*?…: all that belongs to the compartment, or what of it has the types that _type names.
func (s *Server) compartmentAll(ctx context.Context, c *call) (answer, error) {
	params, err := search.Parse(c.query)
	if err != nil {
		return answer{}, err
	}
	return s.searchset(ctx, c, c.key.String()+"/*", "", params, nil)
}
