package fhirpath_test

import (
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/resource"
)

const patient = `{"resourceType":"Patient","id":"p1","active":true,
	"contained":[{"resourceType":"Practitioner","id":"doctor"}],
	"name":[{"family":"Nguyễn","given":["An",null,"Bình"]},{"text":"Cô Tư"}],
	"telecom":[{"system":"phone","value":"1"},{"system":"email","value":"2"},{"value":"3"}],
	"deceasedDateTime":"2020",
	"generalPractitioner":[{"reference":"#doctor"},{"reference":"Organization/o1"},{"reference":"urn:uuid:1","type":"Practitioner"},{"display":"?"}],
	"multipleBirthInteger":2,
	"extension":[{"url":"urn:a","valueString":"x"},{"url":"urn:b","valueDecimal":1.10}]}`

const observation = `{"resourceType":"Observation","status":"final","code":{"text":"BP"},"subject":{"reference":"http://h/fhir/Patient/1/_history/2"},
	"valueQuantity":{"value":1.10,"unit":"mg"},
	"component":[{"code":{"text":"a"},"valueString":"s"},{"code":{"text":"b"},"valueQuantity":{"value":2}}]}`

func parse(t testing.TB, doc string) resource.Value {
	t.Helper()
	d, err := resource.Parse([]byte(doc), resource.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return d.Root()
}

// texts shows the results: the place of values, the text of what was computed.
func texts(items []fhirpath.Item) string {
	var out []string
	for _, it := range items {
		switch {
		case it.Computed():
			out = append(out, it.TypeName()+" "+it.Text())
		default:
			out = append(out, strings.TrimPrefix(it.Value.Path(), string(it.Value.Document().Root().ResourceType())+"."))
		}
	}
	return strings.Join(out, ", ")
}

func TestEvaluate(t *testing.T) {
	p, o := parse(t, patient), parse(t, observation)
	for _, c := range []struct {
		on         resource.Value
		expression string
		want       string
	}{
		{p, "Patient.name.given", "name[0].given[0], name[0].given[2]"},
		{p, "name.family", "name[0].family"},
		{p, "Practitioner.name", ""},
		{p, "Resource.id", "id"},
		{p, "DomainResource.contained", "contained[0]"},
		{p, "Patient.contained.id", "contained[0].id"},
		{p, "Patient.telecom.where(system='email')", "telecom[1]"},
		{p, "Patient.telecom.where(system != 'email')", "telecom[0]"},
		{p, "Patient.telecom.where(system.exists()).value", "telecom[0].value, telecom[1].value"},
		{p, "Patient.telecom.where(system.empty())", "telecom[2]"},
		{p, "Patient.telecom.where(system='phone' or system='email')[1]", "telecom[1]"},
		{p, "Patient.telecom.where(system='phone' and value='1')", "telecom[0]"},
		{p, "Patient.telecom.exists(system='fax')", "boolean false"},
		{p, "Patient.telecom.first() | Patient.telecom[0] | Patient.telecom[2] | Patient.telecom[3]", "telecom[0], telecom[2]"},
		{p, "Patient.deceased.as(dateTime)", "deceasedDateTime"},
		{p, "(Patient.deceased as DateTime)", "deceasedDateTime"},
		{p, "(Patient.deceased as FHIR.boolean)", ""},
		{p, "Patient.deceased.ofType(dateTime)", "deceasedDateTime"},
		{p, "Patient.deceased.exists() and Patient.deceased != false", "boolean true"},
		{p, "Patient.deceased is dateTime", "boolean true"},
		{p, "Patient.generalPractitioner.where(resolve() is Practitioner)", "generalPractitioner[0], generalPractitioner[2]"},
		{p, "Patient.generalPractitioner.where(resolve() is Resource).reference", "generalPractitioner[0].reference, generalPractitioner[1].reference, generalPractitioner[2].reference"},
		{p, "Patient.generalPractitioner.where(resolve().is(Organization))", "generalPractitioner[1]"},
		{p, "Patient.generalPractitioner.where(resolve() is DomainResource)[2]", "generalPractitioner[2]"},
		{p, "Patient.extension('urn:a').value", "extension[0].valueString"},
		{p, "Patient.extension.where(value = 1.1).url", "extension[1].url"},
		{p, "Patient.multipleBirth = 2", "boolean true"},
		{p, "Patient.multipleBirth = '2'", "boolean false"},
		{p, "Patient.birthDate = '2020'", ""},
		{p, "Patient.birthDate = '2020' and Patient.active = false", "boolean false"},
		{p, "Patient.birthDate = '2020' and Patient.active", ""},
		{p, "Patient.birthDate = '2020' or Patient.active", "boolean true"},
		{p, "Patient.active.not()", "boolean false"},
		{p, "Patient.`active`", "active"},
		{p, "%resource.active | $this.active | %context.id", "active, id"},
		{p, "Patient.name.where($this.text = 'C\\u00f4 T\\u01b0')", "name[1]"},
		{p, "Patient.nothing", ""},
		{p, "Patient.active.nothing", ""},
		{o, "Observation.value", "valueQuantity"},
		{o, "(Observation.value as Quantity) | (Observation.component.value as Quantity)", "valueQuantity, component[1].valueQuantity"},
		{o, "Observation.value.value", "valueQuantity.value"},
		{o, "(Observation.value as CodeableConcept).text", ""},
		{o, "Observation.subject.where(resolve() is Patient)", "subject"},
		{o, "Observation | Observation.component", "Observation, component[0], component[1]"},
	} {
		e, err := fhirpath.Parse(c.expression)
		if err != nil {
			t.Errorf("%s: %v", c.expression, err)
			continue
		}
		if got := texts(e.Evaluate(c.on)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.expression, got, c.want)
		}
	}
}

// TestUnionOfMany: a union has each place once, also when there are more than are compared one by one.
func TestUnionOfMany(t *testing.T) {
	v := parse(t, `{"resourceType":"Patient","name":[`+strings.Repeat(`{"family":"x"},`, 99)+`{"family":"x"}]}`)
	e, _ := fhirpath.Parse("Patient.name.family | name.family | Patient.name[99].family | true | true")
	if got := len(e.Evaluate(v)); got != 101 {
		t.Errorf("%d items, want 100 names and one true", got)
	}
}

// TestDeceased: the one R4 expression that is a condition says true for a date or true, and nothing but false else.
func TestDeceased(t *testing.T) {
	e, err := fhirpath.Parse("Patient.deceased.exists() and Patient.deceased != false")
	if err != nil {
		t.Fatal(err)
	}
	for member, want := range map[string]string{
		``: "boolean false", `,"deceasedBoolean":false`: "boolean false", `,"deceasedBoolean":true`: "boolean true", `,"deceasedDateTime":"2020"`: "boolean true",
	} {
		if got := texts(e.Evaluate(parse(t, `{"resourceType":"Patient"`+member+`}`))); got != want {
			t.Errorf("%s: %s, want %s", member, got, want)
		}
	}
}

// TestAppendWithin: components of a composite start at a value of it and can reach back to the resource.
func TestAppendWithin(t *testing.T) {
	v := parse(t, `{"resourceType":"MolecularSequence","coordinateSystem":0,"referenceSeq":{"chromosome":{"text":"1"},"windowStart":1,"windowEnd":2},"variant":[{"start":3,"end":4},{"start":5,"end":6}]}`)
	root := fhirpath.ResourceItem(v)
	variants, _ := fhirpath.Parse("MolecularSequence.variant")
	start, _ := fhirpath.Parse("start")
	chromosome, _ := fhirpath.Parse("%resource.referenceSeq.chromosome")
	var got []fhirpath.Item
	for _, at := range variants.Evaluate(v) {
		got = chromosome.Append(start.Append(got, root, at), root, at)
	}
	if want := "variant[0].start, referenceSeq.chromosome, variant[1].start, referenceSeq.chromosome"; texts(got) != want {
		t.Errorf("got %s, want %s", texts(got), want)
	}
}

func TestUnknownTypesGiveNothing(t *testing.T) {
	e, _ := fhirpath.Parse("Patient.name | name | id")
	for _, doc := range []string{`{"resourceType":"Nothing","id":"1","name":"x"}`, `{"id":"1"}`} {
		if got := e.Evaluate(parse(t, doc)); len(got) != 0 {
			t.Errorf("%s: %s", doc, texts(got))
		}
	}
	if got := e.Evaluate(resource.Value{}); len(got) != 0 {
		t.Errorf("no document: %d items", len(got))
	}
}
