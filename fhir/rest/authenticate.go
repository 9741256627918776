package rest

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/lienthong/lienthong/fhir/store"
)

// Unauthenticated lets everybody see and change everything: for servers that only those can reach who may, and for tests.
func Unauthenticated(r *http.Request) (context.Context, error) {
	return store.WithFence(r.Context(), store.OpenFence()), nil
}

// admit asks who calls, and goes on with what they may do. Whatever fence the request came with, that of the server's own
// work among others, is closed before.
func (s *Server) admit(g *gin.Context, c *call) error {
	r := g.Request
	if ctx := r.Context(); store.HasFence(ctx) {
		r = r.WithContext(store.WithFence(ctx, store.Fence{}))
	}
	ctx, err := s.Authenticate(r)
	if err != nil {
		return err
	}
	g.Request = g.Request.WithContext(ctx)
	c.http = g.Request
	return nil
}
