package rest

import (
	"context"
	"net/http"

	"github.com/lienthong/lienthong/fhir/store"
)

// Unauthenticated lets everybody see and change everything: for servers that only those can reach who may, and for tests.
func Unauthenticated(r *http.Request) (context.Context, error) {
	return store.WithFence(r.Context(), store.OpenFence()), nil
}

// admit asks who calls, and goes on with what they may do. Whatever fence the request came with, that of the server's own
// work among others, is closed before.
func (s *Server) admit(c *call) error {
	r := c.http
	if ctx := r.Context(); store.HasFence(ctx) {
		r = r.WithContext(store.WithFence(ctx, store.Fence{}))
	}
	ctx, err := s.Authenticate(r)
	if err == nil {
		c.context = ctx
	}
	return err
}
