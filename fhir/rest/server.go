package rest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation"
	"github.com/lienthong/lienthong/fhir/store"
)

// Config is what a Server is made of; Service and Authenticate are required.
type Config struct {
	Service *interaction.Service
	// Authenticate says who asks: it gives the context that the request is answered with, made from the request's own, with
	// the caller (access.WithCaller) and what they may do (store.WithFence). An error refuses the request. It is called for
	// every request but the health checks, before anything of the body is read. What it sets no fence for sees nothing.
	Authenticate func(*http.Request) (context.Context, error)
	// Challenge gives the WWW-Authenticate of a refusal, "" = none; nil = never.
	Challenge func(error) string
	// SignIn gives the path where people sign in with a browser, SignOut the one that ends it; "" = nobody can. nil = the same.
	// A browser that asks for a page without having signed in is sent there.
	SignIn  func() string
	SignOut string
	// Security is shown in the CapabilityStatement as rest.security; nil = nobody is asked who he is.
	Security []byte
	// Tried is told of a resource that an entry of a bundle named and was refused, be it there or not; nil = nobody is.
	Tried func(context.Context, fhir.Key)
	// Warning, in English and Vietnamese, stands on every readable page and in the CapabilityStatement; "" = none.
	Warning [2]string
	// BasePath is the path of the FHIR base, "" = /fhir.
	BasePath string
	// BaseURL is the FHIR base as clients see it, such as https://records.example/fhir; "" = made from each request's Host.
	BaseURL string
	// Own says whether a base made from a Host is known as this server's, as interaction.Config has it; nil = not asked.
	Own func(base string) bool
	// Name and Version of the software, for the CapabilityStatement.
	Name, Version string
	// Operations are offered besides those of R4 that this room knows.
	Operations []Operation
	Limits     Limits
	// Ready tells whether requests can be served, for /readyz: obstacle is why not, stale why reads are of an earlier moment all the same,
	// both as errors of the catalogue. nil = whenever the store answers.
	Ready func(context.Context) (obstacle, stale error)
	// Log gets faults of ours, one line each; nil = slog.Default().
	Log *slog.Logger
	Now func() time.Time
}

// Limits bound what one request may cost. A zero field means the default in brackets.
type Limits struct {
	ResourceBytes int64 // body of a create or update [16 MiB]
	BundleBytes   int64 // body of a transaction or batch [128 MiB]
	FormBytes     int64 // body of POST _search, and of a patch [1 MiB]
	// BodiesBytes is the memory that the bodies of all requests may hold together; beyond, requests are refused [256 MiB].
	BodiesBytes int64
	BodiesWait  time.Duration // how long a body waits for memory before it is refused [5 s]
	DrainBytes  int64         // of a refused body that are read and thrown away, so that the client gets to see the answer [256 MiB]
	DrainTime   time.Duration // that this may take [10 s]
	// BodyStall is how long a body may stop coming before it is given up [30 s], BodyMost how long all of it may take [15 min].
	BodyStall, BodyMost time.Duration
	URLBytes            int // of the address with its query [32 KiB]
	HeaderBytes         int // of all headers [64 KiB]
	GzipFrom            int // answers of at least so many bytes are compressed for clients that ask for it [16 KiB]; < 0 = never
}

func (l Limits) withDefaults() Limits {
	fill(&l.ResourceBytes, 16<<20)
	fill(&l.BundleBytes, 128<<20)
	fill(&l.FormBytes, 1<<20)
	fill(&l.BodiesBytes, 256<<20)
	fill(&l.BodiesWait, 5*time.Second)
	fill(&l.DrainBytes, 256<<20)
	fill(&l.DrainTime, 10*time.Second)
	fill(&l.BodyStall, 30*time.Second)
	fill(&l.BodyMost, 15*time.Minute)
	fill(&l.URLBytes, 32<<10)
	fill(&l.HeaderBytes, 64<<10)
	if l.GzipFrom == 0 {
		l.GzipFrom = 16 << 10
	}
	return l
}

func fill[T int | int64 | time.Duration](p *T, n T) {
	if *p <= 0 {
		*p = n
	}
}

// Server answers FHIR requests. It is an http.Handler, safe for concurrent use; it holds no state but caches.
type Server struct {
	Config
	operations *operation.Service
	engine     *gin.Engine
	pageKey    []byte                     // of the tags on page tokens; the same for all servers of one store
	metadata   atomic.Pointer[capability] // of the definitions that were asked for last
	bodies     *bodies
	strange    atomic.Bool // a Host that is not ours was reported
}

var _ http.Handler = (*Server)(nil)

// New makes a Server. It reads the key of page tokens from the store, or writes one at the first start.
func New(ctx context.Context, c Config) (*Server, error) {
	if c.Authenticate == nil {
		return nil, errors.New("rest: no Authenticate given: who may see what must be decided")
	}
	c.Limits = c.Limits.withDefaults()
	if c.BasePath == "" {
		c.BasePath = "/fhir"
	}
	c.BasePath = "/" + strings.Trim(c.BasePath, "/")
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Name == "" {
		c.Name = "Lienthong"
	}
	s := &Server{Config: c, operations: operation.New(c.Service), bodies: newBodies(c.Limits.BodiesBytes, c.Limits.BodiesWait)}
	var err error
	if s.pageKey, err = store.Secret(ctx, c.Service.Store(), recordSpace, "page-key"); err != nil {
		return nil, err
	}
	s.metadata.Store(newCapability(c, nil))
	s.engine = s.router()
	return s, nil
}

// ServeHTTP answers one request (http.Handler).
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := r.URL.Path; len(p) > 1 && p[len(p)-1] == '/' {
		trimSlash(r)
	}
	s.engine.ServeHTTP(w, r)
}

// trimSlash takes the slash at the end of the path away: /fhir/ is /fhir.
func trimSlash(r *http.Request) {
	r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
	r.URL.RawPath = strings.TrimSuffix(r.URL.RawPath, "/")
}

// Records of this room: space "rest", key "page-key": 32 random bytes.
const recordSpace store.Space = "rest"
