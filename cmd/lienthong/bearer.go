package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// bearer sends an access token along to one server, and to no other that it points at. The token is asked for with each request: it
// lasts minutes.
type bearer struct {
	token func(context.Context) (string, error)
	to    *url.URL
	next  http.RoundTripper
}

// tokenFile gives the token of a file, where what fetches them writes the next one.
func tokenFile(file string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		raw, err := os.ReadFile(file)
		return strings.TrimSpace(string(raw)), err
	}
}

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != b.to.Scheme || r.URL.Host != b.to.Host {
		return b.next.RoundTrip(r)
	}
	token, err := b.token(r.Context())
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // a RoundTripper closes it in any case
		}
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return b.next.RoundTrip(r)
}
