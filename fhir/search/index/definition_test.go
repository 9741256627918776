package index_test

import (
	"testing"

	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
)

// What changes the entries of a document changes the name of the definition, and nothing else does.
func TestDefinitionNamesWhatEntriesDependOn(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range []index.Options{
		{}, {Base: "http://a/fhir"}, {Base: "http://b/fhir"}, {Also: search.Bases{URLs: []string{"http://a/fhir"}}},
		{Also: search.Bases{URLs: []string{"http://a/fhir", "http://b/fhir"}}}, {Also: search.Bases{Loopback: "/fhir"}},
	} {
		d := o.Definition()
		if seen[d] || d != o.Definition() {
			t.Errorf("%+v: %s", o, d)
		}
		seen[d] = true
	}
}
