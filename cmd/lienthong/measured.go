package main

import (
	"context"
	"errors"
	"net"
	"net/url"

	"github.com/lienthong/lienthong/cmd/lienthong/metrics"
)

// listenFor takes the address of the figures; nil for none.
func listenFor(address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	return listen(address)
}

// measured makes the figures of a node that is served at base.
func (n *node) measured(base string) *metrics.Metrics {
	path := defaultPath
	if u, err := url.Parse(base); err == nil {
		path = u.Path
	}
	return metrics.New(path, version(), metrics.Sources{
		Stats: n.store.Stats, Journal: n.trail.journal.Lengths, Writes: n.trail.journal.Writes, Claims: n.outbox.Summary, Overdue: n.outbox.Overdue, Mirror: n.mirrorLag(), LogCopy: n.logCopy.figure(),
		Ready: func(ctx context.Context) error {
			return errors.Join(n.ready(ctx)) // stale reads are for the operator to see, though /readyz lets them be served
		},
	})
}
