package main

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/rest"
)

// accessReport answers who looked at a record:
//
//	GET Patient/{id}/$access-report?from=2026-01-01&to=2026-12-31&_count=100
//
// from and to are dates or instants, in Vietnamese time where they have no zone; _count is 100, at most 1,000. The answer is a
// Bundle of AuditEvents, newest first, each told in words in the language asked for; the link "next" leads to older ones. Who
// may not read the Patient gets 404. Those with whom the Patient was merged are in it, if the caller may read them too.
func accessReport(n *node, base string) rest.Operation {
	return rest.Operation{
		Name: "access-report", Type: "Patient", Instance: true, Reads: true, Link: called("Who looked", "Ai đã xem"), Definition: base + "/fhir/OperationDefinition/Patient-access-report",
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
			if _, err := n.store.Read(ctx, a.Key, a.At); err != nil {
				return nil, err
			}
			person, err := n.service.Person(ctx, a.Key.ID)
			if err != nil {
				return nil, err
			}
			for _, id := range person {
				_, err := n.store.Read(ctx, fhir.Key{Type: "Patient", ID: id}, a.At)
				switch e, ok := errors.AsType[*fhir.Error](err); {
				case err == nil:
					q.People = append(q.People, id)
				case !ok || e.Kind != fhir.NotFound && e.Kind != fhir.Gone:
					return nil, err
				}
			}
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

// period reads a date or an instant as its first and last moment.
func period(s string) (from, to time.Time, ok bool) {
	if day, err := time.ParseInLocation(time.DateOnly, s, vietnam); err == nil {
		return day, day.AddDate(0, 0, 1).Add(-time.Nanosecond), true
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	return at, at, err == nil
}
