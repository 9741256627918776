package rest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// HTTPServer makes a server for h whose settings keep slow or greedy clients from holding it. There is no limit on the
// time of a whole request, since a large transaction over a thin line is honest work; a header has 10 seconds.
func HTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    256 << 10, // more than Limits allow, so that they are what answers
	}
}

// Serve serves on l until ctx ends, then lets the requests at work finish within grace and returns nil if they did.
func Serve(ctx context.Context, srv *http.Server, l net.Listener, grace time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }() // ends with Shutdown or Close below
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := srv.Shutdown(stop)
	if err != nil {
		_ = srv.Close()
	}
	if served := <-done; !errors.Is(served, http.ErrServerClosed) && err == nil {
		err = served
	}
	return err
}
