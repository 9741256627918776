package main

import (
	"strings"
	"testing"
)

// TestWhatWasDeniedStaysDenied: a person's Consent outlives a merge, another one after it, the next record that a hospital's system sends, and
// whoever would rather be rid of the entry that it hangs on.
func TestWhatWasDeniedStaysDenied(t *testing.T) {
	a := serveRoles(t)
	numbers := map[string]string{"p1": "051085000011", "p2": "051085000022", "p3": "051085000033", "p4": "051085000044"}
	finding := func(id, patient string) string {
		return `{"resourceType":"Observation","id":"` + id + `","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/` + patient + `"}}`
	}
	for p, number := range numbers {
		a.want(201, "hospital-h1", "PUT", "/Patient/"+p, carePatient(p, number))
		a.want(201, "hospital-h1", "PUT", "/Observation/o"+p, finding("o"+p, p))
		a.want(200, "hospital-h1", "GET", "/Observation/o"+p, "")
	}
	consent := `{"resourceType":"Consent","id":"c1","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"text":"x"}],` +
		`"patient":{"reference":"Patient/p4"},"provision":{"type":"deny","class":[{"code":"Observation"}]}}`
	a.want(201, "citizen-p4", "PUT", "/Consent/c1", consent)
	hidden := func(of ...string) {
		t.Helper()
		for _, p := range of {
			a.want(404, "hospital-h1", "GET", "/Observation/o"+p, "")
			if raw := a.want(200, "hospital-h1", "GET", "/Observation?patient=Patient/"+p+"&_total=accurate", ""); !strings.Contains(raw, `"total":0`) {
				t.Errorf("of %s is found %s", p, raw)
			}
		}
	}
	merge := func(source, target string) {
		t.Helper()
		a.want(200, "registrar", "POST", "/Patient/$merge", `{"resourceType":"Parameters","parameter":[{"name":"source-patient","valueReference":{"reference":"Patient/`+source+`"}},`+
			`{"name":"target-patient","valueReference":{"reference":"Patient/`+target+`"}},{"name":"reason","valueString":"x"}]}`)
	}
	hidden("p4")
	merge("p4", "p3")
	hidden("p4", "p3")
	// The hospital's system knows nothing of the merge and sends the Patient as it has it.
	a.want(200, "hospital-h1", "PUT", "/Patient/p3", carePatient("p3", numbers["p3"]))
	hidden("p4", "p3")
	merge("p3", "p2")
	merge("p2", "p1")
	hidden("p4", "p3", "p2", "p1")
	a.want(200, "hospital-h1", "PUT", "/Patient/p1", carePatient("p1", numbers["p1"]))
	hidden("p4", "p3", "p2", "p1")

	// To delete the entry is to delete the will.
	for _, p := range []string{"p1", "p2", "p3", "p4"} {
		if status, raw := a.ask("hospital-h1", "DELETE", "/Patient/"+p, ""); status != 409 {
			t.Errorf("%s is deleted: %d %s", p, status, raw)
		}
	}
	if raw := a.want(409, "hospital-h1", "DELETE", "/Patient/p1", "", "Accept-Language", "vi"); !strings.Contains(raw, "patient-consents") || !strings.Contains(raw, "không thể xóa") {
		t.Error(raw)
	}
	hidden("p4", "p3", "p2", "p1")
	a.want(200, "citizen-p1", "PUT", "/Consent/c1", strings.Replace(consent, `"active"`, `"inactive"`, 1))
	a.want(200, "hospital-h1", "GET", "/Observation/op1", "")
	a.want(204, "hospital-h1", "DELETE", "/Patient/p1", "")

	// Nobody denies in a stranger's name, by an entry that says to be his.
	a.want(201, "hospital-h2", "PUT", "/Patient/v", carePatient("v", "051085000055"))
	forged := strings.Replace(carePatient("f", "051085000066"), `"gender"`, `"link":[{"other":{"reference":"Patient/v"},"type":"seealso"}],"gender"`, 1)
	there := a.want(403, "hospital-h1", "PUT", "/Patient/f", forged)
	if none := a.want(403, "hospital-h1", "PUT", "/Patient/f", strings.Replace(forged, "Patient/v", "Patient/w", 1)); strings.Replace(none, "Patient/w", "Patient/v", 1) != there || !strings.Contains(none, "patient-link-unseen") {
		t.Errorf("told %s, and of nobody %s", there, none)
	}
	a.want(201, "hospital-h2", "PUT", "/Patient/f", forged)
}
