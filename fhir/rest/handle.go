package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// call is one interaction that is asked for, by an HTTP request or by an entry of a bundle.
type call struct {
	http    *http.Request   // of a bundle: that of the whole
	context context.Context // of the request; once it is admitted, with its caller and fence
	writer  http.ResponseWriter
	limits  *Limits
	share   share    // of the memory for bodies
	fault   error    // what ended the reading of the body, if the readers know it better than the parser
	whole   bool     // the body was read to its end
	stalled bool     // the body stopped coming
	key     fhir.Key // what the path names; parts that it does not have are ""
	version fhir.Version
	inside  string // type of a compartment search
	query   string // raw, without "?"
	base    string // FHIR base as the caller sees it
	at      fhir.T // reads are as of it; 0 = the head

	ifNoneMatch, ifModifiedSince string

	show   show
	format bool              // _format was given and can be had
	html   bool              // the answer is shown as a page
	names  map[string]string // of parameters, on a page
	codes  map[string]string // lists of words that codes in parameters are from, on a page
	// unknown is what the call is refused for unless it is that of an operation which has that format.
	unknown *fhir.Error
	prefer  prefer
}

// handle wraps a handler for Gin: it makes the call, writes the answer, and is the only place where an error becomes
// a status and an OperationOutcome. A panic becomes a 500 with a reference; the stack goes to the log.
func (s *Server) handle(run handler) gin.HandlerFunc {
	return func(g *gin.Context) {
		c := &call{
			http: g.Request, context: g.Request.Context(), writer: g.Writer, limits: &s.Limits, share: share{of: s.bodies},
			query: g.Request.URL.RawQuery, base: s.baseOf(g.Request),
		}
		defer c.share.release()
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
		s.answerUnread(g, c, func() { s.write(g, c, a) })
	}
}

// run checks what all calls have in common and calls the handler.
func (s *Server) run(g *gin.Context, c *call, run handler) (answer, error) {
	if err := s.within(g.Request); err != nil {
		return answer{}, err
	}
	c.ifNoneMatch, c.ifModifiedSince = header(g.Request, "If-None-Match"), header(g.Request, "If-Modified-Since")
	if err := c.negotiate(g.Request); err != nil {
		e, ok := errors.AsType[*fhir.Error](err)
		if !ok || e.Kind != fhir.NotAcceptable || !s.serves(g.FullPath()) {
			return answer{}, err
		}
		c.unknown = e
	}
	if err := s.admit(c); err != nil {
		return answer{}, err
	}
	if err := c.place(g.Param("type"), g.Param("id"), g.Param("version")); err != nil {
		return answer{}, err
	}
	c.inside = g.Param("compartment")
	if c.html && c.reads() && c.key.Type != "" && c.key.ID == "" && strings.Contains(c.query, formParam+"=") {
		return c.fromForm(), nil
	}
	return run(c.context, c)
}

// within checks the size of what came before the body. What is larger than http.Server.MaxHeaderBytes does not get here.
func (s *Server) within(r *http.Request) error {
	if len(r.RequestURI) > s.Limits.URLBytes {
		return fhir.Errorf(fhir.TooLarge, "url-too-long", "", len(r.RequestURI), s.Limits.URLBytes)
	}
	size := 0
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	if size > s.Limits.HeaderBytes {
		return fhir.Errorf(fhir.TooLarge, "headers-too-large", "", size, s.Limits.HeaderBytes)
	}
	return nil
}

// statuses of HTTP itself, which no kind of error has.
var statuses = map[string]int{
	"body-stalled":      http.StatusRequestTimeout,
	"url-too-long":      http.StatusRequestURITooLong,
	"headers-too-large": http.StatusRequestHeaderFieldsTooLarge,
}

// fail writes an error's outcome, and logs faults of ours under the reference that the caller gets.
func (s *Server) fail(g *gin.Context, c *call, err error) {
	c.share.release() // nothing of the body is needed any more, and the rest of it may take its time
	o := outcome.Of(c.located(err), c.language())
	if o.Reference != "" {
		s.Log.ErrorContext(c.context, "request failed", "reference", o.Reference, "method", g.Request.Method, "route", g.FullPath(), "err", o.Cause)
	}
	if at := s.signInFor(c, o); at != "" && !g.Writer.Written() {
		s.answerUnread(g, c, func() { s.write(g, c, answer{status: http.StatusSeeOther, location: at}) })
		return
	}
	if g.Writer.Written() {
		panic(http.ErrAbortHandler) // the answer is half sent: only ending the connection tells the client
	}
	if o.Status == http.StatusTooManyRequests || o.Status == http.StatusServiceUnavailable {
		g.Writer.Header().Set("Retry-After", "1")
	}
	if s.Challenge != nil {
		if challenge := s.Challenge(err); challenge != "" {
			g.Writer.Header().Set("WWW-Authenticate", challenge)
		}
	}
	if status := statuses[o.Issues[0].Code]; status != 0 {
		o.Status = status
	}
	body := buffers.get()
	body.b = o.AppendJSON(body.b)
	s.answerUnread(g, c, func() { s.write(g, c, answer{status: o.Status, body: body, language: o.Language}) })
}

// The rest of a refused body that is so short, and there so soon, is read before the answer: the connection can go on.
const (
	shortRest = 64 << 10
	soon      = time.Second
)

// answerUnread writes an answer to a request whose body may not have been read. To a long one it answers at once, for
// clients that look while they send, and the connection ends; before it does, what still comes is read and thrown away,
// within limits: a client that looks only when it has sent all would find the connection gone, and the answer with it.
func (s *Server) answerUnread(g *gin.Context, c *call, write func()) {
	body := g.Request.Body
	if c.whole || body == nil || body == http.NoBody {
		write()
		return
	}
	control := http.NewResponseController(g.Writer)
	awaited := header(g.Request, "Expect") != "" // the client sends nothing before it is told to
	if n := g.Request.ContentLength; n >= 0 && n <= shortRest && !c.stalled && !awaited {
		_ = control.SetReadDeadline(time.Now().Add(min(soon, s.Limits.BodyStall)))
		if _, err := io.CopyN(io.Discard, body, shortRest+1); err == io.EOF {
			write()
			return
		}
	}
	g.Writer.Header().Set("Connection", "close") // what is left of the body must not be taken for the next request
	if control.EnableFullDuplex() != nil {
		write() // no connection to wait on
		return
	}
	write()
	_ = control.Flush()
	if !c.stalled && !awaited && control.SetReadDeadline(time.Now().Add(s.Limits.DrainTime)) == nil {
		_, _ = io.CopyN(io.Discard, body, s.Limits.DrainBytes)
	}
	_ = control.SetReadDeadline(time.Now()) // http.Server would read on to see whether the connection can be kept
}

// language is that of texts to the caller.
func (c *call) language() outcome.Language {
	return outcome.ParseLanguage(header(c.http, "Accept-Language"))
}

// baseOf is the FHIR base as the client of r sees it. Without a BaseURL that is by the request's Host, so that links lead
// back through a port that was mapped; a Host that is none of ours is said once: references made from such links are
// references to somebody else.
func (s *Server) baseOf(r *http.Request) string {
	if s.BaseURL != "" {
		return s.BaseURL
	}
	base := "http://" + r.Host + s.BasePath
	if r.TLS != nil {
		base = "https" + base[len("http"):]
	}
	if s.Own != nil && !s.strange.Load() && !s.Own(base) && s.strange.CompareAndSwap(false, true) {
		s.Log.WarnContext(r.Context(), "requests come under an address that is not known as this server's own: give it the base URL", "address", clip(base))
	}
	return base
}

// header gives the first value of a header by its canonical name, without the look-up's canonicalisation.
func header(r *http.Request, canonical string) string {
	if v := r.Header[canonical]; len(v) > 0 {
		return v[0]
	}
	return ""
}
