package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// TestGenerateGivesNoDiff: what is committed is what the generator makes of the definitions. The text is compared, since
// another release of the compressor may pack it otherwise.
func TestGenerateGivesNoDiff(t *testing.T) {
	text, err := content(fhirtest.Data(t, "data", "fhir-r4"))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile("../content_gen.zst")
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	committed, err := z.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, committed) {
		t.Error("content_gen.zst differs from the definitions: run go generate ./fhir/terminology")
	}
	for _, foreign := range []string{"multi-select", "detectedissue-status", "medplum", "National E-Health"} {
		if bytes.Contains(text, []byte(foreign)) {
			t.Errorf("%s is not of R4, or must not be carried", foreign)
		}
	}
}
