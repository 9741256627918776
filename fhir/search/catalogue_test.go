package search

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/r4"
)

// TestValueCodesAreInTheCatalogue: the code of a value that cannot be read is made of the parameter's type.
func TestValueCodesAreInTheCatalogue(t *testing.T) {
	root, err := fhirtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := os.ReadFile(filepath.Join(root, "fhir", "outcome", "catalogue", "search.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	for kind := range binders {
		if !strings.Contains(string(rows), "\nsearch-value-"+kind.String()+"\t") {
			t.Errorf("search-value-%s has no row", kind)
		}
	}
	if len(binders) != int(r4.ParamSpecial)-1 {
		t.Errorf("%d types of parameters are bound", len(binders))
	}
}

// BenchmarkBind binds the searches of the load mix.
func BenchmarkBind(b *testing.B) {
	queries := []struct{ of, query string }{
		{"Immunization", "patient.identifier=https://lienthong.example/sid/cccd%7C051085000011&_sort=-date"},
		{"Observation", "patient=Patient/1&code=http://loinc.org%7C8480-6&date=ge2020-01-01&date=lt2021"},
		{"Observation", "code-value-quantity=http://loinc.org%7C8480-6$gt120"},
		{"Patient", "family=nguyen&given=an&_count=20"},
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		q := queries[i%len(queries)]
		params, _ := Parse(q.query)
		if _, err := Bind(fhir.Type(q.of), params, Options{}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
