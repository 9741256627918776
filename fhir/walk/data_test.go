package walk_test

import (
	"compress/bzip2"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
)

// examples yields the official R4 examples by file name.
func examples(tb testing.TB, each func(name string, raw []byte)) {
	fhirtest.Examples(tb, func(name string, raw []byte) { each(filepath.Base(name), raw) })
}

// synthea yields the first n patients' bundles (0 = all), the hospital and practitioner batches included.
func synthea(tb testing.TB, n int, each func(name string, d *resource.Document)) {
	files, err := filepath.Glob(filepath.Join(fhirtest.Data(tb, "data", "synthea"), "*.json.bz2"))
	if err != nil {
		tb.Fatal(err)
	}
	if n > 0 && len(files) > n {
		files = files[:n]
	}
	for _, name := range files {
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
		each(filepath.Base(name), d)
	}
}
