package hoso_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

var episodes = []string{"outpatient", "inpatient", "child"}

func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join(fhirtest.Data(tb, "domain", "claim-xml", "samples"), name))
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func decode(tb testing.TB, raw []byte) *hoso.File {
	tb.Helper()
	f, err := hoso.Decode(raw, hoso.DefaultLimits())
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// Money and names cannot be trusted if our own writer would print an accepted file differently.
func TestSamplesAreWrittenAsTheyWereRead(t *testing.T) {
	for _, name := range append([]string{"three-episodes"}, episodes...) {
		t.Run(name, func(t *testing.T) {
			raw := sample(t, name+".xml")
			if got := decode(t, raw).Encode(); !bytes.Equal(got, raw) {
				t.Errorf("the file changed:\n%s", firstDifference(raw, got))
			}
		})
	}
	for _, name := range episodes {
		h := decode(t, sample(t, name+".xml")).HoSo[0]
		for _, id := range []hoso.ID{hoso.XML1, hoso.XML2, hoso.XML3} {
			want := sample(t, name+"."+id.String()+".xml")
			if got := h.Table(id).AppendXML(nil); !bytes.Equal(got, want) {
				t.Errorf("%s %s changed:\n%s", name, id, firstDifference(want, got))
			}
		}
	}
}

func firstDifference(want, got []byte) string {
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	from := max(0, i-60)
	return "want …" + string(want[from:min(len(want), i+60)]) + "\ngot  …" + string(got[from:min(len(got), i+60)])
}

func TestSamplesPassAllChecks(t *testing.T) {
	for _, name := range append([]string{"three-episodes"}, episodes...) {
		f := decode(t, sample(t, name+".xml"))
		for _, x := range hoso.Check(f, hoso.CheckOptions{Now: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}) {
			t.Errorf("%s: %s %s: %s", name, x.Rule, x.Path(), x.EN)
		}
	}
}

func TestTablesHaveTheFieldsOfTheDecision(t *testing.T) {
	counts := []int{26, 66, 39, 47, 12, 9, 47, 26, 22, 35, 13, 23, 35, 39, 22, 20}
	d := hoso.DecisionAt("20260302")
	for i, n := range counts {
		if l := d.Layout(hoso.ID(i)); l == nil || len(l.Fields) != n {
			t.Errorf("XML%d: want %d fields", i, n)
		}
	}
	if d.Layout(16) != nil {
		t.Error("there is no XML16")
	}
}

func TestTheDecisionFollowsTheDayOfDischarge(t *testing.T) {
	for day, want := range map[string]struct {
		name  string
		known bool
	}{
		"20240630": {"4750/QĐ-BYT", true}, "202407010000": {"4750/QĐ-BYT", true}, "202412312359": {"4750/QĐ-BYT", true},
		"202501010000": {"3176/QĐ-BYT", true}, "20260630": {"3176/QĐ-BYT", true},
		"20260701": {"1931/QĐ-BYT (2026)", false}, "": {"4750/QĐ-BYT", true},
	} {
		if d := hoso.DecisionAt(day); d.Name != want.name || d.Known != want.known {
			t.Errorf("%s: got %+v", day, d)
		}
	}
}
