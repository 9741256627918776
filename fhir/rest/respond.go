package rest

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzip"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/store"
)

// answer is what a handler gives: FHIR JSON with what goes into headers.
type answer struct {
	status   int     // 0 = 200
	body     *buffer // nil = none; given back to the pool when written
	version  fhir.Version
	at       fhir.Instant
	location string
	content  string           // Content-Location
	language outcome.Language // of the texts in body; "" = they are nobody's language

	tag       string // entity tag of what is not one version, such as a search
	immutable bool   // the answer to this address will always be the same

	media, name string // of Content; "" = FHIR JSON
}

// buffer is a pooled byte slice.
type buffer struct{ b []byte }

type bufferPool struct{ pool sync.Pool }

// buffers holds answers while they are made. Slices over 4 MiB, more than a whole record takes, are left to the collector.
var buffers bufferPool

func (p *bufferPool) get() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	return &buffer{make([]byte, 0, 4<<10)}
}

func (p *bufferPool) put(b *buffer) {
	if b != nil && cap(b.b) <= 4<<20 {
		b.b = b.b[:0]
		p.pool.Put(b)
	}
}

var (
	contentTypeJSON = []string{"application/fhir+json; charset=utf-8"}
	// vary is what answers depend on besides the address: caches must not give one client's form to another.
	vary = []string{"Accept, Accept-Encoding, Accept-Language, Authorization, Prefer"}
	// contentPolicy lets nothing of Content act, whatever is in it.
	contentPolicy = []string{"default-src 'none'; style-src 'unsafe-inline'; sandbox"}
)

// write sends an answer.
func (s *Server) write(g *gin.Context, c *call, a answer) {
	h := g.Writer.Header()
	var own [3]string // of the values that are made for this answer, in one piece of memory
	if a.version != 0 && !c.html {
		own[0] = etag(a.version)
		h["Etag"] = own[0:1:1]
	}
	if a.at != 0 && !c.html {
		own[1] = a.at.Time().Format(http.TimeFormat)
		h["Last-Modified"] = own[1:2:2]
	}
	if a.location != "" {
		h["Location"] = []string{a.location}
	}
	if a.content != "" {
		h["Content-Location"] = []string{a.content}
	}
	if a.language != "" {
		h["Content-Language"] = []string{string(a.language)}
	}
	h["Vary"] = vary
	if a.tag != "" && !c.html {
		h["Etag"] = []string{a.tag}
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	h["Cache-Control"] = cacheControl(c, a)
	if a.body == nil {
		g.Writer.WriteHeader(a.status)
		g.Writer.WriteHeaderNow()
		return
	}
	defer buffers.put(a.body)
	body := a.body.b
	switch {
	case a.media != "":
		h["Content-Type"] = []string{a.media}
		if a.media != "application/pdf" { // browsers do not show a PDF in a sandbox
			h["Content-Security-Policy"] = contentPolicy
		}
		h["X-Content-Type-Options"], h["Referrer-Policy"] = []string{"nosniff"}, []string{"no-referrer"}
		if a.name != "" {
			h["Content-Disposition"] = []string{mime.FormatMediaType("inline", map[string]string{"filename": a.name})}
		}
	case c.html:
		body = s.page(c, a)
		h["Content-Type"], h["Content-Security-Policy"] = contentTypeHTML, pagePolicy
		h["Content-Language"], h["Referrer-Policy"] = []string{string(c.language())}, []string{"no-referrer"}
		h["X-Content-Type-Options"] = []string{"nosniff"}
	case c.show.pretty:
		body = pretty(body)
		fallthrough
	default:
		h["Content-Type"] = contentTypeJSON
	}
	if s.Limits.GzipFrom >= 0 && len(body) >= s.Limits.GzipFrom && strings.Contains(header(g.Request, "Accept-Encoding"), "gzip") {
		s.writeGzip(g, a.status, body)
		return
	}
	own[2] = strconv.Itoa(len(body))
	h["Content-Length"] = own[2:3:3]
	g.Writer.WriteHeader(a.status)
	if g.Request.Method == http.MethodHead {
		g.Writer.WriteHeaderNow()
		return
	}
	defer s.hurry(g, len(body))()
	_, _ = g.Writer.Write(body) // an error means that the client has gone
}

// slowest is how many bytes in a second a client must take of a long answer, after a pause as long as a body may make:
// what is not taken holds memory.
const slowest = 8 << 10

// hurry sets the time for an answer of size bytes, if it is so long that it waits for the client, and gives the function
// that ends it.
func (s *Server) hurry(g *gin.Context, size int) (done func()) {
	if size < 64<<10 {
		return func() {}
	}
	control := http.NewResponseController(g.Writer)
	_ = control.SetWriteDeadline(time.Now().Add(s.Limits.BodyStall + time.Duration(size/slowest)*time.Second))
	return func() { _ = control.SetWriteDeadline(time.Time{}) }
}

// zippers are compressors at the fastest level, which on this kind of text is the best deal.
var zippers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return z
}}

func (s *Server) writeGzip(g *gin.Context, status int, body []byte) {
	h := g.Writer.Header()
	h["Content-Encoding"] = []string{"gzip"}
	g.Writer.WriteHeader(status)
	if g.Request.Method == http.MethodHead {
		g.Writer.WriteHeaderNow()
		return
	}
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	defer s.hurry(g, len(body))()
	z.Reset(g.Writer)
	_, _ = z.Write(body)
	_ = z.Close()
}

// pretty indents JSON; literals of numbers and strings stay as they are.
func pretty(body []byte) []byte {
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		return body
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// found answers with one version of a resource.
func (s *Server) found(c *call, f store.Found) (answer, error) {
	a := answer{version: f.Version, at: f.At}
	if c.notModified(f) {
		a.status = http.StatusNotModified
		return a, nil
	}
	a.body = buffers.get()
	a.body.b = c.show.append(a.body.b, f)
	return a, nil
}

// notModified says whether the caller has this version already. If-None-Match counts before If-Modified-Since (RFC 9110).
func (c *call) notModified(f store.Found) bool {
	if c.ifNoneMatch != "" {
		if c.ifNoneMatch == "*" {
			return true
		}
		for _, tag := range strings.Split(c.ifNoneMatch, ",") {
			if v, ok := interaction.ParseETag(tag); ok && v == f.Version {
				return true
			}
		}
		return false
	}
	if c.ifModifiedSince == "" {
		return false
	}
	since, err := parseHTTPTime(c.ifModifiedSince)
	return err == nil && f.At.Time().Truncate(1e9).Compare(since) <= 0
}

// written answers a create, update or patch, as Prefer has it.
func (s *Server) written(c *call, r interaction.Result) (answer, error) {
	a := answer{status: http.StatusOK, version: r.Version, at: r.At}
	if r.Created {
		a.status = http.StatusCreated
	}
	version := c.base + "/" + r.Key.String() + "/_history/" + r.Version.String()
	if r.Created || c.key.ID == "" {
		a.location = version
	}
	if !r.Created {
		a.content = version // where clients read the id and the version when there is no body
	}
	switch c.prefer.ret {
	case "minimal":
	case "OperationOutcome":
		a.content, a.language = "", c.language()
		a.body = buffers.get()
		a.body.b = writtenOutcome(c, r).AppendJSON(a.body.b)
	default:
		a.body = buffers.get()
		a.body.b = r.Stored.Append(a.body.b, r.Version, r.At)
	}
	return a, nil
}

// writtenOutcome says in words what a write did, and what hooks warn of.
func writtenOutcome(c *call, r interaction.Result) outcome.Outcome {
	code := "updated"
	switch {
	case r.Created:
		code = "created"
	case r.Same:
		code = "unchanged"
	}
	done := fhir.Issue{Severity: fhir.SeverityInformation, Code: code, Args: []any{r.Key.String(), r.Version}}
	return outcome.Found(append([]fhir.Issue{done}, r.Issues...), c.language())
}
