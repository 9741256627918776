package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Options are the flags of "lienthong bench".
type Options struct {
	Workload  string        `arg:"" optional:"" default:"all" help:"import, create, read, history, startup, search, scale, everything, crud, precheck, forecast, summary, registry, auth, shared, claims-month, claims-slot, or all but scale, shared and the claims."`
	Synthea   string        `default:"../shared/data/synthea" help:"Folder with Synthea bundles (*.json.bz2)."`
	Target    string        `help:"FHIR base URL of a server to measure instead of a child process."`
	Duration  time.Duration `default:"10s" help:"Length of each timed load."`
	Rate      int           `help:"Requests a second at which latencies of search, history and summary are measured, whatever is reached at full speed. Default: half of that; and for history and summary 64 clinics that ask ten times a second each."`
	Copies    int           `default:"10" help:"How many times the data is loaded for the slope of 'history'."`
	Children  int           `help:"Children that summary and registry load, each with 18 doses: 55600 have a million. Default: 200 times --copies."`
	Senders   int           `default:"4" help:"Senders of the import."`
	Claims    int           `default:"300000" help:"Claims of claims-month and claims-slot. Default: ${default}, a province's month."`
	Records   int           `default:"10000" help:"Claims of claims-month whose whole record is taken in (patient, stay, findings); the others are claims of their own about the same records. Default: ${default}."`
	Hospitals int           `default:"15" help:"Hospitals of claims-month. Default: ${default}."`
	Dir       string        `help:"Folder for the stores under test; default: a temporary one, removed at the end."`
	Log       string        `placeholder:"URI" help:"Log of 'shared': mongodb://HOSTS/DATABASE, a database that is not there yet."`
	LogSingle bool          `help:"That log is one server and no replica set."`
	Open      Outbox        `kong:"-"` // of claims-slot
	JSON      string        `help:"Also write the figures as JSON to this file."`
}

// workloads in the order in which 'all' runs them.
var workloads = []struct {
	name string
	run  func(*session) error
}{
	{"import", (*session).importBundles},
	{"create", (*session).create},
	{"read", (*session).read},
	{"history", (*session).history},
	{"search", (*session).search},
	{"everything", (*session).everything},
	{"crud", (*session).crud},
	{"precheck", (*session).precheck},
	{"forecast", (*session).forecast},
	{"summary", (*session).summary},
	{"registry", (*session).registry},
	{"auth", (*session).auth},
	{"startup", (*session).startup},
	{"scale", (*session).scale},
	{"shared", (*session).shared},
	{"claims-month", (*session).claimsMonth},
	{"claims-slot", (*session).claimsSlot},
}

// session is one run of the bench: its folder, its report, and the server that the workloads share.
type session struct {
	Options
	ctx    context.Context
	dir    string
	report *Report

	server *process          // nil with Target
	base   string            // FHIR base of the server under test, loaded once
	header map[string]string // that children come with; nil = none
	loaded []bundle          // patient bundles that are in the server
}

// Run measures and prints. An error means that something could not be measured; a missed limit is no error.
func Run(ctx context.Context, o Options, out io.Writer) error {
	names := []string{}
	for _, w := range workloads {
		names = append(names, w.name)
	}
	if o.Workload != "all" && !slices.Contains(names, o.Workload) {
		return fmt.Errorf("no workload %q; there are: %s, all", o.Workload, strings.Join(names, ", "))
	}
	s := &session{Options: o, ctx: ctx, dir: o.Dir, report: newReport(out)}
	if s.dir != "" {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return err
		}
	} else {
		dir, err := os.MkdirTemp("", "lienthong-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s.dir = dir
	}
	defer s.end()
	for _, w := range workloads {
		if o.Workload != w.name && (o.Workload != "all" || w.name == "scale" || w.name == "shared" || strings.HasPrefix(w.name, "claims-")) {
			continue
		}
		fmt.Fprintf(out, "%s\n", w.name)
		if err := w.run(s); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	s.report.print()
	if o.JSON != "" {
		return s.report.write(o.JSON)
	}
	return nil
}

// end stops the shared server.
func (s *session) end() {
	if s.server != nil {
		_ = s.server.stop()
		s.server = nil
	}
}

// settle waits until the server under test rests: what a load left it to do in the background is no part of the next one.
func (s *session) settle(longest time.Duration) {
	if s.server != nil {
		s.server.settle(longest)
	}
}

// serve makes sure that the shared server runs and holds the Synthea data once.
func (s *session) serve() error {
	if s.base != "" {
		return nil
	}
	if s.Target != "" {
		s.base = strings.TrimSuffix(s.Target, "/")
	} else {
		p, err := startServer(s.ctx, s.dir)
		if err != nil {
			return err
		}
		s.server, s.base = p, p.base
	}
	return s.load()
}
