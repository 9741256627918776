package openid

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/jwt"
)

// Browser is how this server is registered at an issuer for people who sign in with a browser.
type Browser struct {
	ClientID string
	Secret   string   // "" = a public client, which PKCE alone proves
	Scopes   []string // openid among them
	Name     string   // what people read where they choose between issuers
}

type browserEntry struct {
	ClientID   string   `yaml:"client_id"`
	SecretFile string   `yaml:"secret_file"`
	Scopes     []string `yaml:"scopes"`
	Name       string   `yaml:"name"`
}

// read checks the entry. Where people sign in is found by discovery, so the issuer must be on the allow list even if its
// keys are in the file.
func (e *browserEntry) read(issuer string, fetch *jwt.Fetcher) (*Browser, error) {
	if e == nil {
		return nil, nil
	}
	b := &Browser{ClientID: e.ClientID, Name: e.Name, Scopes: []string{"openid"}}
	for _, s := range e.Scopes {
		if s == "" || strings.ContainsAny(s, " \t\r\n\"\\") {
			return nil, fmt.Errorf("browser.scopes: %.40q is no scope", s)
		}
		if !slices.Contains(b.Scopes, s) {
			b.Scopes = append(b.Scopes, s)
		}
	}
	if b.ClientID == "" {
		return nil, errors.New("browser needs the client_id by which this server is registered there")
	}
	if fetch.Allowed(issuer) != nil {
		return nil, errors.New("people cannot sign in there: the issuer is not at a host on the allow list")
	}
	if e.SecretFile != "" {
		raw, err := os.ReadFile(e.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("browser.secret_file: %w", err)
		}
		if b.Secret = strings.TrimSpace(string(raw)); b.Secret == "" {
			return nil, errors.New("browser.secret_file is empty")
		}
	}
	if b.Name == "" {
		b.Name = issuer
	}
	return b, nil
}

// Attempt is one try to sign in. Its values are made new for each, and stay between this server and one browser.
type Attempt struct {
	Redirect string // where the issuer sends the browser back to
	State    string
	Nonce    string
	Verifier string // of PKCE
}

// unreachable says that the issuer does not answer, or not as it should.
func unreachable(err error) error { return fhir.Wrap(fhir.Unavailable, "sign-in-unreachable", err) }

// client makes the OAuth client, and says whether answers carry the issuer's name (RFC 9207).
func (is *Issuer) client(ctx context.Context, a Attempt) (c oauth2.Config, configuration jwt.Configuration, err error) {
	configuration, err = is.configuration(ctx)
	if err == nil && (is.fetch.Allowed(configuration.Token) != nil || !webAddress(configuration.Authorization)) {
		err = jwt.ErrDiscovery
	}
	if err != nil {
		return c, configuration, unreachable(err)
	}
	style := oauth2.AuthStyleInHeader // what a server that says nothing takes (RFC 8414, 2)
	if m := configuration.TokenAuth; is.Browser.Secret == "" || len(m) > 0 && !slices.Contains(m, "client_secret_basic") {
		style = oauth2.AuthStyleInParams
	}
	return oauth2.Config{
		ClientID: is.Browser.ClientID, ClientSecret: is.Browser.Secret, RedirectURL: a.Redirect, Scopes: is.Browser.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: configuration.Authorization, TokenURL: configuration.Token, AuthStyle: style},
	}, configuration, nil
}

// discovered is the configuration document as it was fetched last: who only looks at the sign-in page must not make this
// server ask the issuer each time.
type discovered struct {
	// mu guards what follows. Never under mu: I/O.
	mu            sync.Mutex
	configuration jwt.Configuration
	until         time.Time
}

const keepConfiguration = time.Minute

func (is *Issuer) configuration(ctx context.Context) (jwt.Configuration, error) {
	now := time.Now()
	is.found.mu.Lock()
	c, fresh := is.found.configuration, now.Before(is.found.until)
	is.found.mu.Unlock()
	if fresh {
		return c, nil
	}
	c, err := is.fetch.Configuration(ctx, is.URL)
	if err != nil {
		return c, err
	}
	is.found.mu.Lock()
	is.found.configuration, is.found.until = c, now.Add(keepConfiguration)
	is.found.mu.Unlock()
	return c, nil
}

// webAddress says whether a browser can be sent there.
func webAddress(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// Begin gives the address of the issuer's page that a browser is sent to.
// Source: https://openid.net/specs/openid-connect-core-1_0.html, 3.1.2.1; RFC 7636.
func (is *Issuer) Begin(ctx context.Context, a Attempt) (string, error) {
	c, _, err := is.client(ctx, a)
	if err != nil {
		return "", err
	}
	return c.AuthCodeURL(a.State, oauth2.S256ChallengeOption(a.Verifier), oauth2.SetAuthURLParam("nonce", a.Nonce)), nil
}

// Finish takes the code that the browser came back with to the issuer, and gives what the ID token proves. from is the iss
// parameter that came with the code. A code that the issuer does not take is Denied "sign-in-code".
// Source: https://openid.net/specs/openid-connect-core-1_0.html, 3.1.3; RFC 9207.
func (is *Issuer) Finish(ctx context.Context, a Attempt, code, from string, now time.Time) (jwt.Claims, error) {
	c, configuration, err := is.client(ctx, a)
	if err != nil {
		return jwt.Claims{}, err
	}
	if from != is.URL && (from != "" || configuration.NamesItself) {
		return jwt.Claims{}, fhir.Errorf(fhir.Denied, "sign-in-mixed-up", "")
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, is.fetch.Client())
	token, err := c.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response.StatusCode < 500 {
		return jwt.Claims{}, fhir.Errorf(fhir.Denied, "sign-in-code", "") // its text is foreign, and may hold the code
	}
	if err != nil {
		return jwt.Claims{}, unreachable(errors.New("no token came of the code"))
	}
	compact, _ := token.Extra("id_token").(string)
	return is.proven(ctx, compact, a.Nonce, now)
}

// proven checks an ID token. Source: https://openid.net/specs/openid-connect-core-1_0.html, 3.1.3.7.
func (is *Issuer) proven(ctx context.Context, compact, nonce string, now time.Time) (jwt.Claims, error) {
	t, err := jwt.Verify(ctx, compact, is.Algorithms, is.Keys)
	if err != nil {
		return jwt.Claims{}, err
	}
	// An access token of the same issuer proves nothing about who sits before the browser.
	if typ := strings.ToLower(strings.TrimPrefix(t.Type, "application/")); typ != "" && typ != "jwt" && typ != "id_token" {
		return jwt.Claims{}, fhir.Errorf(fhir.Unknown, "token-malformed", "")
	}
	if err := t.Check(jwt.Expect{Issuer: is.URL, Audiences: []string{is.Browser.ClientID}, Now: now, Skew: is.Skew}); err != nil {
		return jwt.Claims{}, err
	}
	party, named := t.All["azp"]
	said, _ := t.All["nonce"].(string)
	switch {
	case named && party != is.Browser.ClientID, !named && len(t.Audience) > 1:
		return jwt.Claims{}, fhir.Errorf(fhir.Unknown, "token-audience", "")
	case nonce == "" || subtle.ConstantTimeCompare([]byte(said), []byte(nonce)) != 1:
		return jwt.Claims{}, fhir.Errorf(fhir.Denied, "sign-in-nonce", "")
	case t.Subject == "" || len(t.Subject) > maxText:
		return jwt.Claims{}, fhir.Errorf(fhir.Unknown, "token-claim-missing", "", "sub")
	}
	return t.Claims, nil
}

// Keep gives what of proven claims is needed to make the Caller again later, and nothing besides, by the names in the file.
func (is *Issuer) Keep(claims jwt.Claims) map[string]any {
	out := map[string]any{"sub": claims.Subject}
	for _, name := range []string{is.RoleClaim, is.Organization, is.Facility, is.Practitioner, is.Patient, is.PersonClaim} {
		if v := claim(claims.All, name); v != nil {
			out[name] = v
		}
	}
	return out
}

// Kept is the other way round. Scopes of an ID token's request are none of ours.
func Kept(all map[string]any) jwt.Claims {
	subject, _ := all["sub"].(string)
	return jwt.Claims{Subject: subject, All: all}
}

// Leave gives the address of the issuer's page on which people end what they have there; "" = it has none.
func (is *Issuer) Leave(ctx context.Context) string {
	c, err := is.configuration(ctx)
	if err != nil || !webAddress(c.EndSession) {
		return ""
	}
	return c.EndSession
}
