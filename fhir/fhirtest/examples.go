package fhirtest

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// Examples calls each with the official examples of R4 that are JSON, by their names in the archive. The bytes are the
// callee's.
func Examples(tb testing.TB, each func(name string, raw []byte)) {
	tb.Helper()
	f, err := os.Open(Data(tb, "data", "fhir-r4", "examples.tar.gz"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			tb.Fatal(err)
		}
		if !strings.HasSuffix(h.Name, ".json") {
			continue
		}
		raw, err := io.ReadAll(files)
		if err != nil {
			tb.Fatal(err)
		}
		each(h.Name, raw)
	}
}
