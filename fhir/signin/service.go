package signin

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/openid"
	"github.com/lienthong/lienthong/fhir/store"
)

// Config is what a Service is made of. Base, Issuers and Store are required.
type Config struct {
	// Base is the FHIR base as browsers see it, such as https://records.example/fhir. It is https, or on the loopback.
	Base    string
	Issuers func() openid.Issuers // of now
	Person  openid.Person         // finds the patient that a citizen is
	Store   store.Store
	// Idle is how long a session may rest, Life how long it may be at all; 0 = 30 minutes and 8 hours.
	Idle, Life time.Duration
	// Known is told who signed in or out, for the trail; nil = nobody is told.
	Known func(context.Context, access.Caller)
	Log   *slog.Logger     // nil = slog.Default()
	Now   func() time.Time // nil = time.Now
}

// Service is the sign-in. It is safe for concurrent use and holds no state.
type Service struct {
	Config
	origin, path string // of Base
	secure       bool
	sealer       *sealer
}

// Paths below the origin of the base.
const (
	SignIn   = "/auth/sign-in"
	Callback = "/auth/callback"
	SignOut  = "/auth/sign-out"
	// Backchannel is where issuers tell that somebody signed out there.
	Backchannel = "/auth/back-channel-logout"
)

// New makes a Service; it reads the key of sealed cookies from the store, or writes one at the first start.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Idle <= 0 {
		c.Idle = 30 * time.Minute
	}
	if c.Life <= 0 {
		c.Life = 8 * time.Hour
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	u, err := url.Parse(c.Base)
	if err != nil {
		return nil, err
	}
	s := &Service{Config: c, origin: u.Scheme + "://" + u.Host, path: u.Path, secure: u.Scheme == "https"}
	secret, err := store.Secret(store.Ourselves(ctx), c.Store, Space, "key")
	if err != nil {
		return nil, err
	}
	s.sealer, err = newSealer(secret)
	return s, err
}

// Space has what the package comment lists.
const Space store.Space = "sign-in"

// Offered gives the issuers where people sign in, in the order of their names; nil-safe.
func (s *Service) Offered() (out []*openid.Issuer) {
	if s == nil {
		return nil
	}
	for _, is := range s.Issuers() {
		if is.Browser != nil {
			out = append(out, is)
		}
	}
	slices.SortFunc(out, func(a, b *openid.Issuer) int {
		return strings.Compare(a.Browser.Name+"\x00"+a.URL, b.Browser.Name+"\x00"+b.URL)
	})
	return out
}

// Serves says whether a path is one of this room.
func (s *Service) Serves(path string) bool {
	return s != nil && (path == SignIn || path == Callback || path == SignOut || path == Backchannel)
}

// ServeHTTP answers on the paths of this room (http.Handler).
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // addresses here hold codes
	h.Set("Content-Security-Policy", pagePolicy)
	want, answer := http.MethodGet, s.begin
	switch r.URL.Path {
	case Callback:
		answer = s.callback
	case SignOut:
		want, answer = http.MethodPost, s.signOut
	case Backchannel:
		want, answer = http.MethodPost, s.backchannel
	}
	if r.Method != want {
		h.Set("Allow", want)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if err := answer(w, r); err != nil {
		s.refuse(w, r, err)
	}
}

// local gives where to go on to after the sign-in: a path below the FHIR base. Anything else, another site above all, becomes
// the start page.
func (s *Service) local(to string) string {
	home := s.path + "/metadata"
	if len(to) > maxTo || !strings.HasPrefix(to, s.path+"/") && to != s.path {
		return home
	}
	for _, c := range to {
		if c <= ' ' || c == '\\' || c >= 0x7f {
			return home
		}
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(to, "//") || slices.Contains(strings.Split(u.Path, "/"), "..") {
		return home
	}
	return to
}

// maxTo keeps the sealed cookie within what browsers take.
const maxTo = 1500

// redirect sends the browser on by a GET.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
