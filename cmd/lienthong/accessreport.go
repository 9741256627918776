package main

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
)

// accessReport answers who looked at a record:
//
//	GET Patient/{id}/$access-report?from=2026-01-01&to=2026-12-31&_count=100
//
// from and to are dates or instants, in Vietnamese time where they have no zone; _count is 100, at most 1,000. The answer is a
// Bundle of AuditEvents, newest first, each told in words in the language asked for; the link "next" leads to older ones. Who
// may not read the Patient gets 404. Those whom the Patient replaced (link of type replaces) are in it.
func accessReport(n *node, base string) rest.Operation {
	return rest.Operation{
		Name: "access-report", Type: "Patient", Instance: true, Reads: true, Definition: base + "/fhir/OperationDefinition/Patient-access-report",
		Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			q := audit.Inquiry{Most: 100, Language: a.Language}
			params, err := url.ParseQuery(a.Query)
			if err != nil {
				return nil, fhir.Errorf(fhir.Invalid, "access-report-parameter", "", "?")
			}
			for name := range params {
				value := params.Get(name)
				ok := false
				switch name {
				case "from":
					q.From, _, ok = period(value)
				case "to":
					_, q.To, ok = period(value)
				case "_count":
					n, err := strconv.Atoi(value)
					q.Most, ok = n, err == nil && n > 0 && n <= 1000
				}
				if !ok {
					return nil, fhir.Errorf(fhir.Invalid, "access-report-parameter", "", name)
				}
			}
			found, err := n.store.Read(ctx, a.Key, a.At)
			if err != nil {
				return nil, err
			}
			doc, err := resource.New(found.Stored.Body)
			if err != nil {
				return nil, err
			}
			q.People = append([]fhir.ID{a.Key.ID}, replaced(doc.Root())...)
			params.Del("to")
			q.Self = a.Base + "/" + a.Key.String() + "/$access-report?"
			if rest := params.Encode(); rest != "" {
				q.Self += rest + "&"
			}
			r := audit.Reporter{Journal: n.trail.journal, Store: n.trail.store, Follow: n.trail.follow}
			return r.Report(ctx, q)
		},
	}
}

// replaced gives the Patients that a Patient stands for since a merge.
func replaced(patient resource.Value) (ids []fhir.ID) {
	links := patient.Get("link")
	for i := range links.Len() {
		link := links.At(i)
		if link.Get("type").Text() != "replaces" {
			continue
		}
		if id, ok := strings.CutPrefix(link.Get("other").Get("reference").Text(), "Patient/"); ok {
			if id, err := fhir.ParseID(id); err == nil {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// period reads a date or an instant as its first and last moment.
func period(s string) (from, to time.Time, ok bool) {
	if day, err := time.ParseInLocation(time.DateOnly, s, vietnam); err == nil {
		return day, day.AddDate(0, 0, 1).Add(-time.Nanosecond), true
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	return at, at, err == nil
}
