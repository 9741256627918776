package main

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/registry"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/tabular"
)

// registryOperations are what a vaccination registry is asked for:
//
//	GET $immunization-coverage?cohort=2020-2025&commune=…&series=…&by=commune,cohort&format=json|html|csv|xlsx&lang=vi|en
//
//	GET $immunization-due?commune=…|clinic=…&until=2026-12-31&status=overdue&series=…&_count=100&after=…&format=json|html|csv|xlsx&lang=vi|en
//	GET $immunization-recall?lot=…&vaccine=05&_count=100&after=…&format=json|html|csv|xlsx&lang=vi|en
//
// Parameters that may be given more than once: commune, series.
func registryOperations(r *registry.Registry, base string) []rest.Operation {
	definition := func(name string) string { return base + "/fhir/OperationDefinition/" + name }
	return []rest.Operation{
		{Name: "immunization-coverage", Reads: true, Definition: definition("immunization-coverage"), Formats: registryFormats, Serve: func(ctx context.Context, a rest.Asked) (rest.Content, error) {
			return coverage(ctx, r, a)
		}},
		{Name: "immunization-due", Reads: true, Definition: definition("immunization-due"), Formats: registryFormats, Serve: func(ctx context.Context, a rest.Asked) (rest.Content, error) {
			return due(ctx, r, a)
		}},
		{Name: "immunization-recall", Reads: true, Definition: definition("immunization-recall"), Formats: registryFormats, Serve: func(ctx context.Context, a rest.Asked) (rest.Content, error) {
			return recall(ctx, r, a)
		}},
	}
}

// Formats of the answers, the first is the default.
var (
	csvFile         = rest.Format{Name: "csv", Type: tabular.CSV}
	xlsxFile        = rest.Format{Name: "xlsx", Type: tabular.XLSX}
	registryFormats = []rest.Format{rest.JSON, rest.HTML, csvFile, xlsxFile}
)

// asked are the parameters of an operation of the registry, checked against what it knows.
type asked struct {
	values map[string][]string
	lang   outcome.Language
}

// several are the parameters that may be given more than once.
var several = []string{"commune", "series"}

// readAsked reads the parameters; that of the format is read already.
// Errors: Kind Invalid, codes "operation-parameter-unknown", "vaccination-parameter-twice" and "registry-parameter".
func readAsked(a rest.Asked, known ...string) (q asked, err error) {
	q = asked{values: map[string][]string{}, lang: a.Language}
	params, err := search.Parse(a.Query)
	if err != nil {
		return q, err
	}
	for _, p := range params {
		name := p.Key()
		switch {
		case !slices.Contains(known, name) && name != "format" && name != "lang":
			return q, fhir.Errorf(fhir.Invalid, "operation-parameter-unknown", "http."+name, name)
		case len(q.values[name]) > 0 && !slices.Contains(several, name):
			return q, fhir.Errorf(fhir.Invalid, "vaccination-parameter-twice", "http."+name, name)
		}
		q.values[name] = append(q.values[name], p.Value)
	}
	switch lang := q.one("lang"); lang {
	case "":
	case "vi", "en":
		q.lang = outcome.Language(lang)
	default:
		return q, q.wrong("lang", "vi, en")
	}
	return q, nil
}

func (q *asked) one(name string) string {
	if v := q.values[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// wrong says that the value of a parameter cannot be used, and what could be.
func (q *asked) wrong(name, want string) error {
	return fhir.Errorf(fhir.Invalid, "registry-parameter", "http."+name, name, want)
}

// cohorts reads "2024" and "2020-2024"; without it: the last five years.
func (q *asked) cohorts(today time.Time) (from, to int, err error) {
	text := q.one("cohort")
	if text == "" {
		return today.Year() - 4, today.Year(), nil
	}
	first, last, span := strings.Cut(text, "-")
	if !span {
		last = first
	}
	from, err1 := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if err1 != nil || err2 != nil || len(first) != 4 || len(last) != 4 || from > to {
		return 0, 0, q.wrong("cohort", "2024, 2020-2024")
	}
	return from, to, nil
}

// Bounds of a coverage, in groups times series: of a table, and of an answer that says more of each.
const (
	mostRows = 100_000
	mostTold = 5_000
)

func coverage(ctx context.Context, r *registry.Registry, a rest.Asked) (out rest.Content, err error) {
	q, err := readAsked(a, "cohort", "commune", "series", "by")
	if err != nil {
		return out, err
	}
	c := registry.CoverageQuery{Communes: q.values["commune"], Series: q.values["series"], AtMostRows: mostRows}
	if a.Format == rest.JSON.Name || a.Format == rest.HTML.Name {
		c.AtMostRows = mostTold
	}
	if c.From, c.To, err = q.cohorts(r.Now()); err != nil {
		return out, err
	}
	for _, s := range c.Series {
		if !r.Knows(s) {
			return out, q.wrong("series", "OPV, MR, …")
		}
	}
	for by := range strings.SplitSeq(q.one("by"), ",") {
		switch by {
		case "":
		case "commune":
			c.ByCommune = true
		case "cohort":
			c.ByCohort = true
		default:
			return out, q.wrong("by", "commune, cohort")
		}
	}
	found, err := r.Coverage(ctx, c, store.FenceOf(ctx).Operation("immunization-coverage-exact"))
	if err != nil {
		return out, err
	}
	switch a.Format {
	case rest.HTML.Name:
		out.Type = rest.HTML.Type + "; charset=utf-8"
		out.Body, err = found.Page(q.lang)
	case rest.JSON.Name:
		out.Type = rest.JSON.Type
		out.Body = resource.AppendJSON(nil, found.MeasureReport(q.lang, r.Now()))
	default:
		return sheet(found.Table(q.lang), a.Format, "coverage")
	}
	return out, err
}

// sheet gives a table as a file.
func sheet(t *tabular.Table, format, name string) (out rest.Content, err error) {
	if format == csvFile.Name {
		out.Type, out.Name = tabular.CSV, name+".csv"
		out.Body, err = t.CSV()
		return out, err
	}
	out.Type, out.Name = tabular.XLSX, name+".xlsx"
	out.Body, err = t.XLSX()
	return out, err
}
