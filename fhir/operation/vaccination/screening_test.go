package vaccination_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/store"
)

// deficiency and anaphylaxis are what contraindications of the synthetic child come from.
const (
	deficiency  = `{"resourceType":"Condition","id":"scid","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"D81.1","display":"SCID"}]},"subject":{"reference":"Patient/child"}}`
	anaphylaxis = `{"resourceType":"AdverseEvent","id":"shock","actuality":"actual","subject":{"reference":"Patient/child"},"date":"2025-03-31","event":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"T80.5"}]},"severity":{"coding":[{"code":"severe"}]},"suspectEntity":[{"instance":{"reference":"Immunization/five1"}}]}`
)

// statuses gives the forecastStatus of each series, with the codes of contraindications and where they come from.
func statuses(t *testing.T, out []byte) map[string]string {
	t.Helper()
	all := map[string]string{}
	for p := range parse(t, string(out)).Get("parameter").Elements() {
		for r := range p.Get("resource").Get("recommendation").Elements() {
			said := r.Get("forecastStatus").Get("text").Text()
			for why := range r.Get("forecastReason").Elements() {
				said += " " + why.Get("coding").At(0).Get("code").Text()
			}
			for from := range r.Get("supportingPatientInformation").Elements() {
				said += " " + from.Get("reference").Text()
			}
			all[r.Get("series").Text()] = said
		}
	}
	return all
}

func TestForecastOfAPersonHereKnowsContraindications(t *testing.T) {
	c := life(t)
	c.put(t, deficiency)
	c.put(t, anaphylaxis)
	key := fhir.Key{Type: "Patient", ID: "child"}
	out, err := c.Forecast(ours(), key, vaccination.Query{}, 0, outcome.English)
	if err != nil {
		t.Fatal(err)
	}
	valid(t, parse(t, string(out)))
	said := statuses(t, out)
	for series, want := range map[string]string{
		"OPV":          "Contraindicated congenital-immune-deficiency Condition/scid",
		"DTP-HepB-Hib": "Contraindicated severe-reaction-before AdverseEvent/shock",
		"IPV":          "Overdue",
	} {
		if said[series] != want {
			t.Errorf("%s: %q, want %q", series, said[series], want)
		}
	}
	sum, err := c.Summary(ours(), key, vaccination.Query{}, 0, "http://x/fhir", outcome.Vietnamese)
	if err != nil {
		t.Fatal(err)
	}
	valid(t, parse(t, string(sum)))
	for _, want := range []string{`"name":"contraindication"`, `"reference":"Condition/scid","display":"SCID"`, `"name":"lasting","valueBoolean":true`, "Giả định"} {
		if !strings.Contains(string(sum), want) {
			t.Errorf("the summary has no %s", want)
		}
	}
}

// What the caller may not see has no part in the answer: it is the very one of a record without it.
func TestAContraindicationThatTheCallerMayNotSeeTellsNothing(t *testing.T) {
	bare, full := life(t), life(t)
	full.put(t, deficiency)
	bare.put(t, strings.Replace(deficiency, "D81.1", "L20.9", 1)) // so that both stores have had as many commits
	full.put(t, anaphylaxis)
	bare.put(t, strings.Replace(anaphylaxis, "Immunization/five1", "Medication/x", 1))
	grants := map[fhir.Type]*store.Grants{}
	for _, of := range []fhir.Type{"Patient", "Immunization"} {
		g := &store.Grants{}
		g[store.ActionRead], g[store.ActionSearch] = store.Grant{All: true}, store.Grant{All: true}
		grants[of] = g
	}
	ctx := store.WithFence(context.Background(), store.NewFence(grants, ""))
	key := fhir.Key{Type: "Patient", ID: "child"}
	for _, q := range []vaccination.Query{{}, {Document: true}} {
		a, errA := full.Summary(ctx, key, q, 0, "http://x/fhir", outcome.Vietnamese)
		b, errB := bare.Summary(ctx, key, q, 0, "http://x/fhir", outcome.Vietnamese)
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("%v %v: the answers differ", errA, errB)
		}
	}
}

func TestStatelessForecastTakesWhatContraindicationsComeFrom(t *testing.T) {
	c := open(t)
	parameter := func(name, text string) string { return fmt.Sprintf(`,{"name":%q,"resource":%s}`, name, text) }
	allergy := `{"resourceType":"AllergyIntolerance","criticality":"high","code":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"119"}]},"patient":{"reference":"Patient/child"}}`
	ask := func(more string) ([]byte, error) {
		return c.Stateless(context.Background(), parse(t, `{"resourceType":"Parameters","parameter":[{"name":"assessmentDate","valueDate":"2025-06-15"}`+parameter("patient", child)+more+`]}`), outcome.English)
	}
	out, err := ask(parameter("immunization", given("five1", "198", "2025-03-31", "")) + parameter("condition", deficiency) + parameter("adverseEvent", anaphylaxis) + parameter("allergyIntolerance", allergy))
	if err != nil {
		t.Fatal(err)
	}
	valid(t, parse(t, string(out)))
	said := statuses(t, out)
	for series, want := range map[string]string{
		"BCG":          "Contraindicated congenital-immune-deficiency Condition/scid",
		"DTP-HepB-Hib": "Contraindicated severe-reaction-before AdverseEvent/shock",
		"Rota":         "Contraindicated severe-reaction-before congenital-immune-deficiency  Condition/scid", // the allergy has no id
	} {
		if said[series] != want {
			t.Errorf("%s: %q, want %q", series, said[series], want)
		}
	}
	for name, more := range map[string]string{
		"type-mismatch":       parameter("condition", allergy),
		"immds-other-patient": parameter("condition", strings.Replace(deficiency, "Patient/child", "Patient/other", 1)),
		"immds-too-many":      strings.Repeat(parameter("condition", deficiency), 501),
	} {
		if _, err := ask(more); code(err) != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
}
