package audit

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/r4"
)

// Handler keeps the trail of what next answers. Its Trail takes note of the caller by Trail.Caller, which authentication
// calls, and of what is read by Store. Not one byte of an answer leaves before its entry is on disk; if it cannot be
// kept, the answer is a 503 in its place, or, where the connection holds the answer (Hold), its end.
type Handler struct {
	Next    http.Handler
	Journal *Journal
	Mask    Masker
	Base    string // path of the FHIR base, such as /fhir
	// Skip says which other paths leave no trace, such as /healthz; nil = none do. FHIR's own leave one but for metadata.
	Skip func(path string) bool
	// Subjects gives the Patients whom a resource is about, for the trail alone: who tried to open it is told to them. nil = that
	// is told of the Patients themselves alone.
	Subjects func(context.Context, fhir.Key) []fhir.ID
	Now      func() time.Time // nil = time.Now
}

// ServeHTTP answers one request (http.Handler).
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	do, on, ok := h.asked(r)
	if !ok {
		h.Next.ServeHTTP(w, r)
		return
	}
	now := time.Now
	if h.Now != nil {
		now = h.Now
	}
	held := &heldWriter{ResponseWriter: w, request: r, journal: h.Journal, subjects: h.Subjects, trail: Trail{mask: h.Mask, asked: asked{
		at: now().UTC(), do: do, on: on, query: h.Mask.Query(r.URL.RawQuery), request: requestID(r), from: address(r),
	}}}
	held.context = trailContext{r.Context(), &held.trail}
	defer held.finish()
	h.Next.ServeHTTP(held, r.WithContext(&held.context))
}

// AgentOf is a caller as the journal names him: a citizen's name at his issuer may be his citizen ID.
func AgentOf(c *access.Caller, m Masker) Agent {
	who := c.Subject
	if c.Role == access.RoleCitizen || !isPlain(who) {
		who = m.Hash(who)
	}
	return Agent{
		Who: who, Issuer: c.Issuer, Role: string(c.Role), System: c.System, Organization: string(c.Organization),
		Practitioner: string(c.Practitioner), Patient: string(c.Patient), Purpose: c.Purpose, BreakGlass: c.BreakGlass,
	}
}

// asked says which interaction a request is, and whether it leaves a trace.
func (h *Handler) asked(r *http.Request) (do, on string, ok bool) {
	path := r.URL.Path
	rest, ours := strings.CutPrefix(path, h.Base)
	if !ours || rest != "" && rest[0] != '/' {
		if h.Skip != nil && h.Skip(path) {
			return "", "", false
		}
		return "operation", clip(path), true
	}
	parts := partsOf(rest, make([]string, 0, 8))
	if len(parts) == 1 && parts[0] == "metadata" {
		return "", "", false
	}
	return InteractionOf(r.Method, parts), h.name(rest, parts), true
}

// partsOf appends what stands between the slashes of a path.
func partsOf(path string, parts []string) []string {
	for path != "" {
		var p string
		if p, path, _ = strings.Cut(path, "/"); p != "" {
			parts = append(parts, p)
		}
	}
	return parts
}

// name is what the path names. Foreign text in it is masked: only types, ids and operations stand as they are.
func (h *Handler) name(path string, parts []string) string {
	if len(parts) > 5 {
		parts = parts[:5]
	}
	named, length, masked := make([]string, 0, 5), len(parts), false
	for i, p := range parts {
		_, err := fhir.ParseID(strings.TrimLeft(p, "$_"))
		if strange := i == 0 && p[0] != '$' && p[0] != '_' && !r4.IsResource(fhir.Type(p)); strange || err != nil || !isPlain(p) {
			p = h.Mask.Hash(p)
			masked = true
		}
		named = append(named, p)
		length += len(p)
	}
	if !masked && length == len(path) && path != "" {
		return path[1:] // nothing was left out either
	}
	return strings.Join(named, "/")
}

// InteractionOf names the interaction that a method and the parts of a path below the base ask for.
// Source: http://hl7.org/fhir/ValueSet/restful-interaction
func InteractionOf(method string, parts []string) string {
	n := len(parts)
	for _, p := range parts {
		if p[0] == '$' {
			return "operation"
		}
	}
	last := ""
	if n > 0 {
		last = parts[n-1]
	}
	switch method {
	case http.MethodPost:
		switch {
		case last == "_search":
			return "search"
		case n == 0:
			return "batch" // or transaction: the body says
		}
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	}
	switch {
	case last == "_history":
		return "history"
	case n == 4 && parts[2] == "_history":
		return "vread"
	case n == 2 && last != "_search":
		return "read"
	}
	return "search"
}

// requestID is what the caller calls the request, if that is short and plain, else a name of ours.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" && len(id) <= 64 && isPlain(id) {
		if _, err := fhir.ParseID(id); err == nil {
			return id
		}
	}
	return newRequestID()
}

// newRequestID is a random UUID. It has to be nobody else's, not a secret, so the runtime's generator does.
func newRequestID() string {
	var id uuid.UUID
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version 4 of RFC 9562
	return id.String()
}

func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

// heldWriter holds an answer back until what it tells of is in the journal.
type heldWriter struct {
	http.ResponseWriter
	trail    Trail
	context  trailContext
	request  *http.Request
	journal  *Journal
	subjects func(context.Context, fhir.Key) []fhir.ID
	status   int
	sent     bool // the status went out
	refused  bool // the answer was replaced
}

// Unwrap lets http.ResponseController set deadlines.
func (w *heldWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader takes note of the status. What is informational passes.
func (w *heldWriter) WriteHeader(status int) {
	if status < 200 {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.status == 0 {
		w.status = status
	}
}

func (w *heldWriter) Write(b []byte) (int, error) {
	if err := w.release(); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

// FlushError sends what was written (http.ResponseController).
func (w *heldWriter) FlushError() error {
	if err := w.release(); err != nil {
		return err
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// release keeps what the next bytes tell of, and lets the status go out.
func (w *heldWriter) release() error {
	if w.refused {
		return http.ErrAbortHandler
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if err := w.note(); err != nil {
		w.refuse(err)
		return err
	}
	if !w.sent {
		w.sent = true
		w.ResponseWriter.WriteHeader(w.status)
	}
	return nil
}

// refuse answers 503 in place of an answer that must not be given.
func (w *heldWriter) refuse(err error) {
	w.refused = true
	if w.sent {
		panic(http.ErrAbortHandler) // the answer is half sent: only ending the connection tells the client
	}
	w.sent = true
	o := outcome.Of(err, outcome.ParseLanguage(w.request.Header.Get("Accept-Language")))
	h := w.Header()
	for _, name := range []string{"Etag", "Last-Modified", "Location", "Content-Location", "Content-Encoding", "Content-Length"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/fhir+json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", "1")
	w.ResponseWriter.WriteHeader(o.Status)
	_, _ = w.ResponseWriter.Write(o.AppendJSON(nil)) // an error means that the client has gone
}

// finish keeps the entry of an answer without a body, and of one that never came.
func (w *heldWriter) finish() {
	if p := recover(); p != nil {
		if !w.sent && w.status == 0 {
			w.status = http.StatusInternalServerError
			_ = w.note()
		}
		panic(p)
	}
	_ = w.release() // a refusal has been written
}

// aimedAt gives the Patients whom the resource is about that a refused request named. It is looked up behind the answer that was
// decided, before its entry is synced, which takes a hundred times as long.
func (w *heldWriter) aimedAt(on string) (people []string) {
	parts := strings.Split(on, "/")
	if w.subjects == nil || len(parts) < 2 || parts[0] == "Patient" || r4.CompartmentParams("Patient", fhir.Type(parts[0])) == nil {
		return nil
	}
	id, err := fhir.ParseID(parts[1])
	if err != nil {
		return nil
	}
	for _, p := range w.subjects(context.WithoutCancel(w.request.Context()), fhir.Key{Type: fhir.Type(parts[0]), ID: id}) {
		people = append(people, string(p))
	}
	return people
}

// note keeps what was not told yet. The client may be gone; what was read for it was read.
func (w *heldWriter) note() error {
	var e Entry
	if w.trail.part(w.status, &e) {
		if len(e.People) == 0 && (w.status == http.StatusForbidden || w.status == http.StatusNotFound) {
			e.People = w.aimedAt(e.On)
		}
		for _, name := range e.Tried {
			for _, person := range slices.Concat(named(name), w.aimedAt(name)) {
				if !slices.Contains(e.People, person) {
					e.People = append(e.People, person)
				}
			}
		}
		if c := heldConnOf(w.request); c != nil {
			return w.journal.appendHeld(c, &e)
		}
		return w.journal.Append(context.Background(), &e) // whether or not the client waits
	}
	return nil
}
