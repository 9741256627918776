package patientsummary_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation/patientsummary"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

var now = time.Date(2025, 11, 14, 18, 0, 0, 0, time.UTC)

type clinic struct {
	*patientsummary.Service
	t testing.TB
}

func ours() context.Context { return store.Ourselves(context.Background()) }

func open(t testing.TB) *clinic {
	t.Helper()
	clock := func() time.Time { return now }
	i := interaction.New(interaction.Config{Store: enginetest.Open(t, engine.Options{Now: clock})})
	return &clinic{&patientsummary.Service{Interactions: i, Now: clock, Vaccinations: vaccination.New(vaccination.Config{Interactions: i, Now: clock})}, t}
}

func (c *clinic) put(texts ...string) {
	c.t.Helper()
	for _, text := range texts {
		if _, err := c.Interactions.Apply(ours(), interaction.WriteSet{Docs: []*resource.Document{parse(c.t, text).Document()}}); err != nil {
			c.t.Fatalf("%v: %s", err, text)
		}
	}
}

func (c *clinic) summary(ctx context.Context, q vaccination.Query) resource.Value {
	c.t.Helper()
	key := fhir.Key{Type: "Patient", ID: "child"}
	if q.Identifier != "" {
		key.ID = ""
	}
	out, err := c.Document(ctx, key, q, 0, "http://x/fhir", outcome.English)
	if err != nil {
		c.t.Fatal(err)
	}
	return parse(c.t, string(out))
}

func parse(t testing.TB, text string) resource.Value {
	t.Helper()
	d, err := resource.New([]byte(text))
	if err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	return d.Root()
}

const (
	child = `{"resourceType":"Patient","id":"child","active":true,"identifier":[{"system":"https://lienthong.example/sid/cccd","value":"051225000011"}],"name":[{"text":"Synthetic <Child>"}],"birthDate":"2025-01-31","managingOrganization":{"reference":"Organization/clinic"}}`
	old   = `{"resourceType":"Patient","id":"old","active":false,"birthDate":"2025-01-31","link":[{"other":{"reference":"Patient/child"},"type":"replaced-by"}]}`
)

func coded(system, code string) string {
	return fmt.Sprintf(`{"coding":[{"system":%q,"code":%q}]}`, system, code)
}

// life stores a synthetic child with something for each section, part of it under a Patient that was merged.
func life(t testing.TB) *clinic {
	c := open(t)
	condition := func(id, status, more string) string {
		return fmt.Sprintf(`{"resourceType":"Condition","id":%q,"clinicalStatus":%s,"code":{"text":"Condition <%[1]s>"},"subject":{"reference":"Patient/child"}%[3]s}`, id, coded("http://terminology.hl7.org/CodeSystem/condition-clinical", status), more)
	}
	c.put(`{"resourceType":"Organization","id":"clinic","name":"Synthetic clinic","partOf":{"reference":"Organization/province"}}`,
		`{"resourceType":"Organization","id":"province","name":"Synthetic province"}`, child, old,
		`{"resourceType":"Immunization","id":"bcg","status":"completed","vaccineCode":`+coded("http://hl7.org/fhir/sid/cvx", "19")+`,"patient":{"reference":"Patient/old"},"occurrenceDateTime":"2025-02-01","performer":[{"actor":{"reference":"Organization/clinic"}}]}`,
		condition("asthma", "active", `,"onsetDateTime":"2025-06-01"`), condition("flu", "resolved", `,"onsetDateTime":"2025-03-01"`),
		condition("wrong", "active", `,"verificationStatus":`+coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", "refuted")),
		`{"resourceType":"AllergyIntolerance","id":"egg","clinicalStatus":`+coded("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active")+`,"code":{"text":"Egg"},"criticality":"high","patient":{"reference":"Patient/old"}}`,
		`{"resourceType":"Medication","id":"drug","code":{"text":"Salbutamol"}}`,
		`{"resourceType":"MedicationRequest","id":"spray","status":"active","intent":"order","medicationReference":{"reference":"Medication/drug","display":"Salbutamol"},"subject":{"reference":"Patient/child"},"authoredOn":"2025-06-02"}`,
		`{"resourceType":"MedicationRequest","id":"past","status":"stopped","intent":"order","medicationReference":{"reference":"Medication/drug"},"subject":{"reference":"Patient/child"}}`,
		`{"resourceType":"Observation","id":"hb","status":"final","category":[`+coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")+`],"code":{"text":"Hb"},"subject":{"reference":"Patient/child"},"effectiveDateTime":"2025-07-01","valueQuantity":{"value":11.20,"unit":"g/dL"}}`,
		`{"resourceType":"Observation","id":"weight","status":"final","category":[`+coded("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")+`],"code":{"text":"Weight"},"subject":{"reference":"Patient/child"}}`,
		`{"resourceType":"Procedure","id":"suture","status":"completed","code":{"text":"Suture"},"subject":{"reference":"Patient/child"},"performedDateTime":"2025-08-01"}`)
	return c
}

// sections gives the references of each section, by its LOINC code.
func sections(doc resource.Value) (codes []string, entries map[string][]string) {
	entries = map[string][]string{}
	for s := range doc.Get("entry").At(0).Get("resource").Get("section").Elements() {
		code := s.Get("code").Get("coding").At(0).Get("code").Text()
		codes = append(codes, code)
		for e := range s.Get("entry").Elements() {
			entries[code] = append(entries[code], strings.TrimPrefix(e.Get("reference").Text(), "http://x/fhir/"))
		}
	}
	return codes, entries
}

func TestSummaryHasEachSection(t *testing.T) {
	doc := life(t).summary(ours(), vaccination.Query{})
	profiled(t, doc)
	codes, got := sections(doc)
	if want := []string{"10160-0", "48765-2", "11450-4", "11369-6", "30954-2", "47519-4", "11348-0", "18776-5"}; !slices.Equal(codes, want) {
		t.Errorf("sections %v, want %v", codes, want)
	}
	for code, want := range map[string]string{
		"10160-0": "MedicationRequest/spray", "48765-2": "AllergyIntolerance/egg", "11450-4": "Condition/asthma", "11369-6": "Immunization/bcg",
		"30954-2": "Observation/hb", "47519-4": "Procedure/suture", "11348-0": "Condition/flu", "18776-5": "",
	} {
		if strings.Join(got[code], " ") != want {
			t.Errorf("%s has %v, want %s", code, got[code], want)
		}
	}
	raw := string(doc.Raw())
	for _, want := range []string{"http://x/fhir/Medication/drug", "http://x/fhir/Organization/clinic", "http://x/fhir/Organization/province", "11.20 g/dL", "Condition &lt;asthma&gt;", `"value":11.20`} {
		if !strings.Contains(raw, want) {
			t.Errorf("the document has no %s", want)
		}
	}
	for _, not := range []string{"Patient/old", "Condition/wrong", "Observation/weight", "MedicationRequest/past"} {
		if strings.Contains(raw, not) {
			t.Errorf("the document has %s", not)
		}
	}
}

func TestSummaryIsTheSameForTheSameState(t *testing.T) {
	c := life(t)
	first := string(c.summary(ours(), vaccination.Query{}).Raw())
	for range 3 {
		if again := string(c.summary(ours(), vaccination.Query{Identifier: "051225000011"}).Raw()); again != first {
			t.Fatal("another document of the same state")
		}
	}
}

// Who may see the Patient alone gets the document of a person of whom nothing is known.
func TestWhatTheCallerMayNotSeeIsAsIfItWereNotThere(t *testing.T) {
	grants := map[fhir.Type]*store.Grants{}
	for _, of := range []fhir.Type{"Patient", "Immunization"} {
		g := &store.Grants{}
		g[store.ActionRead], g[store.ActionSearch] = store.Grant{All: true}, store.Grant{All: true}
		grants[of] = g
	}
	doc := life(t).summary(store.WithFence(context.Background(), store.NewFence(grants, "")), vaccination.Query{})
	profiled(t, doc)
	codes, _ := sections(doc)
	if want := []string{"10160-0", "48765-2", "11450-4", "11369-6", "18776-5"}; !slices.Equal(codes, want) {
		t.Errorf("sections %v, want %v", codes, want)
	}
	for _, not := range []string{"asthma", "Egg", "Salbutamol", "Synthetic clinic"} {
		if strings.Contains(string(doc.Raw()), not) {
			t.Errorf("it tells of %s", not)
		}
	}
	if !strings.Contains(string(doc.Raw()), "no-allergy-info") || strings.Contains(string(doc.Raw()), "no-known-allergies") {
		t.Error("it does not say that there is no information about allergies")
	}
}

// allowed are the types that the sections of the IPS may refer to.
// Source: StructureDefinition Composition-uv-ips of http://hl7.org/fhir/uv/ips/, STU 1.1
var allowed = map[string][]fhir.Type{
	"10160-0": {"MedicationStatement", "MedicationRequest"}, "48765-2": {"AllergyIntolerance"}, "11450-4": {"Condition"},
	"11369-6": {"Immunization"}, "30954-2": {"Observation", "DiagnosticReport"}, "47519-4": {"Procedure"}, "11348-0": {"Condition"}, "18776-5": {"CarePlan"},
}

// profiled holds a document to R4 and to what the profiles of the IPS demand of Bundle and Composition.
func profiled(t *testing.T, doc resource.Value) {
	t.Helper()
	if _, issues := index.New(index.Options{}).Resource(doc, 10); len(issues) > 0 {
		t.Errorf("it is no R4: %+v", issues)
	}
	need := func(ok bool, what string) {
		t.Helper()
		if !ok {
			t.Error("the profile demands: " + what)
		}
	}
	need(doc.Get("type").Text() == "document" && doc.Get("identifier").Get("value").Text() != "" && doc.Get("timestamp").Text() != "", "Bundle: type, identifier, timestamp")
	full := map[string]resource.Value{}
	patients, compositions := 0, 0
	for e := range doc.Get("entry").Elements() {
		url := e.Get("fullUrl").Text()
		_, twice := full[url]
		need(url != "" && !twice, "a fullUrl for each entry, once")
		full[url] = e.Get("resource")
		switch e.Get("resource").ResourceType() {
		case "Patient":
			patients++
		case "Composition":
			compositions++
		}
	}
	c := doc.Get("entry").At(0).Get("resource")
	need(c.ResourceType() == "Composition" && compositions == 1 && patients == 1, "the Composition first, one Composition and one Patient")
	need(c.Get("type").Get("coding").At(0).Get("code").Text() == "60591-5" && c.Get("status").Text() == "final" && c.Get("title").Text() != "", "Composition: type, status, title")
	need(full[c.Get("subject").Get("reference").Text()].ResourceType() == "Patient", "the subject in the document")
	need(full[c.Get("author").At(0).Get("reference").Text()].ResourceType() == "Device", "the author in the document")
	required := []string{"10160-0", "48765-2", "11450-4"}
	for s := range c.Get("section").Elements() {
		code := s.Get("code").Get("coding").At(0).Get("code").Text()
		need(s.Get("title").Text() != "" && strings.HasPrefix(s.Get("text").Get("div").Text(), "<div"), code+": title and text")
		need(s.Get("section").Kind() == resource.None, code+": no sections within")
		for e := range s.Get("entry").Elements() {
			need(slices.Contains(allowed[code], full[e.Get("reference").Text()].ResourceType()), code+": an entry in the document, of an allowed type")
		}
		if slices.Contains(required, code) {
			required = slices.DeleteFunc(required, func(r string) bool { return r == code })
			need(s.Get("entry").Len() > 0, code+": an entry, one that says that there is no information if need be")
		}
	}
	need(len(required) == 0, "the required sections "+strings.Join(required, " "))
}
