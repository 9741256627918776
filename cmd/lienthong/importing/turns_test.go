package importing

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// A corrected file goes out after the one that it corrects, however long that takes, and holds nothing else up: the later one counts, which
// is the one named later, whatever its name.
func TestACorrectedFileGoesOutAfterTheOneItCorrects(t *testing.T) {
	raw, err := os.ReadFile(fhirtest.Data(t, "domain", "claim-xml", "samples", "three-episodes.xml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, maLK, words string) string {
		t.Helper()
		f, err := hoso.Decode(raw, hoso.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		f.HoSo = f.HoSo[:1]
		for _, table := range f.HoSo[0].Tables {
			for _, row := range table.Rows {
				row.Set("MA_LK", maLK)
			}
		}
		f.HoSo[0].XML1().Set("LY_DO_VV", words)
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, f.Encode(), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first, corrected, other := write("b.xml", "LK-1", "lúc đầu"), write("a.xml", "LK-1", "đã sửa"), write("c.xml", "LK-2", "khác")
	for range 10 {
		f := newFake(t)
		came := make(chan struct{})
		f.fault = func(_ http.ResponseWriter, body []byte, committed bool) bool {
			if !committed && bytes.Contains(body, []byte("lúc đầu")) {
				<-came // the first takes until another episode is through
			}
			if committed && bytes.Contains(body, []byte("khác")) {
				close(came)
			}
			return false
		}
		if r := importing(t, f, state(t), first, corrected, other); r.Failed > 0 {
			t.Fatalf("%+v", r.failures)
		}
		var order []string
		for _, body := range f.bundles {
			for _, words := range []string{"lúc đầu", "đã sửa", "khác"} {
				if bytes.Contains(body, []byte(words)) {
					order = append(order, words)
				}
			}
		}
		if got := strings.Join(order, ", "); got != "khác, lúc đầu, đã sửa" {
			t.Fatalf("they came in the order %s", got)
		}
	}
}
