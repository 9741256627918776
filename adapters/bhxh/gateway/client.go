package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
)

// Config says where the portal is and who asks.
type Config struct {
	BaseURL  string // such as https://egw.example
	Username string
	Password string // in the clear; it is hashed at once (wire.PasswordHash) and not kept

	HTTP     *http.Client     // nil: a client of its own. Its redirects and cookies are switched off in a copy
	Timeout  time.Duration    // of one call, connection and reply together; 0 = 60 s
	MaxReply int64            // bytes of a reply that are read; 0 = 16 MiB
	Now      func() time.Time // nil = time.Now
	Paths    wire.Paths       // empty ones are those of the contract
}

// Client talks to one portal with one account. It is safe for concurrent use.
type Client struct {
	base     string
	username string
	hash     string // wire.PasswordHash
	http     *http.Client
	timeout  time.Duration
	maxReply int64
	now      func() time.Time
	paths    wire.Paths

	// mu guards what follows. It is held during a log-in, so that callers who wait share its result; never during another call.
	mu   sync.Mutex
	key  wire.APIKey // zero: not logged in
	good time.Time   // key is not used after this

	refusals  int       // log-ins that the portal refused in a row
	notBefore time.Time // no log-in is tried before this

	rests atomic.Int64 // ms since 1970, see RestsUntil
}

// New makes a client; it does not connect. The error has code "bhxh-gateway-config".
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fhir.Errorf(fhir.Invalid, "bhxh-gateway-config", "", "base URL")
	}
	if c.Username == "" || c.Password == "" {
		return nil, fhir.Errorf(fhir.Invalid, "bhxh-gateway-config", "", "account")
	}
	h := &http.Client{}
	if c.HTTP != nil {
		*h = *c.HTTP
	} else {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = t.MaxIdleConns // there is one host, and as many calls at once as facilities and files
		h.Transport = t
	}
	// A redirected POST would go out a second time, and to a place that nobody configured.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	h.Jar = nil
	h.Timeout = 0 // the context does it, so that the end can be told apart
	cl := &Client{
		base: strings.TrimSuffix(c.BaseURL, "/"), username: c.Username, hash: wire.PasswordHash(c.Password),
		http: h, timeout: c.Timeout, maxReply: c.MaxReply, now: c.Now, paths: c.Paths.OrDefault(),
	}
	if cl.timeout <= 0 {
		cl.timeout = time.Minute
	}
	if cl.maxReply <= 0 {
		cl.maxReply = 16 << 20
	}
	if cl.now == nil {
		cl.now = time.Now
	}
	return cl, nil
}

// Timeout is the longest that one call takes: what was not received so much later, and some, will never be.
func (c *Client) Timeout() time.Duration { return c.timeout }
