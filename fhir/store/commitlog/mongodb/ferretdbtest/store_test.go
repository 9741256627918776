package ferretdbtest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/storetest"
)

func options(l commitlog.Log) engine.Options {
	return engine.Options{
		Index: storetest.Index, IndexWith: func(reg *r4.Registry) engine.IndexFunc { return storetest.IndexWith(reg) },
		Log: l, Poll: 5 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	}
}

// whole is a server of its own: an engine and its connection to the log.
type whole struct {
	*engine.Engine
	close func() error
}

func (s whole) Close() error { return s.close() }

func openWhole(tb testing.TB, dir, uri string, single bool, maxWaiting int) whole {
	tb.Helper()
	l, err := mongodb.Open(context.Background(), mongodb.Config{URI: uri, Single: single})
	if err != nil {
		tb.Fatal(err)
	}
	o := options(l)
	o.MaxWaiting = maxWaiting
	e, err := engine.Open(dir, o)
	if err != nil {
		_ = l.Close() // the first error says more
		tb.Fatal(err)
	}
	return whole{e, sync.OnceValue(func() error { return errors.Join(e.Close(), l.Close()) })}
}

func verify(tb testing.TB, s store.Store) {
	tb.Helper()
	if err := s.(whole).Verify(ours(context.Background())); err != nil {
		tb.Errorf("the state does not follow from the log: %v", err)
	}
}

func ours(ctx context.Context) context.Context { return store.WithFence(ctx, store.OpenFence()) }

// place is the file in a store's folder that names its log, so that a child process finds it.
const place = "log-uri"

func configOf(s Server) storetest.Config {
	return storetest.Config{
		Open: func(tb testing.TB, dir string, maxWaiting int) store.Store {
			file := filepath.Join(dir, place)
			raw, err := os.ReadFile(file)
			if errors.Is(err, os.ErrNotExist) {
				raw = []byte(s.With("").URI)
				err = errors.Join(os.WriteFile(file+".new", raw, 0o600), os.Rename(file+".new", file)) // the process may be killed
			}
			if err != nil {
				tb.Fatal(err)
			}
			return openWhole(tb, filepath.Join(dir, "engine"), string(raw), s.Single, maxWaiting)
		},
		Check:        verify,
		Child:        "TestChild",
		LogElsewhere: true,
		Queries:      300,
	}
}

// childServer tells a child process the server.
const childServer = "FERRETDBTEST_SERVER"

// TestStore runs the suite of all stores.
func TestStore(t *testing.T) {
	for _, s := range Servers(t) {
		t.Setenv(childServer, s.URI)
		t.Run(s.Name, func(t *testing.T) { storetest.Run(t, configOf(s)) })
	}
}

// TestChild runs in the processes that DURABLE/kill-9 kills.
func TestChild(t *testing.T) {
	storetest.Child(t, configOf(Server{URI: os.Getenv(childServer), Single: strings.HasPrefix(os.Getenv(childServer), "mongodb://127.0.0.1:")}))
}
