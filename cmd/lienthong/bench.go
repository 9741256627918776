package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/alecthomas/kong"

	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/cmd/lienthong/bench"
	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/store"
)

type benchCmd struct{ bench.Options }

// Run measures. The raw engine beside the server is written to as by the server itself.
func (c *benchCmd) Run(ctx context.Context, s streams) error {
	keepHeapFloor() // what makes the load shares the processors with the server: it should not collect for every few requests
	c.Open = func(ctx context.Context, data string) (store.Store, *delivery.Outbox, func() error, error) {
		n, err := openNode(ctx, config.Server{Data: data, SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 1000}, "", logger(s.err, "text", "warn"))
		if err != nil {
			return nil, nil, nil, err
		}
		end := n.trail.beside(ctx)
		return n.store, n.outbox, func() error { return errors.Join(end(), n.close()) }, nil
	}
	return bench.Run(ours(ctx), c.Options, s.out)
}

// unwatchedCmd is what the bench compares a server with that asks who calls and keeps the trail: everything but that. It serves
// a store of its own on the loopback and nothing else.
type unwatchedCmd struct {
	Data string `required:"" type:"path" help:"Folder of the store; it must not be there."`
	Info string `required:"" type:"path" help:"File to write the base URL to."`
}

// Run serves until ctx ends.
func (c *unwatchedCmd) Run(ctx context.Context, s streams) error {
	if _, err := os.Stat(c.Data); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there: without an audit trail only a new store of the bench is served", c.Data)
	}
	var serve struct {
		Server serveCmd `cmd:""`
	}
	parser, err := kong.New(&serve)
	if err != nil {
		return err
	}
	if _, err := parser.Parse([]string{"server", "--listen", "127.0.0.1:0", "--data", c.Data, "--info", c.Info, "--insecure-no-authentication"}); err != nil {
		return err
	}
	serve.Server.Unwatched = true
	return serve.Server.Run(ctx, s)
}

// bareCmd is what the bench compares reads with: a handler that only answers.
type bareCmd struct{ bench.BareOptions }

// Run serves until ctx ends.
func (c *bareCmd) Run(ctx context.Context) error { return bench.ServeBare(ctx, c.BareOptions) }
