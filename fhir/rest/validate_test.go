package rest_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestValidate: $validate says what a write would be told, with status 200, and does nothing.
func TestValidate(t *testing.T) {
	s := serve(t)
	s.do(t, "PUT", "/Patient/1", []byte(`{"resourceType":"Patient","id":"1","gender":"male"}`)).want(t, 201)
	s.do(t, "PUT", "/Patient/2", []byte(`{"resourceType":"Patient","id":"2"}`)).want(t, 201)
	before := s.do(t, "GET", "/_history", nil).want(t, 200).doc(t).Get("entry").Len()
	within := func(resource string, more ...string) string {
		return `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":` + resource + `}` + strings.Join(more, "") + `]}`
	}
	const good, bad = `{"resourceType":"Patient","gender":"male"}`, `{"resourceType":"Patient","gender":["male"],"hair":"black"}`
	mode := func(m string) string { return `,{"name":"mode","valueCode":"` + m + `"}` }
	for _, c := range []struct {
		method, path, body string
		status             int
		code, expression   string // of the first issue
	}{
		{"POST", "/Patient/$validate", good, 200, "all-ok", ""},
		{"POST", "/Patient/$validate", within(good), 200, "all-ok", ""},
		{"POST", "/Patient/$validate?mode=create", good, 200, "all-ok", ""},
		{"POST", "/Patient/$validate", within(good, mode("create")), 200, "all-ok", ""},
		{"POST", "/Patient/$validate", bad, 200, "element-not-repeated", "Patient.gender"},
		{"POST", "/Patient/$validate", within(bad), 200, "element-not-repeated", "Patient.gender"},
		{"POST", "/Patient/$validate", `{"resourceType":"Basic"}`, 200, "type-mismatch", "Basic"},
		{"POST", "/Observation/$validate", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient?identifier=none"}}`, 200, "reference-none", "Observation.subject.reference"},
		{"POST", "/Patient/$validate?mode=update", good, 200, "id-required", "Patient"},
		{"POST", "/Patient/$validate?mode=update", `{"resourceType":"Patient","id":"new"}`, 200, "all-ok", ""},
		{"POST", "/Patient/1/$validate", `{"resourceType":"Patient","id":"1","gender":"female"}`, 200, "all-ok", ""},
		{"POST", "/Patient/1/$validate", `{"resourceType":"Patient","id":"2"}`, 200, "id-mismatch", "Patient.id"},
		{"POST", "/Patient/1/$validate?mode=delete", "", 200, "all-ok", ""},
		{"POST", "/Patient/1/$validate", `{"resourceType":"Parameters","parameter":[{"name":"mode","valueCode":"delete"}]}`, 200, "all-ok", ""},
		{"GET", "/Patient/1/$validate", "", 200, "all-ok", ""},
		{"GET", "/Patient/9/$validate", "", 404, "not-found", ""},
		{"POST", "/Patient/$validate", "", 400, "validate-nothing", ""},
		{"POST", "/Patient/$validate", within(good, mode("sideways")), 400, "validate-mode", ""},
		{"POST", "/Patient/$validate?mode=delete", good, 400, "validate-mode", "http.mode"},
		{"POST", "/Patient/$validate?profile=http://p", good, 400, "validate-profile", "http.profile"},
		{"POST", "/Patient/$validate?colour=red", good, 400, "operation-parameter-unknown", "http.colour"},
		{"POST", "/Patient/$validate", within(good, `,{"name":"colour","valueCode":"red"}`), 400, "operation-parameter-unknown", ""},
		{"POST", "/Patient/$validate", `{"resourceType":"Patient"`, 400, "", ""},
	} {
		name := fmt.Sprintf("%s %s %s", c.method, c.path, c.body)
		a := s.do(t, c.method, c.path, []byte(c.body), "Content-Type: application/fhir+json")
		issue := a.doc(t).Get("issue").At(0)
		code := issue.Get("details").Get("coding").At(0).Get("code").Text()
		if a.StatusCode != c.status || c.code != "" && code != c.code || c.expression != "" && issue.Get("expression").At(0).Text() != c.expression {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.raw)
		}
	}
	if after := s.do(t, "GET", "/_history", nil).want(t, 200).doc(t).Get("entry").Len(); after != before {
		t.Errorf("%d versions became %d", before, after)
	}
}
