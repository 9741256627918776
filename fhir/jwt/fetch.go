package jwt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Fetcher gets small documents from hosts on an allow list. It is the only way by which authentication goes out, so that a
// URL in a registration cannot make this server call what only it can reach.
//
//   - the origin (scheme, host, port) must be on the list; userinfo, fragments and other schemes are refused
//   - the address that the name resolved to is looked at when the connection is made: unless the origin is listed as
//     private it must be a public one, so that a name which points inwards later gets nowhere
//   - redirects are not followed; proxies of the environment are not used; size and time are bounded
type Fetcher struct {
	public, private []string // origins
	client          *http.Client
}

// Bounds of one fetch.
const (
	maxDocument  = 256 << 10
	fetchTimeout = 5 * time.Second
)

// ErrNotAllowed says that a URL is not on the allow list, or leads to an address that is not.
var ErrNotAllowed = errors.New("the address is not on the allow list")

// NewFetcher takes origins such as https://keys.example or https://keys.example:8443. Those in private may lie at private
// or loopback addresses, and may be http.
func NewFetcher(public, private []string) (*Fetcher, error) {
	f := &Fetcher{}
	for _, list := range []struct {
		in      []string
		out     *[]string
		schemes []string
	}{{public, &f.public, []string{"https"}}, {private, &f.private, []string{"https", "http"}}} {
		for _, text := range list.in {
			u, err := url.Parse(text)
			if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || !slices.Contains(list.schemes, u.Scheme) {
				return nil, fmt.Errorf("%q is no origin such as https://keys.example", text)
			}
			*list.out = append(*list.out, origin(u))
		}
	}
	f.client = &http.Client{
		Timeout:       fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            f.dial,
			TLSHandshakeTimeout:    fetchTimeout,
			ResponseHeaderTimeout:  fetchTimeout,
			MaxResponseHeaderBytes: 32 << 10,
			MaxIdleConns:           4,
			IdleConnTimeout:        time.Minute,
			ForceAttemptHTTP2:      true,
		},
	}
	return f, nil
}

// origin is scheme, host and port; the port is always there.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// Allowed says whether a URL may be fetched at all: what registrations are checked by when they are read.
func (f *Fetcher) Allowed(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.Fragment != "" || u.Opaque != "" || u.Host == "" {
		return ErrNotAllowed
	}
	if o := origin(u); !slices.Contains(f.public, o) && !slices.Contains(f.private, o) {
		return ErrNotAllowed
	}
	return nil
}

type privateKey struct{}

// Get fetches a document and says how long it may be kept by its Cache-Control, 0 if that says nothing.
func (f *Fetcher) Get(ctx context.Context, text string) (body []byte, keep time.Duration, err error) {
	if err := f.Allowed(text); err != nil {
		return nil, 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, text, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := f.Client().Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err == nil && len(body) > maxDocument {
		err = fmt.Errorf("more than %d bytes", maxDocument)
	}
	return body, maxAge(resp.Header.Get("Cache-Control")), err
}

// Client gives what libraries call by: it reaches what Get reaches, and an answer ends after so many bytes as Get takes.
func (f *Fetcher) Client() *http.Client {
	c := *f.client
	c.Transport = guarded{f}
	return &c
}

type guarded struct{ f *Fetcher }

// RoundTrip implements http.RoundTripper.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.f.Allowed(r.URL.String()); err != nil {
		return nil, err
	}
	private := slices.Contains(g.f.private, origin(r.URL))
	resp, err := g.f.client.Transport.RoundTrip(r.WithContext(context.WithValue(r.Context(), privateKey{}, private)))
	if err == nil {
		resp.Body = bounded{io.LimitReader(resp.Body, maxDocument+1), resp.Body}
	}
	return resp, err
}

// bounded is a body that ends early.
type bounded struct {
	io.Reader
	io.Closer
}

// dial connects, unless the address is one that the origin is not listed for. It looks at what is dialled, not at what
// the name resolved to before.
func (f *Fetcher) dial(ctx context.Context, network, address string) (net.Conn, error) {
	private, _ := ctx.Value(privateKey{}).(bool)
	d := net.Dialer{Timeout: fetchTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil || !private && !isPublic(ap.Addr()) {
			return ErrNotAllowed
		}
		return nil
	}}
	return d.DialContext(ctx, network, address)
}

// Prefixes that are neither private nor public as Go sees it, and lead inwards or nowhere all the same.
// Source: IANA special-purpose address registries.
var special = func() (p []netip.Prefix) {
	for _, s := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10"} {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}()

// isPublic says whether an address is one of the internet.
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() && a.Zone() == "" &&
		!slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

// maxAge reads max-age of a Cache-Control header; 0 if there is none, or the answer may not be kept.
func maxAge(header string) time.Duration {
	for _, part := range strings.Split(strings.ToLower(header), ",") {
		if seconds, ok := strings.CutPrefix(strings.TrimSpace(part), "max-age="); ok {
			if d, err := time.ParseDuration(strings.Trim(seconds, `"`) + "s"); err == nil && d > 0 {
				return d
			}
		}
	}
	return 0
}
