package rest

import (
	"context"
	"net/http"

	"github.com/lienthong/lienthong/fhir"
)

// standardOperations are the rows of the table for the operations of R4 that stand on several interactions, and what the
// CapabilityStatement says of them. They come before the rows that a name with $ would be an id or a compartment for.
func (s *Server) standardOperations() []route {
	return []route{
		{http.MethodGet, "/:type/$lastn", s.lastN},
		{http.MethodPost, "/:type/$lastn", s.byBody(s.lastN)},
		{http.MethodGet, "/$diff", s.diffOf},
		{http.MethodGet, "/:type/$diff", s.diffOf},
		{http.MethodGet, "/:type/:id/$diff", s.diff},
		{http.MethodPost, "/$diff", s.byBody(s.diffOf)},
		{http.MethodPost, "/:type/$diff", s.byBody(s.diffOf)},
		{http.MethodPost, "/:type/:id/$diff", s.byBody(s.diff)},
		{http.MethodGet, "/$meta", s.meta},
		{http.MethodGet, "/:type/$meta", s.meta},
		{http.MethodGet, "/:type/:id/$meta", s.meta},
		{http.MethodPost, "/$meta", s.withoutBody(s.meta)},
		{http.MethodPost, "/:type/$meta", s.withoutBody(s.meta)},
		{http.MethodPost, "/:type/:id/$meta", s.withoutBody(s.meta)},
		{http.MethodGet, "/:type/:id/$status", s.paramStatus},
		{http.MethodPost, "/:type/$validate", s.validate},
		{http.MethodPost, "/:type/:id/$validate", s.validate},
		{http.MethodGet, "/:type/:id/$validate", s.validate},
		{http.MethodPost, "/:type/:id/$meta-add", s.metaAdd},
		{http.MethodPost, "/:type/:id/$meta-delete", s.metaDelete},
	}
}

// R4 has no definition of $diff; its form is described at operation.Service.Diff.
const (
	standardDefinition = "http://hl7.org/fhir/OperationDefinition/"
	ownDefinition      = "https://lienthong.example/fhir/OperationDefinition/"
)

// standardDefinitions are the operations that type t has, "" = the server, as the CapabilityStatement lists them: name and
// canonical URL of the definition.
func standardDefinitions(t fhir.Type) [][2]string {
	list := [][2]string{{"meta", standardDefinition + "Resource-meta"}, {"diff", ownDefinition + "Resource-diff"}}
	if t == "" {
		return list
	}
	list = append(list, [2]string{"meta-add", standardDefinition + "Resource-meta-add"}, [2]string{"meta-delete", standardDefinition + "Resource-meta-delete"},
		[2]string{"validate", standardDefinition + "Resource-validate"})
	switch t {
	case "Patient", "Encounter":
		list = append(list, [2]string{"everything", standardDefinition + string(t) + "-everything"})
	case "SearchParameter":
		list = append(list, [2]string{"status", ownDefinition + "SearchParameter-status"})
	case "Observation":
		list = append(list, [2]string{"lastn", standardDefinition + "Observation-lastn"})
	}
	return list
}

// withoutBody runs a handler for a POST that has nothing to say: a body is Parameters without parameters, or not there.
func (s *Server) withoutBody(run handler) handler {
	return func(ctx context.Context, c *call) (answer, error) {
		if c.http.ContentLength == 0 {
			return run(ctx, c)
		}
		raw, err := s.operationQuery(c)
		if err != nil {
			return answer{}, err
		}
		if raw != "" {
			return answer{}, fhir.Errorf(fhir.Invalid, "operation-parameter-unknown", "", clip(raw))
		}
		return run(ctx, c)
	}
}

// noParams refuses parameters in the address of an operation that has none.
func (c *call) noParams() error {
	if rest := dropParams(c.query, "_format", "_pretty"); rest != "" && !c.prefer.lenient {
		return fhir.Errorf(fhir.Invalid, "operation-parameter-unknown", "", clip(rest))
	}
	return nil
}

// parametersAnswer answers with a resource that was made for the call.
func parametersAnswer(out []byte) answer {
	a := answer{body: buffers.get()}
	a.body.b = append(a.body.b, out...)
	return a
}
