package rest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/rest"
)

// When its context ends the server finishes the request at work, takes no new one, and returns.
func TestServeEndsGracefully(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ours(t.Context()))
	started := make(chan struct{})
	srv := rest.HTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(started)
		cancel()
		<-ctx.Done()
		_, _ = io.WriteString(w, "done")
	}))
	served := make(chan error, 1)
	go func() { served <- rest.Serve(ctx, srv, l, fhirtest.Patience) }()
	res, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	<-started
	raw, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || string(raw) != "done" {
		t.Fatalf("answer %q, %v", raw, err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) { // a request could come to whoever has the port by now
		t.Fatalf("it still listens after the end: %v", err)
	}
}
