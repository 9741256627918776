// Package openidtest is an OpenID Connect issuer for tests: a server of its own with keys that rotate, whose answers a test
// can put others in the place of.
//
// It may import openid and what that stands on. Start reading at Issuer.
package openidtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/jwt"
)

// ClientID is how the server under test is registered.
const ClientID = "lienthong"

// Issuer answers on the loopback until its test ends. It is safe for concurrent use.
type Issuer struct {
	URL string
	Now func() time.Time // to be set before it is used
	t   testing.TB

	mu       sync.Mutex
	signer   *jwt.Signer
	override map[string]http.HandlerFunc
	asked    map[string]int
	codes    map[string]asked
	claims   map[string]any
}

type asked struct{ challenge, nonce, redirect string }

// New starts one that signs with ES256.
func New(t testing.TB) *Issuer {
	i := &Issuer{Now: time.Now, t: t, override: map[string]http.HandlerFunc{}, asked: map[string]int{}, codes: map[string]asked{}, claims: map[string]any{}}
	i.Rotate()
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Signer makes one with a new key.
func Signer(t testing.TB, typ string) *jwt.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := jwt.NewSigner(typ, crypto.Signer(key))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Rotate puts a new key in the place of the one before, which is not published any more.
func (i *Issuer) Rotate() {
	s := Signer(i.t, "JWT")
	i.mu.Lock()
	defer i.mu.Unlock()
	i.signer = s
}

// Answer has a path answered by h, or again by the issuer itself if that is nil.
func (i *Issuer) Answer(path string, h http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.override[path] = h
}

// Asked says how often a path was asked for.
func (i *Issuer) Asked(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

// Say has ID tokens carry further claims, or others; nil takes one away.
func (i *Issuer) Say(claims map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.claims = claims
}

// Sign makes a token of standard claims with changes; nil takes a claim away.
func (i *Issuer) Sign(change map[string]any) string {
	i.t.Helper()
	i.mu.Lock()
	s := i.signer
	i.mu.Unlock()
	return i.SignBy(s, change)
}

// SignBy is Sign with a signer of the test's own.
func (i *Issuer) SignBy(s *jwt.Signer, change map[string]any) string {
	i.t.Helper()
	now := i.Now()
	claims := map[string]any{"iss": i.URL, "aud": ClientID, "sub": "u1", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "role": "auditor"}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	token, err := s.Sign(claims)
	if err != nil {
		i.t.Error(err)
	}
	return token
}

// Approve stands for the person who signs in at the page that location leads to; it gives the query of the way back.
func (i *Issuer) Approve(location string) url.Values {
	i.t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		i.t.Fatal(err)
	}
	q := u.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != ClientID || q.Get("code_challenge_method") != "S256" ||
		len(q.Get("code_challenge")) != 43 || len(q.Get("state")) < 22 || len(q.Get("nonce")) < 22 {
		i.t.Fatalf("not a sign-in with PKCE, state and nonce: %s", location)
	}
	code := rand.Text()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.codes[code] = asked{q.Get("code_challenge"), q.Get("nonce"), q.Get("redirect_uri")}
	return url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {i.URL}}
}

// ServeHTTP implements http.Handler.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.asked[r.URL.Path]++
	other, signer := i.override[r.URL.Path], i.signer
	i.mu.Unlock()
	if other != nil {
		other(w, r)
		return
	}
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer(http.StatusOK, i.Configuration())
	case "/keys":
		_, _ = w.Write(signer.JWKS())
	case "/token":
		given, ok := i.take(r.PostFormValue("code"))
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != given.challenge || r.PostFormValue("redirect_uri") != given.redirect {
			answer(http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
			return
		}
		claims := map[string]any{"nonce": given.nonce}
		i.mu.Lock()
		maps.Copy(claims, i.claims)
		i.mu.Unlock()
		answer(http.StatusOK, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": i.Sign(claims)})
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) take(code string) (asked, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	given, ok := i.codes[code]
	delete(i.codes, code)
	return given, ok
}

// Configuration is the discovery document.
func (i *Issuer) Configuration() map[string]any {
	return map[string]any{
		"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
		"end_session_endpoint": i.URL + "/leave", "authorization_response_iss_parameter_supported": true,
	}
}
