package rest_test

import (
	"testing"

	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/walk"
)

// The CapabilityStatement is itself a sound R4 resource, and each parameter it offers can be searched by.
func TestMetadata(t *testing.T) {
	s := serve(t)
	v := s.do(t, "GET", "/metadata", nil).want(t, 200).doc(t)
	for _, i := range walk.Resource(v, 0) {
		t.Errorf("%s at %s %v", i.Code, i.Path, i.Args)
	}
	if got := v.Get("implementation").Get("url").Text(); got != s.base {
		t.Errorf("implementation.url %q", got)
	}
	common := map[string]bool{}
	for p := range v.Get("rest").At(0).Get("searchParam").Elements() {
		common[p.Get("name").Text()] = true
	}
	for _, name := range []string{"_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"} {
		if !common[name] {
			t.Errorf("%s is not among the parameters of all types: %v", name, common)
		}
	}
	types, params := 0, 0
	for r := range v.Get("rest").At(0).Get("resource").Elements() {
		types++
		typ := r.Get("type").Text()
		for p := range r.Get("searchParam").Elements() {
			params++
			value := map[string]string{
				"number": "1", "date": "2026-01-01", "string": "x", "token": "true", "reference": "Patient/1", "uri": "urn:x", "quantity": "1",
			}[p.Get("type").Text()]
			if value == "" { // composites differ
				continue
			}
			r := s.do(t, "GET", "/"+typ+"?_count=1&"+p.Get("name").Text()+"="+value, nil)
			if r.StatusCode != 200 {
				t.Errorf("%s?%s=%s is offered: %d %.300s", typ, p.Get("name").Text(), value, r.StatusCode, r.raw)
			}
		}
		for _, kind := range []string{"searchInclude", "searchRevInclude"} {
			name := map[string]string{"searchInclude": "_include", "searchRevInclude": "_revinclude"}[kind]
			if i := r.Get(kind).At(0); i.Kind() == resource.String {
				if r := s.do(t, "GET", "/"+typ+"?"+name+"="+i.Text(), nil); r.StatusCode != 200 {
					t.Errorf("%s?%s=%s is offered: %d %.300s", typ, name, i.Text(), r.StatusCode, r.raw)
				}
			}
		}
	}
	if types != len(r4.Types()) || params < 1000 {
		t.Errorf("%d types, %d parameters", types, params)
	}
}
