package vaccination

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

// mostImmunizations bounds what one stateless forecast may cost.
const mostImmunizations = 500

// Stateless is POST $immds-forecast: everything that the forecast rests on is in the Parameters, nothing is read or kept.
//
//	assessmentDate 1..1 date   patient 1..1 Patient   immunization 0..* Immunization
//
// and, which the guide does not have, what contraindications are looked for in:
//
//	condition 0..* Condition   allergyIntolerance 0..* AllergyIntolerance   adverseEvent 0..* AdverseEvent   pregnant 0..1 boolean
//
// It answers with Parameters: evaluation 0..* ImmunizationEvaluation, recommendation 1..1 ImmunizationRecommendation.
// Source: HL7 ImmDS implementation guide, OperationDefinition immds-forecast.
func (s *Service) Stateless(_ context.Context, body resource.Value, language outcome.Language) ([]byte, error) {
	in, err := readInput(body)
	if err != nil {
		return nil, err
	}
	p, err := history.PersonOf(in.patient, in.assessed)
	if err != nil {
		return nil, err
	}
	p.Pregnant = in.pregnant
	records := make([]history.Record, len(in.immunizations))
	for i, doc := range in.immunizations {
		records[i] = history.Read(doc)
	}
	in.screening.Records, in.screening.Pregnant = records, in.pregnant
	in.screening.Of(&p, s.schedules, in.assessed)
	a := history.Assess(s.schedules, &p, records, in.assessed)
	reference := "Patient/unknown"
	if id, ok := in.patient.ID(); ok {
		reference = "Patient/" + id
	}
	return answer(history.Writer{Language: language, Patient: reference}, &a), nil
}

// Forecast is $immds-forecast of a Patient here, as of t (0 = the head): by key, or with an empty one by q.Identifier.
func (s *Service) Forecast(ctx context.Context, key fhir.Key, q Query, t fhir.T, language outcome.Language) ([]byte, error) {
	if q.AssessmentDate.IsZero() {
		q.AssessmentDate = s.today()
	}
	person, err := s.person(ctx, key, q.Identifier, t)
	if err != nil {
		return nil, err
	}
	p, err := history.PersonOf(person.Lead.Doc, q.AssessmentDate)
	if err != nil {
		return nil, err
	}
	p.Pregnant = q.Pregnant
	screening, err := s.screen(ctx, person, q.Pregnant)
	if err != nil {
		return nil, err
	}
	screening.Of(&p, s.schedules, q.AssessmentDate)
	a := history.Assess(s.schedules, &p, screening.Records, q.AssessmentDate)
	return answer(history.Writer{Language: language, Patient: person.Lead.Key.String()}, &a), nil
}

// answer writes the Parameters that the guide has.
func answer(w history.Writer, a *history.Assessment) []byte {
	evaluations, recommended := w.ImmDS(a)
	var list resource.ListOf
	for _, e := range evaluations {
		list = append(list, resource.ObjectOf{"name", "evaluation", "resource", e})
	}
	if recommended != nil {
		list = append(list, resource.ObjectOf{"name", "recommendation", "resource", recommended})
	}
	return resource.AppendJSON(make([]byte, 0, 16<<10), resource.ObjectOf{"resourceType", "Parameters", "parameter", list})
}

// input is what a stateless forecast rests on.
type input struct {
	assessed      time.Time
	patient       resource.Value
	immunizations []resource.Value
	screening     history.Screening // Conditions, allergies and adverse events
	pregnant      bool
}

// repeated are the parameters that may come more than once, and the type of each.
var repeated = map[string]fhir.Type{
	"immunization": "Immunization", "condition": "Condition", "allergyIntolerance": "AllergyIntolerance", "adverseEvent": "AdverseEvent",
}

// readInput checks the Parameters. Every refusal names its place.
func readInput(body resource.Value) (in input, err error) {
	if body.Kind() == resource.None {
		return in, fhir.Errorf(fhir.Invalid, "immds-body", "")
	}
	if t := body.ResourceType(); t != "Parameters" {
		return in, fhir.Errorf(fhir.Invalid, "type-mismatch", "", clip(string(t)), "Parameters")
	}
	seen := map[string]bool{}
	for p := range body.Get("parameter").Elements() {
		name := p.Get("name").Text()
		if repeated[name] == "" && seen[name] {
			return in, fhir.Errorf(fhir.Invalid, "vaccination-parameter-twice", p.Path(), clip(name))
		}
		seen[name] = true
		switch name {
		case "assessmentDate":
			var ok bool
			if in.assessed, ok = parseDate(valueOf(p).Text()); !ok {
				err = fhir.Errorf(fhir.Invalid, "vaccination-parameter", p.Path(), name)
			}
		case "pregnant":
			v := valueOf(p)
			in.pregnant = v.Text() == "true"
			if v.Kind() != resource.Bool {
				err = fhir.Errorf(fhir.Invalid, "vaccination-parameter", p.Path(), name)
			}
		case "patient":
			in.patient = p.Get("resource")
			err = wantType(in.patient, p, "Patient")
		case "immunization":
			doc := p.Get("resource")
			if err = wantType(doc, p, "Immunization"); err == nil {
				err = checkImmunization(doc)
			}
			in.immunizations = append(in.immunizations, doc)
		case "condition", "allergyIntolerance", "adverseEvent":
			doc := p.Get("resource")
			err = wantType(doc, p, repeated[name])
			into := map[string]*[]resource.Value{"condition": &in.screening.Conditions, "allergyIntolerance": &in.screening.Allergies, "adverseEvent": &in.screening.Adverse}[name]
			*into = append(*into, doc)
		default:
			err = fhir.Errorf(fhir.Invalid, "operation-parameter-unknown", p.Path(), clip(name))
		}
		if err != nil {
			return in, err
		}
	}
	switch {
	case !seen["assessmentDate"]:
		return in, fhir.Errorf(fhir.Invalid, "immds-missing", "Parameters.parameter", "assessmentDate")
	case !seen["patient"]:
		return in, fhir.Errorf(fhir.Invalid, "immds-missing", "Parameters.parameter", "patient")
	case max(len(in.immunizations), len(in.screening.Conditions), len(in.screening.Allergies), len(in.screening.Adverse)) > mostImmunizations:
		return in, fhir.Errorf(fhir.TooCostly, "immds-too-many", "Parameters.parameter", mostImmunizations)
	}
	return in, in.onePerson()
}

func wantType(doc, p resource.Value, t fhir.Type) error {
	if doc.Kind() != resource.Object {
		return fhir.Errorf(fhir.Invalid, "immds-resource", p.Path(), string(t))
	}
	if got := doc.ResourceType(); got != t {
		return fhir.Errorf(fhir.Invalid, "type-mismatch", doc.Path(), clip(string(got)), string(t))
	}
	return nil
}

// checkImmunization refuses what R4 requires and the forecast rests on.
func checkImmunization(doc resource.Value) error {
	switch status := doc.Get("status").Text(); status {
	case "completed", "not-done", "entered-in-error":
	default:
		return fhir.Errorf(fhir.Unprocessable, "dose-status", doc.Path()+".status", clip(status))
	}
	if doc.Get("vaccineCode").Kind() != resource.Object {
		return fhir.Errorf(fhir.Unprocessable, "element-missing", doc.Path()+".vaccineCode", "vaccineCode", "Immunization")
	}
	if doc.Get("occurrenceDateTime").Kind() == resource.None && doc.Get("occurrenceString").Kind() == resource.None {
		return fhir.Errorf(fhir.Unprocessable, "element-missing", doc.Path()+".occurrence[x]", "occurrence[x]", "Immunization")
	}
	return nil
}

// onePerson refuses what says that it is somebody else's.
func (in *input) onePerson() error {
	id, ok := in.patient.ID()
	if !ok {
		return nil
	}
	for _, doc := range slices.Concat(in.immunizations, in.screening.Conditions, in.screening.Allergies, in.screening.Adverse) {
		for _, element := range []string{"patient", "subject"} {
			r := fhir.ParseReference(doc.Get(element).Get("reference").Text())
			if r.Key.Type == "Patient" && r.Key.ID != fhir.ID(id) {
				return fhir.Errorf(fhir.Unprocessable, "immds-other-patient", fmt.Sprint(doc.Path(), ".", element))
			}
		}
	}
	return nil
}
