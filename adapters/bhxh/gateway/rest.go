package gateway

import (
	"net/http"
	"strconv"
	"time"
)

// maxRest bounds what a Retry-After may ask for: a wrong one must not stop the claims of a day.
const maxRest = time.Hour

// RestsUntil says until when the portal asked not to be called (Retry-After of a 429 or 503); zero or past if it did not. It proves
// nothing about the call that was answered so.
func (c *Client) RestsUntil() time.Time { return time.UnixMilli(c.rests.Load()) }

// rest takes note of a Retry-After.
// Source: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
func (c *Client) rest(res *http.Response) {
	if res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusServiceUnavailable {
		return
	}
	said, now := res.Header.Get("Retry-After"), c.now()
	var wait time.Duration
	if n, err := strconv.ParseUint(said, 10, 31); err == nil {
		wait = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(said); err == nil {
		wait = at.Sub(now)
	}
	if wait > 0 {
		c.rests.Store(now.Add(min(wait, maxRest)).UnixMilli())
	}
}
