package bhxh

import (
	"os"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
)

// faulty is the kind of claim that a pre-check holds.
const faulty = "faulty"

// episode is a treatment episode as a FHIR transaction: the sample of an outpatient under an MA_LK of its own. Kinds
// differ in a tag, so that each makes a new version of the claim.
func episode(tb testing.TB, id, kind string) *resource.Document {
	tb.Helper()
	raw, err := os.ReadFile(fhirtest.Data(tb, "domain", "claim-xml", "samples", "outpatient.xml"))
	if err != nil {
		tb.Fatal(err)
	}
	f, err := hoso.Decode(raw, hoso.DefaultLimits())
	if err != nil {
		tb.Fatal(err)
	}
	h := f.HoSo[0]
	for _, t := range h.Tables {
		for _, row := range t.Rows {
			row.Set("MA_LK", "LK-"+id)
		}
	}
	h.XML1().Set("MA_CSKCB", facility)
	if kind == faulty {
		h.Rows(hoso.XML3)[0].Set("THANH_TIEN_BV", "1.00")
	}
	bundle, err := mapping.Episode(h, mapping.EpisodeOptions{ID: fhir.ID(id), Tag: mapping.Tag{System: "urn:x:kind", Code: kind}})
	if err != nil {
		tb.Fatal(err)
	}
	doc, err := resource.New(bundle)
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}
