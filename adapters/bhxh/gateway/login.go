package gateway

import (
	"context"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
)

// A token is used no longer than life after it was taken, and no longer than margin before its stated end, so that it
// does not run out on the way.
const (
	life   = 10 * time.Minute
	margin = 30 * time.Second
)

// An account that the portal refused is not tried again before firstLogin has gone by, then twice as long each time up to
// maxLogin: portals lock accounts after a few wrong passwords. A new Client starts anew.
const (
	firstLogin = 5 * time.Minute
	maxLogin   = 4 * time.Hour
)

// NotBefore says when the account is tried again after the portal refused it; zero if it was not refused.
func (c *Client) NotBefore() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.notBefore
}

// Login makes sure that there is a session: it takes a token if none is good. Errors: "bhxh-login-refused" (Unknown,
// the portal does not accept the account), "bhxh-login-waits" (Unknown, it did not the last time, and it is too early to
// try again: the portal was not asked), "bhxh-gateway-unreachable", "bhxh-gateway-reply" (Unavailable).
func (c *Client) Login(ctx context.Context) error {
	_, err := c.session(ctx)
	return err
}

func (c *Client) session(ctx context.Context) (wire.APIKey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.key.AccessToken != "" && c.now().Before(c.good) {
		return c.key, nil
	}
	c.key = wire.APIKey{}
	asked := c.now()
	if asked.Before(c.notBefore) {
		return wire.APIKey{}, fhir.Errorf(fhir.Unknown, "bhxh-login-waits", "", c.notBefore.UTC().Format(time.RFC3339))
	}
	form := wire.TakeRequest{Username: c.username, Password: c.hash}.Form()
	x := c.post(ctx, c.paths.Take, wire.FormType, []byte(form.Encode()), nil)
	var r wire.TakeReply
	if err := reply(x, &r, &r.MaKetQua); err != nil {
		return wire.APIKey{}, unavailable(x, err)
	}
	if r.MaKetQua.ServerFault() {
		return wire.APIKey{}, fhir.Errorf(fhir.Unavailable, "bhxh-gateway-refused", "", string(r.MaKetQua))
	}
	if r.MaKetQua != wire.Accepted {
		c.notBefore = asked.Add(min(firstLogin<<min(c.refusals, 10), maxLogin))
		c.refusals++
		return wire.APIKey{}, fhir.Errorf(fhir.Unknown, "bhxh-login-refused", "", string(r.MaKetQua))
	}
	if r.APIKey == nil || r.APIKey.AccessToken == "" {
		return wire.APIKey{}, fhir.Wrap(fhir.Unavailable, "bhxh-gateway-reply", errNotJSON)
	}
	c.refusals, c.notBefore = 0, time.Time{}
	c.key, c.good = *r.APIKey, asked.Add(life-margin)
	if end, err := time.Parse(time.RFC3339, r.APIKey.ExpiresIn); err == nil && end.Add(-margin).Before(c.good) {
		// A clock that is ahead of the portal's would make every token look old: then it is used until it is turned away.
		if end.Add(-margin).After(asked) {
			c.good = end.Add(-margin)
		}
	}
	return c.key, nil
}

// forget drops a token that was turned away, unless another caller has taken a new one meanwhile.
func (c *Client) forget(key wire.APIKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.key.AccessToken == key.AccessToken {
		c.key = wire.APIKey{}
	}
}

func unavailable(x exchange, err error) error {
	if x.status == 0 {
		return fhir.Wrap(fhir.Unavailable, "bhxh-gateway-unreachable", err)
	}
	return fhir.Wrap(fhir.Unavailable, "bhxh-gateway-reply", err)
}
