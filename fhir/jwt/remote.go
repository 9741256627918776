package jwt

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/lienthong/lienthong/fhir"
)

// Remote is a key set that lies at a URL. A kid that it does not know makes it look again, at most once in askAgain, so
// that keys can be rotated and a stranger's kids cannot make us ask. While the URL cannot be reached the keys last seen
// stay good for keepStale.
type Remote struct {
	fetch *Fetcher
	find  func(context.Context) (url string, err error)
	now   func() time.Time
	group singleflight.Group

	// mu guards what follows. Never under mu: I/O.
	mu    sync.Mutex
	set   *Set
	at    time.Time // when set was fetched
	until time.Time // when it is to be fetched again
	asked time.Time // when it was tried last
	cause error     // of the last try
}

// How long keys are kept.
const (
	askAgain  = 10 * time.Second
	keepLeast = time.Minute
	keepMost  = time.Hour
	keepUsual = 15 * time.Minute
	keepStale = 24 * time.Hour
)

// NewRemote makes a key set that is fetched when it is first needed. now nil = time.Now.
func NewRemote(fetch *Fetcher, url string, now func() time.Time) *Remote {
	return discover(fetch, func(context.Context) (string, error) { return url, nil }, now)
}

func discover(fetch *Fetcher, find func(context.Context) (string, error), now func() time.Time) *Remote {
	if now == nil {
		now = time.Now
	}
	return &Remote{fetch: fetch, find: find, now: now}
}

// Key implements Keys.
func (r *Remote) Key(ctx context.Context, kid string) (Key, error) {
	set, known, due := r.state(kid)
	if due {
		// The fetch serves all who wait, so that one of them who goes away does not end it.
		done := r.group.DoChan("", func() (any, error) { return nil, r.refresh(context.WithoutCancel(ctx)) })
		if !known {
			select {
			case <-done:
			case <-ctx.Done():
				return Key{}, ctx.Err()
			}
			set, _, _ = r.state(kid)
		}
	}
	if set == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		return Key{}, fhir.Wrap(fhir.Unavailable, "keys-unreachable", r.cause)
	}
	return set.Key(ctx, kid)
}

// state gives the set as it is, whether it has the kid, and whether it should be fetched now.
func (r *Remote) state(kid string) (set *Set, known, due bool) {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.set != nil && now.Before(r.at.Add(keepStale)) {
		set = r.set
		_, known = set.byID[kid]
	}
	rested := r.asked.IsZero() || !now.Before(r.asked.Add(askAgain))
	return set, known, rested && (!known || !now.Before(r.until))
}

// refresh fetches the set. What cannot be fetched or read leaves the old one.
func (r *Remote) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*fetchTimeout)
	defer cancel()
	url, err := r.find(ctx)
	var body []byte
	var keep time.Duration
	if err == nil {
		body, keep, err = r.fetch.Get(ctx, url)
	}
	var set *Set
	if err == nil {
		set, err = ParseSet(body)
	}
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked, r.cause = now, err
	if err != nil {
		return err
	}
	if keep == 0 {
		keep = keepUsual
	}
	r.set, r.at, r.until = set, now, now.Add(min(max(keep, keepLeast), keepMost))
	return nil
}

// ErrDiscovery says that an issuer's configuration is not its own.
var ErrDiscovery = errors.New("the OpenID configuration names another issuer, or no keys")
