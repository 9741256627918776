package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/store"
)

// handler answers one call. What it returns as an error becomes an OperationOutcome in handle.
type handler func(ctx context.Context, c *call) (answer, error)

// route is a row of the table: the verb, the path below the base, and who answers.
type route struct {
	method string
	path   string
	run    handler
}

// routes is the interface. A GET also answers HEAD.
func (s *Server) routes() []route {
	list := append(s.standardOperations(), []route{
		{http.MethodGet, "/metadata", s.capabilities},
		{http.MethodPost, "", s.bundle},
		{http.MethodGet, "", s.searchAll},
		{http.MethodPost, "/_search", s.searchForm},
		{http.MethodGet, "/_search", s.search},
		{http.MethodGet, "/_history", s.history},

		{http.MethodGet, "/:type", s.search},
		{http.MethodPost, "/:type", s.create},
		{http.MethodPut, "/:type", s.updateByCriteria},
		{http.MethodPatch, "/:type", s.patchByCriteria},
		{http.MethodDelete, "/:type", s.deleteByCriteria},
		{http.MethodPost, "/:type/_search", s.searchForm},
		{http.MethodGet, "/:type/_search", s.search},
		{http.MethodGet, "/:type/_history", s.history},

		{http.MethodGet, "/:type/:id", s.read},
		{http.MethodPut, "/:type/:id", s.update},
		{http.MethodPatch, "/:type/:id", s.patch},
		{http.MethodDelete, "/:type/:id", s.delete},
		{http.MethodGet, "/:type/:id/_history", s.history},
		{http.MethodGet, "/:type/:id/_history/:version", s.vread},
		{http.MethodGet, "/:type/:id/$everything", s.everything},
		{http.MethodPost, "/:type/:id/$everything", s.byBody(s.everything)},
		{http.MethodGet, "/:type/$everything", s.everythingOfAll},
		{http.MethodPost, "/:type/$everything", s.everythingOfAll},
		{http.MethodGet, "/:type/:id/:compartment", s.compartment},
		{http.MethodPost, "/:type/:id/:compartment/_search", s.searchForm},
	}...)
	for i, r := range list {
		list[i].run = permitted(r)
	}
	return list
}

// permitted asks the fence of the caller before an operation is run; what it then sees and changes, the store decides.
func permitted(r route) handler {
	_, name, ok := strings.Cut(r.path, "$")
	if !ok {
		return r.run
	}
	return func(ctx context.Context, c *call) (answer, error) {
		if !store.FenceOf(ctx).Operation(name) {
			return answer{}, fhir.Errorf(fhir.Denied, "operation-denied", "", name)
		}
		return r.run(ctx, c)
	}
}

// router makes the Gin engine: no logger, no recovery of Gin's own (handle has one), nothing that redirects.
func (s *Server) router() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.UseRawPath, e.UnescapePathValues = true, true
	e.RedirectTrailingSlash, e.RedirectFixedPath = false, false
	e.HandleMethodNotAllowed = true
	e.GET("/healthz", s.healthz)
	e.GET("/readyz", s.readyz)
	e.HEAD("/healthz", s.healthz)
	e.HEAD("/readyz", s.readyz)
	if s.BasePath != "/" {
		e.GET("/", s.welcome)
	}
	group := e.Group(s.BasePath)
	for _, r := range append(s.routes(), s.operationRoutes()...) {
		group.Handle(r.method, r.path, s.handle(r.run))
		if r.method == http.MethodGet {
			group.HEAD(r.path, s.handle(r.run))
		}
	}
	e.NoRoute(s.handle(func(_ context.Context, c *call) (answer, error) {
		return answer{}, fhir.Errorf(fhir.NotFound, "route-unknown", "")
	}))
	e.NoMethod(s.handle(func(_ context.Context, c *call) (answer, error) {
		return answer{}, fhir.Errorf(fhir.NotAllowed, "method-unknown", "", c.http.Method)
	}))
	return e
}

// welcome sends whoever opens the bare address in a browser to the page that says what is here. The way there is relative, so that it holds
// behind a proxy that puts the server below a path of its own.
func (s *Server) welcome(g *gin.Context) {
	g.Header("Location", strings.TrimPrefix(s.BasePath, "/")+"/metadata")
	g.Header("Cache-Control", "no-store")
	g.Status(http.StatusFound)
	g.Writer.WriteHeaderNow()
}

// place reads the path's parts and checks them: the type is one of R4, the id fits the grammar.
func (c *call) place(typ, id, version string) error {
	if typ != "" {
		if typ[0] == '$' {
			return fhir.Errorf(fhir.NotFound, "operation-unknown", "", clip(typ))
		}
		if !r4.IsResource(fhir.Type(typ)) {
			return fhir.Errorf(fhir.NotFound, "type-unknown", "", clip(typ))
		}
		c.key.Type = fhir.Type(typ)
	}
	if id != "" {
		if id[0] == '$' {
			return fhir.Errorf(fhir.NotFound, "operation-unknown", "", clip(id))
		}
		parsed, err := fhir.ParseID(id)
		if e, ok := errors.AsType[*fhir.Error](err); ok {
			e.Path = typ + ".id"
		}
		if err != nil {
			return err
		}
		c.key.ID = parsed
	}
	if version != "" {
		v, ok := fhir.ParseVersion(version)
		if !ok {
			return fhir.Errorf(fhir.NotFound, "version-unknown", "", clip(version))
		}
		c.version = v
	}
	return nil
}

// clip keeps foreign text in a message short.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
