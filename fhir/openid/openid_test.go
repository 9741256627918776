package openid_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/openid"
	"github.com/lienthong/lienthong/fhir/openid/openidtest"
)

// parse reads a file with the issuer, which more adds lines to.
func parse(t *testing.T, is *openidtest.Issuer, now func() time.Time, more ...string) *openid.Issuer {
	t.Helper()
	fetch, err := jwt.NewFetcher(nil, []string{is.URL})
	if err != nil {
		t.Fatal(err)
	}
	file := fmt.Sprintf("issuers:\n  - issuer: %s\n    audience: [%s]\n    roles: {claim: role, values: {auditor: auditor, citizen: citizen, clinic: clinic}}\n    ", is.URL, openidtest.ClientID)
	all, err := openid.ParseIssuers([]byte(file+strings.Join(more, "\n    ")+"\n"), fetch, map[string]*jwt.Remote{}, now)
	if err != nil {
		t.Fatal(err)
	}
	return all[is.URL]
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

func verify(is *openid.Issuer, token string, now time.Time) (access.Caller, string) {
	c, _, err := is.Verify(context.Background(), token, now, func(_ context.Context, system, value string) (fhir.ID, bool, error) {
		return "p1", system == "urn:x" && value == "known", nil
	})
	if err != nil {
		return c, codeOf(err)
	}
	return c, ""
}

// TestKeysRotate: a new key counts at once, the one before no longer than it is kept, and strange kids do not make us ask.
func TestKeysRotate(t *testing.T) {
	issuer, c := openidtest.New(t), fhirtest.NewClock(time.Now())
	issuer.Now = c.Now
	is := parse(t, issuer, c.Now)
	old := issuer.Sign(nil)
	if _, code := verify(is, old, c.Now()); code != "" {
		t.Fatal(code)
	}
	issuer.Rotate()
	fresh := issuer.Sign(nil)
	if _, code := verify(is, fresh, c.Now()); code != "token-key-unknown" {
		t.Errorf("a kid that was not there a moment ago: %q", code)
	}
	c.Advance(11 * time.Second) // asked again at most so often
	if _, code := verify(is, fresh, c.Now()); code != "" {
		t.Errorf("the new key: %q", code)
	}
	if _, code := verify(is, old, c.Now()); code != "token-key-unknown" {
		t.Errorf("the withdrawn key: %q", code)
	}
	before := issuer.Asked("/keys")
	c.Advance(11 * time.Second)
	for range 50 {
		stranger := issuer.SignBy(openidtest.Signer(t, "JWT"), nil)
		if _, code := verify(is, stranger, c.Now()); code != "token-key-unknown" {
			t.Fatalf("a stranger's key: %q", code)
		}
	}
	if n := issuer.Asked("/keys") - before; n > 1 {
		t.Errorf("50 strange tokens made us ask %d times", n)
	}
}

// TestKeysThatCannotBeHad: what an issuer answers in the place of keys. Without any key nobody comes in, and it is said to be
// a matter of time; with keys of before, they go on for a day.
func TestKeysThatCannotBeHad(t *testing.T) {
	answers := map[string]struct {
		path   string
		answer http.HandlerFunc
	}{
		"an error":    {"/keys", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", 500) }},
		"a redirect":  {"/keys", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }},
		"no JSON":     {"/keys", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }},
		"without end": {"/keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 1<<20)) }},
		"a secret key": {"/keys", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}`)
		}},
		"a connection that ends": {"/keys", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		"another issuer's document": {"/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"issuer":"https://other.example","jwks_uri":"https://other.example/keys"}`)
		}},
		"keys inside": {"/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": "http://" + r.Host, "jwks_uri": "http://169.254.169.254/keys"})
		}},
		"keys in a file": {"/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": "http://" + r.Host, "jwks_uri": "file:///etc/passwd"})
		}},
	}
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer, c := openidtest.New(t), fhirtest.NewClock(time.Now())
			issuer.Now = c.Now
			is := parse(t, issuer, c.Now)
			issuer.Answer(a.path, a.answer)
			if _, code := verify(is, issuer.Sign(nil), c.Now()); code != "keys-unreachable" {
				t.Errorf("without a key: %q", code)
			}
			issuer.Answer(a.path, nil)
			c.Advance(11 * time.Second)
			if _, code := verify(is, issuer.Sign(nil), c.Now()); code != "" {
				t.Errorf("when it is well again: %q", code)
			}
			issuer.Answer(a.path, a.answer)
			c.Advance(23 * time.Hour)
			if _, code := verify(is, issuer.Sign(nil), c.Now()); code != "" {
				t.Errorf("keys of before: %q", code)
			}
			c.Advance(2 * time.Hour)
			if _, code := verify(is, issuer.Sign(nil), c.Now()); code != "keys-unreachable" {
				t.Errorf("after a day: %q", code)
			}
		})
	}
}

// TestASlowIssuer does not hold whoever goes away, nor those whose key is known.
func TestASlowIssuer(t *testing.T) {
	issuer := openidtest.New(t)
	is := parse(t, issuer, nil)
	release := make(chan struct{})
	begun := make(chan struct{}, 8)
	issuer.Answer("/keys", func(_ http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-release
	})
	t.Cleanup(func() { close(release) })
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, _, err := is.Verify(ctx, issuer.Sign(nil), time.Now(), nil)
		ended <- err
	}()
	<-begun
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("who went away got %v", err)
	}
}

// TestFacilitiesOfPeople: what a token says, by the names of the file; where it says nothing, nothing is known.
func TestFacilitiesOfPeople(t *testing.T) {
	issuer := openidtest.New(t)
	is := parse(t, issuer, nil, `facilities: {claim: at, values: {a: "51901", b: "51902", c: "not a code"}}`)
	for _, c := range []struct {
		said any
		want []string
	}{
		{nil, nil}, {"a", []string{"51901"}}, {[]string{"a", "b"}, []string{"51901", "51902"}}, {[]string{}, []string{}}, {[]string{"c", "z"}, []string{}},
	} {
		got, code := verify(is, issuer.Sign(map[string]any{"at": c.said}), time.Now())
		if code != "" || !slices.Equal(got.Facilities, c.want) || (got.Facilities == nil) != (c.want == nil) {
			t.Errorf("%v: %v %s", c.said, got.Facilities, code)
		}
	}
}

// TestTokensOfPeopleThatAreRefused: each by its code.
func TestTokensOfPeopleThatAreRefused(t *testing.T) {
	issuer := openidtest.New(t)
	is := parse(t, issuer, nil, "skew: 30s", "person: {claim: cccd, system: urn:x}", "organization: {claim: org, values: {a: bv-1}}")
	now := time.Now()
	good := issuer.Sign(nil)
	if c, code := verify(is, good, now); code != "" || c.Role != access.RoleAuditor || c.System || c.Issuer != issuer.URL || c.Subject != "u1" {
		t.Fatal(c, code)
	}
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	header := func(change map[string]any) string {
		var h map[string]any
		raw, _ := base64.RawURLEncoding.DecodeString(parts[0])
		_ = json.Unmarshal(raw, &h)
		for k, v := range change {
			h[k] = v
		}
		raw, _ = json.Marshal(h)
		return b64(raw)
	}
	// The public key, which everybody has, taken for a secret.
	confused := func(key []byte) string {
		signed := header(map[string]any{"alg": "HS256"}) + "." + parts[1]
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(signed))
		return signed + "." + b64(mac.Sum(nil))
	}
	jwks := openidtest.Signer(t, "JWT").JWKS()
	with := func(claim string, v any) string { return issuer.Sign(map[string]any{claim: v}) }
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, c := range map[string]struct{ token, code string }{
		"alg none":                      {header(map[string]any{"alg": "none"}) + "." + parts[1] + ".", "token-algorithm"},
		"alg none with its signature":   {header(map[string]any{"alg": "none"}) + "." + parts[1] + "." + parts[2], "token-algorithm"},
		"the key set as a secret":       {confused(jwks), "token-algorithm"},
		"an algorithm not allowed":      {header(map[string]any{"alg": "ES384"}) + "." + parts[1] + "." + parts[2], "token-algorithm"},
		"an algorithm of another key":   {header(map[string]any{"alg": "RS256"}) + "." + parts[1] + "." + parts[2], "token-algorithm"},
		"without kid":                   {header(map[string]any{"kid": ""}) + "." + parts[1] + "." + parts[2], "token-key-unknown"},
		"a key of its own in it":        {header(map[string]any{"jwk": json.RawMessage(jwks)}) + "." + parts[1] + "." + parts[2], "token-malformed"},
		"other claims":                  {parts[0] + "." + b64([]byte(`{"iss":"`+issuer.URL+`","role":"citizen"}`)) + "." + parts[2], "token-signature"},
		"another signature":             {parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)), "token-signature"},
		"encrypted":                     {good + "." + parts[1] + "." + parts[2], "token-malformed"},
		"of another issuer":             {with("iss", "https://other.example"), "token-issuer"},
		"of an issuer with a slash":     {with("iss", issuer.URL+"/"), "token-issuer"},
		"for another audience":          {with("aud", "other"), "token-audience"},
		"for nobody":                    {with("aud", nil), "token-audience"},
		"an audience that begins alike": {with("aud", openidtest.ClientID+"2"), "token-audience"},
		"expired":                       {with("exp", at(-31*time.Second)), "token-expired"},
		"without end":                   {with("exp", nil), "token-claim-missing"},
		"not yet":                       {with("nbf", at(40*time.Second)), "token-not-yet-valid"},
		"from tomorrow":                 {with("iat", at(24*time.Hour)), "token-not-yet-valid"},
		"of nobody":                     {with("sub", nil), "token-claim-missing"},
		"a subject without end":         {with("sub", strings.Repeat("x", 256)), "token-claim-missing"},
		"a role of nobody":              {with("role", "service"), "role-missing"},
		"a role in another shape":       {with("role", map[string]any{"auditor": true}), "role-missing"},
		"a clinic of no organization":   {with("role", "clinic"), "role-missing"},
		"a clinic of a strange one":     {issuer.Sign(map[string]any{"role": "clinic", "org": "b"}), "role-missing"},
		"a citizen of no number":        {with("role", "citizen"), "person-unknown"},
		"a citizen who is not here":     {issuer.Sign(map[string]any{"role": "citizen", "cccd": "no"}), "person-unknown"},
	} {
		if _, code := verify(is, c.token, now); code != c.code {
			t.Errorf("%s: %q, want %q", name, code, c.code)
		}
	}
	for name, c := range map[string]string{
		"expired within the skew": with("exp", at(-29*time.Second)),
		"not yet within it":       with("nbf", at(29*time.Second)),
		"several audiences":       with("aud", []string{"other", openidtest.ClientID}),
		"one role of several":     with("role", []string{"cook", "auditor"}),
		"a clinic":                issuer.Sign(map[string]any{"role": "clinic", "org": "a"}),
		"a citizen":               issuer.Sign(map[string]any{"role": "citizen", "cccd": "known"}),
	} {
		if _, code := verify(is, c, now); code != "" {
			t.Errorf("%s: %q", name, code)
		}
	}
}

// TestTokensOfAnotherKind: what an issuer signs for other ends is no proof of who calls.
func TestTokensOfAnotherKind(t *testing.T) {
	for typ, want := range map[string]string{"logout+jwt": "token-malformed", "secevent+jwt": "token-malformed", "at+jwt": "", "JWT": ""} {
		issuer := openidtest.New(t)
		signer := signerWith(t, issuer, typ)
		if _, code := verify(parse(t, issuer, nil), issuer.SignBy(signer, nil), time.Now()); code != want {
			t.Errorf("%s: %q, want %q", typ, code, want)
		}
	}
}

// signerWith has the issuer publish a key whose tokens are of another type.
func signerWith(t *testing.T, issuer *openidtest.Issuer, typ string) *jwt.Signer {
	s := openidtest.Signer(t, typ)
	var mine, other struct{ Keys []json.RawMessage }
	_ = json.Unmarshal(s.JWKS(), &other)
	fetched, err := http.Get(issuer.URL + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer fetched.Body.Close()
	if err := json.NewDecoder(fetched.Body).Decode(&mine); err != nil {
		t.Fatal(err)
	}
	mine.Keys = append(mine.Keys, other.Keys...)
	raw, _ := json.Marshal(map[string]any{"keys": mine.Keys})
	issuer.Answer("/keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) })
	return s
}

// TestHalfConfigured: a file with a fault is refused as a whole, and says where.
func TestHalfConfigured(t *testing.T) {
	issuer := openidtest.New(t)
	fetch, err := jwt.NewFetcher(nil, []string{issuer.URL})
	if err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const roles = "roles: {claim: role, values: {a: auditor}}"
	for name, c := range map[string]struct{ row, says string }{
		"no audience":                    {roles, "audience"},
		"an empty audience":              {"audience: ['']\n    " + roles, "audience"},
		"no roles":                       {"audience: [x]", "roles need"},
		"roles without values":           {"audience: [x]\n    roles: {claim: role}", "roles need"},
		"the role of the server":         {"audience: [x]\n    roles: {claim: role, values: {a: service}}", "a role is"},
		"the server as default":          {"audience: [x]\n    roles: {default: service}", "default role"},
		"person by half":                 {"audience: [x]\n    " + roles + "\n    person: {claim: cccd}", "person needs"},
		"an algorithm without a key":     {"audience: [x]\n    " + roles + "\n    algorithms: [none]", "algorithm"},
		"a symmetric algorithm":          {"audience: [x]\n    " + roles + "\n    algorithms: [HS256]", "algorithm"},
		"clocks far apart":               {"audience: [x]\n    " + roles + "\n    skew: 10m", "skew"},
		"keys elsewhere":                 {"audience: [x]\n    " + roles + "\n    jwks_uri: https://elsewhere.example/k", "allow list"},
		"two places of keys":             {"audience: [x]\n    " + roles + "\n    jwks: {keys: []}\n    jwks_uri: " + issuer.URL + "/keys", "one is enough"},
		"a word that is none":            {"audience: [x]\n    " + roles + "\n    audiences: [y]", "unknown field"},
		"a browser without client_id":    {"audience: [x]\n    " + roles + "\n    browser: {name: x}", "client_id"},
		"a browser with a strange scope": {"audience: [x]\n    " + roles + "\n    browser: {client_id: x, scopes: ['a b']}", "scope"},
		"a secret that is not there":     {"audience: [x]\n    " + roles + "\n    browser: {client_id: x, secret_file: /nowhere/at/all}", "secret_file"},
		"an empty secret":                {"audience: [x]\n    " + roles + "\n    browser: {client_id: x, secret_file: " + empty + "}", "empty"},
	} {
		file := "issuers:\n  - issuer: " + issuer.URL + "\n    " + c.row + "\n"
		if _, err := openid.ParseIssuers([]byte(file), fetch, map[string]*jwt.Remote{}, nil); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, file := range map[string]string{
		"the same twice":   "issuers:\n  - issuer: " + issuer.URL + "\n    audience: [x]\n    " + roles + "\n  - issuer: " + issuer.URL + "\n    audience: [x]\n    " + roles + "\n",
		"no URL":           "issuers:\n  - issuer: id\n    audience: [x]\n    " + roles + "\n",
		"a URL with query": "issuers:\n  - issuer: " + issuer.URL + "?a=b\n    audience: [x]\n    " + roles + "\n",
		"no file of it":    "clients: []\n",
		"browser, keys inline, issuer not on the list": "issuers:\n  - issuer: https://elsewhere.example\n    audience: [x]\n    " + roles +
			"\n    jwks: " + string(openidtest.Signer(t, "JWT").JWKS()) + "\n    browser: {client_id: x}\n",
	} {
		if _, err := openid.ParseIssuers([]byte(file), fetch, map[string]*jwt.Remote{}, nil); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestSignInAtAHostileIssuer: a configuration document can send the code nowhere but to the allow list.
func TestSignInAtAHostileIssuer(t *testing.T) {
	a := openid.Attempt{Redirect: "https://records.example/auth/callback", State: "s", Nonce: "n", Verifier: strings.Repeat("v", 43)}
	for name, change := range map[string]map[string]any{
		"another issuer":        {"issuer": "https://other.example"},
		"the code elsewhere":    {"token_endpoint": "https://elsewhere.example/token"},
		"the code inside":       {"token_endpoint": "http://169.254.169.254/token"},
		"no token endpoint":     {"token_endpoint": nil},
		"a page that is script": {"authorization_endpoint": "javascript:alert(1)"},
		"no page":               {"authorization_endpoint": nil},
	} {
		t.Run(name, func(t *testing.T) {
			issuer := openidtest.New(t)
			is := parse(t, issuer, nil, "browser: {client_id: lienthong}")
			issuer.Answer("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
				c := issuer.Configuration()
				for k, v := range change {
					c[k] = v
				}
				_ = json.NewEncoder(w).Encode(c)
			})
			if at, err := is.Begin(t.Context(), a); codeOf(err) != "sign-in-unreachable" {
				t.Errorf("%q %v", at, err)
			}
		})
	}
}

// TestTheSecretOfAClient goes where the issuer takes it, and nowhere else.
func TestTheSecretOfAClient(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		methods []string
		basic   bool
	}{
		"nothing said": {nil, true}, "basic": {[]string{"private_key_jwt", "client_secret_basic"}, true}, "post": {[]string{"client_secret_post"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			issuer := openidtest.New(t)
			is := parse(t, issuer, nil, "browser: {client_id: lienthong, scopes: [profile, openid], secret_file: "+secret+"}")
			issuer.Answer("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
				doc := issuer.Configuration()
				doc["token_endpoint_auth_methods_supported"] = c.methods
				_ = json.NewEncoder(w).Encode(doc)
			})
			asked := 0
			issuer.Answer("/token", func(w http.ResponseWriter, r *http.Request) {
				asked++
				id, password, ok := r.BasicAuth()
				if ok != c.basic || ok && (id != "lienthong" || password != "s3cret") || !ok && r.PostFormValue("client_secret") != "s3cret" {
					t.Errorf("the client proves itself by %v %q %q", ok, id, r.PostFormValue("client_secret"))
				}
				http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			})
			_, err := is.Finish(t.Context(), openid.Attempt{Redirect: "https://x/cb", State: "s", Nonce: "n", Verifier: "v"}, "code", issuer.URL, time.Now())
			if codeOf(err) != "sign-in-code" || asked != 1 {
				t.Errorf("%v, asked %d times", err, asked)
			}
		})
	}
}
