package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/cmd/lienthong/synthetic"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
)

// curls are the three lines that show the job: a record is pushed, it is found by citizen ID, a claim is on its way.
// They are for bash as they stand: one line each, everything foreign in single quotes.
func curls(base, cccdSystem string, child *synthetic.Citizen, claim string, today time.Time) [3]string {
	record := fmt.Sprintf(`{"resourceType":"Immunization","status":"completed",`+
		`"vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"150","display":"Cúm mùa"}]},`+
		`"patient":{"reference":"Patient/%s"},"occurrenceDateTime":"%s","lotNumber":"GD-CUM-1"}`, child.ID, today.Format(time.DateOnly))
	return [3]string{
		fmt.Sprintf(`curl -sS '%s/Immunization?_pretty=true' -H 'Content-Type: application/fhir+json' -d '%s'`, base, record),
		fmt.Sprintf(`curl -sS '%s/Immunization?patient.identifier=%s|%s&_sort=-date&_pretty=true'`, base, cccdSystem, child.CCCD),
		fmt.Sprintf(`curl -sS '%s/Task?focus=%s&_pretty=true'`, base, claim),
	}
}

// introduce tells what runs where and how to try it.
func (d *demo) introduce() error {
	child, claim := d.people.Child(), d.people.Episodes[0].Claim()
	system := "https://lienthong.example/sid/cccd"
	lines := curls(d.base(), system, child, claim.String(), time.Now().In(vietnam))
	kept := "a temporary folder, removed at the end"
	if d.Data != "" {
		kept = d.Data
	}
	if d.demoCmd.Log.Shared() {
		uri, err := d.demoCmd.Log.Address()
		if err != nil {
			return err
		}
		kept += "\n  log              " + mongodb.Redacted(uri) + ", which stays"
	}
	first := d.people.Episodes[0]
	people := d.issuer.people(child, d.people.Visit(), synthetic.FacilityID(first.Facility), claim.String(), system)
	d.issuer.knows(people)
	tokens, err := d.issuer.tokens(people)
	if err != nil {
		return err
	}
	var asRoles string
	for _, t := range tokens {
		asRoles += fmt.Sprintf("  # %s\n  H='Authorization: Bearer %s'; curl -sS -H \"$H\" '%s%s'\n\n", t.Who, t.Token, d.base(), t.Path)
	}
	_, err = fmt.Fprintf(d.out, `Lienthong demo: %d invented citizens of Quảng Ngãi, nobody of them real.

  FHIR server      %s
  mock portal      %s (its ledger: %[3]s/ledger.ndjson)
  scheduler        claims go out and are asked about every %s
  data             %s

A hospital pushes a record, a vaccination of %s:

%s

A clinic finds it by citizen ID, among the child's others:

%s

How far a claim is (its answer: %s/ClaimResponse?request=%s):

%s

The lines above ask as nobody: the demo lets them in, and a server does not. As one of these, by a token of the demo's own
issuer that ends with the demo, a request sees what the policy allows:

%s
In a browser, %s/auth/sign-in lets you choose one of them and shows the pages as they see them.
Reminders of vaccinations go to a mail server and a gateway of text messages of the demo's own: %[14]s/demo/messages

Ctrl-C ends it.

`, len(d.people.Citizens), d.base(), urlOf(d.portal), d.Every, kept, child.Name, lines[0], lines[1], d.base(), claim, lines[2], asRoles, d.issuer.origin, urlOf(d.fhir))
	if err != nil || d.Info == "" {
		return err
	}
	return info{
		FHIR: d.base(), Gateway: urlOf(d.portal), CitizenIDSystem: system, CitizenID: child.CCCD,
		Patient: "Patient/" + child.ID, Claim: claim.String(), Data: d.Data,
	}.write(d.Info)
}

// follow shows the claims by state until ctx ends: on a terminal one line that changes, elsewhere a line for each change. While the
// store cannot answer, such as without its log, it shows why, and goes on.
func (d *demo) follow(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	line := liveLine{out: d.out, rewrite: isTerminal(d.out)}
	defer line.end()
	for {
		counts, err := d.node.outbox.Summary(ctx)
		if ctx.Err() != nil {
			return nil
		}
		text := summaryLine(counts)
		if e, ok := errors.AsType[*fhir.Error](err); ok && e.Kind == fhir.Unavailable {
			text = "the claims cannot be shown now: " + e.Code
		} else if err != nil {
			return err
		}
		if err := line.show(text); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func summaryLine(counts delivery.Summary) string {
	all := 0
	for _, n := range counts {
		all += n
	}
	return fmt.Sprintf("%d claim versions: %s", all, counts)
}

// liveLine prints a text when it differs from the last one.
type liveLine struct {
	out     io.Writer
	rewrite bool
	last    string
}

func (l *liveLine) show(s string) error {
	if s == l.last {
		return nil
	}
	l.last = s
	var err error
	if l.rewrite {
		_, err = fmt.Fprint(l.out, "\r\x1b[K", s)
	} else {
		_, err = fmt.Fprintln(l.out, s)
	}
	return err
}

// end leaves the line for what comes after.
func (l *liveLine) end() {
	if l.rewrite && l.last != "" {
		fmt.Fprintln(l.out)
	}
}
