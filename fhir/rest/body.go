package rest

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// document reads the body of a write as it streams in; what breaks a rule is refused before the rest is read.
func (c *call) document(limit int64) (*resource.Document, error) {
	if err := wantsJSONBody(c.http); err != nil {
		return nil, err
	}
	body, err := c.body(limit)
	if err != nil {
		return nil, err
	}
	size := c.http.ContentLength
	if header(c.http, "Content-Encoding") != "" {
		size = 0 // that of the compressed body
	}
	doc, err := resource.ReadSized(body, size, resource.Limits{Bytes: limit})
	return doc, c.received(err)
}

// raw reads a body that is no resource.
func (c *call) raw(limit int64) ([]byte, error) {
	body, err := c.body(limit)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return nil, c.received(fhir.Wrap(fhir.Invalid, "body-unreadable", err))
	case int64(len(raw)) > limit:
		return nil, fhir.Errorf(fhir.TooLarge, "body-too-large", "", limit)
	}
	return raw, c.received(nil)
}

// body is the request's body, decompressed; a length that is known to be over the limit is refused unread.
func (c *call) body(limit int64) (io.Reader, error) {
	if c.http.ContentLength > limit {
		return nil, fhir.Errorf(fhir.TooLarge, "body-too-large", "", limit)
	}
	switch enc := strings.ToLower(header(c.http, "Content-Encoding")); enc {
	case "", "identity":
		return &chargedBody{c.steady(), c, 0}, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(c.steady())
		if err != nil {
			return nil, c.received(fhir.Wrap(fhir.Invalid, "body-unreadable", err))
		}
		return &chargedBody{z, c, 0}, nil
	default:
		return nil, fhir.Errorf(fhir.Unsupported, "content-encoding", "", clip(enc))
	}
}

// received ends the reading of a body. The deadline of the last read is not meant for the time that the request takes from
// here on; a fault that the readers below noted says more than what the parser made of it.
func (c *call) received(err error) error {
	_ = http.NewResponseController(c.writer).SetReadDeadline(time.Time{})
	if err != nil && c.fault != nil {
		return c.fault
	}
	return err
}

// progress is how many bytes must come within Limits.BodyStall: a trickle is no progress.
const progress = 4 << 10

// steadyBody is a body that must keep coming: progress moves the connection's deadline on, up to the end of all time for it.
// Where there is no connection there is nothing to wait for.
type steadyBody struct {
	c       *call
	control *http.ResponseController
	came    int // since the deadline was moved
	end     time.Time
}

func (c *call) steady() io.Reader {
	return &steadyBody{c: c, control: http.NewResponseController(c.writer), came: progress, end: time.Now().Add(c.limits.BodyMost)}
}

func (b *steadyBody) Read(p []byte) (int, error) {
	if b.came >= progress {
		at := time.Now().Add(b.c.limits.BodyStall)
		if at.After(b.end) {
			at = b.end
		}
		_ = b.control.SetReadDeadline(at)
		b.came = 0
	}
	n, err := b.c.http.Body.Read(p)
	b.came += n
	switch {
	case err == io.EOF:
		b.c.whole = true
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.c.fault, b.c.stalled = fhir.Wrap(fhir.Invalid, "body-stalled", err, b.c.limits.BodyStall), true
	}
	return n, err
}

// chargedBody pays for what it hands on.
type chargedBody struct {
	from io.Reader
	c    *call
	n    int64
}

func (b *chargedBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.n += int64(n)
	if fault := b.c.share.cover(b.c.context, b.n); fault != nil {
		b.c.fault = fault
		return 0, fault
	}
	return n, err
}
