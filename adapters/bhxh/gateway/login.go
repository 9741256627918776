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

// Login makes sure that there is a session: it takes a token if none is good. Errors: "bhxh-login-refused" (Unknown,
// the portal does not accept the account), "bhxh-gateway-unreachable", "bhxh-gateway-reply" (Unavailable).
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
		return wire.APIKey{}, fhir.Errorf(fhir.Unknown, "bhxh-login-refused", "", string(r.MaKetQua))
	}
	if r.APIKey == nil || r.APIKey.AccessToken == "" {
		return wire.APIKey{}, fhir.Wrap(fhir.Unavailable, "bhxh-gateway-reply", errNotJSON)
	}
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
