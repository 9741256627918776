package hoso_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// What an element holds that no table has is not in the rows, and it is told where it stood; an empty one loses nothing.
func TestDroppedElementsAreTold(t *testing.T) {
	raw, err := os.ReadFile(fhirtest.Data(t, "domain", "claim-xml", "samples", "outpatient.XML2.xml"))
	if os.IsNotExist(err) {
		raw, err = os.ReadFile(fhirtest.Data(t, "domain", "claim-xml", "samples", "inpatient.XML2.xml"))
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		old, with string
		want      []string
	}{
		"nothing":                  {"", "", nil},
		"an unknown field":         {"<MA_THUOC>", "<GHI_CHU_RIENG>dị ứng</GHI_CHU_RIENG><MA_THUOC>", []string{"XML2[1].GHI_CHU_RIENG"}},
		"an unknown field, empty":  {"<MA_THUOC>", "<GHI_CHU_RIENG/><MA_THUOC>", nil},
		"a field twice":            {"<MA_THUOC>", "<STT>9</STT><MA_THUOC>", []string{"XML2[1].STT"}},
		"elements within elements": {"<MA_THUOC>", "<A><B>x</B></A><MA_THUOC>", []string{"XML2[1].A"}},
	} {
		text := strings.Replace(string(raw), c.old, c.with, 1)
		f, err := hoso.Decode([]byte(text), hoso.DefaultLimits())
		if err != nil {
			t.Fatal(name, err)
		}
		var got []string
		for _, table := range f.HoSo[0].Tables {
			got = append(got, table.Dropped()...)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
