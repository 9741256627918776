package rest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// bundle is POST to the base: a transaction or a batch.
func (s *Server) bundle(ctx context.Context, c *call) (answer, error) {
	doc, err := c.document(s.Limits.BundleBytes)
	if err != nil {
		return answer{}, err
	}
	if t := doc.Root().ResourceType(); t != "Bundle" {
		return answer{}, fhir.Errorf(fhir.Invalid, "base-not-bundle", "", clip(string(t)))
	}
	o := interaction.BundleOptions{Base: c.base, Read: func(ctx context.Context, r interaction.ReadEntry, at fhir.T) (interaction.ReadAnswer, error) {
		return s.readEntry(ctx, c, r, at)
	}}
	var answers []interaction.Answer
	typ := doc.Root().Get("type").Text()
	switch typ {
	case "transaction":
		answers, err = s.Service.Transaction(ctx, doc, o)
	case "batch":
		answers, err = s.Service.Batch(ctx, doc, o)
	default:
		err = fhir.Errorf(fhir.Invalid, "bundle-not-offered", "Bundle.type", clip(typ))
	}
	if err != nil {
		s.tried(ctx, c, doc.Root().Get("entry").At(placeOf(err)), err)
		return answer{}, err
	}
	b := newBundle(typ + "-response")
	b.buf.b = append(b.buf.b, `,"link":[{"relation":"self","url":`...)
	b.buf.b = append(appendQuoted(b.buf.b, c.base), `}]`...)
	entry := doc.Root().Get("entry").First()
	for i := range answers {
		s.tried(ctx, c, entry, answers[i].Err)
		s.answered(b, c, &answers[i])
		entry = entry.Next()
	}
	return answer{body: b.end()}, nil
}

// tried tells the trail which resource an entry named, if it was refused as one that is not there or not for the caller.
func (s *Server) tried(ctx context.Context, c *call, entry resource.Value, err error) {
	e, ok := errors.AsType[*fhir.Error](err)
	if s.Tried == nil || !ok || e.Kind != fhir.NotFound && e.Kind != fhir.Denied {
		return
	}
	url, _, _ := strings.Cut(entry.Get("request").Get("url").Text(), "?")
	parts := strings.Split(strings.TrimPrefix(strings.TrimPrefix(url, c.base), "/"), "/")
	if len(parts) < 2 || !r4.IsResource(fhir.Type(parts[0])) {
		return
	}
	if id, err := fhir.ParseID(parts[1]); err == nil {
		s.Tried(ctx, fhir.Key{Type: fhir.Type(parts[0]), ID: id})
	}
}

// placeOf is the place of the entry that an error of a whole bundle is about; -1 if it is about none.
func placeOf(err error) int {
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok {
		return -1
	}
	number, in := strings.CutPrefix(e.Path, "Bundle.entry[")
	number, _, closed := strings.Cut(number, "]")
	place, err := strconv.Atoi(number)
	if !in || !closed || err != nil {
		return -1
	}
	return place
}

// answered adds the outcome of one entry.
func (s *Server) answered(b *bundle, c *call, a *interaction.Answer) {
	b.open()
	switch {
	case a.Err != nil:
		o := outcome.Of(a.Err, c.language())
		if o.Reference != "" {
			s.Log.ErrorContext(c.context, "entry failed", "reference", o.Reference, "err", o.Cause)
		}
		b.buf.b = append(b.buf.b, `"response":{"status":"`...)
		b.buf.b = append(append(b.buf.b, statusText(o.Status)...), `","outcome":`...)
		b.buf.b = append(o.AppendJSON(b.buf.b), "}}"...)
		return
	case a.Verb == interaction.Get || a.Verb == interaction.Head:
		b.readAnswer(a)
	case a.Verb == interaction.Delete:
		b.response("204 No Content", a.Result.Version, a.Result.At, "")
	default:
		b.written(c, a)
	}
	b.buf.b = append(b.buf.b, '}')
}

func (b *bundle) readAnswer(a *interaction.Answer) {
	status := "200 OK"
	if a.Read.NotModified {
		status = "304 Not Modified"
	} else if a.Verb == interaction.Get && len(a.Read.Body) > 0 {
		b.buf.b = append(append(append(b.buf.b, `"resource":`...), a.Read.Body...), ',')
	}
	b.response(status, a.Read.Version, a.Read.At, "")
}

func (b *bundle) written(c *call, a *interaction.Answer) {
	r := a.Result
	b.fullURL(c.base, r.Key)
	b.buf.b = append(b.buf.b, ',')
	if c.prefer.ret == "representation" {
		b.buf.b = append(r.Stored.Append(append(b.buf.b, `"resource":`...), r.Version, r.At), ',')
	}
	status := "200 OK"
	if r.Created {
		status = "201 Created"
	}
	b.response(status, r.Version, r.At, r.Key.String()+"/_history/"+r.Version.String())
	if c.prefer.ret == "OperationOutcome" {
		b.buf.b = append(b.buf.b[:len(b.buf.b)-1], `,"outcome":`...)
		b.buf.b = append(writtenOutcome(c, r).AppendJSON(b.buf.b), '}')
	}
}

// statusText is a status as Bundle.entry.response.status has it.
func statusText(code int) string {
	b := []byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10), ' '}
	return strings.TrimSpace(string(append(b, http.StatusText(code)...)))
}

// readEntry answers a GET of a bundle by the same handlers.
func (s *Server) readEntry(ctx context.Context, whole *call, r interaction.ReadEntry, at fhir.T) (interaction.ReadAnswer, error) {
	path, query, _ := strings.Cut(r.URL, "?")
	c := &call{
		http: whole.http, context: ctx, base: whole.base, query: query, at: at,
		ifNoneMatch: r.IfNoneMatch, ifModifiedSince: r.IfModifiedSince, prefer: whole.prefer,
	}
	if err := c.negotiateQuery(); err != nil {
		return interaction.ReadAnswer{}, err
	}
	c.show.pretty = false
	run, err := s.readRoute(c, strings.Split(path, "/"))
	if err != nil {
		return interaction.ReadAnswer{}, err
	}
	a, err := run(ctx, c)
	if e, ok := errors.AsType[*fhir.Error](err); ok && strings.HasPrefix(e.Path, "http.") {
		inEntry := *e
		inEntry.Path = "" // the request is the entry, whose place is known above
		err = &inEntry
	}
	if err != nil {
		return interaction.ReadAnswer{}, err
	}
	out := interaction.ReadAnswer{Version: a.version, At: a.at, NotModified: a.status == http.StatusNotModified}
	if a.body != nil {
		out.Body = append(out.Body, a.body.b...)
		buffers.put(a.body)
	}
	return out, nil
}

// readRoute finds the handler for a path below the base, by the GET rows of the route table.
func (s *Server) readRoute(c *call, path []string) (handler, error) {
rows:
	for _, r := range s.routes() {
		parts := strings.Split(strings.TrimPrefix(r.path, "/"), "/")
		if r.method != http.MethodGet || len(parts) != len(path) {
			continue
		}
		var typ, id, version string
		for i, p := range parts {
			switch {
			case p == path[i]:
			case p == ":type":
				typ = path[i]
			case p == ":id":
				id = path[i]
			case p == ":version":
				version = path[i]
			case p == ":compartment":
				c.inside = path[i]
			default:
				continue rows
			}
		}
		return r.run, c.place(typ, id, version)
	}
	return nil, fhir.Errorf(fhir.NotFound, "route-unknown", "")
}
