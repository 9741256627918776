package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/precheck"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
)

type precheckCmd struct {
	Files        []string            `arg:"" name:"files" help:"Claim files: GIAMDINHHS envelopes, also in base64, check-in files (XML0), or single tables. A folder stands for its *.xml files, - for standard input."`
	Format       string              `enum:"table,json,xlsx" default:"table" help:"table, json (one object a line) or xlsx. Default: ${default}."`
	Output       string              `short:"o" type:"path" placeholder:"FILE" help:"Write here and not to standard output."`
	Lang         string              `enum:"vi,en" default:"vi" help:"Language of the messages: vi or en. Default: ${default}."`
	SIDBase      string              `name:"sid-base" default:"https://lienthong.example" env:"LIENTHONG_SID_BASE" placeholder:"URL" help:"Base of the extensions that FHIR paths name. Default: ${default}."`
	MoreCodes    map[string][]string `name:"more-codes" mapsep:";" sep:"," placeholder:"FIELD=CODE,CODE;..." help:"Codes that later decisions added, by field."`
	FreeOfCharge []string            `name:"free-of-charge" placeholder:"MA_CSKCB,..." help:"Commune stations, whose patients pay no share."`
}

// Run checks the files. What was found is the exit code: 0 nothing, 1 warnings, 2 errors; 4 if a file cannot be read.
func (c *precheckCmd) Run(ctx context.Context, s streams) (err error) {
	failed := func(err error) error { return &exitError{exitNoPrecheck, err} }
	files, err := claimFiles(c.Files)
	if err != nil {
		return failed(err)
	}
	out := s.out
	if c.Output != "" {
		f, err := os.CreateTemp(filepath.Dir(c.Output), ".precheck-*")
		if err != nil {
			return failed(err)
		}
		defer func() { // the report is there whole or not at all
			if wish, ok := errors.AsType[*exitError](err); ok && wish.code == exitNoPrecheck {
				_ = f.Close()
				_ = os.Remove(f.Name())
				return
			}
			if e := errors.Join(f.Close(), os.Rename(f.Name(), c.Output)); e != nil {
				err = failed(e)
			}
		}()
		out = f
	} else if c.Format == precheck.Spreadsheet && isTerminal(s.out) {
		return failed(errors.New("a spreadsheet is not for the screen: name a file with --output"))
	}
	o := precheck.Options{
		Check:   hoso.CheckOptions{Now: time.Now(), MoreCodes: c.MoreCodes, FreeOfCharge: c.FreeOfCharge},
		Systems: mapping.Systems{Base: c.SIDBase},
	}
	w := precheck.NewWriter(c.Format, out, outcome.Language(c.Lang))
	var all precheck.Count
	var past precheck.Past
	for _, name := range files {
		n, err := checkFile(ctx, name, o, &past, func(f hoso.Finding) error { return w.Write(name, f) })
		all.Add(n)
		if n.Unreadable > 0 {
			fmt.Fprintf(s.err, "lienthong: %s: %s\n", name, wordsIn(outcome.Language(c.Lang), err))
			all.Errors++
			err = w.Write(name, hoso.NewFinding("ENV-03", "", 0, "")) // who reads the report alone must not take it for clean
		}
		if err != nil {
			return failed(err)
		}
	}
	if err := w.Close(); err != nil {
		return failed(err)
	}
	if past.Full() {
		fmt.Fprintln(s.err, "lienthong: too many stays to remember: DUP-03 did not look at all of them")
	}
	sum := fmt.Sprintf("%d files, %d episodes: %d errors, %d warnings", all.Files, all.Episodes, all.Errors, all.Warnings)
	if c.Format == precheck.Table {
		fmt.Fprintln(out, sum)
	}
	switch {
	case all.Unreadable > 0:
		return &exitError{exitUnreadable, fmt.Errorf("%d files cannot be read; %s", all.Unreadable, sum)}
	case all.Errors > 0:
		return &exitError{exitErrors, errors.New(sum)}
	case all.Warnings > 0:
		return &exitError{exitWarnings, errors.New(sum)}
	}
	return nil
}

func checkFile(ctx context.Context, name string, o precheck.Options, past *precheck.Past, report func(hoso.Finding) error) (precheck.Count, error) {
	var in io.Reader = os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return precheck.Count{Files: 1, Unreadable: 1}, err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return precheck.Count{Files: 1, Unreadable: 1}, fhir.Errorf(fhir.Invalid, "bhxh-file-unreadable", "")
		}
		in = f
	}
	return precheck.Run(ctx, in, o, past, report)
}

// claimFiles gives the files that the arguments stand for, each once. A name that is not there is left to be told with
// the others.
func claimFiles(args []string) (files []string, err error) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		if arg == "-" || err != nil || !info.IsDir() {
			files = append(files, arg)
			continue
		}
		found := len(files)
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.EqualFold(filepath.Ext(path), ".xml") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(files) == found {
			return nil, fmt.Errorf("%s: there are no *.xml files", arg)
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(files, func(f string) bool {
		twice := seen[f]
		seen[f] = true
		return twice
	}), nil
}
