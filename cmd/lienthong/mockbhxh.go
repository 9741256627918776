package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/adapters/bhxhmock"
	"github.com/lienthong/lienthong/cmd/lienthong/config"
)

type mockCmd struct {
	Serve  mockServeCmd  `cmd:"" default:"withargs" help:"Run the mock assessment portal (also without this word)."`
	Ledger mockLedgerCmd `cmd:"" help:"Check a ledger's chain, count what was received and how often, and export it."`
	Rules  mockRulesCmd  `cmd:"" help:"Print the built-in rules of the assessment, as a start for --rules."`
	Cards  mockCardsCmd  `cmd:"" help:"Print the built-in insurance cards, as a start for --cards."`
}

type mockServeCmd struct {
	Listen       string `default:"127.0.0.1:8090" env:"LIENTHONG_MOCK_LISTEN" placeholder:"ADDR" help:"Address to serve on; port 0 takes a free one. Default: ${default}."`
	Data         string `type:"path" required:"" env:"LIENTHONG_MOCK_DATA" placeholder:"DIR" help:"Folder of the ledger."`
	Credentials  string `type:"path" env:"LIENTHONG_MOCK_CREDENTIALS" placeholder:"FILE" help:"File with the accounts that may log in, as that of --gateway-credentials of serve; an account may send for its facilities alone. Default: 51_demo with password demo, for all facilities."`
	Certificates string `type:"path" env:"LIENTHONG_MOCK_CERTIFICATES" placeholder:"DIR" help:"Folder with {MA_CSKCB}.pem, the certificates of facilities, or default.pem: their claim files must be signed with one."`
	Cards        string `type:"path" env:"LIENTHONG_MOCK_CARDS" placeholder:"FILE" help:"Insurance cards that can be looked up, as YAML. Default: those that 'mock-bhxh cards' prints."`

	Rules string `type:"path" env:"LIENTHONG_MOCK_RULES" placeholder:"FILE" help:"Rules of the assessment, as YAML. Default: those that 'mock-bhxh rules' prints."`
	Seed  uint64 `env:"LIENTHONG_MOCK_SEED" placeholder:"N" help:"Which lines the rules sample: the same seed the same ones."`

	AssessingAfter    time.Duration `name:"assessing-after" default:"2s" help:"From receipt to 'assessing'."`
	FormatErrorsAfter time.Duration `name:"format-errors-after" placeholder:"TIME" help:"From receipt to format errors. Default: as --assessing-after."`
	AssessedAfter     time.Duration `name:"assessed-after" default:"10s" help:"From receipt to the decision."`
	SettledAfter      time.Duration `name:"settled-after" default:"10s" help:"From the decision to the earliest run of the settlement."`
	Deadlines         bool          `help:"The deadlines of the contract in place of these four: 6 h, 24 h, 48 h, and 7 working days."`
	ClockSpeed        int           `name:"clock-speed" default:"1" placeholder:"N" help:"So many times faster a clock for all of these: with 3600 an hour is a second."`

	RefuseRepeats bool     `name:"refuse-repeats" help:"Refuse a version of an episode that was taken before; the real portal was seen to take it."`
	Fault         []string `placeholder:"NAME[=N|P%|TIME]" help:"Switch a fault on: delay=2s, or linger=2m, which goes on when the caller has hung up; lag=1m, trickle=5s; status, rateLimit, html200, emptyBody, wrongReply, otherReply, twiceReply, truncate, reset, dropBeforeAccept, dropAfterAccept or tokenExpired, alone for always, =3 for three times, =10% for one in ten."`
	FaultPanel    bool     `name:"fault-panel" help:"Serve /panel and let whoever reaches it set faults (PUT /faults)."`
	Info          string   `type:"path" placeholder:"FILE" help:"Write where it is found to this file, as JSON, once it is ready."`
	LogFormat     string   `name:"log-format" enum:"text,json" default:"text" help:"Log lines as text or json."`
	LogLevel      string   `name:"log-level" enum:"debug,info,warn,error" default:"info" help:"Least level that is logged: debug, info, warn, error."`
}

// options reads what the flags name.
func (c *mockServeCmd) options() (o bhxhmock.Options, err error) {
	o = bhxhmock.Options{
		Dir: c.Data, Seed: c.Seed, Panel: c.FaultPanel, RefuseRepeats: c.RefuseRepeats, ClockSpeed: c.ClockSpeed,
		AssessingAfter: c.AssessingAfter, FormatErrorsAfter: c.FormatErrorsAfter, AssessedAfter: c.AssessedAfter, SettledAfter: c.SettledAfter,
	}
	if c.Deadlines {
		o = o.Deadlines()
	}
	if o.Faults, err = parseFaults(c.Fault); err != nil {
		return o, &exitError{exitUsage, err}
	}
	accounts := []config.Account{{Username: demoAccount, Password: demoPassword}}
	if c.Credentials != "" {
		if accounts, err = (config.Gateway{Credentials: c.Credentials}).Accounts(); err != nil {
			return o, err
		}
	}
	for _, a := range accounts {
		o.Accounts = append(o.Accounts, bhxhmock.Account(a))
	}
	if o.Rules, err = parsedFile(c.Rules, bhxhmock.ParseRules); err != nil {
		return o, err
	}
	if o.Cards, err = parsedFile(c.Cards, bhxhmock.ParseCards); err != nil {
		return o, err
	}
	if c.Certificates != "" {
		o.Verify, err = mockSignatures(c.Certificates)
	}
	return o, err
}

// parsedFile reads a file; nil without one.
func parsedFile[T any](file string, parse func([]byte) (*T, error)) (*T, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	v, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

// Run serves until ctx ends.
func (c *mockServeCmd) Run(ctx context.Context, s streams) (err error) {
	o, err := c.options()
	if err != nil {
		return err
	}
	o.Log = logger(s.err, c.LogFormat, c.LogLevel)
	keepHeapFloor()
	ln, err := listen(c.Listen)
	if err != nil {
		return err
	}
	defer ln.Close()
	mock, err := bhxhmock.New(o)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return serveHTTP(ctx, ln, bodyDeadlines(mock.Handler(), bodyStall, bodyMost), 5*time.Second, o.Log)
	})
	g.Go(func() error {
		if c.Info != "" {
			if err := (info{Gateway: urlOf(ln), Data: c.Data}).write(c.Info); err != nil {
				return err
			}
		}
		panel := ""
		if c.FaultPanel {
			panel = fmt.Sprintf(" Faults can be set by anybody at %s/panel.", urlOf(ln))
		}
		_, err := fmt.Fprintf(s.out, "Mock assessment portal at %s, its ledger at %[1]s/ledger.ndjson.%s Ctrl-C ends it.\n", urlOf(ln), panel)
		return err
	})
	return errors.Join(g.Wait(), mock.Close())
}

type (
	mockRulesCmd struct{}
	mockCardsCmd struct{}
)

// Run prints the rules as they stand in the program.
func (mockRulesCmd) Run(s streams) error {
	_, err := s.out.Write(bhxhmock.DefaultRules)
	return err
}

// Run prints the cards as they stand in the program.
func (mockCardsCmd) Run(s streams) error {
	_, err := s.out.Write(bhxhmock.DefaultCards)
	return err
}
