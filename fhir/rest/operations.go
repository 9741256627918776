package rest

import (
	"context"
	"net/http"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Operation is a named operation that a room above offers through this one, such as POST Task/{id}/$resolve.
type Operation struct {
	Name     string // without $
	Type     fhir.Type
	Instance bool // Type/{id}/$name, else Type/$name
	Reads    bool // it changes nothing: it is asked for by GET, with or without a body by POST
	// Definition is the canonical URL of its OperationDefinition, for the CapabilityStatement.
	Definition string
	// Run answers with one resource as JSON. in is the body of a POST; the zero Value if there was none. It is called by
	// many at once.
	Run func(ctx context.Context, key fhir.Key, in resource.Value) ([]byte, error)
}

func (o Operation) path() string {
	if o.Instance {
		return "/:type/:id/$" + o.Name
	}
	return "/:type/$" + o.Name
}

// operationRoutes are the rows of the table for Config.Operations: one for each path, since types share them.
func (s *Server) operationRoutes() []route {
	var out []route
	seen := map[string]bool{}
	for _, o := range s.Operations {
		if seen[o.path()] {
			continue
		}
		seen[o.path()] = true
		out = append(out, route{http.MethodPost, o.path(), s.operate(o.Name, o.Instance)}, route{http.MethodGet, o.path(), s.operate(o.Name, o.Instance)})
	}
	return out
}

// operate runs the operation of this name that the type of the call has.
func (s *Server) operate(name string, instance bool) handler {
	return func(ctx context.Context, c *call) (answer, error) {
		for _, o := range s.Operations {
			if o.Name != name || o.Instance != instance || o.Type != c.key.Type {
				continue
			}
			var in resource.Value
			switch {
			case c.http.Method != http.MethodPost && !o.Reads:
				return answer{}, fhir.Errorf(fhir.NotAllowed, "method-unknown", "", c.http.Method)
			case c.http.Method == http.MethodPost && !(o.Reads && c.http.ContentLength == 0):
				doc, err := c.document(s.Limits.FormBytes)
				if err != nil {
					return answer{}, err
				}
				in = doc.Root()
			}
			out, err := o.Run(ctx, c.key, in)
			if err != nil {
				return answer{}, err
			}
			a := answer{body: buffers.get()}
			a.body.b = append(a.body.b, out...)
			return a, nil
		}
		return answer{}, fhir.Errorf(fhir.NotFound, "operation-unknown", "", string(c.key.Type)+"/$"+name)
	}
}

// appendOperations lists what can be done with a type, or with "" the server, beyond the interactions.
func appendOperations(b []byte, t fhir.Type, more []Operation) []byte {
	n := 0
	add := func(name, definition string) {
		if n++; n == 1 {
			b = append(b, `,"operation":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendQuoted(append(b, `{"name":`...), name)
		b = append(appendQuoted(append(b, `,"definition":`...), definition), '}')
	}
	for _, o := range standardDefinitions(t) {
		add(o[0], o[1])
	}
	for _, o := range more {
		if o.Type == t {
			add(o.Name, o.Definition)
		}
	}
	if n > 0 {
		b = append(b, ']')
	}
	return b
}
