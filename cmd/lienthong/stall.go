package main

import (
	"io"
	"net/http"
	"time"
)

// Bounds of a request's body: a client that stops sending, or sends so slowly, is no client.
const (
	bodyStall = 30 * time.Second // between two pieces
	bodyMost  = 15 * time.Minute // in all
)

// bodyDeadlines gives up on bodies that stall, for handlers that do not see to it themselves. A plain read time-out would also end large bundles over slow lines.
func bodyDeadlines(next http.Handler, stall, most time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &movingBody{ReadCloser: r.Body, control: http.NewResponseController(w), stall: stall, end: time.Now().Add(most)}
		}
		next.ServeHTTP(w, r)
	})
}

// movingBody moves the connection's read deadline along with the body.
type movingBody struct {
	io.ReadCloser
	control *http.ResponseController
	stall   time.Duration
	end     time.Time
}

func (b *movingBody) Read(p []byte) (int, error) {
	at := time.Now().Add(b.stall)
	if at.After(b.end) {
		at = b.end
	}
	_ = b.control.SetReadDeadline(at) // a writer without deadlines has no connection that could stall
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		// The server goes on reading to see whether the client leaves; a deadline would look as if it had.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
