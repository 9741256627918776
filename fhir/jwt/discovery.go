package jwt

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// NewIssuer makes the key set of an OpenID Connect issuer, found by its configuration document. Both the issuer and the
// jwks_uri must be on the allow list.
func NewIssuer(fetch *Fetcher, issuer string, now func() time.Time) *Remote {
	return discover(fetch, func(ctx context.Context) (string, error) {
		c, err := fetch.Configuration(ctx, issuer)
		if err == nil && c.JWKS == "" {
			err = ErrDiscovery
		}
		return c.JWKS, err
	}, now)
}

// Configuration is what we make use of in an issuer's configuration document.
// Source: https://openid.net/specs/openid-connect-discovery-1_0.html; RFC 9207 for the last.
type Configuration struct {
	Issuer        string   `json:"issuer"`
	JWKS          string   `json:"jwks_uri"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	TokenAuth     []string `json:"token_endpoint_auth_methods_supported"`
	NamesItself   bool     `json:"authorization_response_iss_parameter_supported"`
}

// Configuration fetches the document; one that names another issuer is none.
func (f *Fetcher) Configuration(ctx context.Context, issuer string) (c Configuration, err error) {
	raw, _, err := f.Get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(raw, &c); err != nil || c.Issuer != issuer {
		return Configuration{}, ErrDiscovery
	}
	return c, nil
}
