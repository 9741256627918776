package fhirtest

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"testing"
)

// stream is what a PDF holds deflated.
var stream = regexp.MustCompile(`(?s)stream\r?\n.*?\r?\nendstream`)

// Unzipped is all that lies in a ZIP and in those that lie in it (a spreadsheet is one), part after part, and in the streams of
// a PDF: what is left is text and what is drawn by it, and no bytes in which chance may put any word.
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
		if bytes.HasPrefix(part, []byte("%PDF-")) {
			part = stream.ReplaceAllFunc(part, func(s []byte) []byte { return inflated(t, s) })
		}
		all = append(append(all, part...), '\n')
	}
	return all
}

func inflated(t testing.TB, stream []byte) []byte {
	t.Helper()
	at := bytes.IndexByte(stream, '\n') + 1
	r, err := zlib.NewReader(bytes.NewReader(stream[at:]))
	if err != nil {
		return stream // not deflated
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
