// Package page is what the public gets to see of certificates: the keys to verify them with, the revocation lists, and a
// page on which anybody can have one checked.
//
//	GET  <issuer>/.well-known/jwks.json        public keys, as SMART Health Cards demand it
//	GET  <issuer>/.well-known/crl/{kid}.json   revocations of a key's cards
//	GET  <issuer>/verify                       the page, in the language of ?lang= or Accept-Language
//	POST <issuer>/verify                       text=…: the page with the verdict; with Accept: application/json as JSON
//
// The page is one document without script, image or anything from another host. A verdict shows what stands in the
// certificate and no more; nothing of what was checked is kept or logged. Nobody has to log in.
//
// It may import certificate and outcome. Start reading at Handler.
package page

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/certificate"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// maxBody bounds what is sent to be checked; percent-encoding makes it longer than the certificates.
const maxBody = 1 << 20

//go:embed page.html
var source string

var pages = template.Must(template.New("page").Parse(source))

// Handler answers below the path of the issuer's URL. It is safe for concurrent use.
type Handler struct {
	service *certificate.Service
	path    string // of the issuer
	log     *slog.Logger
	mux     *http.ServeMux
}

// New makes a Handler. log gets faults of ours.
func New(s *certificate.Service, log *slog.Logger) (*Handler, error) {
	u, err := url.Parse(s.Issuer)
	if err != nil {
		return nil, err
	}
	h := &Handler{service: s, path: u.Path, log: log, mux: http.NewServeMux()}
	h.mux.HandleFunc("GET "+h.path+"/.well-known/jwks.json", h.keys)
	h.mux.HandleFunc("GET "+h.path+"/.well-known/crl/{file}", h.revocations)
	h.mux.HandleFunc("GET "+h.path+"/verify", h.show)
	h.mux.HandleFunc("POST "+h.path+"/verify", h.check)
	return h, nil
}

// Wrap gives a handler that answers what is ours and leaves everything else to next.
func (h *Handler) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, h.path); ok && (rest == "/verify" || rest == "/.well-known/jwks.json" || strings.HasPrefix(rest, "/.well-known/crl/")) {
			h.mux.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (h *Handler) keys(w http.ResponseWriter, r *http.Request) {
	body, err := h.service.Keys.Public()
	h.public(w, r, body, err)
}

func (h *Handler) revocations(w http.ResponseWriter, r *http.Request) {
	kid, ok := strings.CutSuffix(r.PathValue("file"), ".json")
	if !ok {
		http.NotFound(w, r)
		return
	}
	body, err := h.service.RevocationList(r.Context(), kid)
	h.public(w, r, body, err)
}

// public answers with JSON that any page of any host may read, as the specification demands it of the keys.
func (h *Handler) public(w http.ResponseWriter, r *http.Request, body []byte, err error) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if err != nil {
		o := outcome.Of(err, language(r))
		h.logFault(r.Context(), o)
		w.Header().Set("Content-Type", "application/fhir+json; charset=utf-8")
		w.WriteHeader(o.Status)
		_, _ = w.Write(o.JSON())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(body)
}

func (h *Handler) logFault(ctx context.Context, o outcome.Outcome) {
	if o.Reference != "" {
		h.log.ErrorContext(ctx, "request failed", "reference", o.Reference, "err", o.Cause)
	}
}

func language(r *http.Request) outcome.Language {
	switch l := outcome.Language(r.URL.Query().Get("lang")); l {
	case outcome.Vietnamese, outcome.English:
		return l
	}
	if r.Header.Get("Accept-Language") == "" {
		return outcome.Vietnamese
	}
	return outcome.ParseLanguage(r.Header.Get("Accept-Language"))
}

// Verdict is the answer about what was sent.
type Verdict struct {
	// Result is "valid", "invalid" or "unreadable".
	Result string  `json:"result"`
	Code   string  `json:"code,omitempty"` // why not, as in the catalogue
	Text   string  `json:"text,omitempty"`
	Cards  []Shown `json:"certificates,omitempty"`
}

// Shown is a certificate whose signature holds, for people to read.
type Shown struct {
	Form      certificate.Form `json:"form"`
	Name      string           `json:"name"`
	BirthDate string           `json:"birthDate"`
	Issuer    string           `json:"issuer,omitempty"`
	Issued    string           `json:"issued"`
	Expires   string           `json:"expires,omitempty"`
	Doses     []ShownDose      `json:"doses"`
}

// ShownDose is one vaccination.
type ShownDose struct {
	Date      string `json:"date"`
	Vaccine   string `json:"vaccine"`
	Code      string `json:"code,omitempty"`
	Lot       string `json:"lot,omitempty"`
	Performer string `json:"performer,omitempty"`
}

// Judge checks a text and puts the outcome into words. A fault of ours is an error; what is wrong with the text is none.
func Judge(ctx context.Context, v certificate.Verifier, s Names, text string, lang outcome.Language) (Verdict, error) {
	cards, err := v.Verify(ctx, text)
	out := Verdict{Result: "valid"}
	if err != nil {
		e, ok := errors.AsType[*fhir.Error](err)
		switch {
		case ok && e.Kind == fhir.Unprocessable:
			out.Result = "invalid"
		case ok && (e.Kind == fhir.Invalid || e.Kind == fhir.TooLarge):
			out.Result = "unreadable"
		default:
			return out, err
		}
		out.Code, out.Text = e.Code, outcome.Text(e.Code, lang, e.Args...)
	}
	for _, c := range cards {
		shown := Shown{Form: c.Form, Name: c.FullName(), BirthDate: certificate.Day(c.BirthDate, lang), Issuer: c.Issuer, Issued: certificate.Day(certificate.DayOf(c.Issued), lang)}
		if !c.Expires.IsZero() {
			shown.Expires = certificate.Day(certificate.DayOf(c.Expires), lang)
		}
		for _, d := range c.Doses {
			shown.Doses = append(shown.Doses, ShownDose{certificate.Day(d.Date, lang), s(d, lang), d.Code, d.Lot, d.Performer})
		}
		out.Cards = append(out.Cards, shown)
	}
	return out, nil
}

// Names names the product of a dose.
type Names func(d certificate.Dose, lang outcome.Language) string

func (h *Handler) check(w http.ResponseWriter, r *http.Request) {
	lang := language(r)
	text, err := received(w, r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	names := func(d certificate.Dose, lang outcome.Language) string {
		return certificate.VaccineName(d, h.service.Schedules, lang)
	}
	verdict, err := Judge(r.Context(), h.service.Verifier(), names, text, lang)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(verdict)
		return
	}
	h.render(w, r, lang, &verdict)
}

// received reads the text to check: a field of a form, or the body itself.
func received(w http.ResponseWriter, r *http.Request) (string, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return "", fhir.Errorf(fhir.TooLarge, "certificate-too-large", "", maxBody)
	}
	if err != nil {
		return "", fhir.Wrap(fhir.Invalid, "certificate-unreadable", err, "HTTP")
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			return "", fhir.Wrap(fhir.Invalid, "certificate-unreadable", err, "HTTP")
		}
		return form.Get("text"), nil
	}
	return string(raw), nil
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	o := outcome.Of(err, language(r))
	h.logFault(r.Context(), o)
	w.Header().Set("Content-Type", "application/fhir+json; charset=utf-8")
	w.WriteHeader(o.Status)
	_, _ = w.Write(o.JSON())
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request) { h.render(w, r, language(r), nil) }

// view is what the template gets.
type view struct {
	Lang    outcome.Language
	Path    string
	Words   map[string]string
	Verdict *Verdict
}

// policy forbids everything but the page's own style and its form.
const policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func (h *Handler) render(w http.ResponseWriter, r *http.Request, lang outcome.Language, v *Verdict) {
	var b bytes.Buffer
	if err := pages.Execute(&b, view{lang, h.path + "/verify", words[lang], v}); err != nil {
		h.fail(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Language", string(lang))
	head.Set("Content-Security-Policy", policy)
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-store")
	head.Set("Vary", "Accept, Accept-Language")
	_, _ = w.Write(b.Bytes())
}
