package smart

import (
	"context"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/jwt"
)

// TokenType is the typ of access tokens (RFC 9068), which keeps them apart from everything else that is signed.
const TokenType = "at+jwt"

// Issued says whether a token claims to be one of ours; nothing is proven by that.
func (s *Server) Issued(issuer string) bool { return issuer == s.Issuer }

// Verified is an access token whose signature and claims hold.
type Verified struct {
	Client  string
	Scopes  []string
	Expires time.Time
}

// Verify checks an access token of ours. It asks nobody.
func (s *Server) Verify(ctx context.Context, compact string) (Verified, error) {
	signer := s.Signer()
	t, err := jwt.Verify(ctx, compact, signer.Algorithms(), signer.Keys())
	if err != nil {
		return Verified{}, err
	}
	if t.Type != TokenType {
		return Verified{}, fhir.Errorf(fhir.Unknown, "token-malformed", "")
	}
	if err := t.Check(jwt.Expect{Issuer: s.Issuer, Audiences: []string{s.Base}, Now: s.Now(), MaxLife: MaxLife}); err != nil {
		return Verified{}, err
	}
	return Verified{t.Subject, strings.Fields(t.Scope), t.Expires}, nil
}

// Registered gives the registration of a client as it is now. Error: Unknown "client-unknown" once there is none any more.
func (s *Server) Registered(client string) (*Client, error) {
	if c := s.Clients()[client]; c != nil {
		return c, nil
	}
	return nil, fhir.Errorf(fhir.Unknown, "client-unknown", "")
}

// Caller gives the caller that a registered client with a token of these scopes is. Error: Denied "purpose-refused".
func (s *Server) Caller(c *Client, scopes []string, purpose string) (access.Caller, error) {
	code, ok := c.PurposeOf(purpose)
	if !ok {
		return access.Caller{}, fhir.Errorf(fhir.Denied, "purpose-refused", "")
	}
	return access.Caller{Subject: c.ID, Issuer: s.Issuer, System: true, Role: c.Role, Organization: c.Organization, Facilities: c.Facilities, Scopes: scopes, Purpose: code}, nil
}
