package rest

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// healthz says that the process runs and answers.
func (s *Server) healthz(g *gin.Context) { g.String(http.StatusOK, "ok\n") }

// readyz says whether requests can be served: the store answers, and Config.Ready agrees. If not, a line for each thing that is in the
// way has its code, such as store-full, and the text of the catalogue: no cause, which may name addresses.
func (s *Server) readyz(g *gin.Context) {
	ctx := g.Request.Context()
	_, err := s.Service.Store().Head(ctx)
	if s.Ready != nil {
		err = errors.Join(err, s.Ready(ctx))
	}
	if err == nil {
		g.String(http.StatusOK, "ready\n")
		return
	}
	s.Log.WarnContext(ctx, "not ready", "err", err)
	lang := outcome.ParseLanguage(header(g.Request, "Accept-Language"))
	var b strings.Builder
	for _, e := range fhir.Errors(err) {
		b.WriteString("not ready: " + e.Code + ": " + outcome.Text(e.Code, lang, e.Args...) + "\n")
	}
	if b.Len() == 0 {
		b.WriteString("not ready\n")
	}
	g.Header("Content-Language", string(lang))
	g.String(http.StatusServiceUnavailable, "%s", b.String())
}
