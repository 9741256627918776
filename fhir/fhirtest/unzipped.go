package fhirtest

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"
)

// Unzipped is all that lies in a ZIP and in those that lie in it (a spreadsheet is one), part after part.
func Unzipped(t testing.TB, raw []byte) (all []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		part, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(part, []byte("PK\x03\x04")) {
			part = Unzipped(t, part)
		}
		all = append(append(all, part...), '\n')
	}
	return all
}
