package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/lienthong/lienthong/fhir/audit"
)

// listen takes an address, whose connections hold back what the audit trail does not have yet; in use, or not ours to take, is said in words.
func listen(address string) (net.Listener, error) {
	ln, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("the address %s is in use by another program: end that one, or choose another address (port 0 takes a free one)", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("the address %s may not be taken by this user: ports below 1024 need a right of their own", address)
	case err != nil:
		return nil, fmt.Errorf("the address %s cannot be served on: %w", address, err)
	}
	return audit.Hold(sparing(ln)), nil
}

// urlOf gives the URL of a listener; an address that means "all of them" is shown as the loopback one.
func urlOf(ln net.Listener) string {
	addr := ln.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(addr.Port))
}

// panicsTold tells the operator of a panic that no room below has made an answer of, by its stack alone: what it says may be
// of somebody. The client sees its connection end.
func panicsTold(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p != http.ErrAbortHandler {
				log.Error("a request could not be answered: a fault of the program", "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler)
		}()
		next.ServeHTTP(w, r)
	})
}

// serveHTTP answers on ln until ctx ends, then lets running requests finish for at most drain.
func serveHTTP(ctx context.Context, ln net.Listener, handler http.Handler, drain time.Duration, log *slog.Logger) error {
	server := &http.Server{
		Handler:           panicsTold(handler, log),
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      30 * time.Minute, // from the headers on: the longest upload and the longest answer
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    256 << 10, // what is more gets a plain 431; rest answers from 64 KiB on, in words
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ConnContext:       audit.ConnContext,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	select {
	case err := <-ended:
		return fmt.Errorf("the server on %s stopped: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
		log.Warn("requests were cut off when the server ended", "drain", drain)
	}
	<-ended
	return nil
}
