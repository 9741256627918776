package main

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/operation/patientsummary"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/rest"
)

// vaccinations are the operations on a person's vaccinations:
//
//	POST $immds-forecast                                stateless, as HL7 ImmDS has it
//	GET  Patient/{id}/$immds-forecast                   of a person here, by id
//	GET  Patient/$immds-forecast?identifier=system|...  by an identifier
//	GET  Patient/{id}/$immunization-summary             what was given, what counts, what is due; by identifier likewise
//	GET  Patient/{id}/$summary                          the International Patient Summary; by identifier likewise
func vaccinations(v *vaccination.Service, ips *patientsummary.Service, base string) []rest.Operation {
	forecast := rest.Operation{
		Name: "immds-forecast", Type: "Patient", Reads: true, Definition: base + "/fhir/OperationDefinition/Patient-immds-forecast",
		Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			q, err := vaccinationQuery(a, "assessmentDate", "pregnant")
			if err != nil {
				return nil, err
			}
			return v.Forecast(ctx, a.Key, q, a.At, a.Language)
		},
	}
	summary := rest.Operation{
		Name: "immunization-summary", Type: "Patient", Reads: true, Names: history.Names, Definition: base + "/fhir/OperationDefinition/Patient-immunization-summary",
		Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			q, err := vaccinationQuery(a, "assessmentDate", "pregnant", "form")
			if err != nil {
				return nil, err
			}
			return v.Summary(ctx, a.Key, q, a.At, a.Base, a.Language)
		},
	}
	whole := rest.Operation{
		Name: "summary", Type: "Patient", Reads: true, Definition: "http://hl7.org/fhir/uv/ips/OperationDefinition/summary",
		Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			q, err := vaccinationQuery(a, "profile")
			if err != nil {
				return nil, err
			}
			return ips.Document(ctx, a.Key, q, a.At, a.Base, a.Language)
		},
	}
	ofOne, summaryOfOne, wholeOfOne := forecast, summary, whole
	ofOne.Instance, summaryOfOne.Instance, wholeOfOne.Instance = true, true, true
	summaryOfOne.Link, wholeOfOne.Link = called("Vaccinations", "Tiêm chủng"), called("Summary of the record", "Tóm tắt hồ sơ")
	return []rest.Operation{{
		Name: "immds-forecast", Definition: "http://hl7.org/fhir/us/immds/OperationDefinition/immds-forecast",
		Run: func(ctx context.Context, a rest.Asked) ([]byte, error) { return v.Stateless(ctx, a.Body, a.Language) },
	}, forecast, ofOne, summary, summaryOfOne, whole, wholeOfOne}
}

// vaccinationQuery reads the parameters of an operation, which needs an identifier where the address has no id.
func vaccinationQuery(a rest.Asked, allowed ...string) (vaccination.Query, error) {
	if a.Key.ID != "" {
		return vaccination.ParseQuery(a.Query, a.Body, allowed...)
	}
	q, err := vaccination.ParseQuery(a.Query, a.Body, append(allowed, "identifier")...)
	if err == nil && q.Identifier == "" {
		err = fhir.Errorf(fhir.Invalid, "vaccination-identifier", "")
	}
	return q, err
}
