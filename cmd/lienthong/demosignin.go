package main

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/lienthong/fhir/signin"
)

// demoSignIns are the codes that the demo's issuer has given out and that nobody took yet.
type demoSignIns struct {
	// mu guards what follows.
	mu     sync.Mutex
	known  []demoPerson // once the population is there
	issued map[string]demoCode
}

type demoCode struct {
	person           demoPerson
	challenge, nonce string
	until            time.Time
}

// Bounds of codes: who asks for more than so many gets rid of all that were not taken.
const (
	demoCodeLife = time.Minute
	demoCodes    = 1000
)

//go:embed demosignin.html
var demoSignInSource string

var demoSignInPage = template.Must(template.New("").Parse(demoSignInSource))

// knows makes people known, who can sign in from then on.
func (d *demoIssuer) knows(people []demoPerson) {
	d.signIns.mu.Lock()
	d.signIns.known, d.signIns.issued = people, map[string]demoCode{}
	d.signIns.mu.Unlock()
}

// handler answers as the issuer, a site of its own as far as the server is concerned, and leaves the rest to next:
//
//	GET  /auth/demo/.well-known/openid-configuration
//	GET  /auth/demo/jwks
//	GET  /auth/demo/authorize    a page on which to choose who one is; ?as=role goes back with a code for that one
//	POST /auth/demo/token        code and PKCE verifier -> ID token
func (d *demoIssuer) handler(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/demo/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{
			"issuer": d.url, "authorization_endpoint": d.url + "/authorize", "token_endpoint": d.url + "/token", "jwks_uri": d.url + "/jwks",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"EdDSA"},
			"code_challenge_methods_supported": []string{"S256"}, "authorization_response_iss_parameter_supported": true,
		})
	})
	mux.HandleFunc("GET /auth/demo/jwks", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(d.signer.JWKS())
	})
	mux.HandleFunc("GET /auth/demo/authorize", d.authorize)
	mux.HandleFunc("POST /auth/demo/token", d.token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/auth/demo/") {
			mux.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// authorize shows who there is, or goes back as one of them.
func (d *demoIssuer) authorize(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	q := r.URL.Query()
	back := d.origin + signin.Callback
	if q.Get("client_id") != demoAudience || q.Get("redirect_uri") != back || q.Get("response_type") != "code" ||
		q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || len(r.URL.RawQuery) > 4000 {
		http.Error(w, "no sign-in of the demo", http.StatusBadRequest)
		return
	}
	d.signIns.mu.Lock()
	defer d.signIns.mu.Unlock()
	type choice struct{ Role, Sees, URL string }
	var choices []choice
	for _, p := range d.signIns.known {
		if q.Get("as") == p.Role {
			code := rand.Text()
			if len(d.signIns.issued) >= demoCodes {
				clear(d.signIns.issued)
			}
			d.signIns.issued[code] = demoCode{p, q.Get("code_challenge"), q.Get("nonce"), time.Now().Add(demoCodeLife)}
			w.Header().Set("Location", back+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {d.url}}.Encode())
			w.WriteHeader(http.StatusSeeOther)
			return
		}
		as := url.Values{"as": {p.Role}}
		maps.Copy(as, q)
		as.Set("as", p.Role)
		choices = append(choices, choice{p.Role, p.Path, "?" + as.Encode()})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = demoSignInPage.Execute(w, choices)
}

// token takes a code once.
func (d *demoIssuer) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	code := r.PostFormValue("code")
	d.signIns.mu.Lock()
	given, ok := d.signIns.issued[code]
	delete(d.signIns.issued, code)
	d.signIns.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	proof := base64.RawURLEncoding.EncodeToString(sum[:])
	if !ok || time.Now().After(given.until) || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("client_id") != demoAudience ||
		r.PostFormValue("redirect_uri") != d.origin+signin.Callback || subtle.ConstantTimeCompare([]byte(proof), []byte(given.challenge)) != 1 {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := d.claims(given.person, 5*time.Minute)
	claims["nonce"] = given.nonce
	id, err := d.signer.Sign(claims)
	if err != nil {
		http.Error(w, "the token cannot be signed", http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 300, "id_token": id})
}
