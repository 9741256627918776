package rest

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
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
	defer c.steadied()
	size := c.http.ContentLength
	if header(c.http, "Content-Encoding") != "" {
		size = 0 // that of the compressed body
	}
	return resource.ReadSized(body, size, resource.Limits{Bytes: limit})
}

// raw reads a body that is no resource.
func (c *call) raw(limit int64) ([]byte, error) {
	body, err := c.body(limit)
	if err != nil {
		return nil, err
	}
	defer c.steadied()
	raw, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return nil, fhir.Wrap(fhir.Invalid, "body-unreadable", err)
	case int64(len(raw)) > limit:
		return nil, fhir.Errorf(fhir.TooLarge, "body-too-large", "", limit)
	}
	return raw, nil
}

// body is the request's body, decompressed; a length that is known to be over the limit is refused unread.
func (c *call) body(limit int64) (io.Reader, error) {
	if c.http.ContentLength > limit {
		return nil, fhir.Errorf(fhir.TooLarge, "body-too-large", "", limit)
	}
	switch enc := strings.ToLower(header(c.http, "Content-Encoding")); enc {
	case "", "identity":
		return c.steady(), nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(c.steady())
		if err != nil {
			return nil, fhir.Wrap(fhir.Invalid, "body-unreadable", err)
		}
		return z, nil
	default:
		return nil, fhir.Errorf(fhir.Unsupported, "content-encoding", "", clip(enc))
	}
}

// steadyBody is a body that must keep coming: each read gets the stall time anew.
type steadyBody struct {
	io.Reader
	control *http.ResponseController
	stall   time.Duration
}

func (b *steadyBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.stall)) // where there is no connection there is nothing to wait for
	return b.Reader.Read(p)
}

func (c *call) steady() io.Reader {
	return &steadyBody{c.http.Body, http.NewResponseController(c.writer), c.stall}
}

// steadied lifts the deadline of the last read: it is not meant for the time that the request takes from here on.
func (c *call) steadied() { _ = http.NewResponseController(c.writer).SetReadDeadline(time.Time{}) }

// ifMatch reads If-Match, nil if there is none. A tag that this server cannot have given matches nothing.
func (c *call) ifMatch() (*fhir.Version, error) {
	text := header(c.http, "If-Match")
	if text == "" {
		return nil, nil
	}
	v, ok := interaction.ParseETag(text)
	if !ok {
		return nil, fhir.Errorf(fhir.Precondition, "etag-foreign", "", clip(text))
	}
	return &v, nil
}
