package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/lienthong/fhir/jwt"
)

// clientFlags say as which registered client a command calls, in place of a token that somebody else fetched.
type clientFlags struct {
	ClientID    string `name:"client-id" env:"LIENTHONG_CLIENT_ID" placeholder:"ID" help:"Client of SMART Backend Services to call as: with --client-key, access tokens are fetched as they are needed."`
	ClientKey   string `name:"client-key" type:"path" env:"LIENTHONG_CLIENT_KEY" placeholder:"FILE" help:"Private key of the client in PEM, RSA or P-384."`
	ClientKeyID string `name:"client-key-id" env:"LIENTHONG_CLIENT_KEY_ID" placeholder:"KID" help:"Name (kid) that its public key is registered by. Default: the key's thumbprint."`
	ClientScope string `name:"client-scope" default:"system/*.cruds" env:"LIENTHONG_CLIENT_SCOPE" placeholder:"SCOPE" help:"What to ask for. Default: ${default}."`
}

// token gives what tokens for a server come from; nil: nobody calls.
func (f clientFlags) token(base, file string, client *http.Client) (func(context.Context) (string, error), error) {
	switch {
	case (f.ClientID == "") != (f.ClientKey == ""):
		return nil, &exitError{exitUsage, errors.New("--client-id and --client-key go together")}
	case f.ClientID != "" && file != "":
		return nil, &exitError{exitUsage, errors.New("--client-id and --token-file exclude each other")}
	case file != "":
		return tokenFile(file), nil
	case f.ClientID == "":
		return nil, nil
	}
	raw, err := os.ReadFile(f.ClientKey)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	signer, err := jwt.ParseClientSigner(raw, f.ClientKeyID)
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("--client-key %s: %w", f.ClientKey, err)}
	}
	return (&clientToken{flags: f, base: base, signer: signer, http: client, now: time.Now}).Token, nil
}

// clientToken trades signed assertions for access tokens, one for all who call at the same time.
// Source: https://hl7.org/fhir/smart-app-launch/backend-services.html
type clientToken struct {
	flags  clientFlags
	base   string
	signer *jwt.Signer
	http   *http.Client
	now    func() time.Time

	mu    sync.Mutex // guards what follows; it is held while a token is fetched, so that callers share it
	token string
	until time.Time
}

const (
	assertionLife  = 4 * time.Minute  // five at most
	tokenMargin    = 30 * time.Second // a token is not used so shortly before its end
	tokenTimeout   = 30 * time.Second
	maxTokenAnswer = 64 << 10
)

// Token gives a token that holds for a while.
func (c *clientToken) Token(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" && c.now().Before(c.until) {
		return c.token, nil
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	asked := c.now()
	endpoint, err := c.endpoint(ctx)
	if err != nil {
		return "", fmt.Errorf("access token: %w", err)
	}
	var answer struct {
		Token       string `json:"access_token"`
		Expires     int    `json:"expires_in"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	assertion, err := c.signer.Sign(map[string]any{"iss": c.flags.ClientID, "sub": c.flags.ClientID, "aud": endpoint, "jti": rand.Text(),
		"iat": asked.Unix(), "exp": asked.Add(assertionLife).Unix()})
	if err != nil {
		return "", fmt.Errorf("access token: %w", err)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {c.flags.ClientScope}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
	status, err := c.ask(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()), &answer)
	switch {
	case err != nil:
		return "", fmt.Errorf("access token: %w", err)
	case status != http.StatusOK || answer.Token == "":
		return "", fmt.Errorf("the server gives client %s no access token: %s", c.flags.ClientID, cmp.Or(clipped(answer.Description), clipped(answer.Error), http.StatusText(status)))
	}
	life := time.Duration(answer.Expires) * time.Second
	c.token, c.until = answer.Token, asked.Add(max(life-tokenMargin, life/2))
	return c.token, nil
}

// endpoint asks the server where it gives tokens. It must be the server itself: an assertion that is addressed to another one is
// nothing to sign on this one's word.
func (c *clientToken) endpoint(ctx context.Context) (string, error) {
	var conf struct {
		Endpoint string `json:"token_endpoint"`
	}
	status, err := c.ask(ctx, http.MethodGet, c.base+"/.well-known/smart-configuration", nil, &conf)
	if err != nil {
		return "", err
	}
	base, err := url.Parse(c.base)
	if err != nil {
		return "", err
	}
	at, err := url.Parse(conf.Endpoint)
	if status != http.StatusOK || err != nil || conf.Endpoint == "" || at.Scheme != base.Scheme || at.Host != base.Host || at.User != nil {
		return "", fmt.Errorf("%s names no token endpoint of its own (status %d)", c.base, status)
	}
	return conf.Endpoint, nil
}

// ask makes a request, follows no redirect, and reads the JSON of the answer into v.
func (c *clientToken) ask(ctx context.Context, method, address string, body io.Reader, v any) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return 0, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept", "application/json")
	client := *c.http
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxTokenAnswer)).Decode(v); err != nil && resp.StatusCode == http.StatusOK {
		return resp.StatusCode, errors.New("the answer is no JSON")
	}
	return resp.StatusCode, nil
}

// clipped bounds what a server says of itself.
func clipped(s string) string { return s[:min(len(s), 300)] }
