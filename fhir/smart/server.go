package smart

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/store"
)

// Config is what a Server is made of. All but Log and Now are required.
type Config struct {
	// Base is the FHIR base URL, the audience of access tokens; Issuer the URL below which the endpoints lie, such as
	// https://records.example/auth.
	Base, Issuer string
	Store        store.Store
	// Clients and Signer give the registrations and keys of now.
	Clients func() Clients
	Signer  func() *jwt.Signer
	// Life of an access token; 0 or more than MaxLife = MaxLife.
	Life time.Duration
	// Known is told of the client whose assertion was accepted, for the trail, whether or not it gets a token; nil = nobody is.
	Known func(context.Context, access.Caller)
	Log   *slog.Logger // nil = slog.Default()
	Now   func() time.Time
}

// MaxLife is how long an access token may live, MaxAssertion an assertion. Source: SMART Backend Services.
const (
	MaxLife      = 300 * time.Second
	MaxAssertion = 5 * time.Minute
	skew         = 10 * time.Second
)

// Server is our token endpoint and what knows its tokens. It is safe for concurrent use.
type Server struct {
	Config
	purge struct {
		// mu guards next: when assertions that have ended are to be removed. Never under mu: I/O.
		mu   sync.Mutex
		next time.Time
	}
}

// New makes a Server.
func New(c Config) *Server {
	if c.Life <= 0 || c.Life > MaxLife {
		c.Life = MaxLife
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Server{Config: c}
}

// TokenURL is the token endpoint, the audience of assertions.
func (s *Server) TokenURL() string { return s.Issuer + "/token" }

// own is for the server's own rows in the store.
func own(ctx context.Context) context.Context { return store.Ourselves(ctx) }

// JWKS answers with the public keys of access tokens.
func (s *Server) JWKS(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=60")
	_, _ = w.Write(s.Signer().JWKS())
}
