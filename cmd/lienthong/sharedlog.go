package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// openLog opens the log that servers share; nil if the log is in the folder of the store.
func openLog(ctx context.Context, c config.Log, log *slog.Logger) (commitlog.Log, error) {
	if !c.Shared() {
		return nil, nil
	}
	uri, err := c.Address()
	if err != nil {
		return nil, err
	}
	l, err := mongodb.Open(ctx, mongodb.Config{URI: uri, Single: c.Single, Timeout: c.Timeout, Logger: log})
	if err != nil {
		return nil, err // not a nil *mongodb.Log in an interface
	}
	log.Info("log opened", "log", mongodb.Redacted(uri))
	return l, nil
}

// logReady gives why a shared log takes no commits, if it can tell.
func logReady(ctx context.Context, l commitlog.Log) error {
	teller, ok := l.(interface{ Ready(context.Context) error })
	if !ok {
		return nil
	}
	return engine.ErrLog(teller.Ready(ctx))
}

// journalName gives the name of a server's audit journal when its key is made: servers of one log must not share one.
func journalName(c config.Server) string {
	const usual = "lienthong"
	name := cmp.Or(c.AuditName, usual)
	if c.Log.Shared() && name == usual {
		var b [4]byte
		_, _ = rand.Read(b[:]) // it never fails
		name += "-" + hex.EncodeToString(b[:])
	}
	return name
}

// oneQuestion lets all reads of a request share one question for the head of the log, and says in the answer if that could
// not be asked (RFC 7234, 5.5.1).
func oneQuestion(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, reading := store.WithReading(r.Context())
		next.ServeHTTP(&warner{ResponseWriter: w, reading: reading}, r.WithContext(ctx))
	})
}

type warner struct {
	http.ResponseWriter
	reading *store.Reading
	begun   bool
}

func (w *warner) WriteHeader(status int) {
	w.begin()
	w.ResponseWriter.WriteHeader(status)
}

func (w *warner) Write(b []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(b)
}

func (w *warner) begin() {
	if w.begun {
		return
	}
	w.begun = true
	if t, at, stale := w.reading.Stale(); stale {
		w.Header().Add("Warning", fmt.Sprintf("110 lienthong \"Response is stale: as of change %d, %s\"", t, at))
	}
}

// Flush, Hijack and Unwrap hand on what the server's own writer can.
func (w *warner) Flush() {
	w.begin()
	_ = http.NewResponseController(w.ResponseWriter).Flush() // as far as it can
}

func (w *warner) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

func (w *warner) Unwrap() http.ResponseWriter { return w.ResponseWriter }
