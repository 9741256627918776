// Command lienthong is the one binary: the server, its demo, and its tools.
//
//	lienthong demo           everything at once, with an invented population
//	lienthong serve          the server
//	lienthong import FILES   bring FHIR data in
//	lienthong import-immunizations FILE   doses from a table
//	lienthong precheck FILES check claim files before they are sent
//	lienthong mock-bhxh      the mock assessment portal
//	lienthong jobs           show, pause, resume and run what a server does by schedule
//	lienthong bench          speed, next to its limits
//	lienthong policy         show and check who may see and change what
//	lienthong migrate        the log from a folder to MongoDB, or back
//	lienthong verify-audit   whether the audit journal holds
//	lienthong claims         list, show, sample, export and reconcile claims of a server
//	lienthong verify-evidence FILE       whether a file of evidence of a claim holds
//	lienthong certificate-key new FILE   a key to sign vaccination certificates
//	lienthong verify-certificate INPUT   whether one is genuine: 0 valid, 1 not valid, 2 unreadable
//	lienthong encrypt        an encrypted copy of a store in clear
//	lienthong encryption-key make and rotate the key of an encrypted store, say what it encrypts
//	lienthong version
//
// Exit codes: 0 done, 1 it did not work, 2 the command line is wrong, 3 an import ended and some entries were refused.
// Of precheck: 0 clean, 1 warnings, 2 errors, 4 a file cannot be read, 5 it did not work or the command line is wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitFailed  = 1
	exitUsage   = 2
	exitPartial = 3

	exitWarnings   = 1
	exitErrors     = 2
	exitUnreadable = 4
	exitNoPrecheck = 5
)

// exitError is an error that asks for an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// cli is the command line. Each command has its file. (Lines are apart so that they need not be aligned.)
type cli struct {
	Config kong.ConfigFlag `placeholder:"FILE" help:"Settings as YAML: flag names without the dashes. Flags and environment go before it."`

	Demo demoCmd `cmd:"" help:"Run everything at once: server, mock portal, scheduler, an invented population."`

	Serve serveCmd `cmd:"" help:"Run the server."`

	Import importCmd `cmd:"" help:"Import files of FHIR data and claim files."`

	ImportImmunizations importDosesCmd `cmd:"" name:"import-immunizations" help:"Send doses in from a table (CSV, XLSX)."`

	Precheck precheckCmd `cmd:"" help:"Check claim files of the social insurance before they are sent."`

	MockBHXH mockCmd `cmd:"" name:"mock-bhxh" help:"Run the mock assessment portal."`

	Jobs jobsCmd `cmd:"" help:"Show, pause, resume and run the jobs of a server, such as the sending of claims."`

	Bench benchCmd `cmd:"" help:"Measure speed, next to its limits."`

	Probe probeCmd `cmd:"" help:"Ask whether an address answers, for health checks of containers."`

	Simulate simulateCmd `cmd:"" help:"Simulate a nation partitioned by province: balance, what crosses partitions, catching up."`

	Policy policyCmd `cmd:"" help:"Show and check policies: who may see and change what."`

	Migrate migrateCmd `cmd:"" help:"Copy the log of a store from its folder to MongoDB, or back."`

	BenchBare bareCmd `cmd:"" name:"bench-bare" hidden:""`

	BenchUnwatched unwatchedCmd `cmd:"" name:"bench-unwatched" hidden:""`

	VerifyAudit verifyAuditCmd `cmd:"" name:"verify-audit" help:"Prove offline that the audit journal was not tampered with."`

	Claims claimsCmd `cmd:"" help:"What auditors do with claims: list, show, sample, export, reconcile."`

	VerifyEvidence verifyEvidenceCmd `cmd:"" name:"verify-evidence" help:"Prove offline that a file of evidence is what the server gave out."`

	CertificateKey certificateKeyCmd `cmd:"" name:"certificate-key" help:"Keys that sign vaccination certificates."`

	VerifyCertificate verifyCertificateCmd `cmd:"" name:"verify-certificate" help:"Check a vaccination certificate without a network: exit code 0 valid, 1 not valid, 2 unreadable."`

	Encrypt encryptCmd `cmd:"" help:"Make an encrypted copy of a store that is in clear."`

	EncryptionKey encryptionKeyCmd `cmd:"" name:"encryption-key" help:"Make and rotate the key file of an encrypted store."`

	Version versionCmd `cmd:"" help:"Print the version."`
}

// streams are where a command writes: what was asked for to out, messages and progress to err.
type streams struct{ out, err io.Writer }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "lienthong:", words(err))
	}
	os.Exit(exitCode(err))
}

func exitCode(err error) int {
	var wish *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wish):
		return wish.code
	}
	return exitFailed
}

// run does what the arguments say and returns when that is done, or when ctx ends and all is closed. Tests start it too.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	type shown struct{} // help was printed: kong has nothing more to do
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(shown); !ok {
				panic(r)
			}
		}
	}()
	forgetEmptySettings()
	parser, err := newParser(ctx, stdout, stderr, func(int) { panic(shown{}) })
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		code := exitUsage
		if commandOf(parser.Model, args) == "precheck " {
			code = exitNoPrecheck // 2 says there that a file has errors
		}
		return &exitError{code, fmt.Errorf("%w; see lienthong %s--help", err, commandOf(parser.Model, args))}
	}
	return command.Run()
}

// commandOf gives the command that arguments begin with and a blank, "" if they begin with none.
func commandOf(app *kong.Application, args []string) string {
	for _, c := range app.Children {
		if len(args) > 0 && args[0] == c.Name {
			return c.Name + " "
		}
	}
	return ""
}

// newParser makes the parser of the command line; exit is called when help was printed.
func newParser(ctx context.Context, stdout, stderr io.Writer, exit func(int)) (*kong.Kong, error) {
	var c cli
	return kong.New(&c,
		kong.Name("lienthong"),
		kong.Description("Health records that reach each other: FHIR R4, citizen ID, claims to the social insurance."),
		kong.Writers(stdout, stderr),
		kong.Exit(exit),
		kong.Configuration(yamlSettings),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams{stdout, stderr}),
	)
}
