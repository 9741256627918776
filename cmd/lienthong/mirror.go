package main

import (
	"context"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/mirror"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
)

// openMirror makes the copy for analysts, if there is to be one.
func (n *node) openMirror(c config.Mirror, log *slog.Logger) (err error) {
	uri, database, err := c.Address()
	if err != nil || uri == "" {
		return err
	}
	if n.mirror, err = mirror.Open(uri, database, n.store, log); err == nil {
		log.Info("a copy for analysts is kept", "mirror", mongodb.Redacted(uri))
	}
	return err
}

func (n *node) feedMirror(ctx context.Context, g *errgroup.Group) {
	if n.mirror != nil {
		g.Go(func() error { return n.mirror.Run(ctx) })
	}
}

func (n *node) closeMirror() error {
	if n.mirror == nil {
		return nil
	}
	return n.mirror.Close(context.Background())
}

// mirrorLag is the source of a figure; nil without a mirror.
func (n *node) mirrorLag() func(context.Context) (uint64, error) {
	if n.mirror == nil {
		return nil
	}
	return n.mirror.Lag
}
