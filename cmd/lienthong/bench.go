package main

import (
	"context"

	"github.com/lienthong/lienthong/cmd/lienthong/bench"
)

type benchCmd struct{ bench.Options }

// Run measures. The raw engine beside the server is written to as by the server itself.
func (c *benchCmd) Run(ctx context.Context, s streams) error {
	return bench.Run(ours(ctx), c.Options, s.out)
}

// bareCmd is what the bench compares reads with: a handler that only answers.
type bareCmd struct{ bench.BareOptions }

// Run serves until ctx ends.
func (c *bareCmd) Run(ctx context.Context) error { return bench.ServeBare(ctx, c.BareOptions) }
