package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/adapters/bhxhmock"
	"github.com/lienthong/lienthong/cmd/lienthong/config"
)

type mockCmd struct {
	Listen         string        `default:"127.0.0.1:8090" env:"LIENTHONG_MOCK_LISTEN" placeholder:"ADDR" help:"Address to serve on; port 0 takes a free one. Default: ${default}."`
	Data           string        `type:"path" required:"" env:"LIENTHONG_MOCK_DATA" placeholder:"DIR" help:"Folder of the ledger."`
	Credentials    string        `type:"path" env:"LIENTHONG_MOCK_CREDENTIALS" placeholder:"FILE" help:"File with the accounts that may log in, as that of --gateway-credentials of serve. Default: 51_demo with password demo, for all facilities."`
	AssessingAfter time.Duration `name:"assessing-after" default:"2s" help:"From receipt to 'assessing'."`
	AssessedAfter  time.Duration `name:"assessed-after" default:"10s" help:"From receipt to the decision."`
	RefuseRepeats  bool          `name:"refuse-repeats" help:"Refuse a version of an episode that was taken before; the real portal was seen to take it."`
	Fault          []string      `placeholder:"NAME[=N|P%|TIME]" help:"Switch a fault on: delay=2s, or linger=2m, which goes on when the caller has hung up; status, html200, emptyBody, wrongReply, dropBeforeAccept, dropAfterAccept or tokenExpired, alone for always, =3 for three times, =10% for one in ten. PUT /faults does the same while it runs."`
	Info           string        `type:"path" placeholder:"FILE" help:"Write where it is found to this file, as JSON, once it is ready."`
	LogFormat      string        `name:"log-format" enum:"text,json" default:"text" help:"Log lines as text or json."`
	LogLevel       string        `name:"log-level" enum:"debug,info,warn,error" default:"info" help:"Least level that is logged: debug, info, warn, error."`
}

// Run serves until ctx ends.
func (c *mockCmd) Run(ctx context.Context, s streams) (err error) {
	faults, err := parseFaults(c.Fault)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	accounts := []config.Account{{Username: demoAccount, Password: demoPassword}}
	if c.Credentials != "" {
		if accounts, err = (config.Gateway{Credentials: c.Credentials}).Accounts(); err != nil {
			return err
		}
	}
	var known []bhxhmock.Account
	for _, a := range accounts {
		known = append(known, bhxhmock.Account(a))
	}
	log := logger(s.err, c.LogFormat, c.LogLevel)
	ln, err := listen(c.Listen)
	if err != nil {
		return err
	}
	defer ln.Close()
	mock, err := bhxhmock.New(bhxhmock.Options{
		Dir: c.Data, Accounts: known, Faults: faults,
		AssessingAfter: c.AssessingAfter, AssessedAfter: c.AssessedAfter, RefuseRepeats: c.RefuseRepeats, Log: log,
	})
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return serveHTTP(ctx, ln, bodyDeadlines(mock.Handler(), bodyStall, bodyMost), 5*time.Second, log)
	})
	g.Go(func() error {
		if c.Info != "" {
			if err := (info{Gateway: urlOf(ln), Data: c.Data}).write(c.Info); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(s.out, "Mock assessment portal at %s, its ledger at %[1]s/ledger.ndjson. Ctrl-C ends it.\n", urlOf(ln))
		return err
	})
	return errors.Join(g.Wait(), mock.Close())
}

// faultNames are the switches of PUT /faults.
var faultNames = []string{"delay", "status", "html200", "emptyBody", "wrongReply", "dropBeforeAccept", "dropAfterAccept", "tokenExpired"}

// parseFaults turns the flags into the switches of PUT /faults.
func parseFaults(flags []string) (bhxhmock.Faults, error) {
	switches := map[string]map[string]any{}
	for _, flag := range flags {
		name, value, given := strings.Cut(flag, "=")
		f := map[string]any{}
		percent, isPercent := strings.CutSuffix(value, "%")
		switch {
		case name == "delay" || name == "linger":
			if d, err := time.ParseDuration(value); err != nil || d <= 0 {
				return bhxhmock.Faults{}, fmt.Errorf("--fault %s: how long is needed, as in --fault %s=2s", flag, name)
			}
			f["for"] = value
			if name == "linger" {
				name, f["linger"] = "delay", true
			}
		case !given:
		case isPercent:
			p, err := strconv.ParseFloat(percent, 64)
			if err != nil {
				return bhxhmock.Faults{}, fmt.Errorf("--fault %s: %q is no percentage", flag, value)
			}
			f["probability"] = p / 100
		default:
			n, err := strconv.Atoi(value)
			if err != nil {
				return bhxhmock.Faults{}, fmt.Errorf("--fault %s: %q is no number of times", flag, value)
			}
			f["count"] = n
		}
		switches[name] = f
	}
	raw, err := json.Marshal(switches)
	if err != nil {
		return bhxhmock.Faults{}, err
	}
	for name := range switches {
		if !slices.Contains(faultNames, name) {
			return bhxhmock.Faults{}, fmt.Errorf("--fault %s: there is no such fault; there are delay, linger, %s", name, strings.Join(faultNames[1:], ", "))
		}
	}
	var faults bhxhmock.Faults
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(&faults); err != nil {
		return bhxhmock.Faults{}, fmt.Errorf("--fault: %w", err)
	}
	return faults, nil
}
