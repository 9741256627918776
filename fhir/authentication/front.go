package authentication

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/signin"
	"github.com/lienthong/lienthong/fhir/smart"
)

// Front stands before everything that a server has: it answers the addresses of authentication, and the browser's
// questions whether a page of another site may read the answers.
type Front struct {
	Next     http.Handler
	Smart    *smart.Server   // nil = no token endpoint
	SignIn   *signin.Service // nil = no browsers
	BasePath string          // of the FHIR base
	// Origins are the sites whose pages may read answers, such as https://app.example. There is no wildcard.
	Origins []string
}

// What a page of an allowed site may send, and see of the answer.
const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Accept, Prefer, If-Match, If-None-Match, If-None-Exist, If-Modified-Since, " + HeaderPurpose + ", " + HeaderBreakGlass
	corsExposed = "ETag, Location, Content-Location, Last-Modified, WWW-Authenticate"
)

// nosniff is the same slice for all answers: nobody appends to it.
var nosniff = []string{"nosniff"}

// tokenTime is how long a token request may take to come.
const tokenTime = 10 * time.Second

// ServeHTTP implements http.Handler.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["X-Content-Type-Options"] = nosniff
	if f.cors(w, r) {
		return
	}
	if f.SignIn.Serves(r.URL.Path) && r.URL.RawPath == "" {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(tokenTime)) // a recorder has none
		f.SignIn.ServeHTTP(w, r)
		return
	}
	if f.SignIn.Has(r) { // what a session shows is for pages of this origin, whatever markup would load it elsewhere
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	}
	if f.Smart != nil && r.URL.RawPath == "" {
		switch r.URL.Path {
		case "/auth/token":
			control := http.NewResponseController(w)
			_ = control.SetReadDeadline(time.Now().Add(tokenTime)) // a recorder has none
			r.Body = http.MaxBytesReader(w, r.Body, 2*smart.MaxForm)
			f.Smart.Token(w, r)
			return
		case "/auth/jwks":
			read(w, r, f.Smart.JWKS)
			return
		case f.BasePath + "/.well-known/smart-configuration", "/.well-known/smart-configuration":
			read(w, r, f.Smart.Configuration)
			return
		}
	}
	f.Next.ServeHTTP(w, r)
}

func read(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	answer(w, r)
}

// cors answers a preflight, and says on other requests whether the page that asks may read the answer. Credentials of the
// browser are never allowed: a token is something that the page itself has. Source: https://fetch.spec.whatwg.org/#http-cors-protocol
func (f *Front) cors(w http.ResponseWriter, r *http.Request) (answered bool) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	allowed := slices.ContainsFunc(f.Origins, func(o string) bool { return strings.EqualFold(o, origin) })
	if allowed {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", corsExposed)
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	if !allowed {
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
