package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
)

type serveCmd struct{ config.Server }

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, s streams) error {
	if err := c.Check(); err != nil {
		return &exitError{exitUsage, err}
	}
	if err := c.Authentication.Check(c.Listen, c.BaseURL); err != nil {
		return &exitError{exitUsage, err}
	}
	limitMemory(c.MemoryLimit)
	log := logger(s.err, c.LogFormat, c.LogLevel)
	ln, err := listen(c.Listen)
	if err != nil {
		return err
	}
	defer ln.Close()
	base := c.BaseURL
	if base == "" {
		base = urlOf(ln) + defaultPath
		if c.TLSCert != "" {
			base = "https" + strings.TrimPrefix(base, "http")
		}
	}
	if ln, err = withTLS(ln, c.Authentication, log); err != nil {
		return err
	}
	if c.Insecure {
		log.Warn(unguarded[0])
	}
	figures, err := listenFor(c.Metrics)
	if err != nil {
		return err
	}
	n, err := openNode(ctx, c.Server, base, log)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	i := info{FHIR: base, Gateway: c.Gateway.URL, Data: c.Data}
	if figures != nil {
		i.Metrics = urlOf(figures) + "/metrics"
		m := n.measured(base)
		n.handler = m.Watch(n.handler)
		g.Go(func() error { return serveHTTP(ctx, figures, m.Handler(), c.Drain, log) })
		log.Info("figures for Prometheus", "at", i.Metrics)
	}
	g.Go(func() error { return n.run(ctx) })
	g.Go(func() error { return serveHTTP(ctx, ln, n.handler, c.Drain, log) })
	g.Go(func() error {
		if c.Info != "" {
			if err := i.write(c.Info); err != nil {
				return err
			}
		}
		log.Info("serving", "fhir", base, "data", c.Data, "pid", os.Getpid())
		_, err := fmt.Fprintf(s.out, "FHIR server at %s, data in %s. Ctrl-C ends it.\n", base, c.Data)
		return err
	})
	err = g.Wait()
	if closeErr := n.close(); err == nil {
		err = closeErr
	}
	log.Info("ended")
	return err
}

// limitMemory sets the runtime's soft limit in MiB, unless GOMEMLIMIT has one, and within it the floor of the heap.
func limitMemory(mib int64) {
	if os.Getenv("GOMEMLIMIT") == "" && mib > 0 && mib < math.MaxInt64>>20 {
		debug.SetMemoryLimit(mib << 20)
	}
	keepHeapFloor()
}

// logger writes events for the operator to w.
func logger(w io.Writer, format, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
