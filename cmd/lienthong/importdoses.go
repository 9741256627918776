package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/registry/intake"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/tabular"
	"github.com/lienthong/lienthong/fhir/wording"
)

type importDosesCmd struct {
	File     string `arg:"" optional:"" type:"path" help:"CSV (UTF-8) or XLSX with a row for each dose."`
	Template string `type:"path" placeholder:"FILE" help:"Write an empty table with all columns (.csv or .xlsx) and end."`
	DryRun   bool   `name:"dry-run" help:"Say what would become of each row, and write nothing."`
	Server   string `default:"http://127.0.0.1:8080/fhir" env:"LIENTHONG_SERVER" placeholder:"URL" help:"FHIR base URL of the server. Default: ${default}."`
	Token    string `name:"token-file" type:"path" env:"LIENTHONG_TOKEN_FILE" placeholder:"FILE" help:"File with the access token to call with."`
	Report   string `type:"path" placeholder:"FILE" help:"Write the report of all rows to this file (.csv or .xlsx). Default: rows that need a look are printed."`
	Lang     string `enum:"vi,en" default:"vi" help:"Language of the report: vi, en. Default: ${default}."`
}

// rowsAtOnce are sent in one request: the report of each part is there before the next one goes.
const rowsAtOnce = 500

// Run sends the table in parts and tells what became of the rows. Refused rows give exit code 3.
func (c *importDosesCmd) Run(ctx context.Context, s streams) error {
	lang := outcome.Language(c.Lang)
	if c.Template != "" {
		return writeTable(intake.Standard().Template(lang), c.Template)
	}
	if c.File == "" {
		return &exitError{exitUsage, errors.New("name a file, or --template")}
	}
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	limits := tabular.DefaultLimits
	limits.Rows = 1_000_000
	table, first, err := tabular.Read(raw, limits)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(c.File), err)
	}
	token := ""
	if c.Token != "" {
		secret, err := os.ReadFile(c.Token)
		if err != nil {
			return err
		}
		token = strings.TrimSpace(string(secret))
	}
	report := doseReport{dryRun: c.DryRun}
	for from := 0; from < max(len(table.Rows), 1); from += rowsAtOnce {
		part := &tabular.Table{Head: table.Head, Rows: table.Rows[from:min(from+rowsAtOnce, len(table.Rows))]}
		answer, err := c.send(ctx, part, token)
		if err != nil {
			return fmt.Errorf("row %d and those after it were not taken: %w; the same command sends all again, and no dose is there twice", first+from, err)
		}
		report.add(answer, first+from-2) // the server counts from 2
	}
	if c.Report != "" {
		if err := writeTable(report.table(lang), c.Report); err != nil {
			return err
		}
	} else {
		report.print(s.out, lang)
	}
	done := "added"
	if c.DryRun {
		done = "would be added"
	}
	fmt.Fprintf(s.out, "%d doses %s, %d are there already, %d rows refused\n", report.added, done, report.present, report.refused)
	if report.refused > 0 {
		return &exitError{exitPartial, fmt.Errorf("%d rows were refused; all else was taken", report.refused)}
	}
	return nil
}

func writeTable(t *tabular.Table, name string) error {
	write := t.CSV
	if strings.EqualFold(filepath.Ext(name), ".xlsx") {
		write = t.XLSX
	}
	raw, err := write()
	if err != nil {
		return err
	}
	return os.WriteFile(name, raw, 0o600)
}

// answerMost bounds what is read of an answer.
const answerMost = 16 << 20

// send gives the report of one part.
func (c *importDosesCmd) send(ctx context.Context, part *tabular.Table, token string) (resource.Value, error) {
	csv, err := part.XLSX() // in which no cell is changed
	if err != nil {
		return resource.Value{}, err
	}
	body := resource.AppendJSON(nil, resource.ObjectOf{"resourceType", "Parameters", "parameter", resource.ListOf{
		resource.ObjectOf{"name", "dryRun", "valueBoolean", c.DryRun},
		resource.ObjectOf{"name", "file", "resource", resource.ObjectOf{"resourceType", "Binary", "contentType", tabular.XLSX, "data", base64.StdEncoding.EncodeToString(csv)}},
	}})
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.Server, "/")+"/$immunization-import", bytes.NewReader(body))
	if err != nil {
		return resource.Value{}, err
	}
	req.Header.Set("Content-Type", "application/fhir+json")
	req.Header.Set("Accept-Language", c.Lang)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return resource.Value{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, answerMost))
	if err != nil {
		return resource.Value{}, err
	}
	doc, err := resource.New(raw)
	if err != nil {
		return resource.Value{}, fmt.Errorf("the server answers HTTP %d and no FHIR", res.StatusCode)
	}
	if v := doc.Root(); res.StatusCode != http.StatusOK || v.ResourceType() != "Parameters" {
		return resource.Value{}, fmt.Errorf("HTTP %d: %s", res.StatusCode, v.Get("issue").At(0).Get("details").Get("text").Text())
	}
	return doc.Root(), nil
}

// doseReport is what the server said of all parts.
type doseReport struct {
	dryRun                  bool
	added, present, refused int
	lines                   [][]string
}

// add takes the report of a part, whose row numbers are moved by so many.
func (r *doseReport) add(answer resource.Value, moved int) {
	for p := range answer.Get("parameter").Elements() {
		if p.Get("name").Text() != "row" {
			continue
		}
		line := make([]string, 7) // number, outcome, severity, code, column, text, references
		var issues [][4]string
		for part := range p.Get("part").Elements() {
			switch part.Get("name").Text() {
			case "number":
				var n int
				_, _ = fmt.Sscan(part.Get("valueInteger").Text(), &n)
				line[0] = fmt.Sprint(n + moved)
			case "outcome":
				line[1] = part.Get("valueCode").Text()
			case "patient", "dose":
				line[6] = strings.TrimSpace(line[6] + " " + part.Get("valueReference").Get("reference").Text())
			case "issue":
				var i [4]string
				for q := range part.Get("part").Elements() {
					for n, name := range []string{"severity", "code", "column", "text"} {
						if q.Get("name").Text() == name {
							i[n] = q.Get("valueCode").Text() + q.Get("valueString").Text()
						}
					}
				}
				issues = append(issues, i)
			}
		}
		switch line[1] {
		case string(intake.Added):
			r.added++
		case string(intake.Present):
			r.present++
		default:
			r.refused++
		}
		for _, i := range issues {
			copy(line[2:6], i[:])
			r.lines = append(r.lines, append([]string(nil), line...))
		}
		if issues == nil {
			r.lines = append(r.lines, line)
		}
	}
}

func (r *doseReport) table(l outcome.Language) *tabular.Table {
	head := []string{"Dòng", "Kết quả", "Mức độ", "Mã", "Cột", "Nội dung", "FHIR"}
	if l == outcome.English {
		head = []string{"Row", "Outcome", "Severity", "Code", "Column", "Text", "FHIR"}
	}
	return &tabular.Table{Head: head, Rows: r.inWords(l)}
}

// inWords gives the lines with outcome and severity in words.
func (r *doseReport) inWords(l outcome.Language) (lines [][]string) {
	for _, line := range r.lines {
		line = slices.Clone(line)
		line[1] = intake.Outcome(line[1]).In(l, r.dryRun)
		line[2] = wording.Of("issue-severity", line[2], l)
		lines = append(lines, line)
	}
	return lines
}

// print shows the rows that need a look.
func (r *doseReport) print(w io.Writer, l outcome.Language) {
	for _, l := range r.inWords(l) {
		if l[2] != "" {
			fmt.Fprintf(w, "%6s  %-14s %-11s %s %s\n", l[0], l[1], l[2], l[4], l[5])
		}
	}
}
