package rest

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/lienthong/lienthong/fhir"
)

// healthz says that the process runs and answers.
func (s *Server) healthz(g *gin.Context) { g.String(http.StatusOK, "ok\n") }

// readyz says whether requests can be served: the store answers, and Config.Ready agrees. If not, the code of what is in the way
// stands there, such as store-full.
func (s *Server) readyz(g *gin.Context) {
	ctx := g.Request.Context()
	_, err := s.Service.Store().Head(ctx)
	if err == nil && s.Ready != nil {
		err = s.Ready(ctx)
	}
	if err != nil {
		s.Log.WarnContext(ctx, "not ready", "err", err)
		why := ""
		if told, ok := errors.AsType[*fhir.Error](err); ok {
			why = ": " + told.Code
		}
		g.String(http.StatusServiceUnavailable, "not ready%s\n", why)
		return
	}
	g.String(http.StatusOK, "ready\n")
}
