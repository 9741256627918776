package walk_test

import (
	"archive/tar"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
)

// examples yields the official R4 examples by file name.
func examples(tb testing.TB, each func(name string, raw []byte)) {
	f, err := os.Open(fhirtest.Data(tb, "data", "fhir-r4", "examples.tar.gz"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			tb.Fatal(err)
		}
		if !strings.HasSuffix(h.Name, ".json") {
			continue
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		each(filepath.Base(h.Name), raw)
	}
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
