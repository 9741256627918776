package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/adapters/bhxhmock"
	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/cmd/lienthong/synthetic"
	"github.com/lienthong/lienthong/fhir/openid"
)

// demoStore is the folder of the store within that of a demo.
const demoStore = "store"

type demoCmd struct {
	Listen        string        `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address of the FHIR server; port 0 takes a free one. Default: ${default}."`
	GatewayListen string        `name:"gateway-listen" default:"127.0.0.1:8090" placeholder:"ADDR" help:"Address of the mock portal; port 0 takes a free one. Default: ${default}."`
	Data          string        `type:"path" placeholder:"DIR" help:"Folder to keep everything in, to continue with the next time. Default: a temporary one, removed at the end."`
	Seed          uint64        `default:"1" help:"Which population to invent; the same seed gives the same one."`
	Citizens      int           `default:"60" help:"How many citizens to invent, at least."`
	Every         time.Duration `default:"10s" help:"Distance of the scheduler's slots, at which claims go out and are asked about."`
	config.Log    `embed:""`
	Info          string `type:"path" placeholder:"FILE" help:"Write where everything is to this file, as JSON, once it is ready."`
	MemoryLimit   int64  `name:"memory-limit" default:"360" placeholder:"MiB" help:"Memory to stay within, as far as the work allows. 0: no limit. Default: ${default}."`
	LogLevel      string `name:"log-level" enum:"debug,info,warn,error" default:"warn" help:"Least level that is logged: debug, info, warn, error."`
}

// The demo's account at its own mock portal; there is nothing behind it to protect.
const (
	demoAccount  = "51_demo"
	demoPassword = "demo"
)

// demo is a demo under way.
type demo struct {
	*demoCmd
	dir          string // where everything is kept
	out          io.Writer
	log          *slog.Logger
	fhir, portal net.Listener
	node         *node
	mock         *bhxhmock.Mock
	people       *synthetic.Population
	issuer       *demoIssuer
	messages     *demoMessages
}

// base is the FHIR base URL.
func (d *demo) base() string { return urlOf(d.fhir) + defaultPath }

// Run shows the whole job until ctx ends.
func (c *demoCmd) Run(ctx context.Context, s streams) (err error) {
	if c.Citizens < 1 || c.Every < time.Second {
		return &exitError{exitUsage, errors.New("--citizens must be positive, --every at least 1s")}
	}
	limitMemory(c.MemoryLimit)
	dir := c.Data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "lienthong-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	d := &demo{demoCmd: c, dir: dir, out: s.out, log: logger(s.err, "text", c.LogLevel)}
	if d.fhir, err = listen(c.Listen); err != nil {
		return err
	}
	defer d.fhir.Close()
	if d.portal, err = listen(c.GatewayListen); err != nil {
		return err
	}
	defer d.portal.Close()
	if d.messages, err = newDemoMessages(); err != nil {
		return err
	}
	defer d.messages.smtp.Close()
	return d.run(ctx)
}

// open starts what the demo is made of: the mock portal with its ledger, and the server with its store, both in dir.
func (d *demo) open(ctx context.Context) error {
	credentials := filepath.Join(d.dir, "gateway.yaml")
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(credentials, []byte("username: "+demoAccount+"\npassword: "+demoPassword+"\n"), 0o600); err != nil {
		return err
	}
	keys := filepath.Join(d.dir, "certificate-keys.json")
	if _, err := os.Stat(keys); errors.Is(err, os.ErrNotExist) {
		if _, err := addKey(keys, time.Now()); err != nil {
			return err
		}
	}
	settings := config.Server{
		Log:         d.demoCmd.Log,
		Certificate: config.Certificate{Keys: keys, Authority: "Lienthong (demo)", ValidFor: 365 * 24 * time.Hour},
		Data:        filepath.Join(d.dir, demoStore), SIDBase: "https://lienthong.example", MaxBody: 128 << 20, MaxEntries: 100_000,
		Gateway: config.Gateway{
			URL: urlOf(d.portal), Credentials: credentials,
			Schedule: "@every " + d.Every.String(), StatusSchedule: "@every " + d.Every.String(), Timeout: 5 * time.Second, Settle: 8 * time.Second, Resend: "settled", Lease: 6 * time.Second,
			AskEvery: d.Every / 2, RetryFirst: d.Every / 2, RetryMax: 3 * d.Every,
		},
	}
	var err error
	if d.issuer, err = newDemoIssuer(d.base()); err != nil {
		return err
	}
	if settings.Reminders, err = d.messages.settings(d.dir, urlOf(d.fhir), d.Every); err != nil {
		return err
	}
	settings.Authentication = config.Authentication{Own: func() openid.Issuers { return d.issuer.issuers }}
	if d.node, err = openNode(ctx, settings, d.base(), d.log); err != nil {
		return err
	}
	d.mock, err = bhxhmock.New(bhxhmock.Options{
		Dir: filepath.Join(d.dir, "portal"), Log: d.log,
		Accounts:       []bhxhmock.Account{{Username: demoAccount, Password: demoPassword}},
		AssessingAfter: d.Every / 2, AssessedAfter: d.Every * 3 / 2,
	})
	if err != nil {
		return errors.Join(err, d.node.close())
	}
	return nil
}

func (d *demo) run(ctx context.Context) error {
	if err := d.open(ctx); err != nil {
		if ctx.Err() != nil { // it was asked to end before it had begun
			return nil
		}
		return err
	}
	stop := ctx
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return serveHTTP(ctx, d.portal, bodyDeadlines(d.mock.Handler(), bodyStall, bodyMost), time.Second, d.log)
	})
	g.Go(func() error {
		return serveHTTP(ctx, d.fhir, d.messages.handler(d.issuer.handler(d.node.handler)), 5*time.Second, d.log)
	})
	g.Go(d.messages.serve)
	context.AfterFunc(ctx, func() { _ = d.messages.smtp.Close() })
	g.Go(func() error {
		err := d.seed(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = d.introduce()
		}
		if err != nil {
			return err
		}
		g.Go(func() error { return d.node.run(ctx) })
		return d.follow(ctx)
	})
	err := g.Wait()
	if stop.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, d.node.close(), d.mock.Close())
}

// seed invents the population and loads what of it is not there yet.
func (d *demo) seed(ctx context.Context) error {
	s := seeder{d.base(), &http.Client{Transport: inProcess{d.node.handler}}} // so that an episode is its hospital's, and people nobody's
	today, err := s.day(ctx, d.Seed)
	if err != nil {
		return err
	}
	d.people = synthetic.New(synthetic.Config{Citizens: d.Citizens, Seed: d.Seed, Today: today, SID: "https://lienthong.example/sid/"})
	return s.load(ctx, d.people)
}
