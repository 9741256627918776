package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Operation is a named operation that a room above offers through this one, such as POST Task/{id}/$resolve.
type Operation struct {
	Name     string    // without $
	Type     fhir.Type // "" = of the server: /$name
	Instance bool      // Type/{id}/$name, else Type/$name
	Reads    bool      // it changes nothing: it is asked for by GET, with or without a body by POST
	// Definition is the canonical URL of its OperationDefinition, for the CapabilityStatement.
	Definition string
	// Run answers with one resource as JSON. It is called by many at once.
	Run func(ctx context.Context, asked Asked) ([]byte, error)
}

// Asked is what an operation is asked for.
type Asked struct {
	Key      fhir.Key       // of the address; parts that it does not have are ""
	Body     resource.Value // of a POST; the zero Value if there was none
	Query    string         // raw, without "?" and without what only says how to show the answer
	Base     string         // FHIR base as the caller sees it, without a slash at the end
	At       fhir.T         // reads are as of it; 0 = the head
	Language outcome.Language
}

func (o Operation) path() string {
	switch {
	case o.Instance:
		return "/:type/:id/$" + o.Name
	case o.Type == "":
		return "/$" + o.Name
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
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			r := route{method, o.path(), s.operate(o.Name, o.Instance)}
			r.run = permitted(r)
			out = append(out, r)
		}
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
			asked := Asked{Key: c.key, Query: dropParams(c.query, "_format", "_pretty"), Base: c.base, At: c.at, Language: c.language()}
			switch {
			case c.http.Method != http.MethodPost && !o.Reads:
				return answer{}, fhir.Errorf(fhir.NotAllowed, "method-unknown", "", c.http.Method)
			case c.http.Method == http.MethodPost && !(o.Reads && c.http.ContentLength == 0):
				doc, err := c.document(s.Limits.FormBytes)
				if err != nil {
					return answer{}, err
				}
				asked.Body = doc.Root()
			}
			out, err := o.Run(ctx, asked)
			if err != nil {
				return answer{}, err
			}
			a := answer{body: buffers.get()}
			a.body.b = append(a.body.b, out...)
			return a, nil
		}
		return answer{}, fhir.Errorf(fhir.NotFound, "operation-unknown", "", strings.TrimPrefix(string(c.key.Type)+"/$"+name, "/"))
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
