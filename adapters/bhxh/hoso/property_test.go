package hoso_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
)

// xmlText draws what a field can hold: any text that XML 1.0 can.
func xmlText() *rapid.Generator[string] {
	plain := rapid.SampledFrom([]rune("aZ09 .,;:&<>'\"]\t\r\n/ệỄđư💉\u0301\uFFFD\u00A0"))
	return rapid.StringOfN(plain, 0, 12, -1)
}

// drawFile draws a file of one to three episodes with any of the tables, each field of which may hold anything.
func drawFile(t *rapid.T) *hoso.File {
	f := &hoso.File{MaCSKCB: rapid.StringMatching(`[0-9]{5}`).Draw(t, "facility"), NgayLap: "20260301"}
	if rapid.Bool().Draw(t, "signed") {
		f.ChuKyDonVi = `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignatureValue>AA==</SignatureValue></Signature>`
	}
	d := hoso.DecisionAt(rapid.SampledFrom([]string{"20240701", "20250101", "20260801"}).Draw(t, "discharge"))
	for range rapid.IntRange(1, 3).Draw(t, "episodes") {
		ids := []hoso.ID{hoso.XML1}
		for id := hoso.XML2; id <= 15; id++ {
			if rapid.Bool().Draw(t, id.String()) {
				ids = append(ids, id)
			}
		}
		h := hoso.NewHoSo(d, ids...)
		for i := range h.Tables {
			table := &h.Tables[i]
			n := 1
			if !table.Layout.Single() {
				n = rapid.IntRange(1, 3).Draw(t, "rows")
			}
			for range n {
				row := table.Add()
				for j := range row.Values() {
					if rapid.IntRange(0, 3).Draw(t, "given") == 0 {
						row.Values()[j] = xmlText().Draw(t, "text")
					}
				}
			}
		}
		f.HoSo = append(f.HoSo, h)
	}
	return f
}

// LOSSLESS for claim files: what was written is read as it was, whatever stands in the fields, and written again byte by
// byte the same.
func TestAnyFileSurvivesReadingAndWriting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFile(t)
		raw := f.Encode()
		back, err := hoso.Decode(raw, hoso.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		if again := back.Encode(); !bytes.Equal(again, raw) {
			t.Fatalf("the file changed: %s", firstDifference(raw, again))
		}
		for i, h := range f.HoSo {
			for j, table := range h.Tables {
				for k, row := range table.Rows {
					for l, v := range row.Values() {
						if got := back.HoSo[i].Tables[j].Rows[k].Values()[l]; got != v {
							t.Fatalf("%s.%s: %q became %q", table.Layout.ID, table.Layout.Fields[l].Name, v, got)
						}
					}
				}
			}
		}
		for _, x := range hoso.Check(back, hoso.CheckOptions{}) {
			if x.Rule == "ENV-02" || x.Rule == "ENV-03" || x.Rule == "FLD-05" {
				t.Fatalf("our own file: %+v", x)
			}
		}
	})
}
