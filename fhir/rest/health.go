package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/store"
)

// healthz says that the process runs and answers.
func (s *Server) healthz(g *gin.Context) { g.String(http.StatusOK, "ok\n") }

// readyz says whether requests can be served, which Config.Ready knows. If not, a line for each thing that is in the way has its code, such
// as store-full, and the text of the catalogue: no cause, which may name addresses. Where reads may be stale while a shared log is away,
// the server is ready, and a line of that kind says that they are and why.
func (s *Server) readyz(g *gin.Context) {
	ctx := g.Request.Context()
	ready := s.Ready
	if ready == nil {
		ready = func(ctx context.Context) (error, error) { return store.Answers(ctx, s.Service.Store()) }
	}
	err, away := ready(ctx)
	if err == nil && away == nil {
		g.String(http.StatusOK, "ready\n")
		return
	}
	lang := outcome.ParseLanguage(header(g.Request, "Accept-Language"))
	g.Header("Content-Language", string(lang))
	if err == nil {
		g.String(http.StatusOK, "%s", reasons("ready, reads are stale", away, lang))
		return
	}
	s.Log.WarnContext(ctx, "not ready", "err", err)
	g.String(http.StatusServiceUnavailable, "%s", reasons("not ready", errors.Join(away, err), lang))
}

// reasons gives a line for each error of the catalogue in err; without one, that of the state alone.
func reasons(state string, err error, lang outcome.Language) string {
	var b strings.Builder
	for _, e := range fhir.Errors(err) {
		b.WriteString(state + ": " + e.Code + ": " + outcome.Text(e.Code, lang, e.Args...) + "\n")
	}
	if b.Len() == 0 {
		return state + "\n"
	}
	return b.String()
}
