package fhirpath_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ expression, code string }{
		{"", "fhirpath-syntax"},
		{"Patient.", "fhirpath-syntax"},
		{"Patient..name", "fhirpath-syntax"},
		{"Patient.name)", "fhirpath-syntax"},
		{"(Patient.name", "fhirpath-syntax"},
		{"Patient.name |", "fhirpath-syntax"},
		{"Patient.name as", "fhirpath-syntax"},
		{"Patient.name[x]", "fhirpath-syntax"},
		{"Patient.name[1.5]", "fhirpath-syntax"},
		{"Patient.name[0", "fhirpath-syntax"},
		{"Patient.name['0']", "fhirpath-syntax"},
		{"Patient.name.where(", "fhirpath-syntax"},
		{"Patient.name.where()", "fhirpath-syntax"},
		{"Patient.name.first(1)", "fhirpath-syntax"},
		{"Patient.extension(url)", "fhirpath-syntax"},
		{"Patient.extension(", "fhirpath-syntax"},
		{"Patient.name = 'open", "fhirpath-syntax"},
		{"Patient.name = 'bad \\q'", "fhirpath-syntax"},
		{"Patient.name = '\\u12'", "fhirpath-syntax"},
		{"Patient.``", "fhirpath-syntax"},
		{"Patient.name = 1.2.3", "fhirpath-syntax"},
		{"Patient name", "fhirpath-syntax"},
		{"Patient.name + 1", "fhirpath-unsupported"},
		{"Patient.name.iif(true, 1)", "fhirpath-unsupported"},
		{"Patient.name.trace('x')", "fhirpath-unsupported"},
		{"%ucum", "fhirpath-unsupported"},
		{"$index", "fhirpath-unsupported"},
		{"Patient.name.where(%resource.active)", "fhirpath-unsupported"},
		{"Patient.link.other.resolve().name", "fhirpath-unsupported"},
		{"Patient.link.other.resolve()", "fhirpath-unsupported"},
		{"Patient.link.other.where(resolve().is(Patient)", "fhirpath-syntax"},
		{"Patient.birthDate > @2020", "fhirpath-unsupported"},
		{"Patient.name; drop", "fhirpath-unsupported"},
		{strings.Repeat("(", 100) + "a" + strings.Repeat(")", 100), "fhirpath-unsupported"},
		{strings.Repeat("a.", 5000) + "a", "fhirpath-unsupported"},
	} {
		_, err := fhirpath.Parse(c.expression)
		if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != c.code || e.Kind != fhir.Invalid {
			t.Errorf("%q: %v, want %s", c.expression, err, c.code)
		}
	}
}

// TestPathsRefuse: an expression that can never find anything is an error, not an empty index.
func TestPathsRefuse(t *testing.T) {
	for _, expression := range []string{
		"Patient.nothing", "Practitioner.name", "Patient.name.given.length", "(Patient.deceased as Quantity)",
		"Patient.telecom.where(system='email').colour", "(Patient as Group)", "Patient.contained.name",
	} {
		e, err := fhirpath.Parse(expression)
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Paths(r4.Resource("Patient"))
		if f, ok := errors.AsType[*fhir.Error](err); !ok || f.Code != "fhirpath-element" {
			t.Errorf("%s: %v", expression, err)
		}
	}
}

func TestPathsAsText(t *testing.T) {
	for _, c := range []struct {
		of   fhir.Type
		expr string
		want string
	}{
		{"Observation", "Observation.value", "valueQuantity|valueCodeableConcept|valueString|valueBoolean|valueInteger|valueRange|valueRatio|valueSampledData|valueTime|valueDateTime|valuePeriod"},
		{"Observation", "(Observation.value as Quantity) | (Observation.value as SampledData)", "valueQuantity; valueSampledData"},
		{"Observation", "Observation | Observation.component", "; component"},
		{"Observation", "Observation.value.code", "valueQuantity.code"},
		{"Observation", "Observation.value.extension", "valueQuantity.extension; valueCodeableConcept.extension; valueRange.extension; valueRatio.extension; valueSampledData.extension; valuePeriod.extension"},
		{"Patient", "Patient.telecom.where(system='email').where(use='work').value", "telecom[system='email'][use='work'].value"},
		{"Patient", "Patient.telecom.where(system='email')[0]", "computed: Patient.telecom.where(system='email')[0]"},
		{"Patient", "Patient.name[0]", "name[0]"},
		{"Patient", "Patient.name.given[0]", "computed: Patient.name.given[0]"},
		{"Patient", "Patient.name[0].given.first()", "name[0].given[0]"},
		{"Patient", "Patient.contact.name.first().family", "computed: Patient.contact.name.first().family"},
		{"Patient", "Patient.extension('urn:x').value.as(string)", "extension[url='urn:x'].valueString"},
		{"Patient", "Patient.link.other.where(resolve() is Patient)", "link.other[is Patient]"},
		{"Patient", "Patient.extension.value.extension.value.extension.value.extension.url", "computed: Patient.extension.value.extension.value.extension.value.extension.url"},
		{"Bundle", "Bundle.entry[0].resource", "entry[0].resource"},
		{"Questionnaire", "Questionnaire.item.item.code", "item.item.code"},
	} {
		e, err := fhirpath.Parse(c.expr)
		if err != nil {
			t.Fatal(err)
		}
		paths, err := e.Paths(r4.Resource(c.of))
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
		}
		var got []string
		for _, p := range paths {
			got = append(got, p.String())
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.expr, s, c.want)
		}
	}
}

// FuzzParse: foreign text never breaks the parser, and what it takes can be resolved and evaluated without harm.
func FuzzParse(f *testing.F) {
	for _, t := range []fhir.Type{"Patient", "Observation", "Bundle"} {
		for _, p := range r4.Params(t) {
			f.Add(p.Expression)
		}
	}
	f.Add(`Patient.name.where(given='\u00e2' or (use != 'old').not()).extension('urn:x')[0]`)
	d, err := resource.Parse([]byte(patient), resource.DefaultLimits)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := fhirpath.Parse(text)
		if err != nil {
			if _, ok := errors.AsType[*fhir.Error](err); !ok {
				t.Fatalf("%q: %v is no fhir.Error", text, err)
			}
			return
		}
		e.Evaluate(d.Root())
		if paths, err := e.Paths(r4.Resource("Patient")); err == nil && len(paths) == 0 {
			t.Fatalf("%q has neither paths nor an error", text)
		}
	})
}
