package search

import (
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

func bindSystem(t *testing.T, query string, o Options) (SystemRequest, error) {
	t.Helper()
	types, params, err := TakeTypes(mustParse(t, query))
	if err != nil {
		return SystemRequest{}, err
	}
	named := types != nil
	if !named {
		types = r4.Types()
	}
	return BindTypes(types, named, params, o)
}

func TestBindTypes(t *testing.T) {
	s, err := bindSystem(t, "_type=Patient,Observation&identifier=s%7Cv&_include=Observation:subject&_revinclude=Provenance:target&_sort=-_lastUpdated&_count=7&_elements=name,status", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Queries) != 2 || s.Queries[0].Type != "Patient" || s.Queries[1].Type != "Observation" || s.Count != 7 {
		t.Fatalf("%+v", s)
	}
	for i, includes := range []int{1, 2} {
		if q := s.Queries[i]; len(q.Where) != 1 || len(q.Include) != includes || len(q.Sort) != 1 {
			t.Errorf("%+v", q)
		}
	}
	if want := "_type=Patient,Observation&identifier=s%7Cv&_include=Observation:subject&_revinclude=Provenance:target&_sort=-_lastUpdated&_count=7&_elements=name,status"; s.Applied != want {
		t.Errorf("applied %s", s.Applied)
	}
	all, err := bindSystem(t, "_lastUpdated=gt2020", Options{})
	if err != nil || len(all.Queries) != len(r4.Types()) {
		t.Errorf("%d queries %v", len(all.Queries), err)
	}
	for query, code := range map[string]string{
		"_type=Pacient": "search-type-unknown", "_type:not=Patient": "search-modifier-unsupported", "_type=Patient,Observation&family=x": "search-param-unknown",
		"name=x": "search-all-parameter", "_type=Patient&_include=Observation:subject": "search-include-source", "_type=": "search-value-empty",
		"_type=Patient,Observation&_sort=family": "search-sort-unknown",
	} {
		if _, err := bindSystem(t, query, Options{}); codeOf(err) != code {
			t.Errorf("%s: %v, want %s", query, err, code)
		}
	}
	lenient, err := bindSystem(t, "_type=Patient,Observation&family=x&_tag=y", Options{Lenient: true})
	if err != nil || len(lenient.Ignored) != 1 || len(lenient.Queries[0].Where) != 1 || lenient.Applied != "_type=Patient,Observation&_tag=y" {
		t.Errorf("%+v %v", lenient, err)
	}
}

// TestLimitsNameThemselves: what costs too much is refused with the limit and its value.
func TestLimitsNameThemselves(t *testing.T) {
	for query, want := range map[string]string{
		"patient.link:Patient.link:Patient.name=x":        "search-limit patient.link:Patient.link:Patient.name chain depth 2",
		"patient._has:Group:member:member:Patient.name=x": "search-limit member:Patient.name chain depth 2",
		"code=a,b,c,d":                         "search-limit code values 3",
		"_id=a,b,c,d":                          "search-limit _id values 3",
		"code=1&status=2&code=3&code=4&code=5": "search-limit code conditions 4",
		"_filter=code eq 1 and code eq 2 and code eq 3 and code eq 4": "search-limit _filter conditions 4",
	} {
		_, err := bind(t, "Observation", strings.ReplaceAll(query, " ", "%20"), Options{Limits: Limits{ChainDepth: 2, Values: 3, Conditions: 4}})
		e, ok := err.(*fhir.Error)
		if !ok || e.Kind != fhir.TooCostly || !strings.HasPrefix(e.Path, "http.") {
			t.Errorf("%s: %v", query, err)
			continue
		}
		e.Path = ""
		if got := e.Error(); !strings.HasPrefix(got, want[:12]) || !strings.HasSuffix(got, want[len(want)-14:]) {
			t.Errorf("%s: %v, want %s", query, err, want)
		}
	}
}

func TestBindIncludes(t *testing.T) {
	count := func(query string) int {
		r, err := bind(t, "Encounter", query, Options{})
		if err != nil {
			t.Errorf("%s: %v", query, err)
		}
		return len(r.Query.Include)
	}
	refs := 0
	for _, p := range r4.Params("Encounter") {
		if p.Type == r4.ParamReference {
			refs++
		}
	}
	for query, want := range map[string]int{
		"_include=*": refs, "_include=Encounter:*": refs, "_include=Encounter:*&_include=Encounter:subject": refs,
		"_include=Encounter:subject&_include:iterate=Patient:organization": 2, "_include:iterate=Patient:link": 1, "_revinclude:iterate=Observation:has-member": 1,
		"_include=Encounter:*:Location": 1, "_revinclude=Flag:*": 1,
	} {
		if got := count(query); got != want {
			t.Errorf("%s: %d includes, want %d", query, got, want)
		}
	}
	r, _ := bind(t, "Encounter", "_include:iterate=Patient:organization", Options{})
	if i := r.Query.Include[0]; !i.Iterate || i.Source != "Patient" || i.Reverse {
		t.Errorf("%+v", i)
	}
}

// TestAddedParameters: one of a registry is found by name, and refused as long as its index is built.
func TestAddedParameters(t *testing.T) {
	p := &r4.SearchParam{ID: r4.FirstCustom, Code: "nationality", Base: "Patient", Type: r4.ParamToken, Expression: "Patient.maritalStatus"}
	reg, err := (*r4.Registry)(nil).With([]*r4.SearchParam{p})
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"nationality=vi", "nationality:missing=true", "_sort=nationality", "_filter=nationality%20eq%20vi", "general-practitioner:Patient.nationality=x"} {
		if query[0] == 'g' {
			query = "link:Patient.nationality=x"
		}
		if _, err := bind(t, "Patient", query, Options{Registry: reg}); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		_, err := bind(t, "Patient", query, Options{Registry: reg.Pending(p.ID)})
		if e, ok := err.(*fhir.Error); !ok || e.Code != "search-param-building" || e.Kind != fhir.Unavailable {
			t.Errorf("%s while it is built: %v", query, err)
		}
	}
}
