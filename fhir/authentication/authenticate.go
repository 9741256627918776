package authentication

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/openid"
	"github.com/lienthong/lienthong/fhir/signin"
	"github.com/lienthong/lienthong/fhir/smart"
	"github.com/lienthong/lienthong/fhir/store"
)

// Config is what an Authenticator is made of. Fence and at least one of Smart and Issuers are required.
type Config struct {
	Smart   *smart.Server         // nil = no systems
	Issuers func() openid.Issuers // of now; nil = no people
	Person  openid.Person         // finds the patient that a citizen is
	SignIn  *signin.Service       // of browsers; nil = tokens alone
	// Fence gives what a caller may see and change. It is asked for each request.
	Fence func(context.Context, access.Caller) (store.Fence, error)
	// BasePath is the path of the FHIR base: (BasePath)/metadata is open to everybody.
	BasePath string
	Now      func() time.Time // nil = time.Now
}

// Authenticator says who asks. It is safe for concurrent use.
type Authenticator struct {
	Config
	remembered *memory
}

// Headers that say more about a request; see the package comment.
const (
	HeaderPurpose    = "Purpose-Of-Use"
	HeaderBreakGlass = "Break-Glass"
)

// maxReason is how long a reason for breaking the glass may be, in bytes.
const maxReason = 500

// New makes an Authenticator.
func New(c Config) *Authenticator {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Authenticator{c, newMemory()}
}

// proof is what a token or a session proved: of a system its registration's id and scopes, of a person the caller.
type proof struct {
	system  *smart.Verified
	issuer  string // of a person
	person  access.Caller
	expires time.Time
}

// established is a caller as one request came to it, and what it was made of besides the proof.
type established struct {
	by              any // the *smart.Client or *openid.Issuer
	purpose, reason string
	caller          access.Caller
}

// Authenticate gives the context of a request, with its caller and fence (rest.Config.Authenticate). The statement of
// what the server can do needs no token, and shows nothing.
func (a *Authenticator) Authenticate(r *http.Request) (context.Context, error) {
	ctx := r.Context()
	if err := noTokenInAddress(r); err != nil {
		return nil, err
	}
	p, err := a.proof(r)
	if err != nil {
		if e, ok := err.(*fhir.Error); ok && (e.Code == "token-missing" || e.Code == "session-ended") && a.open(r) {
			return store.WithFence(ctx, store.Fence{}), nil
		}
		return nil, err
	}
	caller, err := a.caller(p, r)
	if err != nil {
		return nil, err
	}
	fence, err := a.Fence(ctx, *caller)
	if err != nil {
		return nil, err
	}
	return store.WithFence(access.WithCaller(ctx, caller), fence), nil
}

// proof takes the token of a request, or where there is none the session of a browser.
func (a *Authenticator) proof(r *http.Request) (*remembered, error) {
	now := a.Now()
	if values := r.Header["Authorization"]; len(values) > 0 {
		if len(values) == 1 && len(values[0]) <= jwt.MaxToken {
			if p := a.remembered.get(nameOf(values[0]), now); p != nil {
				return p, nil
			}
		}
		token, err := Bearer(r)
		if err != nil {
			return nil, err
		}
		p, err := a.prove(r.Context(), token, now)
		if err != nil {
			return nil, err
		}
		return a.remembered.put(nameOf(values[0]), p, now), nil
	}
	session, found, err := a.SignIn.Session(r)
	if err != nil {
		return nil, err
	}
	if !found {
		_, err := Bearer(r)
		return nil, err
	}
	name := nameOf("\x00" + session.Name) // no header has that byte, so no header is taken for a session
	if p := a.remembered.get(name, now); p != nil {
		return p, nil
	}
	caller, err := session.Issuer.Caller(r.Context(), openid.Kept(session.Claims), a.Person)
	if err != nil {
		return nil, err
	}
	caller.Session = true
	return a.remembered.put(name, proof{issuer: session.Issuer.URL, person: caller, expires: session.Ends}, now), nil
}

// open says whether the request is one that needs no token.
func (a *Authenticator) open(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.RawPath == "" && r.URL.Path == a.BasePath+"/metadata"
}

// Bearer gives the token of a request. It has one Authorization header, or is refused: of two, different readers on the
// way would take different ones.
func Bearer(r *http.Request) (string, error) {
	values := r.Header["Authorization"]
	switch {
	case len(values) == 0:
		return "", fhir.Errorf(fhir.Unknown, "token-missing", "")
	case len(values) > 1:
		return "", fhir.Errorf(fhir.Invalid, "authorization-twice", "")
	}
	scheme, token, found := strings.Cut(values[0], " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return "", fhir.Errorf(fhir.Unknown, "authorization-scheme", "")
	}
	if token = strings.Trim(token, " "); len(token) > jwt.MaxToken {
		return "", fhir.Errorf(fhir.Unknown, "token-too-large", "", jwt.MaxToken)
	}
	if token == "" || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=") != "" {
		return "", fhir.Errorf(fhir.Unknown, "token-malformed", "")
	}
	return token, nil
}

// noTokenInAddress refuses a token in the query, whether or not it would do: addresses are kept in logs.
func noTokenInAddress(r *http.Request) error {
	if !strings.Contains(r.URL.RawQuery, "token") && !strings.Contains(r.URL.RawQuery, "%") {
		return nil
	}
	query, _ := url.ParseQuery(r.URL.RawQuery)
	for name := range query {
		if strings.EqualFold(name, "access_token") || strings.EqualFold(name, "id_token") {
			return fhir.Errorf(fhir.Invalid, "token-in-address", "")
		}
	}
	return nil
}

// prove checks a token.
func (a *Authenticator) prove(ctx context.Context, token string, now time.Time) (proof, error) {
	claimed, ok := jwt.Peek(token)
	if !ok {
		// Verify says what is wrong with it: the algorithm, or all of it.
		_, err := jwt.Verify(ctx, token, []jwt.Algorithm{jwt.EdDSA, jwt.ES384, jwt.RS384}, nothing{})
		return proof{}, err
	}
	if a.Smart != nil && a.Smart.Issued(claimed.Issuer) {
		v, err := a.Smart.Verify(ctx, token)
		return proof{system: &v, expires: v.Expires}, err
	}
	is := a.issuer(claimed.Issuer)
	if is == nil {
		return proof{}, fhir.Errorf(fhir.Unknown, "token-issuer", "")
	}
	c, expires, err := is.Verify(ctx, token, now, a.Person)
	return proof{issuer: is.URL, person: c, expires: expires}, err
}

type nothing struct{}

func (nothing) Key(context.Context, string) (jwt.Key, error) {
	return jwt.Key{}, fhir.Errorf(fhir.Unknown, "token-key-unknown", "")
}

func (a *Authenticator) issuer(url string) *openid.Issuer {
	if a.Issuers == nil {
		return nil
	}
	return a.Issuers()[url]
}

// caller adds to what was proven what may change from request to request. As long as nothing of it does, it is the same caller.
func (a *Authenticator) caller(p *remembered, r *http.Request) (*access.Caller, error) {
	purpose, err := one(r, HeaderPurpose)
	if err != nil {
		return nil, err
	}
	by, err := a.registration(&p.proof)
	if err != nil {
		return nil, err
	}
	reason, err := one(r, HeaderBreakGlass)
	if err != nil || len(reason) > maxReason || !utf8.ValidString(reason) {
		return nil, fhir.Errorf(fhir.Invalid, "header-refused", "", HeaderBreakGlass)
	}
	if r.Header[HeaderBreakGlass] != nil && strings.TrimSpace(reason) == "" { // who gives none would be told that there is nothing
		return nil, fhir.Errorf(fhir.Invalid, "break-glass-reason", "")
	}
	if last := p.last.Load(); last != nil && last.by == by && last.purpose == purpose && last.reason == reason {
		return &last.caller, nil
	}
	e := &established{by: by, purpose: purpose, reason: reason}
	switch by := by.(type) {
	case *smart.Client:
		e.caller, err = a.Smart.Caller(by, p.system.Scopes, purpose)
	case *openid.Issuer:
		var ok bool
		e.caller = p.person
		if e.caller.Purpose, ok = by.PurposeOf(purpose); !ok {
			err = fhir.Errorf(fhir.Denied, "purpose-refused", "")
		}
	}
	if err != nil {
		return nil, err
	}
	e.caller.BreakGlass = strings.TrimSpace(reason)
	p.last.Store(e)
	return &e.caller, nil
}

// registration is what vouches for a caller now: a *smart.Client or an *openid.Issuer. Neither changes: where the file does, there
// are others.
func (a *Authenticator) registration(p *proof) (any, error) {
	if p.system != nil {
		return a.Smart.Registered(p.system.Client)
	}
	if is := a.issuer(p.issuer); is != nil {
		return is, nil
	}
	return nil, fhir.Errorf(fhir.Unknown, "token-issuer", "")
}

// one gives the value of a header that may be there once.
func one(r *http.Request, name string) (string, error) {
	values := r.Header[name]
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", fhir.Errorf(fhir.Invalid, "header-refused", "", name)
}
