package bhxh

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Prechecked is a Claim as an episode of a claim file, with all that the pre-checks find about it.
type Prechecked struct {
	mapping.Claim
	File     hoso.File      // with the one episode
	Findings []hoso.Finding // of the mapping and of the rules; Element is filled in
}

// Precheck makes the claim file of a Claim and checks it. The jobs do the same before they send, so that who asks ahead
// gets the answer that will hold the claim. A panic over one record is an error of that record: it must not take the
// server and the claims of all others with it, again and again.
func Precheck(ctx context.Context, r mapping.Reader, claim resource.Value, o mapping.Options, c hoso.CheckOptions) (p Prechecked, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic while mapping: %v\n%s", v, debug.Stack())
		}
	}()
	p.Claim, err = mapping.FromFHIR(ctx, r, claim, o)
	if err != nil {
		return p, err
	}
	p.File = hoso.File{MaCSKCB: p.MaCSKCB, NgayLap: c.Now.In(wire.Zone).Format("20060102"), HoSo: []hoso.HoSo{p.HoSo}}
	p.Findings = slices.Concat(p.Claim.Findings, hoso.Check(&p.File, c))
	elementOf := mapping.Elements(claim, o.Systems)
	for i, f := range p.Findings {
		p.Findings[i].Element = elementOf(f)
	}
	return p, nil
}

// Reader reads what Claims refer to as of one commit, so that a claim file shows one state of the record; 0 is the head.
func Reader(s store.Store, t fhir.T) mapping.Reader { return asOf{s, t} }

// Clock is the zero CheckOptions with the time.
func Clock(now time.Time) hoso.CheckOptions { return hoso.CheckOptions{Now: now} }

// Parameters is the answer of $precheck: result (clean, warnings or errors), outcome with an OperationOutcome, and a
// finding for each, with the names that lienthong precheck --format json uses.
func (p Prechecked) Parameters(lang outcome.Language) []byte {
	type object = resource.ObjectOf
	result := "clean"
	var found resource.ListOf
	var issues []fhir.Issue
	for _, f := range p.Findings {
		issue := f.Issue()
		if f.Element != "" {
			issue.Path = f.Element
		}
		issues = append(issues, issue)
		switch level := f.Level(); {
		case level == "error" || level == "fatal":
			result = "errors"
		case level == "warning" && result == "clean":
			result = "warnings"
		}
		part := resource.ListOf{
			object{"name", "rule", "valueCode", f.Rule},
			object{"name", "severity", "valueCode", f.Level()},
		}
		add := func(name, member string, v any) {
			if !resource.Empty(v) {
				part = append(part, object{"name", name, member, v})
			}
		}
		add("table", "valueString", f.Table)
		part = append(part, object{"name", "row", "valueInteger", f.Row})
		add("field", "valueString", f.Field)
		add("message", "valueString", f.In(lang))
		add("message_vi", "valueString", f.VI)
		add("message_en", "valueString", f.EN)
		add("path", "valueString", f.Element)
		found = append(found, object{"name", "finding", "part", part})
	}
	head := resource.AppendJSON(nil, object{"name", "result", "valueCode", result})
	b := append([]byte(`{"resourceType":"Parameters","parameter":[`), head...)
	b = append(b, `,{"name":"outcome","resource":`...)
	b = append(outcome.Found(issues, lang).AppendJSON(b), '}')
	for _, f := range found {
		b = resource.AppendJSON(append(b, ','), f)
	}
	return append(b, "]}"...)
}
