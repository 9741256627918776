package signin_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/openid/openidtest"
	"github.com/lienthong/lienthong/fhir/signin"
	"github.com/lienthong/lienthong/fhir/store"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logout tells a server that somebody signed out at the issuer.
func (w *world) logout(server int, token string) (int, string) {
	return w.tell(server, "POST", signin.Backchannel, url.Values{"logout_token": {token}}.Encode(), "application/x-www-form-urlencoded")
}

func (w *world) tell(server int, method, path, body, kind string) (int, string) {
	r := httptest.NewRequest(method, "https://records.example"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	rec := httptest.NewRecorder()
	w.servers[server].ServeHTTP(rec, r)
	if cache := rec.Header().Get("Cache-Control"); cache != "no-store" {
		w.t.Errorf("Cache-Control %q", cache)
	}
	return rec.Code, rec.Body.String()
}

// logoutToken makes one with changes.
func (w *world) logoutToken(change map[string]any) string {
	claims := map[string]any{"jti": strings.ReplaceAll(w.t.Name(), "/", "-") + time.Now().String(), "events": map[string]any{logoutEvent: map[string]any{}}, "role": nil}
	for name, v := range change {
		claims[name] = v
	}
	return w.issuer.Sign(claims)
}

// Who signs out at the issuer has no session here from that moment, on no server; others keep theirs.
func TestLogoutAtTheIssuer(t *testing.T) {
	for name, c := range map[string]struct {
		token                  map[string]any
		first, other, stranger bool // whether the session ends: of the person in session s1, in s2, of somebody else
	}{
		"by person":             {map[string]any{}, true, true, false},
		"by session":            {map[string]any{"sid": "s1", "sub": nil}, true, false, false},
		"by session and person": {map[string]any{"sid": "s2"}, false, true, false},
		"by session of another": {map[string]any{"sid": "s3", "sub": "u1"}, false, false, false},
		"somebody without any":  {map[string]any{"sub": "u9"}, false, false, false},
		"session that is not":   {map[string]any{"sid": "s9", "sub": nil}, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var browsers []*browser
			for _, claims := range []map[string]any{{"sub": "u1", "sid": "s1"}, {"sub": "u1", "sid": "s2"}, {"sub": "u2", "sid": "s3"}} {
				w.issuer.Say(claims)
				b := w.browser()
				b.signIn("/fhir/Patient")
				browsers = append(browsers, b)
			}
			w.known = nil
			if status, body := w.logout(1, w.logoutToken(c.token)); status != http.StatusOK || body != "" {
				t.Fatal(status, body)
			}
			ended := 0
			for i, want := range []bool{c.first, c.other, c.stranger} {
				for server := range w.servers {
					if _, _, err := browsers[i].session(server); (codeOf(err) == "session-ended") != want {
						t.Errorf("browser %d at server %d: %v", i, server, err)
					}
				}
				if want {
					ended++
				}
			}
			if (len(w.known) > 0) != (ended > 0) || ended > 0 && w.known[0].Subject != "u1" {
				t.Errorf("the trail knows %v", w.known)
			}
		})
	}
}

// A sign-in that was on its way when the person signed out at the issuer makes no session; the next one does.
func TestASignInThatWasOvertaken(t *testing.T) {
	for name, token := range map[string]map[string]any{"by person": {}, "by session": {"sid": "s1", "sub": nil}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.issuer.Say(map[string]any{"sid": "s1", "iat": w.now.Unix()})
			b := w.browser()
			location := b.get(0, signin.SignIn+"?to=/fhir/Patient").Header.Get("Location")
			back := w.issuer.Approve(location).Encode()
			if status, body := w.logout(0, w.logoutToken(token)); status != http.StatusOK {
				t.Fatal(status, body)
			}
			if resp := b.get(1, signin.Callback+"?"+back); resp.StatusCode < 400 || b.cookies[sessionName] != nil {
				t.Errorf("a session began: %d", resp.StatusCode)
			}
			w.now = w.now.Add(2 * time.Second)
			w.issuer.Say(map[string]any{"sid": "s2"})
			if b.signIn("/fhir/Patient"); b.cookies[sessionName] == nil {
				t.Error("nobody can sign in again")
			}
		})
	}
}

// What proves no logout ends nothing, and is told so in words: 400, whatever is wrong.
func TestLogoutTokensThatAreRefused(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/fhir/Patient")
	good := w.logoutToken(nil)
	parts := strings.Split(good, ".")
	at := func(d time.Duration) int64 { return w.now.Add(d).Unix() }
	form := func(token string) string { return url.Values{"logout_token": {token}}.Encode() }
	for name, token := range map[string]string{
		"nothing":                     "",
		"no token":                    "x",
		"another's key":               w.issuer.SignBy(openidtest.Signer(t, "logout+jwt"), map[string]any{"jti": "1", "events": map[string]any{logoutEvent: map[string]any{}}}),
		"alg none":                    "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"alg none, signed":            "eyJhbGciOiJub25lIn0." + parts[1] + "." + parts[2],
		"a signature of other claims": parts[0] + "." + strings.Split(w.logoutToken(map[string]any{"sub": "u2"}), ".")[1] + "." + parts[2],
		"an ID token":                 w.issuer.Sign(map[string]any{"nonce": "n"}),
		"an access token":             w.issuer.Sign(nil),
		"with a nonce":                w.logoutToken(map[string]any{"nonce": "n"}),
		"with an empty nonce":         w.logoutToken(map[string]any{"nonce": ""}),
		"no events":                   w.logoutToken(map[string]any{"events": nil}),
		"events in a list":            w.logoutToken(map[string]any{"events": []string{logoutEvent}}),
		"another event":               w.logoutToken(map[string]any{"events": map[string]any{"urn:x": map[string]any{}}}),
		"an event that is no object":  w.logoutToken(map[string]any{"events": map[string]any{logoutEvent: true}}),
		"neither person nor session":  w.logoutToken(map[string]any{"sub": nil}),
		"a session that is no text":   w.logoutToken(map[string]any{"sub": nil, "sid": 7}),
		"no jti":                      w.logoutToken(map[string]any{"jti": nil}),
		"no iat":                      w.logoutToken(map[string]any{"iat": nil}),
		"no exp":                      w.logoutToken(map[string]any{"exp": nil}),
		"expired":                     w.logoutToken(map[string]any{"exp": at(-10 * time.Minute)}),
		"of tomorrow":                 w.logoutToken(map[string]any{"iat": at(24 * time.Hour), "exp": at(25 * time.Hour)}),
		"for a year":                  w.logoutToken(map[string]any{"exp": at(365 * 24 * time.Hour)}),
		"for another client":          w.logoutToken(map[string]any{"aud": "other"}),
		"for the API":                 w.logoutToken(map[string]any{"aud": "api"}),
		"of another issuer":           w.logoutToken(map[string]any{"iss": "https://other.example"}),
		"too large":                   w.logoutToken(map[string]any{"x": strings.Repeat("x", 40_000)}),
	} {
		status, body := w.logout(0, token)
		if status != http.StatusBadRequest || !strings.HasPrefix(body, `{"error":"invalid_request","error_description":"`) {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if token != "" && strings.Contains(body, token) {
			t.Errorf("%s: the answer repeats the token", name)
		}
	}
	for name, c := range map[string]struct {
		method, path, body, kind string
		status                   int
	}{
		"in the address":  {"POST", signin.Backchannel + "?" + form(good), "", "application/x-www-form-urlencoded", 400},
		"twice":           {"POST", signin.Backchannel, form(good) + "&" + form(good), "application/x-www-form-urlencoded", 400},
		"as JSON":         {"POST", signin.Backchannel, `{"logout_token":"` + good + `"}`, "application/json", 400},
		"by GET":          {"GET", signin.Backchannel + "?" + form(good), "", "", 405},
		"a body too long": {"POST", signin.Backchannel, form(good) + "&x=" + strings.Repeat("x", 1<<20), "application/x-www-form-urlencoded", 400},
	} {
		if status, body := w.tell(0, c.method, c.path, c.body, c.kind); status != c.status {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if _, _, err := b.session(0); err != nil {
		t.Fatalf("a session ended by nothing: %v", err)
	}
	if status, body := w.logout(0, good); status != http.StatusOK {
		t.Fatal(status, body)
	}
	w.now = w.now.Add(2 * time.Second)
	again := w.browser()
	again.signIn("/fhir/Patient")
	if status, body := w.logout(1, good); status != http.StatusBadRequest || !strings.Contains(body, "used before") {
		t.Errorf("the same token again, at another server: %d %s", status, body)
	}
	if _, _, err := again.session(0); err != nil {
		t.Errorf("a token that was used ended a later session: %v", err)
	}
	if strings.Contains(w.log.String(), parts[1]) {
		t.Error("a token stands in the log")
	}
	for r, err := range w.store.Records(store.Ourselves(t.Context()), signin.Space, "", "") {
		if err != nil || strings.Contains(r.Key+string(r.Value), good) {
			t.Error("the store has the token", err)
		}
	}
}
