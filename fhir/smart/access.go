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

// Caller gives the caller of a token as the registration says now. Errors: Unknown "client-unknown" once the client is not
// registered any more, Denied "purpose-refused".
func (s *Server) Caller(v Verified, purpose string) (access.Caller, error) {
	c := s.Clients()[v.Client]
	if c == nil {
		return access.Caller{}, fhir.Errorf(fhir.Unknown, "client-unknown", "")
	}
	code, ok := c.PurposeOf(purpose)
	if !ok {
		return access.Caller{}, fhir.Errorf(fhir.Denied, "purpose-refused", "")
	}
	return access.Caller{Subject: c.ID, Issuer: s.Issuer, System: true, Role: c.Role, Organization: c.Organization, Scopes: v.Scopes, Purpose: code}, nil
}
