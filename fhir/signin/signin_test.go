package signin_test

import (
	"context"
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

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/openid"
	"github.com/lienthong/lienthong/fhir/openid/openidtest"
	"github.com/lienthong/lienthong/fhir/signin"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// home is the FHIR base; requests name it, and nothing of it is resolved.
const home = "https://records.example/fhir"

// world is a store with two servers on it, and an issuer.
type world struct {
	t       *testing.T
	issuer  *openidtest.Issuer
	store   store.Store
	servers [2]*signin.Service
	mu      sync.Mutex
	now     time.Time
	log     strings.Builder
	issuers openid.Issuers
	known   []access.Caller
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, issuer: openidtest.New(t), now: time.Now()}
	w.issuer.Now = w.clock
	st := enginetest.Open(t, engine.Options{})
	w.store = st
	w.read("browser: {client_id: lienthong}")
	for i := range w.servers {
		w.servers[i] = w.server(st)
	}
	return w
}

func (w *world) read(more ...string) {
	w.t.Helper()
	fetch, err := jwt.NewFetcher(nil, []string{w.issuer.URL})
	if err != nil {
		w.t.Fatal(err)
	}
	file := fmt.Sprintf(`issuers:
  - issuer: %s
    audience: [api]
    roles: {claim: role, values: {auditor: auditor, citizen: citizen}}
    person: {claim: cccd, system: urn:x}
    %s
`, w.issuer.URL, strings.Join(more, "\n    "))
	if w.issuers, err = openid.ParseIssuers([]byte(file), fetch, map[string]*jwt.Remote{}, nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) server(st store.Store) *signin.Service {
	s, err := signin.New(context.Background(), signin.Config{
		Base: home, Issuers: func() openid.Issuers { return w.issuers }, Store: st, Now: w.clock, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Person: func(_ context.Context, _, value string) (fhir.ID, bool, error) { return "p1", value == "known", nil },
		Known:  func(_ context.Context, c access.Caller) { w.known = append(w.known, c) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// browser keeps cookies as a browser does.
type browser struct {
	w       *world
	cookies map[string]*http.Cookie
}

func (w *world) browser() *browser { return &browser{w, map[string]*http.Cookie{}} }

func (b *browser) request(method, path string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "https://records.example"+path, nil)
	for _, c := range b.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func (b *browser) do(server int, r *http.Request) *http.Response {
	rec := httptest.NewRecorder()
	b.w.servers[server].ServeHTTP(rec, r)
	resp := rec.Result()
	for _, c := range resp.Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return resp
}

func (b *browser) get(server int, path string) *http.Response {
	return b.do(server, b.request("GET", path))
}

// go through the sign-in as a person does.
func (b *browser) signIn(to string) *http.Response {
	b.w.t.Helper()
	resp := b.get(0, signin.SignIn+"?to="+url.QueryEscape(to))
	if resp.StatusCode != http.StatusSeeOther {
		b.w.t.Fatalf("begin: %d", resp.StatusCode)
	}
	return b.get(0, signin.Callback+"?"+b.w.issuer.Approve(resp.Header.Get("Location")).Encode())
}

// whoever asks for a page with what the browser has.
func (b *browser) session(server int, headers ...string) (signin.Session, bool, error) {
	return b.w.servers[server].Session(b.request("GET", "/fhir/Patient", headers...))
}

const (
	sessionName = "__Host-lienthong"
	attemptName = "__Host-lienthong-sign-in"
)

func TestSignInAndOut(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	begun := b.get(0, signin.SignIn+"?to=/fhir/Patient/1%3F_format=html")
	location := begun.Header.Get("Location")
	if q := w.issuer.Approve(location); strings.Contains(begun.Header.Get("Set-Cookie"), q.Get("state")) {
		t.Error("the cookie of the attempt can be read")
	}
	u, _ := url.Parse(location)
	if u.Query().Get("redirect_uri") != "https://records.example/auth/callback" || u.Query().Get("scope") != "openid" {
		t.Errorf("the issuer is asked: %s", location)
	}
	// The way back reaches another server of the store.
	done := b.get(1, signin.Callback+"?"+w.issuer.Approve(location).Encode())
	if done.StatusCode != http.StatusSeeOther || done.Header.Get("Location") != "/fhir/Patient/1?_format=html" {
		body, _ := io.ReadAll(done.Body)
		t.Fatalf("back: %d %s %s", done.StatusCode, done.Header.Get("Location"), body)
	}
	c := b.cookies[sessionName]
	if c == nil || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Domain != "" || c.Path != "/" || len(c.Value) < 22 {
		t.Fatalf("the cookie of the session: %+v", c)
	}
	if b.cookies[attemptName] != nil {
		t.Error("the cookie of the attempt is still there")
	}
	if done.Header.Get("Cache-Control") != "no-store" || done.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers: %v", done.Header)
	}
	for server := range w.servers {
		s, found, err := b.session(server)
		if err != nil || !found || s.Claims["role"] != "auditor" || s.Claims["sub"] != "u1" {
			t.Fatalf("server %d: %+v %v %v", server, s, found, err)
		}
	}
	if len(w.known) != 1 || w.known[0].Role != access.RoleAuditor {
		t.Errorf("the trail was told %+v", w.known)
	}
	// A server that starts later, as after a restart, knows it too.
	if _, found, err := w.server(w.store).Session(b.request("GET", "/fhir/Patient")); err != nil || !found {
		t.Errorf("after a restart: %v", err)
	}
	value := c.Value
	out := b.do(0, b.request("POST", signin.SignOut, "Origin", "https://records.example"))
	page, _ := io.ReadAll(out.Body)
	if out.StatusCode != http.StatusOK || b.cookies[sessionName] != nil || !strings.Contains(string(page), w.issuer.URL+"/leave") {
		t.Errorf("sign-out: %d %s", out.StatusCode, page)
	}
	// A copy of the cookie is worth nothing on any server.
	b.cookies[sessionName] = &http.Cookie{Name: sessionName, Value: value}
	for server := range w.servers {
		if _, _, err := b.session(server); codeOf(err) != "session-ended" {
			t.Errorf("server %d after the end: %v", server, err)
		}
	}
	if strings.Contains(w.log.String(), value) {
		t.Error("the cookie is in the log")
	}
}

func codeOf(err error) string {
	if e, ok := err.(*fhir.Error); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

func TestASessionEnds(t *testing.T) {
	w := newWorld(t)
	forward := func(d time.Duration) {
		w.mu.Lock()
		w.now = w.now.Add(d)
		w.mu.Unlock()
	}
	b := w.browser()
	b.signIn("/fhir/Patient")
	check := func(server int) {
		t.Helper()
		if _, found, err := b.session(server); err != nil || !found {
			t.Fatal(found, err)
		}
	}
	for range 10 { // in use, it goes on
		forward(29 * time.Minute)
		check(0)
	}
	forward(31 * time.Minute)
	if _, _, err := b.session(0); codeOf(err) != "session-ended" {
		t.Errorf("rested for too long: %v", err)
	}
	b = w.browser()
	b.signIn("/fhir/Patient")
	for range 17 {
		forward(28 * time.Minute)
		check(1)
	}
	forward(10 * time.Minute)
	if _, _, err := b.session(1); codeOf(err) != "session-ended" {
		t.Errorf("8 hours are over: %v", err)
	}
	b = w.browser()
	b.signIn("/fhir/Patient") // removes what has ended
	n := 0
	for r, err := range w.store.Records(store.Ourselves(t.Context()), signin.Space, "", "") {
		if n++; err != nil || strings.Contains(r.Key, b.cookies[sessionName].Value) {
			t.Error("the store has the cookie itself", err)
		}
	}
	if n != 5 { // key, the session and its attempt, an end for each
		t.Errorf("%d rows are left", n)
	}
	w.read() // people do not sign in there any more
	if _, _, err := b.session(0); codeOf(err) != "session-ended" {
		t.Errorf("the issuer is not offered any more: %v", err)
	}
}

// TestHostileWaysBack: each must end without a session, with this status.
func TestHostileWaysBack(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		status int
		do     func(b *browser, q url.Values)
	}{
		"state of another attempt":  {400, func(_ *browser, q url.Values) { q.Set("state", "AAAAAAAAAAAAAAAAAAAAAAAAAA") }},
		"no state":                  {400, func(_ *browser, q url.Values) { q.Del("state") }},
		"two states":                {400, func(_ *browser, q url.Values) { q.Add("state", "x") }},
		"two codes":                 {400, func(_ *browser, q url.Values) { q.Add("code", "x") }},
		"no code":                   {403, func(_ *browser, q url.Values) { q.Del("code") }},
		"refused by the issuer":     {403, func(_ *browser, q url.Values) { q.Set("error", "access_denied") }},
		"a code of nobody":          {403, func(_ *browser, q url.Values) { q.Set("code", "stolen") }},
		"from another issuer":       {403, func(_ *browser, q url.Values) { q.Set("iss", "https://other.example") }},
		"from nobody knows where":   {403, func(_ *browser, q url.Values) { q.Del("iss") }},
		"another browser":           {400, func(b *browser, _ url.Values) { b.cookies = map[string]*http.Cookie{} }},
		"a cookie of another key":   {400, func(b *browser, _ url.Values) { b.cookies = newWorld(t).begun().cookies }},
		"a cookie that was changed": {400, func(b *browser, _ url.Values) { b.cookies[attemptName].Value = flip(b.cookies[attemptName].Value) }},
		"the name without prefix": {400, func(b *browser, _ url.Values) {
			b.cookies = map[string]*http.Cookie{"x": {Name: "lienthong-sign-in", Value: b.cookies[attemptName].Value}}
		}},
		"two cookies": {400, func(b *browser, _ url.Values) {
			b.cookies["x"] = &http.Cookie{Name: attemptName, Value: b.cookies[attemptName].Value}
		}},
		"a code of another attempt": {403, func(b *browser, q url.Values) { // PKCE: the verifier is of this one
			q.Set("code", w.issuer.Approve(w.browser().get(0, signin.SignIn).Header.Get("Location")).Get("code"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := w.begun()
			q := w.issuer.Approve(b.location)
			c.do(b.browser, q)
			resp := b.get(0, signin.Callback+"?"+q.Encode())
			if resp.StatusCode != c.status || b.cookies[sessionName] != nil {
				t.Errorf("%d, want %d; session %v", resp.StatusCode, c.status, b.cookies[sessionName])
			}
		})
	}
}

type begun struct {
	*browser
	location string
}

// begun is a browser that was sent to the issuer.
func (w *world) begun() begun {
	b := w.browser()
	return begun{b, b.get(0, signin.SignIn+"?to=/fhir/Patient").Header.Get("Location")}
}

func flip(s string) string {
	b := []byte(s)
	if i := len(b) / 2; b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

// TestWhatTheIssuerSays: a token that does not prove this person for this attempt makes no session.
func TestWhatTheIssuerSays(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		status int
		say    map[string]any
	}{
		"good":                           {303, nil},
		"the nonce of another attempt":   {403, map[string]any{"nonce": "AAAAAAAAAAAAAAAAAAAAAAAAAA"}},
		"no nonce":                       {403, map[string]any{"nonce": nil}},
		"a token for the API":            {403, map[string]any{"aud": "api"}},
		"several audiences without azp":  {403, map[string]any{"aud": []string{openidtest.ClientID, "api"}}},
		"several audiences, azp another": {403, map[string]any{"aud": []string{openidtest.ClientID, "api"}, "azp": "api"}},
		"several audiences, azp us":      {303, map[string]any{"aud": []string{openidtest.ClientID, "api"}, "azp": openidtest.ClientID}},
		"expired":                        {403, map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}},
		"without end":                    {403, map[string]any{"exp": nil}},
		"of another issuer":              {403, map[string]any{"iss": "https://other.example"}},
		"of nobody":                      {403, map[string]any{"sub": nil}},
		"without a role":                 {403, map[string]any{"role": "cook"}},
		"a citizen who is not here":      {403, map[string]any{"role": "citizen", "cccd": "unknown"}},
		"a citizen who is here":          {303, map[string]any{"role": "citizen", "cccd": "known"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.issuer.Say(c.say)
			b := w.browser()
			if resp := b.signIn("/fhir/Patient"); resp.StatusCode != c.status || (b.cookies[sessionName] != nil) != (c.status == 303) {
				page, _ := io.ReadAll(resp.Body)
				t.Errorf("%d, want %d: %s", resp.StatusCode, c.status, page)
			}
		})
	}
	w.issuer.Say(nil)
	w.issuer.Answer("/token", func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "down", http.StatusBadGateway) })
	if resp := w.browser().signIn("/fhir/Patient"); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("the issuer is down: %d", resp.StatusCode)
	}
}

// TestAnAttemptCountsOnce: the way back, taken again with all that belongs to it, on each server at the same moment.
func TestAnAttemptCountsOnce(t *testing.T) {
	w := newWorld(t)
	b := w.begun()
	cookies := b.cookies
	var group sync.WaitGroup
	made := make([]int, 6)
	for i := range made {
		q := w.issuer.Approve(b.location) // an issuer that gives out codes again would not help
		group.Go(func() {
			other := &browser{w, map[string]*http.Cookie{attemptName: cookies[attemptName]}}
			made[i] = other.get(i%2, signin.Callback+"?"+q.Encode()).StatusCode
		})
	}
	group.Wait()
	if n := strings.Count(fmt.Sprint(made), "303"); n != 1 {
		t.Errorf("%d sessions of one attempt: %v", n, made)
	}
	q := w.issuer.Approve(w.begun().location)
	c := w.begun()
	first := c.get(0, signin.Callback+"?"+w.issuer.Approve(c.location).Encode())
	c.cookies[attemptName] = cookies[attemptName]
	if again := c.get(0, signin.Callback+"?"+q.Encode()); first.StatusCode != 303 || again.StatusCode != 400 {
		t.Errorf("%d, then %d", first.StatusCode, again.StatusCode)
	}
}

// TestFixation: a cookie that somebody put there before is not the one of the session, and the session that it is of ends.
func TestFixation(t *testing.T) {
	w := newWorld(t)
	thief := w.browser()
	thief.signIn("/fhir/Patient")
	b := w.browser()
	b.cookies[sessionName] = thief.cookies[sessionName]
	b.signIn("/fhir/Patient")
	if b.cookies[sessionName].Value == thief.cookies[sessionName].Value {
		t.Fatal("the session goes on under the name that was planted")
	}
	if _, _, err := thief.session(0); codeOf(err) != "session-ended" {
		t.Errorf("who planted it is still signed in: %v", err)
	}
	if _, found, err := b.session(0); !found || err != nil {
		t.Error(err)
	}
	r := b.request("GET", "/fhir/Patient")
	r.AddCookie(&http.Cookie{Name: sessionName, Value: "PLANTED"})
	if _, _, err := w.servers[0].Session(r); codeOf(err) != "session-ended" {
		t.Errorf("two cookies: %v", err)
	}
}

func TestWhereItGoesOn(t *testing.T) {
	w := newWorld(t)
	for to, want := range map[string]string{
		"/fhir/Patient?name=a%20b":           "/fhir/Patient?name=a%20b",
		"/fhir":                              "/fhir",
		"":                                   "/fhir/metadata",
		"https://evil.example":               "/fhir/metadata",
		"//evil.example/fhir/":               "/fhir/metadata",
		"/\\evil.example":                    "/fhir/metadata",
		"/fhir/\\evil.example":               "/fhir/metadata",
		"/fhir/../auth/sign-out":             "/fhir/metadata",
		"/fhir/%2e%2e/auth/sign-out":         "/fhir/metadata",
		"/fhirx":                             "/fhir/metadata",
		"/fhir/\r\nSet-Cookie: a=b":          "/fhir/metadata",
		"/fhir/\tx":                          "/fhir/metadata",
		"javascript:alert(1)":                "/fhir/metadata",
		"/fhir/" + strings.Repeat("x", 1500): "/fhir/metadata",
	} {
		resp := w.browser().signIn(to)
		if got := resp.Header.Get("Location"); got != want {
			t.Errorf("%q goes on to %q, want %q", to, got, want)
		}
	}
}

// TestWhoseRequestItIs: what a session counts for, by what browsers say about a request.
func TestWhoseRequestItIs(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/fhir/Patient")
	const own, evil = "https://records.example", "https://evil.example"
	for _, c := range []struct {
		method  string
		headers []string
		good    bool
	}{
		{"GET", nil, true},
		{"GET", []string{"Sec-Fetch-Site", "none"}, true},
		{"GET", []string{"Sec-Fetch-Site", "same-origin"}, true},
		{"GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, true},
		{"GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, false},
		{"GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, false},
		{"GET", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, false},
		{"GET", []string{"Origin", evil}, false},
		{"GET", []string{"Sec-Fetch-Site", "same-origin", "Origin", evil}, false},
		{"POST", nil, false},
		{"POST", []string{"Origin", own}, true},
		{"POST", []string{"Origin", "null"}, false},
		{"GET", []string{"Origin", "null"}, false},
		{"POST", []string{"Origin", "null", "Sec-Fetch-Site", "same-origin"}, true}, // a form of a page without referrer
		{"POST", []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, false},
		{"POST", []string{"Origin", "null", "Sec-Fetch-Site", "none"}, false},
		{"POST", []string{"Origin", "https://records.example.evil.example"}, false},
		{"POST", []string{"Origin", "http://records.example"}, false},
		{"POST", []string{"Sec-Fetch-Site", "same-origin"}, true},
		{"POST", []string{"Sec-Fetch-Site", "none"}, false},
		{"POST", []string{"Sec-Fetch-Site", "same-site"}, false},
		{"POST", []string{"Sec-Fetch-Site", "same-site", "Origin", own}, false},
		{"POST", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, false},
		{"DELETE", []string{"Origin", evil}, false},
		{"PUT", nil, false},
		{"OPTIONS", nil, false},
	} {
		_, found, err := w.servers[0].Session(b.request(c.method, "/fhir/Patient/1", c.headers...))
		if !found || (err == nil) != c.good || err != nil && codeOf(err) != "session-cross-site" {
			t.Errorf("%s %v: %v", c.method, c.headers, err)
		}
	}
	if resp := b.do(0, b.request("POST", signin.SignOut, "Origin", evil)); resp.StatusCode != http.StatusForbidden || b.cookies[sessionName] == nil {
		t.Errorf("another site can sign out: %d", resp.StatusCode)
	}
	if resp := b.get(0, signin.SignOut); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET sign-out: %d", resp.StatusCode)
	}
}

func TestSeveralIssuersAndNames(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	r := b.request("GET", signin.SignIn+"?to=/fhir/Patient")
	r.Host = "other.example"
	moved := b.do(0, r)
	if got := moved.Header.Get("Location"); got != "https://records.example/auth/sign-in?moved=1&to=%2Ffhir%2FPatient" || len(b.cookies) != 0 {
		t.Errorf("under another name: %s", got)
	}
	r = b.request("GET", signin.SignIn+"?moved=1")
	r.Host = "inner:8080" // a proxy's
	if resp := b.do(0, r); !strings.HasPrefix(resp.Header.Get("Location"), w.issuer.URL) {
		t.Errorf("behind a proxy it goes round: %s", resp.Header.Get("Location"))
	}
	if resp := b.get(0, signin.SignIn+"?issuer=https://evil.example"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("an issuer of nobody: %d", resp.StatusCode)
	}
	other := openidtest.New(t)
	first := w.issuers
	w.issuer = other
	w.read(`browser: {client_id: lienthong, name: "<b>Khác</b>"}`)
	for k, v := range first {
		w.issuers[k] = v
	}
	resp := b.get(0, signin.SignIn+"?to=/fhir/Patient/7")
	page, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 || !strings.Contains(string(page), "&lt;b&gt;Khác") || strings.Count(string(page), "%2Ffhir%2FPatient%2F7") != 2 {
		t.Errorf("the choice: %d %s", resp.StatusCode, page)
	}
	w.issuers = openid.Issuers{}
	if resp := b.get(0, signin.SignIn); resp.StatusCode != http.StatusNotFound {
		t.Errorf("not offered: %d", resp.StatusCode)
	}
}
