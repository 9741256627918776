package main

import (
	"strings"
	"testing"
)

// TestAnIDOfOnesOwnChoiceOpensNothing: records are sent before the Patient or Encounter that they are about, and outlive it. Whoever
// knows its id, and makes up one with himself as the one who cares, sees none of them.
func TestAnIDOfOnesOwnChoiceOpensNothing(t *testing.T) {
	a := serveRoles(t)
	record := func(typ, id, more string) string {
		return `{"resourceType":"` + typ + `","id":"` + id + `",` + more + `}`
	}
	dose := func(id, patient string) string {
		return record("Immunization", id, `"status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/`+patient+`"},"occurrenceDateTime":"2020-01-01"`)
	}
	caredFor := func(id string) string {
		return record("Patient", id, `"generalPractitioner":[{"reference":"Organization/k1"}]`)
	}
	a.want(201, "hospital-h1", "PUT", "/Immunization/i1", dose("i1", "bn1")) // the Patient never came
	a.want(201, "hospital-h1", "PUT", "/Patient/bn2", carePatient("bn2", careNumber))
	a.want(201, "hospital-h1", "PUT", "/Immunization/i2", dose("i2", "bn2"))
	a.want(204, "hospital-h1", "DELETE", "/Patient/bn2", "")
	for id, of := range map[string]string{"bn1": "i1", "bn2": "i2"} {
		for _, try := range []struct{ method, path, body string }{
			{"PUT", "/Patient/" + id, caredFor(id)},
			{"PUT", "/Patient?_id=" + id, caredFor(id)},
			{"POST", "", careBundle(`{"resource":` + caredFor(id) + `,"request":{"method":"PUT","url":"Patient/` + id + `"}}`)},
		} {
			if status, raw := a.ask("clinic-k1", try.method, try.path, try.body); status < 400 {
				t.Errorf("%s %s %s: %d %s", try.method, try.path, try.body, status, raw)
			}
		}
		a.want(404, "clinic-k1", "GET", "/Patient/"+id, "")
		a.want(404, "clinic-k1", "GET", "/Immunization/"+of, "")
	}
	// The answer is that to a Patient who is there and hidden.
	a.want(201, "hospital-h1", "PUT", "/Patient/bn3", carePatient("bn3", "051085000022"))
	there := a.want(403, "clinic-k1", "PUT", "/Patient/bn3", caredFor("bn3"))
	if squatted := a.want(403, "clinic-k1", "PUT", "/Patient/bn1", caredFor("bn1")); squatted != there {
		t.Errorf("told %s, and of one who is there %s", squatted, there)
	}

	// Likewise the stay that another hospital's findings belong to.
	a.want(201, "hospital-h2", "PUT", "/Patient/pb", carePatient("pb", "051085000033"))
	a.want(201, "hospital-h1", "PUT", "/Observation/o1", record("Observation", "o1", `"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/bn3"},"encounter":{"reference":"Encounter/e1"}`))
	stay := func(of string) string {
		return strings.Replace(careEncounter("Patient/"+map[string]string{"h1": "bn3", "h2": "pb"}[of], of), `"status"`, `"id":"e1","status"`, 1)
	}
	a.want(403, "hospital-h2", "PUT", "/Encounter/e1", stay("h2"))
	a.want(404, "hospital-h2", "GET", "/Observation/o1", "")

	// Those whose records they are may send it later, and bring it back.
	a.want(201, "hospital-h1", "PUT", "/Encounter/e1", stay("h1"))
	a.want(201, "hospital-h1", "PUT", "/Patient/bn1", carePatient("bn1", "051085000044"))
	a.want(201, "hospital-h1", "PUT", "/Patient/bn2", carePatient("bn2", careNumber))
	// Whom nothing refers to may be entered by anybody.
	a.want(201, "clinic-k1", "PUT", "/Patient/bn4", caredFor("bn4"))
}
