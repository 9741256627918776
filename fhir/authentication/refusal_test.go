package authentication_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"

	"github.com/go-jose/go-jose/v4"
)

// challenge of a refused token.
func challenge(text string) string {
	return `Bearer realm="lienthong", error="invalid_token", error_description="` + text + `"`
}

// issue reads the code and text of an OperationOutcome.
func issue(body string) (code, text string) {
	var o struct {
		Issue []struct {
			Details struct {
				Text   string
				Coding []struct{ Code string }
			}
			Diagnostics string
		}
	}
	if json.Unmarshal([]byte(body), &o) != nil || len(o.Issue) == 0 {
		return "", body
	}
	if len(o.Issue[0].Details.Coding) > 0 {
		code = o.Issue[0].Details.Coding[0].Code
	}
	return code, o.Issue[0].Details.Text
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// TestAccessTokensThatAreRefused: each by status, WWW-Authenticate, and the code and text of the OperationOutcome.
func TestAccessTokensThatAreRefused(t *testing.T) {
	w := newWorld(t)
	ours := func(change map[string]any) string { return must(w.access.Sign(w.tokenClaims(change))) }
	person := func(change map[string]any) string { return sign(w.person, w.personClaims(change)) }
	good := ours(nil)
	payload := strings.Split(good, ".")[1]
	header := func(h string) string { return b64(h) + "." + payload + "." + strings.Split(good, ".")[2] }
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(w.edPublic))})

	const (
		malformed = "The access token cannot be read."
		algorithm = "The token is signed in a way that is not accepted here."
		unknown   = "The token is signed with a key that is not known here."
		signature = "The signature of the token is wrong."
		expired   = "The token has expired."
		early     = "The token is not valid yet: look at the clocks."
		audience  = "The token is for another server."
		from      = "The token comes from an issuer that is not accepted here."
		long      = "The token lives longer than 300 seconds."
		client    = "The client is not registered any more."
	)
	at := func(d time.Duration) int64 { return w.now.Add(d).Unix() }
	for name, c := range map[string]struct{ token, code, text string }{
		"expired":                       {ours(map[string]any{"exp": at(-time.Second)}), "token-expired", expired},
		"ends now":                      {ours(map[string]any{"exp": at(0)}), "token-expired", expired},
		"without end":                   {ours(map[string]any{"exp": nil}), "token-claim-missing", "The token lacks exp."},
		"not yet valid":                 {ours(map[string]any{"nbf": at(time.Minute)}), "token-not-yet-valid", early},
		"issued in the future":          {ours(map[string]any{"iat": at(time.Minute)}), "token-not-yet-valid", early},
		"lives too long":                {ours(map[string]any{"exp": at(time.Hour)}), "token-too-long-lived", long},
		"for another server":            {ours(map[string]any{"aud": "https://other.example/fhir"}), "token-audience", audience},
		"for the token endpoint":        {ours(map[string]any{"aud": issuer + "/token"}), "token-audience", audience},
		"without audience":              {ours(map[string]any{"aud": nil}), "token-audience", audience},
		"of another issuer":             {ours(map[string]any{"iss": "https://other.example"}), "token-issuer", from},
		"without issuer":                {ours(map[string]any{"iss": nil}), "token-issuer", from},
		"of a client that is gone":      {ours(map[string]any{"sub": "gone"}), "client-unknown", client},
		"alg none":                      {b64(`{"alg":"none","typ":"at+jwt"}`) + "." + payload + ".", "token-algorithm", algorithm},
		"alg none with a signature":     {header(`{"alg":"none","typ":"at+jwt"}`), "token-algorithm", algorithm},
		"HS256 with the public key":     {sign(signer(jose.HS256, publicPEM, w.edKid, "at+jwt"), w.tokenClaims(nil)), "token-algorithm", algorithm},
		"HS256 with the raw public key": {sign(signer(jose.HS256, []byte(w.edPublic), w.edKid, "at+jwt"), w.tokenClaims(nil)), "token-algorithm", algorithm},
		"another's key, our kid":        {sign(signer(jose.EdDSA, ed25519.NewKeyFromSeed(make([]byte, 32)), w.edKid, "at+jwt"), w.tokenClaims(nil)), "token-signature", signature},
		"kid unknown":                   {header(`{"alg":"EdDSA","kid":"x","typ":"at+jwt"}`), "token-key-unknown", unknown},
		"kid like a path":               {header(`{"alg":"EdDSA","kid":"../../../../dev/null","typ":"at+jwt"}`), "token-key-unknown", unknown},
		"kid like a query":              {header(`{"alg":"EdDSA","kid":"' OR 1=1 --","typ":"at+jwt"}`), "token-key-unknown", unknown},
		"kid missing":                   {header(`{"alg":"EdDSA","typ":"at+jwt"}`), "token-key-unknown", unknown},
		"kid twice":                     {header(`{"alg":"EdDSA","kid":"a","kid":"` + w.edKid + `","typ":"at+jwt"}`), "token-malformed", malformed},
		"kid too long":                  {header(`{"alg":"EdDSA","kid":"` + strings.Repeat("k", 256) + `"}`), "token-key-unknown", unknown},
		"brings its key along":          {header(`{"alg":"EdDSA","kid":"` + w.edKid + `","jwk":{"kty":"OKP","crv":"Ed25519","x":"` + b64(string(w.edPublic)) + `"}}`), "token-key-unknown", unknown},
		"a critical header":             {header(`{"alg":"EdDSA","kid":"` + w.edKid + `","crit":["x"],"x":1}`), "token-malformed", malformed},
		"signature of another token":    {strings.Join(append(strings.Split(good, ".")[:2:2], strings.Split(ours(nil), ".")[2]), "."), "token-signature", signature},
		"payload changed":               {strings.Split(good, ".")[0] + "." + b64(`{"iss":"`+issuer+`"}`) + "." + strings.Split(good, ".")[2], "token-signature", signature},
		"without signature":             {strings.Join(strings.Split(good, ".")[:2], ".") + ".", "token-signature", signature},
		"no token at all":               {"abc", "token-malformed", malformed},
		"four parts":                    {good + ".x", "token-malformed", malformed},
		"too large":                     {good + strings.Repeat("A", 9<<10), "token-too-large", "The access token is longer than 8192 bytes."},
		"an assertion":                  {sign(w.es, w.assertion(nil)), "token-issuer", from},
		"of a person, expired":          {person(map[string]any{"exp": at(-31 * time.Second)}), "token-expired", expired},
		"of a person, for others":       {person(map[string]any{"aud": "other"}), "token-audience", audience},
		"of a person, no subject":       {person(map[string]any{"sub": nil}), "token-claim-missing", "The token lacks sub."},
		"of a person, alg not allowed":  {sign(signer(jose.RS256, w.rsa, "p", "JWT"), w.personClaims(nil)), "token-algorithm", algorithm},
		"of a person, by our key":       {must(w.access.Sign(w.personClaims(nil))), "token-algorithm", algorithm},
		"of us, by the issuer's key":    {sign(w.person, w.tokenClaims(nil)), "token-algorithm", algorithm},
		"a logout token":                {sign(signer(jose.ES256, w.personKey, "p", "logout+jwt"), w.personClaims(nil)), "token-malformed", malformed},
	} {
		got := w.get("/fhir/Patient/x", c.token)
		code, text := issue(got.body)
		if got.status != 401 || code != c.code || text != c.text || got.header.Get("WWW-Authenticate") != challenge(c.text) {
			t.Errorf("%s: %d %s %q, %s; want 401 %s %q", name, got.status, code, text, got.header.Get("WWW-Authenticate"), c.code, c.text)
		}
	}
	if a := w.get("/fhir/Patient/x", good); a.status != 404 {
		t.Errorf("the good token, of which the others are made: %d %s", a.status, a.body)
	}
	if a := w.get("/fhir/Claim", person(nil)); a.status != 200 {
		t.Errorf("the good person: %d %s", a.status, a.body)
	}
}

// TestPeopleWhoAreRefused: the token is good and gives nothing here.
func TestPeopleWhoAreRefused(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		change map[string]any
		code   string
	}{
		"no role":                  {map[string]any{"realm": nil}, "role-missing"},
		"a role of no meaning":     {map[string]any{"realm": map[string]any{"roles": "admin"}}, "role-missing"},
		"a citizen without record": {map[string]any{"realm": map[string]any{"roles": "cong-dan"}, "cccd": "unknown"}, "person-unknown"},
		"a citizen without number": {map[string]any{"realm": map[string]any{"roles": "cong-dan"}}, "person-unknown"},
	} {
		got := w.get("/fhir/Patient", sign(w.person, w.personClaims(c.change)))
		if code, _ := issue(got.body); got.status != 403 || code != c.code || got.header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if a := w.get("/fhir/Patient", sign(w.person, w.personClaims(map[string]any{"realm": map[string]any{"roles": "cong-dan"}, "cccd": "known"}))); a.status != 200 {
		t.Errorf("a citizen with a record: %d %s", a.status, a.body)
	}
	if strings.Contains(w.log.String(), "known") {
		t.Error("the log has a citizen's number")
	}
}

// TestRequestsThatAreRefused: whatever the token is worth.
func TestRequestsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	good := w.token("his", "system/Patient.cruds")
	with := func(change func(*http.Request)) *http.Request {
		r := must(http.NewRequest(http.MethodGet, w.URL+"/fhir/Patient/x", nil))
		r.Header.Set("Authorization", "Bearer "+good)
		change(r)
		return r
	}
	const bare = `Bearer realm="lienthong"`
	for name, c := range map[string]struct {
		change    func(*http.Request)
		status    int
		code      string
		challenge string
	}{
		"no token":       {func(r *http.Request) { r.Header.Del("Authorization") }, 401, "token-missing", bare},
		"basic":          {func(r *http.Request) { r.SetBasicAuth("his", "x") }, 401, "authorization-scheme", bare},
		"empty bearer":   {func(r *http.Request) { r.Header.Set("Authorization", "Bearer") }, 401, "authorization-scheme", bare},
		"two headers":    {func(r *http.Request) { r.Header.Add("Authorization", "Bearer "+good) }, 400, "authorization-twice", `Bearer realm="lienthong", error="invalid_request", error_description="The request has more than one Authorization header."`},
		"two in one":     {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+good+", Bearer "+good) }, 401, "token-malformed", challenge("The access token cannot be read.")},
		"in the address": {func(r *http.Request) { r.URL.RawQuery = "access_token=" + good }, 400, "token-in-address", `Bearer realm="lienthong", error="invalid_request", error_description="A token must not stand in the address: addresses are kept in logs. Take this one out of use."`},
		"in the address, veiled": {func(r *http.Request) { r.URL.RawQuery = "%61ccess_toke%6e=" + good }, 400, "token-in-address",
			`Bearer realm="lienthong", error="invalid_request", error_description="A token must not stand in the address: addresses are kept in logs. Take this one out of use."`},
		"a purpose not registered": {func(r *http.Request) { r.Header.Set("Purpose-Of-Use", "HMARKT") }, 403, "purpose-refused", ""},
		"two purposes":             {func(r *http.Request) { r.Header["Purpose-Of-Use"] = []string{"TREAT", "TREAT"} }, 400, "header-refused", ""},
		"a reason without end":     {func(r *http.Request) { r.Header.Set("Break-Glass", strings.Repeat("x", 501)) }, 400, "header-refused", ""},
		"a cookie instead":         {func(r *http.Request) { r.Header.Del("Authorization"); r.Header.Set("Cookie", "session="+good) }, 401, "token-missing", bare},
		"the user of a proxy": {func(r *http.Request) {
			r.Header.Del("Authorization")
			r.Header.Set("X-Forwarded-User", "his")
			r.Header.Set("X-Remote-User", "his")
		}, 401, "token-missing", bare},
		"another way to the metadata": {func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.Path, r.URL.RawPath = "/fhir/metadata/../Patient", "/fhir/metadata/../Patient"
		}, 401, "token-missing", bare},
		"metadata, encoded": {func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawPath = "/fhir/%6detadata"
			r.URL.Path = "/fhir/metadata"
		}, 401, "token-missing", bare},
	} {
		got := w.do(with(c.change))
		if code, _ := issue(got.body); got.status != c.status || code != c.code || got.header.Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s: %d %s, %s", name, got.status, got.header.Get("WWW-Authenticate"), got.body)
		}
	}
	if a := w.get("/fhir/metadata", ""); a.status != 200 {
		t.Errorf("metadata needs no token: %d %s", a.status, a.body)
	}
	if strings.Contains(w.log.String(), good) || strings.Contains(w.log.String(), strings.Split(good, ".")[2]) {
		t.Error("the log has a token")
	}
}

// TestPathsThatAreNone: none of them reaches a record, with a token or without.
func TestPathsThatAreNone(t *testing.T) {
	w := newWorld(t)
	good := w.token("his", "system/Patient.cruds")
	if a := w.send(http.MethodPut, "/fhir/Patient/p1", good, `{"resourceType":"Patient","id":"p1"}`); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for path, want := range map[string]int{
		"//fhir/Patient/p1": 404, "/fhir//Patient/p1": 404, "/fhir/./Patient/p1": 404, "/fhir/x/../Patient/p1": 404, "/fhir/%2e%2e/fhir/Patient/p1": 404,
		"/fhir/Patient%2fp1": 404, "/fhir/Patient/p1;x=1": 400, "/fhir;x/Patient/p1": 404, "/FHIR/Patient/p1": 404, "/fhir/patient/p1": 404, "/fhir/Patient/..%2fp1": 400,
		"/fhir/Patient/p1%00": 400, "/fhir/Patient\\p1": 404, "/auth/../fhir/Patient/p1": 404, "/auth%2ftoken": 404, "/auth/token/": 404, "/auth//token": 404,
	} {
		for token, want := range map[string]int{good: want, "": 401} {
			r := must(http.NewRequest(http.MethodGet, w.URL, nil))
			r.URL.Opaque = path
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			if a := w.do(r); a.status != want || strings.Contains(a.body, `"resourceType":"Patient"`) {
				t.Errorf("%s (with token %v): %d %s, want %d", path, token != "", a.status, a.body, want)
			}
		}
	}
}

// TestMethodsThatAreNone: an override does nothing, a TRACE shows nothing.
func TestMethodsThatAreNone(t *testing.T) {
	w := newWorld(t)
	good := w.token("his", "system/Patient.cruds")
	w.send(http.MethodPut, "/fhir/Patient/p1", good, `{"resourceType":"Patient","id":"p1"}`)
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		r := must(http.NewRequest(http.MethodGet, w.URL+"/fhir/Patient/p1?_method=DELETE", nil))
		r.Header.Set("Authorization", "Bearer "+good)
		r.Header.Set(name, "DELETE")
		w.do(r)
		if a := w.get("/fhir/Patient/p1", good); a.status != 200 {
			t.Errorf("%s deleted: %d", name, a.status)
		}
	}
	for _, method := range []string{http.MethodTrace, http.MethodConnect, "PROPFIND"} {
		r := must(http.NewRequest(method, w.URL+"/fhir/Patient/p1", nil))
		r.Header.Set("Authorization", "Bearer "+good)
		if a := w.do(r); a.status != 405 || strings.Contains(a.body, good) {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
	}
}

// raw sends bytes as they are and gives the first line of each answer.
func raw(t *testing.T, w *world, text string) string {
	c := must(net.Dial("tcp", strings.TrimPrefix(w.URL, "http://")))
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(fhirtest.Patience))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%.40q: the connection goes on after %q", text, b)
	}
	return string(b)
}

// TestSmuggling: what two readers could read in two ways is refused, and nothing behind it is answered.
func TestSmuggling(t *testing.T) {
	w := newWorld(t)
	good := w.token("his", "system/Patient.cruds")
	auth := "Host: x\r\nAuthorization: Bearer " + good + "\r\n"
	second := "GET /fhir/metadata HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" // if it is answered, that ends the connection too
	for name, text := range map[string]string{
		"two lengths":              "POST /fhir/Patient HTTP/1.1\r\n" + auth + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc" + second,
		"a list of lengths":        "POST /fhir/Patient HTTP/1.1\r\n" + auth + "Content-Length: 3, 4\r\n\r\nabc" + second,
		"a length with a sign":     "POST /fhir/Patient HTTP/1.1\r\n" + auth + "Content-Length: +3\r\n\r\nabc" + second,
		"an unknown coding":        "POST /fhir/Patient HTTP/1.1\r\n" + auth + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + second,
		"two codings":              "POST /fhir/Patient HTTP/1.1\r\n" + auth + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + second,
		"a blank before the colon": "GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer " + good + "\r\n\r\n" + second,
		"two hosts":                "GET /fhir/Patient HTTP/1.1\r\nHost: y\r\n" + auth + "\r\n" + second,
		"no host":                  "GET /fhir/Patient HTTP/1.1\r\nAuthorization: Bearer " + good + "\r\n\r\n" + second,
		"a bad chunk":              "POST /fhir/Patient HTTP/1.1\r\n" + auth + "Content-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + second,
	} {
		got := raw(t, w, text)
		status, _, _ := strings.Cut(got, "\r\n")
		if strings.Count(got, "HTTP/1.1 ") != 1 || !strings.HasPrefix(status, "HTTP/1.1 400") && !strings.HasPrefix(status, "HTTP/1.1 501") {
			t.Errorf("%s: %q", name, got)
		}
	}
	// Length and chunks together: the chunks count, and the connection ends with the answer.
	if got := raw(t, w, "POST /fhir/Patient HTTP/1.1\r\n"+auth+"Content-Type: application/fhir+json\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"+second); strings.Contains(got, "CapabilityStatement") {
		t.Errorf("a request that hid behind a length was answered: %q", got)
	}
	// A folded line continues a value with a blank; a token has none.
	if got := raw(t, w, "GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer\r\n "+good[:20]+"\r\n "+good[20:]+"\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 401") {
		t.Errorf("a folded header: %q", got)
	}
}

// TestSlowCallers: a header that does not end is given up.
func TestSlowCallers(t *testing.T) {
	s := httptest.NewUnstartedServer(newWorld(t).Config.Handler) // a server of its own: the callers of other tests may be slow
	s.Config.ReadHeaderTimeout = 200 * time.Millisecond
	s.Start()
	defer s.Close()
	c := must(net.Dial("tcp", s.Listener.Addr().String()))
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(fhirtest.Patience))
	_, _ = io.WriteString(c, "GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	if b, err := io.ReadAll(c); err != nil {
		t.Errorf("the header was waited for: %q %v", b, err)
	}
}

// TestPagesOfOtherSites: no wildcard, no credentials, and a preflight from elsewhere is refused.
func TestPagesOfOtherSites(t *testing.T) {
	w := newWorld(t)
	ask := func(method, origin string) answer {
		r := must(http.NewRequest(method, w.URL+"/fhir/metadata", nil))
		r.Header.Set("Origin", origin)
		if method == http.MethodOptions {
			r.Header.Set("Access-Control-Request-Method", "DELETE")
		}
		return w.do(r)
	}
	for _, origin := range []string{"https://evil.example", "null", "https://app.example.evil.example", "http://app.example", "https://app.example:444"} {
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			a := ask(method, origin)
			if a.header.Get("Access-Control-Allow-Origin") != "" || method == http.MethodOptions && a.status != 403 {
				t.Errorf("%s from %s: %d %v", method, origin, a.status, a.header)
			}
		}
	}
	a := ask(http.MethodOptions, "https://app.example")
	if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "https://app.example" || a.header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "DELETE") || a.header.Get("Vary") != "Origin" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// TestForwardedHeadersCountForNothing: whoever sends them would choose the links of the answer.
func TestForwardedHeadersCountForNothing(t *testing.T) {
	w := newWorld(t)
	r := must(http.NewRequest(http.MethodGet, w.URL+"/fhir/Patient", nil))
	r.Header.Set("Authorization", "Bearer "+w.token("his", "system/Patient.cruds"))
	for name, v := range map[string]string{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "X-Forwarded-For": "127.0.0.1", "Forwarded": "host=evil.example", "X-Original-URL": "/fhir/metadata", "X-Rewrite-URL": "/fhir/metadata"} {
		r.Header.Set(name, v)
	}
	if a := w.do(r); a.status != 200 || strings.Contains(a.body, "evil") || !strings.Contains(a.body, base+"/Patient") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestASubscriptionCallsNobody: Subscriptions are not offered. One that is stored is a document like others.
func TestASubscriptionCallsNobody(t *testing.T) {
	w := newWorld(t)
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	called := make(chan struct{}, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			_ = c.Close()
			called <- struct{}{}
		}
	}()
	good := w.token("his", "system/Patient.cruds system/Subscription.cruds")
	a := w.send(http.MethodPost, "/fhir/Subscription", good, fmt.Sprintf(`{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"Patient?","channel":{"type":"rest-hook","endpoint":"http://%s/"}}`, l.Addr()))
	w.send(http.MethodPost, "/fhir/Patient", good, `{"resourceType":"Patient"}`)
	select {
	case <-called:
		t.Error("the endpoint of a Subscription was called")
	default:
	}
	if a.status == 201 && !strings.Contains(a.body, `"requested"`) {
		t.Errorf("a Subscription became something: %s", a.body)
	}
}

// TestAStolenCursor: the link to the next page shows its finder what the finder may see, which is nothing here.
func TestAStolenCursor(t *testing.T) {
	w := newWorld(t)
	mine, other := w.token("his", "system/Patient.cruds"), w.token("other", "system/Patient.cruds")
	for i := range 3 {
		if a := w.send(http.MethodPut, fmt.Sprintf("/fhir/Patient/mine-%d", i), mine, fmt.Sprintf(`{"resourceType":"Patient","id":"mine-%d"}`, i)); a.status != 201 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	next := func(body string) string {
		var b struct {
			Link []struct{ Relation, URL string }
		}
		_ = json.Unmarshal([]byte(body), &b)
		for _, l := range b.Link {
			if l.Relation == "next" {
				return strings.TrimPrefix(l.URL, strings.TrimSuffix(base, "/fhir"))
			}
		}
		t.Fatalf("no next page: %s", body)
		return ""
	}
	link := next(w.get("/fhir/Patient?_count=1", mine).body)
	if a := w.get(link, mine); a.status != 200 || !strings.Contains(a.body, "mine-") {
		t.Errorf("its owner: %d %s", a.status, a.body)
	}
	if a := w.get(link, other); strings.Contains(a.body, `"id":"mine-`) {
		t.Errorf("another hospital sees by a stolen link: %d %s", a.status, a.body)
	}
	if a := w.get(link, ""); a.status != 401 {
		t.Errorf("without a token: %d", a.status)
	}
}

// TestAssertionsThatAreRefused: each by status, error and description.
func TestAssertionsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	at := func(d time.Duration) int64 { return w.now.Add(d).Unix() }
	const (
		no        = "the assertion is not accepted"
		algorithm = "the assertion must be signed with RS384 or ES384, by a key of that kind"
		aud       = "aud of the assertion must be the address of this endpoint"
	)
	scope := "system/Patient.rs"
	change := func(k string, v any) url.Values { return w.form(sign(w.es, w.assertion(map[string]any{k: v})), scope) }
	form := func(set func(url.Values)) url.Values {
		f := w.form(sign(w.es, w.assertion(nil)), scope)
		set(f)
		return f
	}
	public := must(x509.MarshalPKIXPublicKey(w.rsa.Public()))
	for name, c := range map[string]struct {
		form       url.Values
		status     int
		code, text string
	}{
		"expired":                     {change("exp", at(-time.Minute)), 400, "invalid_client", "the assertion has expired"},
		"too long-lived":              {change("exp", at(6*time.Minute)), 400, "invalid_client", "exp of the assertion must be at most 5 minutes ahead"},
		"without end":                 {change("exp", nil), 400, "invalid_client", "exp of the assertion is missing"},
		"not yet valid":               {change("nbf", at(time.Minute)), 400, "invalid_client", "the assertion is not valid yet: look at the clock"},
		"for another endpoint":        {change("aud", "https://other.example/token"), 400, "invalid_client", aud},
		"for the FHIR base":           {change("aud", base), 400, "invalid_client", aud},
		"for several":                 {change("aud", []string{issuer + "/token", "https://other.example"}), 400, "invalid_client", "aud of the assertion must be " + issuer + "/token alone"},
		"without jti":                 {change("jti", nil), 400, "invalid_client", "jti of the assertion is missing or too long"},
		"jti too long":                {change("jti", strings.Repeat("x", 256)), 400, "invalid_client", "jti of the assertion is missing or too long"},
		"for somebody else":           {change("sub", "other"), 400, "invalid_client", "iss and sub of the assertion must both be the client id"},
		"of an unknown client":        {change("iss", "nobody"), 400, "invalid_client", no},
		"signed by a stranger":        {w.form(sign(w.stranger, w.assertion(nil)), scope), 400, "invalid_client", no},
		"alg none":                    {w.form(b64(`{"alg":"none"}`)+"."+b64(string(must(json.Marshal(w.assertion(nil)))))+".", scope), 400, "invalid_client", algorithm},
		"HS256 with the public key":   {w.form(sign(signer(jose.HS256, public, "rs", "JWT"), w.assertion(nil)), scope), 400, "invalid_client", algorithm},
		"RS256":                       {w.form(sign(signer(jose.RS256, w.rsa, "rs", "JWT"), w.assertion(nil)), scope), 400, "invalid_client", algorithm},
		"kid of the other key":        {w.form(sign(signer(jose.RS384, w.rsa, "es", "JWT"), w.assertion(nil)), scope), 400, "invalid_client", algorithm},
		"kid unknown":                 {w.form(sign(signer(jose.RS384, w.rsa, "x", "JWT"), w.assertion(nil)), scope), 400, "invalid_client", no},
		"kid like a path":             {w.form(sign(signer(jose.RS384, w.rsa, "/etc/passwd", "JWT"), w.assertion(nil)), scope), 400, "invalid_client", no},
		"too large":                   {change("pad", strings.Repeat("x", 8<<10)), 400, "invalid_client", "the assertion is no signed JWT of at most 8192 bytes"},
		"no JWT":                      {w.form("x", scope), 400, "invalid_client", "the assertion is no signed JWT of at most 8192 bytes"},
		"of another client than said": {form(func(f url.Values) { f.Set("client_id", "other") }), 400, "invalid_client", no},
		"another grant":               {form(func(f url.Values) { f.Set("grant_type", "password") }), 400, "unsupported_grant_type", "grant_type must be client_credentials"},
		"no grant":                    {form(func(f url.Values) { f.Del("grant_type") }), 400, "invalid_request", "grant_type is missing"},
		"no assertion":                {form(func(f url.Values) { f.Del("client_assertion") }), 400, "invalid_request", "client_assertion is missing"},
		"another kind of proof":       {form(func(f url.Values) { f.Set("client_assertion_type", "x") }), 400, "invalid_request", "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"a parameter twice":           {form(func(f url.Values) { f.Add("scope", "system/*.cruds") }), 400, "invalid_request", "a parameter is there twice"},
		"no scope":                    {form(func(f url.Values) { f.Del("scope") }), 400, "invalid_scope", "scope is missing"},
		"a malformed scope":           {form(func(f url.Values) { f.Set("scope", "system/Patient.sr") }), 400, "invalid_scope", "a scope cannot be read: SMART scopes are such as system/Claim.rs"},
		"a scope of no type":          {form(func(f url.Values) { f.Set("scope", "system/Nothing.r") }), 400, "invalid_scope", "a scope cannot be read: SMART scopes are such as system/Claim.rs"},
		"a scope not registered":      {form(func(f url.Values) { f.Set("scope", "system/Observation.rs") }), 400, "invalid_scope", "nothing of what is asked for is registered for this client"},
		"a scope of a person":         {form(func(f url.Values) { f.Set("scope", "user/Patient.rs") }), 400, "invalid_scope", "nothing of what is asked for is registered for this client"},
		"a form without end":          {form(func(f url.Values) { f.Set("pad", strings.Repeat("x", 20<<10)) }), 413, "invalid_request", "the form is too long"},
	} {
		a := w.post(w.URL, c.form)
		want := fmt.Sprintf("{\"error\":%q,\"error_description\":%q}\n", c.code, c.text)
		if a.status != c.status || a.body != want || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s, want %d %s", name, a.status, a.body, c.status, want)
		}
	}
	for name, change := range map[string]func(*http.Request){
		"in the address": func(r *http.Request) { r.URL.RawQuery = "scope=x" },
		"JSON":           func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
		"basic besides":  func(r *http.Request) { r.SetBasicAuth("his", "x") },
	} {
		r := must(http.NewRequest(http.MethodPost, w.URL+"/auth/token", strings.NewReader(form(func(url.Values) {}).Encode())))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(r)
		if a := w.do(r); a.status != 400 || !strings.Contains(a.body, `"invalid_request"`) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := w.get("/auth/token", ""); a.status != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("GET: %d", a.status)
	}
}

// TestAnAssertionCountsOnce: also where two servers, each with a store of its own over one log, get it at the same moment.
func TestAnAssertionCountsOnce(t *testing.T) {
	stores := enginetest.Servers(t, engine.Options{}, 2)
	w := newWorldOn(t, stores[0])
	w.store = stores[1]
	second := w.instance(nil)
	for range 5 {
		form := w.form(sign(w.es, w.assertion(nil)), "system/Patient.rs")
		var mu sync.Mutex
		var got []int
		var group sync.WaitGroup
		for _, server := range []string{w.URL, second.URL, w.URL, second.URL} {
			group.Go(func() {
				a := w.post(server, form)
				mu.Lock()
				defer mu.Unlock()
				got = append(got, a.status)
				if a.status != 200 && a.body != "{\"error\":\"invalid_client\",\"error_description\":\"the assertion was used before: each needs a jti of its own\"}\n" {
					t.Errorf("%d %s", a.status, a.body)
				}
			})
		}
		group.Wait()
		if n := strings.Count(fmt.Sprint(got), "200"); n != 1 {
			t.Fatalf("%d of 4 got a token: %v", n, got)
		}
	}
}
