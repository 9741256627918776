package vaccination_test

import (
	"context"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/store"
)

// life stores a synthetic child with what clinics send: duplicates, a dose not given, a reaction, an adverse event, a merged
// Patient, bad data.
func life(t *testing.T) *clinic {
	t.Helper()
	c := open(t)
	c.put(t, child)
	c.put(t, `{"resourceType":"Patient","id":"old","active":false,"birthDate":"2025-01-31","link":[{"other":{"reference":"Patient/child"},"type":"replaced-by"}]}`)
	c.put(t, strings.Replace(given("hepb", "08", "2025-01-31T20:00:00+07:00", `,"lotNumber":"GD-HE-25A","site":{"text":"đùi trái"},"performer":[{"actor":{"display":"Bệnh viện Sản <Nhi>"}}]`), "Patient/child", "Patient/old", 1))
	c.put(t, given("five1", "198", "2025-03-31", `,"lotNumber":"L-1","expirationDate":"2027-01-31","primarySource":true,"doseQuantity":{"value":0.50,"unit":"ml"},"route":{"coding":[{"code":"IM"}]},"reaction":[{"date":"2025-04-01","detail":{"display":"Sốt 38,5"}}]`))
	c.put(t, given("five1-family", "102", "2025-03-31", `,"lotNumber":"L-7","reportOrigin":{"text":"Gia đình"}`))
	c.put(t, given("flu", "140", "2025-05-01", `,"lotNumber":"không rõ"`))
	c.put(t, strings.Replace(given("measles", "05", "2025-11-01", `,"statusReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"MEDPREC","display":"medical precaution"}]}`), "completed", "not-done", 1))
	c.put(t, strings.Replace(given("wrong", "19", "2025-02-01", ""), "completed", "entered-in-error", 1))
	c.put(t, strings.Replace(given("bcg", "19", "2025-02", ""), "completed", "completed", 1))
	c.put(t, `{"resourceType":"AdverseEvent","id":"fever","actuality":"actual","subject":{"reference":"Patient/child"},"date":"2025-04-01T08:00:00+07:00","event":{"text":"Sốt cao"},"severity":{"coding":[{"code":"moderate"}]},"seriousness":{"coding":[{"code":"Non-serious"}]},"extension":[{"url":"https://lienthong.example/fhir/StructureDefinition/aefi-report-status","valueCode":"reported"}],"suspectEntity":[{"instance":{"reference":"Immunization/five1-family"}}]}`)
	c.put(t, `{"resourceType":"AdverseEvent","id":"lost","actuality":"actual","subject":{"reference":"Patient/old"},"event":{"text":"Sưng"},"suspectEntity":[{"instance":{"reference":"Immunization/wrong"}}]}`)
	c.put(t, `{"resourceType":"AdverseEvent","id":"drug","actuality":"actual","subject":{"reference":"Patient/child"},"event":{"text":"Dị ứng thuốc"},"suspectEntity":[{"instance":{"reference":"Medication/m"}}]}`)
	return c
}

func TestSummaryShowsWhatWasGivenWhatCountsAndWhatIsDue(t *testing.T) {
	c := life(t)
	key := fhir.Key{Type: "Patient", ID: "child"}
	out, err := c.Summary(ours(), key, vaccination.Query{}, 0, "http://x/fhir", outcome.Vietnamese)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "summary-vi.json", out)
	valid(t, parse(t, string(out)))
	for name, q := range map[string]vaccination.Query{"old": {}, "": {Identifier: "http://fhir.hl7.org.vn/core/sid/cccd|051225000011"}} {
		again, err := c.Summary(ours(), fhir.Key{Type: "Patient", ID: fhir.ID(name)}, q, 0, "http://x/fhir", outcome.Vietnamese)
		if err != nil || string(again) != string(out) {
			t.Errorf("asked for %q: %v, another summary of the same person", name, err)
		}
	}
}

func TestSummaryAsADocument(t *testing.T) {
	c := life(t)
	out, err := c.Summary(ours(), fhir.Key{Type: "Patient", ID: "child"}, vaccination.Query{Document: true}, 0, "http://x/fhir", outcome.English)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "document-en.json", out)
	doc := parse(t, string(out))
	valid(t, doc)
	if first := doc.Get("entry").At(0).Get("resource").ResourceType(); first != "Composition" {
		t.Errorf("a document begins with its Composition, not with %s", first)
	}
	urls := map[string]bool{}
	for e := range doc.Get("entry").Elements() {
		urls[strings.TrimPrefix(e.Get("fullUrl").Text(), "http://x/fhir/")] = true
		valid(t, parse(t, string(e.Get("resource").Raw())))
	}
	for s := range doc.Get("entry").At(0).Get("resource").Get("section").Elements() {
		for e := range s.Get("entry").Elements() {
			if r := e.Get("reference").Text(); !urls[r] {
				t.Errorf("%s is not in the document", r)
			}
		}
	}
	if strings.Contains(string(out), "<Nhi>") && !strings.Contains(string(out), "&lt;Nhi&gt;") {
		t.Error("foreign text stands in the narrative as markup")
	}
}

func TestWithoutABirthDateTheHistoryIsThere(t *testing.T) {
	c := open(t)
	c.put(t, strings.Replace(child, `"2025-01-31"`, `"2025"`, 1))
	c.put(t, given("a", "19", "2025-02-01", ""))
	out, err := c.Summary(ours(), fhir.Key{Type: "Patient", ID: "child"}, vaccination.Query{}, 0, "", outcome.English)
	if err != nil || !strings.Contains(string(out), "Immunization/a") || !strings.Contains(string(out), "whole birth date") || strings.Contains(string(out), `"name":"forecast"`) {
		t.Errorf("%v %s", err, out)
	}
	if out, err = c.Summary(ours(), fhir.Key{Type: "Patient", ID: "child"}, vaccination.Query{Document: true}, 0, "http://x", outcome.English); err != nil {
		t.Fatal(err)
	}
	valid(t, parse(t, string(out)))
}

// Who may see doses and no adverse events, such as a role that is not about them, gets the summary without them.
func TestSummaryWithoutAdverseEvents(t *testing.T) {
	c := life(t)
	all := &store.Grants{}
	all[store.ActionRead], all[store.ActionSearch] = store.Grant{All: true}, store.Grant{All: true}
	ctx := store.WithFence(context.Background(), store.NewFence(map[fhir.Type]*store.Grants{"Patient": all, "Immunization": all}, ""))
	out, err := c.Summary(ctx, fhir.Key{Type: "Patient", ID: "child"}, vaccination.Query{}, 0, "http://x/fhir", outcome.Vietnamese)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(out); strings.Contains(text, "adverseEvent") || !strings.Contains(text, `"name":"dose"`) {
		t.Errorf("%s", text)
	}
}
