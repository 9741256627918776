package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// exchange is one request and what came back. err is set when no whole reply came.
type exchange struct {
	connected bool // a connection was there: bytes may have left
	status    int  // HTTP status; 0 = no reply. It decides nothing
	body      []byte
	err       error
}

// hash is the SHA-256 of the reply's body, "" if there is none.
func (x exchange) hash() string {
	if len(x.body) == 0 {
		return ""
	}
	sum := sha256.Sum256(x.body)
	return hex.EncodeToString(sum[:])
}

// timely is a body that ends with an error when its time is over. It is read right before it is written to the line.
type timely struct {
	body  *bytes.Reader
	until time.Time // zero: no end
	now   func() time.Time
}

func (t *timely) Read(p []byte) (int, error) {
	if !t.until.IsZero() && !t.now().Before(t.until) {
		return 0, errTooLate
	}
	return t.body.Read(p)
}

var (
	errTooLate       = errors.New("the deadline passed before all was sent")
	errReplyTooLarge = errors.New("the reply is larger than allowed")
	errNotJSON       = errors.New("the reply is no JSON object with a valid maKetQua")
	errNoMaGiaoDich  = errors.New("the reply says 200 without maGiaoDich")
)

// post makes one request, without any repetition. The errors of net/http name the address and no header or body.
func (c *Client) post(ctx context.Context, path, contentType string, body []byte, key *wire.APIKey) exchange {
	return c.postUntil(ctx, time.Time{}, path, contentType, body, key)
}

// postUntil is post with a time from which on no byte of the body leaves.
func (c *Client) postUntil(ctx context.Context, until time.Time, path, contentType string, body []byte, key *wire.APIKey) exchange {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var connected atomic.Bool // GotConn may be called by another goroutine, even after Do has returned
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, &timely{bytes.NewReader(body), until, c.now})
	if err != nil {
		return exchange{err: err}
	}
	// Without GetBody the transport cannot send the body again by itself.
	req.GetBody = nil
	req.ContentLength = int64(len(body))
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", wire.JSONType)
	if key != nil {
		// The contract spells these headers so; servers do not look at the case.
		req.Header.Set(wire.HeaderAccessToken, key.AccessToken)
		req.Header.Set(wire.HeaderTokenID, key.IDToken)
		req.Header.Set(wire.HeaderPasswordHash, c.hash)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return exchange{connected: connected.Load(), err: err}
	}
	defer res.Body.Close()
	c.rest(res)
	x := exchange{connected: true, status: res.StatusCode}
	x.body, x.err = io.ReadAll(io.LimitReader(res.Body, c.maxReply+1))
	if x.err == nil && int64(len(x.body)) > c.maxReply {
		x.body, x.err = nil, errReplyTooLarge
	}
	return x
}

// reply reads the body of x into v and gives its result code; the error says why the reply proves nothing.
func reply(x exchange, v any, code *wire.MaKetQua) error {
	if x.err != nil {
		return x.err
	}
	if err := json.Unmarshal(x.body, v); err != nil || !code.Valid() {
		return fmt.Errorf("%w (HTTP status %d, %d bytes)", errNotJSON, x.status, len(x.body))
	}
	return nil
}

// with runs call with a session; a reply 401 makes it log in again, once, and call once more.
// The error is that of the log-in: call was then not made, or it was turned away.
func (c *Client) with(ctx context.Context, call func(wire.APIKey) wire.MaKetQua) error {
	key, err := c.session(ctx)
	if err != nil {
		return err
	}
	if call(key) != wire.NotLoggedIn {
		return nil
	}
	c.forget(key)
	if key, err = c.session(ctx); err != nil {
		return err
	}
	if call(key) == wire.NotLoggedIn {
		c.forget(key)
	}
	return nil
}
