package authentication_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/authentication"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/openid"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/smart"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// base, issuer and idp are names only: nobody resolves them.
const (
	base   = "https://records.example/fhir"
	issuer = "https://records.example/auth"
	idp    = "https://id.example"
)

// world is a server with one store, its clients and an issuer of people, whose private keys the test has.
type world struct {
	*httptest.Server
	t       testing.TB
	store   store.Store
	smart   *smart.Server
	log     *logged
	clients smart.Clients
	now     time.Time

	es, rs, stranger jose.Signer // of the client "his"; of nobody
	person           jose.Signer // of idp
	access           *jwt.Signer // of our access tokens
	rsa              *rsa.PrivateKey
	edPublic         ed25519.PublicKey
	edKid            string
	personKey        *ecdsa.PrivateKey
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func signer(alg jose.SignatureAlgorithm, key any, kid string, typ jose.ContentType) jose.Signer {
	return must(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, (&jose.SignerOptions{}).WithType(typ)))
}

func sign(s jose.Signer, claims map[string]any) string {
	return must(josejwt.Signed(s).Claims(claims).Serialize())
}

func jwks(keys ...jose.JSONWebKey) string {
	return string(must(json.Marshal(jose.JSONWebKeySet{Keys: keys})))
}

func open(t testing.TB) store.Store {
	return enginetest.Open(t, engine.Options{})
}

// newWorld makes one; others on the same store are instances of the same server.
func newWorld(t testing.TB) *world { return newWorldOn(t, open(t)) }

func newWorldOn(t testing.TB, st store.Store) *world {
	w := &world{t: t, store: st, log: &logged{}, now: time.Now().Truncate(time.Second)}
	es, person := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)), must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	w.rsa = must(rsa.GenerateKey(rand.Reader, 2048))
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	w.edPublic = ed.Public().(ed25519.PublicKey)
	w.access = must(jwt.NewSigner(smart.TokenType, crypto.Signer(ed)))
	var published jose.JSONWebKeySet
	_ = json.Unmarshal(w.access.JWKS(), &published)
	w.edKid = published.Keys[0].KeyID
	w.es, w.rs = signer(jose.ES384, es, "es", "JWT"), signer(jose.RS384, w.rsa, "rs", "JWT")
	w.stranger = signer(jose.ES384, must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)), "es", "JWT")
	w.personKey = person
	w.person = signer(jose.ES256, person, "p", "JWT")

	file := fmt.Sprintf(`clients:
  - {id: his, role: hospital, organization: bv1, scopes: "system/Patient.cruds system/Claim.cruds system/Subscription.cruds", purposes: [TREAT], jwks: %s}
  - {id: other, role: hospital, organization: bv2, scopes: "system/*.cruds", jwks: %s}
`, jwks(jose.JSONWebKey{Key: es.Public(), KeyID: "es"}, jose.JSONWebKey{Key: w.rsa.Public(), KeyID: "rs"}), jwks(jose.JSONWebKey{Key: es.Public(), KeyID: "es"}))
	fetch := must(jwt.NewFetcher(nil, nil))
	w.clients = must(smart.ParseClients([]byte(file), fetch, map[string]*jwt.Remote{}, nil))
	issuers := must(openid.ParseIssuers([]byte(fmt.Sprintf(`issuers:
  - issuer: %s
    audience: [lienthong]
    algorithms: [ES256]
    jwks: %s
    roles: {claim: realm.roles, values: {giam-dinh: auditor, cong-dan: citizen}}
    person: {claim: cccd, system: "https://lienthong.example/sid/cccd"}
    skew: 30s
`, idp, jwks(jose.JSONWebKey{Key: person.Public(), KeyID: "p"}))), fetch, map[string]*jwt.Remote{}, nil))
	w.Server = w.instance(issuers)
	return w
}

func (w *world) instance(issuers openid.Issuers) *httptest.Server {
	log := slog.New(slog.NewTextHandler(w.log, nil))
	clock := func() time.Time { return w.now }
	w.smart = smart.New(smart.Config{Base: base, Issuer: issuer, Store: w.store, Log: log, Now: clock,
		Clients: func() smart.Clients { return w.clients }, Signer: func() *jwt.Signer { return w.access }})
	policies := must(access.Open(access.Config{Log: log}))
	a := authentication.New(authentication.Config{Smart: w.smart, Issuers: func() openid.Issuers { return issuers }, Fence: policies.Fence, BasePath: "/fhir", Now: clock,
		Person: func(_ context.Context, system, value string) (fhir.ID, bool, error) {
			return "p1", value == "known", nil
		}})
	h := must(rest.New(store.WithFence(context.Background(), store.OpenFence()), rest.Config{Service: interaction.New(interaction.Config{Store: access.Masked(w.store)}),
		BaseURL: base, Log: log, Authenticate: a.Authenticate, Challenge: authentication.Challenge}))
	s := httptest.NewUnstartedServer(&authentication.Front{Next: h, Smart: w.smart, BasePath: "/fhir", Origins: []string{"https://app.example"}})
	s.Config.MaxHeaderBytes = 256 << 10
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.Start()
	w.t.Cleanup(s.Close)
	return s
}

// claims of a good assertion, changed.
func (w *world) assertion(change map[string]any) map[string]any {
	c := map[string]any{"iss": "his", "sub": "his", "aud": issuer + "/token", "exp": w.now.Add(4 * time.Minute).Unix(), "jti": rand.Text()}
	for k, v := range change {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

// tokenClaims of a good access token, changed.
func (w *world) tokenClaims(change map[string]any) map[string]any {
	c := map[string]any{"iss": issuer, "aud": base, "sub": "his", "scope": "system/Patient.cruds", "iat": w.now.Unix(), "exp": w.now.Add(time.Minute).Unix(), "jti": rand.Text()}
	for k, v := range change {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

func (w *world) personClaims(change map[string]any) map[string]any {
	c := map[string]any{"iss": idp, "aud": "lienthong", "sub": "u1", "realm": map[string]any{"roles": []string{"x", "giam-dinh"}}, "exp": w.now.Add(time.Minute).Unix()}
	for k, v := range change {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

// answer is what a test looks at.
type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) do(r *http.Request) answer {
	w.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(raw)}
}

func (w *world) get(path, token string) answer {
	r := must(http.NewRequest(http.MethodGet, w.URL+path, nil))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return w.do(r)
}

func (w *world) send(method, path, token, body string) answer {
	r := must(http.NewRequest(method, w.URL+path, strings.NewReader(body)))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/fhir+json")
	return w.do(r)
}

func (w *world) form(assertion, scope string) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "scope": {scope}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
}

func (w *world) post(server string, form url.Values) answer {
	r := must(http.NewRequest(http.MethodPost, server+"/auth/token", strings.NewReader(form.Encode())))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.do(r)
}

// token gets a real one.
func (w *world) token(client, scope string) string {
	w.t.Helper()
	a := w.post(w.URL, w.form(sign(w.es, w.assertion(map[string]any{"iss": client, "sub": client})), scope))
	var got struct {
		Token string `json:"access_token"`
	}
	if json.Unmarshal([]byte(a.body), &got) != nil || a.status != 200 {
		w.t.Fatalf("no token: %d %s", a.status, a.body)
	}
	return got.Token
}

// logged is what several servers log.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
