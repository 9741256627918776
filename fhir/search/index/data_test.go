package index_test

import (
	"compress/bzip2"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
)

// examples gives the official R4 examples that are resources.
func examples(tb testing.TB) (out []resource.Value) {
	fhirtest.Examples(tb, func(name string, raw []byte) {
		d, err := resource.Parse(raw, resource.Limits{})
		if err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		if d.Root().ResourceType() != "" {
			out = append(out, d.Root())
		}
	})
	return out
}

// synthea gives the resources of the first n patients' bundles.
func synthea(tb testing.TB, n int) []resource.Value {
	files, err := filepath.Glob(filepath.Join(fhirtest.Data(tb, "data", "synthea"), "*.json.bz2"))
	if err != nil {
		tb.Fatal(err)
	}
	var out []resource.Value
	for _, name := range files[:min(n, len(files))] {
		f, err := os.Open(name)
		if err != nil {
			tb.Fatal(err)
		}
		raw, err := io.ReadAll(bzip2.NewReader(f))
		f.Close()
		if err != nil {
			tb.Fatal(err)
		}
		d, err := resource.Parse(raw, resource.Limits{})
		if err != nil {
			tb.Fatalf("%s: %v", filepath.Base(name), err)
		}
		for e := range d.Root().Get("entry").Elements() {
			out = append(out, e.Get("resource"))
		}
	}
	return out
}
