package main

import (
	"net/http"
	"net/url"
	"os"
	"strings"
)

// bearer sends the access token of a file along to one server, and to no other that it points at. The file is read for each request:
// tokens last minutes, and what fetches them writes the next one there.
type bearer struct {
	file string
	to   *url.URL
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != b.to.Scheme || r.URL.Host != b.to.Host {
		return b.next.RoundTrip(r)
	}
	token, err := os.ReadFile(b.file)
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // a RoundTripper closes it in any case
		}
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	return b.next.RoundTrip(r)
}
