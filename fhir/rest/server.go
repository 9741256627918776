package rest

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation"
	"github.com/lienthong/lienthong/fhir/store"
)

// Config is what a Server is made of; only Service is required.
type Config struct {
	Service *interaction.Service
	// BasePath is the path of the FHIR base, "" = /fhir.
	BasePath string
	// BaseURL is the FHIR base as clients see it, such as https://records.example/fhir; "" = made from each request's Host.
	BaseURL string
	// Name and Version of the software, for the CapabilityStatement.
	Name, Version string
	Limits        Limits
	// Ready tells whether requests can be served, for /readyz; nil = whenever the store answers.
	Ready func(context.Context) error
	// Log gets faults of ours, one line each; nil = slog.Default().
	Log *slog.Logger
	Now func() time.Time
}

// Limits bound what one request may cost. A zero field means the default in brackets.
type Limits struct {
	ResourceBytes int64 // body of a create or update [16 MiB]
	BundleBytes   int64 // body of a transaction or batch [128 MiB]
	FormBytes     int64 // body of POST _search, and of a patch [1 MiB]
	DrainBytes    int64 // of a refused body that are read and thrown away, so that the client gets to see the answer [256 MiB]
	// BodyStall is how long a body may stop coming before it counts as cut off [30 s], and how long what is left of a
	// refused one is waited for.
	BodyStall time.Duration
	GzipFrom  int // answers of at least so many bytes are compressed for clients that ask for it [16 KiB]; < 0 = never
}

func (l Limits) withDefaults() Limits {
	set := func(p *int64, n int64) {
		if *p <= 0 {
			*p = n
		}
	}
	set(&l.ResourceBytes, 16<<20)
	set(&l.BundleBytes, 128<<20)
	set(&l.FormBytes, 1<<20)
	set(&l.DrainBytes, 256<<20)
	if l.BodyStall <= 0 {
		l.BodyStall = 30 * time.Second
	}
	if l.GzipFrom == 0 {
		l.GzipFrom = 16 << 10
	}
	return l
}

// Server answers FHIR requests. It is an http.Handler, safe for concurrent use; it holds no state but caches.
type Server struct {
	Config
	operations *operation.Service
	engine     *gin.Engine
	pageKey    []byte // of the tags on page tokens; the same for all servers of one store
	metadata   *capability
}

var _ http.Handler = (*Server)(nil)

// New makes a Server. It reads the key of page tokens from the store, or writes one at the first start.
func New(ctx context.Context, c Config) (*Server, error) {
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
	s := &Server{Config: c, operations: operation.New(c.Service)}
	var err error
	if s.pageKey, err = pageKey(ctx, c.Service.Store()); err != nil {
		return nil, err
	}
	s.metadata = newCapability(c)
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

// pageKey gives the key of page tokens, which all servers of the store share, so that a link works with each of them and
// after a restart.
func pageKey(ctx context.Context, st store.Store) ([]byte, error) {
	const name = "page-key"
	for range 3 {
		key, found, err := st.Record(ctx, recordSpace, name)
		if err != nil || found {
			return key, err
		}
		key = make([]byte, 32)
		rand.Read(key) // never fails
		_, err = st.Commit(ctx, store.Changes{
			Require: []store.Precondition{store.RecordIs{Space: recordSpace, Key: name}},
			Records: []store.Record{{Space: recordSpace, Key: name, Value: key}},
		})
		if e, ok := errors.AsType[*fhir.Error](err); err != nil && !(ok && e.Kind == fhir.Precondition) {
			return nil, err
		}
	}
	return nil, fhir.Errorf(fhir.Unavailable, "page-key", "")
}
