package main

import (
	"context"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/matching"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
)

// whoIsWho are the operations about persons who may be one:
//
//	POST Patient/$match     those who may be the Patient in the parameter resource, with score and reasons
//	POST Patient/$merge     source-patient, target-patient, reason: the target stands for the source
//	POST Patient/$unmerge   the same: takes it back
func whoIsWho(m *matching.Service, base string) []rest.Operation {
	definition := func(name string) string { return base + "/fhir/OperationDefinition/Patient-" + name }
	decide := func(name string, do func(context.Context, matching.Decision) error) rest.Operation {
		return rest.Operation{Name: name, Type: "Patient", Definition: definition(name), Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			d, ok := decision(a.Body)
			if !ok {
				return nil, fhir.Errorf(fhir.Invalid, "merge-parameters", "", "$"+name)
			}
			if err := do(ctx, d); err != nil {
				return nil, err
			}
			return resource.AppendJSON(nil, resource.ObjectOf{"resourceType", "Parameters", "parameter", resource.ListOf{
				resource.ObjectOf{"name", "source-patient", "valueReference", resource.ObjectOf{"reference", "Patient/" + string(d.Source)}},
				resource.ObjectOf{"name", "target-patient", "valueReference", resource.ObjectOf{"reference", "Patient/" + string(d.Target)}},
			}}), nil
		}}
	}
	return []rest.Operation{
		{Name: "match", Type: "Patient", Definition: "http://hl7.org/fhir/OperationDefinition/Patient-match", Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			q := matching.Question{Base: a.Base, Language: a.Language}
			for p := range a.Body.Get("parameter").Elements() {
				switch p.Get("name").Text() {
				case "resource":
					q.Patient = p.Get("resource")
				case "onlyCertainMatches":
					q.Certain = p.Get("valueBoolean").Text() == "true"
				case "count":
					q.Count = min(number(p.Get("valueInteger").Text()), 100)
				}
			}
			return m.Match(ctx, q)
		}},
		decide("merge", m.Merge),
		decide("unmerge", m.Unmerge),
	}
}

// number reads a small whole number; what is none is 0.
func number(s string) (n int) {
	for _, r := range s {
		if r < '0' || r > '9' || n > 1000 {
			return 0
		}
		n = n*10 + int(r-'0')
	}
	return n
}

// decision reads the parameters of $merge and $unmerge.
func decision(in resource.Value) (matching.Decision, bool) {
	d := matching.Decision{At: time.Now()}
	for p := range in.Get("parameter").Elements() {
		id, err := fhir.ParseID(strings.TrimPrefix(p.Get("valueReference").Get("reference").Text(), "Patient/"))
		switch p.Get("name").Text() {
		case "source-patient":
			d.Source = id
		case "target-patient":
			d.Target = id
		case "reason":
			d.Reason, err = p.Get("valueString").Text(), nil
		default:
			err = nil
		}
		if err != nil {
			return d, false
		}
	}
	return d, d.Source != "" && d.Target != "" && d.Reason != ""
}
