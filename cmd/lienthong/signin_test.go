package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/openid/openidtest"
)

// TestABrowserIsSentToSignIn: a server as it is served, with an issuer of people; a browser comes without a session.
func TestABrowserIsSentToSignIn(t *testing.T) {
	issuer := openidtest.New(t)
	dir := t.TempDir()
	issuers, place := filepath.Join(dir, "issuers.yaml"), filepath.Join(dir, "info.json")
	row := fmt.Sprintf("issuers:\n  - {issuer: '%s', audience: [api], roles: {claim: role, values: {auditor: auditor}}, browser: {client_id: %s}}\n", issuer.URL, openidtest.ClientID)
	if err := os.WriteFile(issuers, []byte(row), 0o600); err != nil {
		t.Fatal(err)
	}
	h := startHere(t, "serve", "--issuers", issuers, "--private-key-host", issuer.URL, "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "s"), "--info", place, "--log-level", "debug")
	base := h.info(t, place).FHIR
	origin := strings.TrimSuffix(base, "/fhir")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	do := func(method, at string, headers ...string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(method, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		resp, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	const html = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
	if resp, _ := do("GET", base+"/Claim?_count=2"); resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("a program without a token: %d", resp.StatusCode)
	}
	if resp, _ := do("POST", base+"/Claim", "Accept", html); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("what cannot be asked again after signing in: %d", resp.StatusCode)
	}
	sent, _ := do("GET", base+"/Claim?_count=2", "Accept", html)
	if sent.StatusCode != http.StatusSeeOther || sent.Header.Get("Location") != "/auth/sign-in?to=%2Ffhir%2FClaim%3F_count%3D2" {
		t.Fatalf("a browser: %d %s", sent.StatusCode, sent.Header.Get("Location"))
	}
	begun, _ := do("GET", origin+sent.Header.Get("Location"))
	back, _ := do("GET", origin+"/auth/callback?"+issuer.Approve(begun.Header.Get("Location")).Encode())
	if back.StatusCode != http.StatusSeeOther || back.Header.Get("Location") != "/fhir/Claim?_count=2" {
		t.Fatalf("back: %d %s", back.StatusCode, back.Header.Get("Location"))
	}
	page, text := do("GET", base+"/Claim?_count=2", "Accept", html)
	if page.StatusCode != http.StatusOK || !strings.Contains(text, "<b>auditor</b>") || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("signed in: %d %v", page.StatusCode, page.Header)
	}
	if resp, _ := do("GET", base+"/Consent", "Accept", html); resp.StatusCode != http.StatusForbidden {
		t.Errorf("an auditor looks for consents: %d", resp.StatusCode)
	}
	for name, headers := range map[string][]string{
		"another site's form": {"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, "nobody knows whose": nil,
	} {
		resp, text := do("DELETE", base+"/Claim/x", headers...)
		if resp.StatusCode != http.StatusForbidden || !strings.Contains(text, "session-cross-site") {
			t.Errorf("%s: %d %s", name, resp.StatusCode, text)
		}
	}
	if resp, text := do("DELETE", base+"/Claim/x", "Origin", origin, "Sec-Fetch-Site", "same-origin"); strings.Contains(text, "session") {
		t.Errorf("our own page: %d %s", resp.StatusCode, text) // what an auditor may do is another matter
	}
	if resp, text := do("GET", base+"/Claim", "Authorization", "Bearer x", "Accept", html); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a bad token besides a session: %d %s", resp.StatusCode, text)
	}
	cookies := jar.Cookies(back.Request.URL)
	do("POST", origin+"/auth/sign-out", "Origin", origin)
	if resp, _ := do("GET", base+"/Claim", "Accept", html); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("after the end: %d", resp.StatusCode)
	}
	h.stop(t)
	journal, err := os.ReadFile(filepath.Join(dir, "s", "audit", "00000000000000000000.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/auth/callback", "/auth/sign-out"} {
		named := false
		for line := range bytes.Lines(journal) {
			named = named || bytes.Contains(line, []byte(`"on":"`+path+`"`)) && bytes.Contains(line, []byte(`"role":"auditor"`))
		}
		if !named {
			t.Errorf("the journal does not say who used %s", path)
		}
	}
	for _, c := range cookies {
		if strings.Contains(h.err.String(), c.Value) || bytes.Contains(journal, []byte(c.Value)) {
			t.Errorf("the cookie %s is in the log or the journal", c.Name)
		}
	}
}
