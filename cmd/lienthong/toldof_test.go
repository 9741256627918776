package main

import (
	"strings"
	"testing"
)

// TestAPersonIsToldOfEveryWayOfLooking: of being counted, and of what an entry of a bundle asked for and did not get.
func TestAPersonIsToldOfEveryWayOfLooking(t *testing.T) {
	a := serveRoles(t)
	a.want(201, "hospital-h1", "PUT", "/Patient/p1", carePatient("p1", careNumber))
	a.want(201, "hospital-h1", "PUT", "/Observation/o1", `{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}`)
	bundle := func(kind, method, url string) string {
		return `{"resourceType":"Bundle","type":"` + kind + `","entry":[{"request":{"method":"GET","url":"metadata"}},{"request":{"method":"` + method + `","url":"` + url + `"}}]}`
	}
	told := func(what string) int {
		t.Helper()
		return strings.Count(a.want(200, "citizen-p1", "GET", "/Patient/p1/$access-report?_count=1000", ""), what)
	}
	const refused, counted = "Part of it was refused.", "asked how many there are:"
	for _, one := range []struct {
		who, path, body string
		status          int
		what            string
	}{
		{"hospital-h1", "/Observation/_search?patient=Patient/p1&_summary=count", "", 200, counted},
		{"hospital-h1", "/Observation/_search?patient.identifier=" + careSystem + "%7C" + careNumber + "&_summary=count", "", 200, counted},
		{"hospital-h1", "/Patient/_search?_id=p1&_summary=count", "", 200, counted},
		{"hospital-h2", "", bundle("batch", "GET", "Patient/p1"), 200, refused},
		{"hospital-h2", "", bundle("batch", "GET", "Observation/o1/_history/1"), 200, refused},
		{"hospital-h2", "", bundle("batch", "GET", "/Patient/p1/$everything?_count=1"), 200, refused},
		{"hospital-h2", "", bundle("transaction", "GET", a.base+"/Patient/p1"), 404, "A hospital (Organization/h2) was refused: it asked for"},
	} {
		type_ := "application/fhir+json"
		if one.body == "" {
			type_ = "application/x-www-form-urlencoded"
		}
		before := told(one.what)
		a.want(one.status, one.who, "POST", one.path, one.body, "Content-Type", type_)
		if n := told(one.what) - before; n != 1 {
			t.Errorf("%s %s: told %d times that %q", one.path, one.body, n, one.what)
		}
	}
}
