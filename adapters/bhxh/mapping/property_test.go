package mapping_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
)

// drawValue draws what may stand in a field, also what does not fit it.
func drawValue(t *rapid.T, f hoso.Field) string {
	dates := []string{"202603020815", "20260302", "202602300000", "0000"}
	numbers := []string{"0", "1", "01", "12.50", "12000.00", "1,5", "5100000002", "5100000002;5100000003"}
	texts := []string{"Viêm phổi", "a & <b> \"c\"", "x;y", "I10", "2 lần/ngày", "dòng 1\ndòng 2"}
	switch {
	case f.Format != hoso.NoFormat:
		return rapid.SampledFrom(append(dates, numbers[0])).Draw(t, f.Name)
	case f.Type == hoso.Number:
		return rapid.SampledFrom(numbers).Draw(t, f.Name)
	}
	return rapid.SampledFrom(slices.Concat(texts, numbers, dates[:1])).Draw(t, f.Name)
}

// Every field of every table comes back from FHIR as it went in, and FHIR from that file is the same FHIR.
func TestEveryFieldOfEveryTableSurvivesFHIR(t *testing.T) {
	base := samples(t)["outpatient"]
	rapid.Check(t, func(t *rapid.T) {
		h := clone(base)
		for _, id := range []hoso.ID{hoso.XML1, hoso.XML2, hoso.XML3} {
			for _, row := range h.Rows(id) {
				for i, f := range row.Layout().Fields {
					if !f.Required && rapid.IntRange(0, 4).Draw(t, "touch") == 0 {
						row.Values()[i] = rapid.SampledFrom([]string{"", drawValue(t, f)}).Draw(t, "value")
					}
				}
			}
		}
		h.Tables = h.Tables[:3]
		d := hoso.DecisionAt("20260302")
		for id := hoso.XML4; id <= 15; id++ {
			if !rapid.Bool().Draw(t, id.String()) {
				continue
			}
			table := hoso.Table{Layout: d.Layout(id)}
			n := 1
			if !table.Layout.Single() {
				n = rapid.IntRange(1, 2).Draw(t, "rows")
			}
			for k := range n {
				row := table.Add()
				for i, f := range table.Layout.Fields {
					switch {
					case f.Name == "MA_LK":
						row.Values()[i] = h.MaLK()
					case f.Name == "STT":
						row.Values()[i] = fmt.Sprint(k + 1)
					case rapid.Bool().Draw(t, "given"):
						row.Values()[i] = drawValue(t, f)
					}
				}
			}
			h.Tables = append(h.Tables, table)
		}
		bundle, err := mapping.Episode(h, mapping.EpisodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s, claim := load(t, bundle)
		c, err := mapping.FromFHIR(t.Context(), s, claim, mapping.Options{})
		if err != nil || len(c.Findings) > 0 {
			t.Fatalf("%v %+v", err, c.Findings)
		}
		if diff := differences(h, c.HoSo); len(diff) > 0 {
			t.Fatalf("%s\n%s", strings.Join(diff, "\n"), bundle)
		}
		again, err := mapping.Episode(c.HoSo, mapping.EpisodeOptions{})
		if err != nil || !bytes.Equal(again, bundle) {
			t.Fatalf("the FHIR differs: %v\n%s\n%s", err, bundle, again)
		}
	})
}

// A check-in becomes an Encounter in progress, with what has no element in the extension xml0.
func TestACheckInIsAnEncounterInProgress(t *testing.T) {
	row := hoso.NewRow(hoso.DecisionAt("20260302").Layout(hoso.XML0))
	for f, v := range map[string]string{"MA_LK": "LK-9", "STT": "1", "MA_BN": "BN9", "HO_TEN": "NGUYỄN VĂN THỬ", "NGAY_SINH": "198503150000", "GIOI_TINH": "1",
		"MA_THE_BHYT": "GD4515100000011", "MA_DKBD": "51901", "GT_THE_TU": "20260101", "MA_DOITUONG_KCB": "1.1", "NGAY_VAO": "202603010800", "MA_LOAI_KCB": "01",
		"MA_CSKCB": "51901", "NGAY_YL": "202603010801", "MA_DICH_VU": "02.1897"} {
		row.Set(f, v)
	}
	bundle, err := mapping.CheckIn(row, mapping.EpisodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, _ := load(t, bundle)
	for key, doc := range s {
		if key.Type != "Encounter" {
			continue
		}
		raw := string(doc.Root().AppendTo(nil))
		back, fs, err := mapping.CheckInFromFHIR(t.Context(), s, doc.Root(), mapping.Options{})
		if err != nil || len(fs) > 0 || !slices.Equal(back.Values(), row.Values()) {
			t.Errorf("%v %+v\n%q became\n%q", err, fs, row.Values(), back.Values())
		}
		for _, want := range []string{`"status":"in-progress"`, "StructureDefinition/xml0", `"url":"MA_DICH_VU","valueString":"02.1897"`, `"url":"MA_THE_BHYT"`, `"value":"LK-9"`} {
			if !strings.Contains(raw, want) {
				t.Errorf("no %s in %s", want, raw)
			}
		}
	}
	if !strings.Contains(string(bundle), `"ifNoneExist":"identifier=https://lienthong.example/sid/malk/51901%7CLK-9"`) {
		t.Errorf("a late check-in would undo the claim: %s", bundle)
	}
	row.Set("MA_LK", "")
	if _, err := mapping.CheckIn(row, mapping.EpisodeOptions{}); err == nil {
		t.Error("a check-in without MA_LK was taken")
	}
}
