package jwt

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// NewIssuer makes the key set of an OpenID Connect issuer, found by its configuration document. Both the issuer and the
// jwks_uri must be on the allow list. Source: https://openid.net/specs/openid-connect-discovery-1_0.html
func NewIssuer(fetch *Fetcher, issuer string, now func() time.Time) *Remote {
	return discover(fetch, func(ctx context.Context) (string, error) {
		raw, _, err := fetch.Get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
		if err != nil {
			return "", err
		}
		var c struct {
			Issuer string `json:"issuer"`
			JWKS   string `json:"jwks_uri"`
		}
		if err := json.Unmarshal(raw, &c); err != nil || c.Issuer != issuer || c.JWKS == "" {
			return "", ErrDiscovery
		}
		return c.JWKS, nil
	}, now)
}
