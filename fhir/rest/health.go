package rest

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// healthz says that the process runs and answers.
func (s *Server) healthz(g *gin.Context) { g.String(http.StatusOK, "ok\n") }

// readyz says whether requests can be served: the store answers, and Config.Ready agrees.
func (s *Server) readyz(g *gin.Context) {
	ctx := g.Request.Context()
	_, err := s.Service.Store().Head(ctx)
	if err == nil && s.Ready != nil {
		err = s.Ready(ctx)
	}
	if err != nil {
		s.Log.WarnContext(ctx, "not ready", "err", err)
		g.String(http.StatusServiceUnavailable, "not ready\n")
		return
	}
	g.String(http.StatusOK, "ready\n")
}
