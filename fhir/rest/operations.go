package rest

import (
	"context"
	"net/http"
	"slices"
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
	// Names are what the parameters of its answer are called on a page, by language; those that have none go by their own name.
	Names map[outcome.Language]map[string]string
	// Codes are the lists of fhir/wording that codes of its answer are from, by parameter: a page has their words beside them.
	Codes map[string]string
	// Link is what it is called on the page of a resource that it is of, by language, if people may ask for it there: it reads, and needs no
	// parameters. It stands only on pages of callers who may.
	Link map[outcome.Language]string
	// Definition is the canonical URL of its OperationDefinition, for the CapabilityStatement.
	Definition string
	// Run answers with one resource as JSON. It is called by many at once.
	Run func(ctx context.Context, asked Asked) ([]byte, error)
	// Serve, in place of Run, answers with what need not be a resource, such as a PDF. Parameters in the body of a POST are
	// in Asked.Query after those of the address; there is no Asked.Body. It is called by many at once.
	Serve func(ctx context.Context, asked Asked) (Content, error)
	// Formats are what Serve can answer with, if there is a choice; the first is the default. Which one it is to be is in
	// Asked.Format: by the parameter format, by _format or by Accept.
	Formats []Format
}

// Content is an answer that need not be FHIR.
type Content struct {
	Type string // media type
	Name string // of a file to save it as; "" = none
	Body []byte
}

// Asked is what an operation is asked for.
type Asked struct {
	Key      fhir.Key       // of the address; parts that it does not have are ""
	Body     resource.Value // of a POST; the zero Value if there was none
	Query    string         // raw, without "?" and without what only says how to show the answer
	Base     string         // FHIR base as the caller sees it, without a slash at the end
	At       fhir.T         // reads are as of it; 0 = the head
	Language outcome.Language
	Format   string // name of one of Operation.Formats; "" if there are none
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
			c.names, c.codes = o.Names[c.language()], o.Codes
			asked := Asked{Key: c.key, Query: dropParams(c.query, "_format", "_pretty"), Base: c.base, At: c.at, Language: c.language()}
			switch {
			case c.http.Method != http.MethodPost && !o.Reads:
				return answer{}, fhir.Errorf(fhir.NotAllowed, "method-unknown", "", c.http.Method)
			case o.Serve != nil:
				return s.serve(ctx, c, o, asked)
			case c.unknown != nil:
				return answer{}, c.unknown
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

// serve runs Operation.Serve.
func (s *Server) serve(ctx context.Context, c *call, o Operation, asked Asked) (answer, error) {
	if c.http.Method == http.MethodPost && c.http.ContentLength != 0 {
		raw, err := s.operationQuery(c)
		if err != nil {
			return answer{}, err
		}
		asked.Query = strings.Trim(asked.Query+"&"+dropParams(raw, "_format", "_pretty"), "&")
	}
	var f offer
	switch {
	case o.Formats != nil:
		var err error
		if f, err = c.choose(asked.Query, o.Formats); err != nil {
			return answer{}, err
		}
		asked.Format = f.Name
	case c.unknown != nil && c.unknown.Code == "format-unknown":
		return answer{}, c.unknown
	}
	content, err := o.Serve(ctx, asked)
	if err != nil {
		return answer{}, err
	}
	return f.answer(c, content), nil
}

// serves says whether a path is that of an operation with Serve: it says itself what it can answer with, so that
// Accept: application/pdf is nothing to refuse before it is asked.
func (s *Server) serves(path string) bool {
	return slices.ContainsFunc(s.Operations, func(o Operation) bool { return o.Serve != nil && strings.HasSuffix(path, "/$"+o.Name) })
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
