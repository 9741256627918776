package rest

import (
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// call is one interaction that is asked for, by an HTTP request or by an entry of a bundle.
type call struct {
	http    *http.Request // of a bundle: that of the whole
	writer  http.ResponseWriter
	stall   time.Duration // Limits.BodyStall
	key     fhir.Key      // what the path names; parts that it does not have are ""
	version fhir.Version
	inside  string // type of a compartment search
	query   string // raw, without "?"
	base    string // FHIR base as the caller sees it
	at      fhir.T // reads are as of it; 0 = the head

	ifNoneMatch, ifModifiedSince string

	show   show
	format bool // _format was given and can be had
	prefer prefer
}

// handle wraps a handler for Gin: it makes the call, writes the answer, and is the only place where an error becomes
// a status and an OperationOutcome. A panic becomes a 500 with a reference; the stack goes to the log.
func (s *Server) handle(run handler) gin.HandlerFunc {
	return func(g *gin.Context) {
		c := &call{http: g.Request, writer: g.Writer, stall: s.Limits.BodyStall, query: g.Request.URL.RawQuery, base: s.baseOf(g.Request)}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.fail(g, c, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		a, err := s.run(g, c, run)
		if err != nil {
			s.fail(g, c, err)
			return
		}
		s.write(g, c, a)
	}
}

// run checks what all calls have in common and calls the handler.
func (s *Server) run(g *gin.Context, c *call, run handler) (answer, error) {
	c.ifNoneMatch, c.ifModifiedSince = header(g.Request, "If-None-Match"), header(g.Request, "If-Modified-Since")
	if err := c.negotiate(g.Request); err != nil {
		return answer{}, err
	}
	if err := c.place(g.Param("type"), g.Param("id"), g.Param("version")); err != nil {
		return answer{}, err
	}
	c.inside = g.Param("compartment")
	return run(g.Request.Context(), c)
}

// fail writes an error's outcome, and logs faults of ours under the reference that the caller gets.
func (s *Server) fail(g *gin.Context, c *call, err error) {
	o := outcome.Of(err, c.language())
	if o.Reference != "" {
		s.Log.ErrorContext(g.Request.Context(), "request failed", "reference", o.Reference, "method", g.Request.Method, "route", g.FullPath(), "err", o.Cause)
	}
	if g.Writer.Written() {
		panic(http.ErrAbortHandler) // the answer is half sent: only ending the connection tells the client
	}
	s.drain(g)
	if o.Status == http.StatusTooManyRequests || o.Status == http.StatusServiceUnavailable {
		g.Writer.Header().Set("Retry-After", "1")
	}
	body := buffers.get()
	body.b = o.AppendJSON(body.b)
	s.write(g, c, answer{status: o.Status, body: body})
}

// drain reads on what is left of a refused body, up to a limit and without keeping it: a client that is still sending
// sees the answer only when it has sent all. The server lifts the deadline before the next request.
func (s *Server) drain(g *gin.Context) {
	body := g.Request.Body
	if body == nil || body == http.NoBody || g.Request.Header.Get("Expect") != "" {
		return
	}
	if err := http.NewResponseController(g.Writer).SetReadDeadline(time.Now().Add(s.Limits.BodyStall)); err != nil {
		return // no connection to wait on, or one to wait on for ever
	}
	_, _ = io.CopyN(io.Discard, body, s.Limits.DrainBytes)
}

// language is that of texts to the caller.
func (c *call) language() outcome.Language {
	return outcome.ParseLanguage(header(c.http, "Accept-Language"))
}

// baseOf is the FHIR base as the client of r sees it.
func (s *Server) baseOf(r *http.Request) string {
	if s.BaseURL != "" {
		return s.BaseURL
	}
	if r.TLS != nil {
		return "https://" + r.Host + s.BasePath
	}
	return "http://" + r.Host + s.BasePath
}

// header gives the first value of a header by its canonical name, without the look-up's canonicalisation.
func header(r *http.Request, canonical string) string {
	if v := r.Header[canonical]; len(v) > 0 {
		return v[0]
	}
	return ""
}
