package main

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/registry"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/tabular"
)

// Pages of the lists: as FHIR, and as files, which are made of several pages.
const (
	pageStandard = 100
	pageMost     = 1000
	fileMost     = 5000 // rows, about
)

// listPage is one page of a list, in its two forms.
type listPage struct {
	bundle resource.ObjectOf
	table  *tabular.Table
	next   string // mark; its address is in the bundle, and made by self
}

// show gives a list in the format asked for. As FHIR and to read it is one page; as a file as many as fit, and where that is not all, a
// last row says so and with which mark to go on.
func (q *asked) show(a rest.Asked, operation string, get func(limit int, after string, self func(after string) string) (listPage, error)) (out rest.Content, err error) {
	limit := pageStandard
	if text := q.one("_count"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > pageMost {
			return out, q.wrong("_count", "1 – "+strconv.Itoa(pageMost))
		}
	}
	self := func(after string) string {
		if after == "" {
			return ""
		}
		v := url.Values{"after": {after}, "_count": {strconv.Itoa(limit)}, "lang": {string(q.lang)}}
		for name, values := range q.values {
			if v[name] == nil {
				v[name] = values
			}
		}
		return a.Base + "/$" + operation + "?" + v.Encode()
	}
	after := q.one("after")
	if a.Format == rest.JSON.Name || a.Format == rest.HTML.Name {
		p, err := get(limit, after, self)
		if err != nil {
			return out, err
		}
		if a.Format == rest.HTML.Name {
			out.Type = rest.HTML.Type + "; charset=utf-8"
			out.Body, err = registry.ListPage(q.lang, p.table, self(p.next))
			return out, err
		}
		return rest.Content{Type: rest.JSON.Type, Body: resource.AppendJSON(nil, p.bundle)}, nil
	}
	var t *tabular.Table
	for {
		p, err := get(limit, after, self)
		if err != nil {
			return out, err
		}
		if t == nil {
			t = p.table
		} else {
			t.Rows = append(t.Rows, p.table.Rows...)
		}
		if after = p.next; after == "" {
			break
		}
		if len(t.Rows) >= fileMost || q.one("_count") != "" {
			more := make([]string, len(t.Head))
			more[0] = outcome.Text("registry-more", q.lang) + " after=" + after
			t.Rows = append(t.Rows, more)
			break
		}
	}
	return sheet(t, a.Format, operation)
}

// due is $immunization-due: the list of a commune, of a clinic, or without either that of the caller's own organization.
func due(ctx context.Context, r *registry.Registry, a rest.Asked) (out rest.Content, err error) {
	q, err := readAsked(a, "commune", "clinic", "until", "status", "series", "_count", "after")
	if err != nil {
		return out, err
	}
	d := registry.DueQuery{Series: q.values["series"], Clinic: fhir.ID(strings.TrimPrefix(q.one("clinic"), "Organization/"))}
	switch communes := q.values["commune"]; {
	case len(communes) > 1 || len(communes) == 1 && d.Clinic != "":
		return out, fhir.Errorf(fhir.Invalid, "registry-whose", "http.commune")
	case len(communes) == 1:
		d.Commune = communes[0]
	case d.Clinic == "":
		caller, _ := access.CallerOf(ctx)
		if d.Clinic = caller.Organization; d.Clinic == "" {
			return out, fhir.Errorf(fhir.Invalid, "registry-whose", "")
		}
	}
	if text := q.one("until"); text != "" {
		if d.Until, err = time.Parse(time.DateOnly, text); err != nil || d.Until.Year() < 1900 {
			return out, q.wrong("until", "2026-12-31")
		}
	}
	switch q.one("status") {
	case "":
	case "overdue":
		d.Overdue = true
	default:
		return out, q.wrong("status", "overdue")
	}
	for _, s := range d.Series {
		if !r.Knows(s) {
			return out, q.wrong("series", "OPV, MR, …")
		}
	}
	return q.show(a, "immunization-due", func(limit int, after string, self func(string) string) (listPage, error) {
		d.Limit, d.After = limit, after
		found, err := r.Due(ctx, d)
		if err != nil {
			return listPage{}, err
		}
		return listPage{found.Bundle(q.lang, a.Base+"/$immunization-due?"+a.Query, self(found.Next)), found.Table(q.lang), found.Next}, nil
	})
}

// recall is $immunization-recall: who had a lot, as far as the caller may see.
func recall(ctx context.Context, r *registry.Registry, a rest.Asked) (out rest.Content, err error) {
	q, err := readAsked(a, "lot", "vaccine", "_count", "after")
	if err != nil {
		return out, err
	}
	if strings.TrimSpace(q.one("lot")) == "" {
		return out, fhir.Errorf(fhir.Invalid, "registry-lot", "http.lot")
	}
	return q.show(a, "immunization-recall", func(limit int, after string, self func(string) string) (listPage, error) {
		found, err := r.Recall(ctx, registry.RecallQuery{Lot: q.one("lot"), Vaccine: q.one("vaccine"), Limit: limit, After: after})
		if err != nil {
			return listPage{}, err
		}
		return listPage{found.Bundle(a.Base+"/$immunization-recall?"+a.Query, self(found.Next)), found.Table(q.lang), found.Next}, nil
	})
}
