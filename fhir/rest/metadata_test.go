package rest_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
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
		params += s.offersWhatWorks(t, r)
	}
	if types != len(r4.Types()) || params < 1000 {
		t.Errorf("%d types, %d parameters", types, params)
	}
}

// samples are values that a parameter of each type can read.
var samples = map[r4.ParamType]string{
	r4.ParamNumber: "1", r4.ParamDate: "2026-01-01", r4.ParamString: "x", r4.ParamToken: "true", r4.ParamReference: "Patient/1",
	r4.ParamURI: "urn:x", r4.ParamQuantity: "1", r4.ParamSpecial: "16.05|108.2|5|km",
}

// sampleOf gives a value for a parameter; of a composite one for each component.
func sampleOf(p *r4.SearchParam) string {
	var parts []string
	for _, c := range p.Components {
		parts = append(parts, samples[c.Param.Type])
	}
	if parts != nil {
		return strings.Join(parts, "$")
	}
	return samples[p.Type]
}

// offersWhatWorks searches by each parameter and include that one type of the CapabilityStatement lists, and by each that it
// does not list. It gives how many parameters there are.
func (s *served) offersWhatWorks(t *testing.T, r resource.Value) int {
	typ := fhir.Type(r.Get("type").Text())
	listed := map[string]bool{}
	for p := range r.Get("searchParam").Elements() {
		listed[p.Get("name").Text()] = true
	}
	for _, p := range r4.Params(typ) {
		a := s.do(t, "GET", "/"+string(typ)+"?_count=1&"+p.Code+"="+url.QueryEscape(sampleOf(p)), nil)
		if (a.StatusCode == 200) != listed[p.Code] {
			t.Errorf("%s?%s=%s: listed %v, %d %.300s", typ, p.Code, sampleOf(p), listed[p.Code], a.StatusCode, a.raw)
		}
		delete(listed, p.Code)
	}
	if len(listed) > 0 {
		t.Errorf("%s: listed and unknown: %v", typ, listed)
	}
	for kind, name := range map[string]string{"searchInclude": "_include", "searchRevInclude": "_revinclude"} {
		var values []string
		for i := range r.Get(kind).Elements() {
			values = append(values, url.Values{name: {i.Text()}}.Encode())
		}
		for some := range slices.Chunk(values, 60) {
			if a := s.do(t, "GET", "/"+string(typ)+"?"+strings.Join(some, "&"), nil); a.StatusCode != 200 {
				t.Errorf("%s: one of %v: %d %.300s", typ, some, a.StatusCode, a.raw)
			}
		}
	}
	return r.Get("searchParam").Len()
}
