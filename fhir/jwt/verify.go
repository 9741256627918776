package jwt

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"

	"github.com/lienthong/lienthong/fhir"
)

// Algorithm is a signature algorithm by its name in JOSE; all of these are asymmetric.
type Algorithm = jose.SignatureAlgorithm

// The algorithms that a setting may allow.
const (
	RS256 = jose.RS256
	RS384 = jose.RS384
	RS512 = jose.RS512
	PS256 = jose.PS256
	PS384 = jose.PS384
	PS512 = jose.PS512
	ES256 = jose.ES256
	ES384 = jose.ES384
	ES512 = jose.ES512
	EdDSA = jose.EdDSA
)

// Algorithms are all that can be allowed.
var Algorithms = []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA}

// Bounds of what is looked at.
const (
	MaxToken = 8 << 10 // bytes of a compact token
	maxKeyID = 255
)

// Keys finds the public key of a kid.
type Keys interface {
	// Key gives the one key with this id. Errors: Unknown "token-key-unknown", Unavailable "keys-unreachable".
	Key(ctx context.Context, kid string) (Key, error)
}

// Claims are those that every token of ours is checked by, and the whole of them for who wants more.
type Claims struct {
	Issuer    string
	Subject   string
	Audience  []string
	ID        string
	Scope     string
	Expires   time.Time // zero if not given, as the others
	NotBefore time.Time
	Issued    time.Time
	All       map[string]any // numbers are float64
}

// Token is what a signature proved.
type Token struct {
	Claims
	KeyID string
	Type  string // header typ
}

// Verify checks the signature of a compact token; what the claims say is not looked at. Every refusal has Kind Unknown.
func Verify(ctx context.Context, compact string, allowed []Algorithm, keys Keys) (Token, error) {
	if len(compact) > MaxToken {
		return Token{}, fhir.Errorf(fhir.Unknown, "token-too-large", "", MaxToken)
	}
	if !canonical(compact) {
		return Token{}, fhir.Errorf(fhir.Unknown, "token-malformed", "")
	}
	parsed, err := josejwt.ParseSigned(compact, allowed)
	switch {
	case isAlgorithm(err):
		return Token{}, fhir.Wrap(fhir.Unknown, "token-algorithm", err)
	case err != nil || len(parsed.Headers) != 1:
		return Token{}, fhir.Wrap(fhir.Unknown, "token-malformed", err)
	}
	h := parsed.Headers[0]
	if h.JSONWebKey != nil || h.KeyID == "" || len(h.KeyID) > maxKeyID {
		return Token{}, fhir.Errorf(fhir.Unknown, "token-key-unknown", "")
	}
	key, err := keys.Key(ctx, h.KeyID)
	if err != nil {
		return Token{}, err
	}
	if !key.fits(Algorithm(h.Algorithm)) {
		return Token{}, fhir.Errorf(fhir.Unknown, "token-algorithm", "")
	}
	var all map[string]any
	var standard struct {
		josejwt.Claims
		Scope any `json:"scope"`
	}
	if err := parsed.Claims(key.public, &standard, &all); errors.Is(err, jose.ErrCryptoFailure) {
		return Token{}, fhir.Wrap(fhir.Unknown, "token-signature", err)
	} else if err != nil {
		return Token{}, fhir.Wrap(fhir.Unknown, "token-malformed", err)
	}
	t := Token{KeyID: h.KeyID, Claims: Claims{
		Issuer: standard.Issuer, Subject: standard.Subject, Audience: standard.Audience, ID: standard.ID, All: all,
		Expires: instant(standard.Expiry), NotBefore: instant(standard.NotBefore), Issued: instant(standard.IssuedAt),
	}}
	t.Scope, _ = standard.Scope.(string)
	t.Type, _ = h.ExtraHeaders[jose.HeaderType].(string)
	return t, nil
}

// canonical says whether a token is three parts of base64url as an encoder writes them: no blanks, no bits that mean
// nothing, so that one proof has one token.
func canonical(compact string) bool {
	parts := strings.Split(compact, ".")
	for _, p := range parts {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(p); err != nil || strings.ContainsAny(p, "\r\n") {
			return false
		}
	}
	return len(parts) == 3
}

// isAlgorithm says whether parsing failed on the algorithm, which the library tells by a type of its own.
func isAlgorithm(err error) bool {
	_, ok := errors.AsType[*jose.ErrUnexpectedSignatureAlgorithm](err)
	return ok
}

func instant(d *josejwt.NumericDate) time.Time {
	if d == nil {
		return time.Time{}
	}
	return d.Time()
}

// Expect is what claims are held against.
type Expect struct {
	Issuer    string
	Audiences []string // one of them must be among the token's
	Now       time.Time
	Skew      time.Duration // how far clocks may be apart
	MaxLife   time.Duration // Expires at most so far ahead; 0 = no bound
}

// Check refuses claims that are over, not for us, or not from whom we expect.
func (c Claims) Check(e Expect) error {
	refuse := func(code string, args ...any) error { return fhir.Errorf(fhir.Unknown, code, "", args...) }
	switch {
	case c.Issuer != e.Issuer:
		return refuse("token-issuer")
	case !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(e.Audiences, a) }):
		return refuse("token-audience")
	case c.Expires.IsZero():
		return refuse("token-claim-missing", "exp")
	case !e.Now.Before(c.Expires.Add(e.Skew)):
		return refuse("token-expired")
	case e.Now.Add(e.Skew).Before(c.NotBefore), e.Now.Add(e.Skew).Before(c.Issued):
		return refuse("token-not-yet-valid")
	case e.MaxLife > 0 && c.Expires.After(e.Now.Add(e.MaxLife+e.Skew)):
		return refuse("token-too-long-lived", int(e.MaxLife/time.Second))
	}
	return nil
}

// Peek reads what a token claims, without any proof: to know whose keys to ask for, and for nothing else.
func Peek(compact string) (Claims, bool) {
	if len(compact) > MaxToken || !canonical(compact) {
		return Claims{}, false
	}
	parsed, err := josejwt.ParseSigned(compact, Algorithms)
	if err != nil {
		return Claims{}, false
	}
	var c josejwt.Claims
	if parsed.UnsafeClaimsWithoutVerification(&c) != nil {
		return Claims{}, false
	}
	return Claims{Issuer: c.Issuer, Subject: c.Subject}, true
}
