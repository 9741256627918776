package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/interaction"
)

// A hospital's claim file is one episode however often it comes; a corrected one is its next version.
func TestClaimFilesAreImported(t *testing.T) {
	dir := t.TempDir()
	samples := fhirtest.Data(t, "domain", "claim-xml", "samples")
	raw, err := os.ReadFile(filepath.Join(samples, "three-episodes.xml"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := hoso.Decode(raw, hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	store := filepath.Join(dir, "store")
	imports := func(code int, paths ...string) string {
		t.Helper()
		var out, stderr bytes.Buffer
		err := run(t.Context(), append([]string{"import", "--data", store, "--restart", "--quiet"}, paths...), &out, &stderr)
		if exitCode(err) != code {
			t.Fatalf("code %d, %v\n%s%s", exitCode(err), err, out.String(), stderr.String())
		}
		return out.String()
	}
	first := write("first.xml", raw)
	imports(0, first)
	imports(0, first)
	claims := func(want map[string]fhir.Version) {
		t.Helper()
		n, err := openNode(t.Context(), config.Server{Data: store, SIDBase: mapping.DefaultBase, MaxBody: 1 << 20, MaxEntries: 100}, "", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer n.close()
		for typ, count := range map[fhir.Type]int{"Claim": 3, "Encounter": len(want), "Patient": 3} {
			page, err := n.service.Search(ours(t.Context()), typ, "", interaction.SearchOptions{})
			if err != nil || len(page.Matches) != count {
				t.Errorf("%d of %s, want %d (%v)", len(page.Matches), typ, count, err)
			}
		}
		for maLK, version := range want {
			page, err := n.service.Search(ours(t.Context()), "Encounter", "identifier="+maLK, interaction.SearchOptions{})
			if err != nil || len(page.Matches) != 1 || page.Matches[0].Version != version {
				t.Errorf("%s: %+v, want version %d (%v)", maLK, page.Matches, version, err)
			}
		}
	}
	claims(map[string]fhir.Version{"51901_2026_000001": 1, "51901_2026_000002": 1, "51901_2026_000003": 1})

	f.HoSo[1].XML1().Set("LY_DO_VV", "Ho, sốt")
	checkIn := hoso.Table{Layout: hoso.DecisionAt("20260301").Layout(hoso.XML0)}
	for i, maLK := range []string{"51901_2026_000001", "51901_2026_000009"} {
		row := checkIn.Add()
		for name, v := range map[string]string{"MA_LK": maLK, "STT": string(rune('1' + i)), "MA_BN": "BN000001", "HO_TEN": "NGUYỄN VĂN THỬ",
			"SO_CCCD": "051085000011", "NGAY_SINH": "198503150000", "GIOI_TINH": "1", "MA_DOITUONG_KCB": "1.1", "NGAY_VAO": "202603200800",
			"MA_LOAI_KCB": "01", "MA_CSKCB": "51901", "NGAY_YL": "202603200801"} {
			row.Set(name, v)
		}
	}
	one := hoso.File{MaCSKCB: f.MaCSKCB, NgayLap: f.NgayLap, HoSo: f.HoSo[:1]}
	spoilt := bytes.Replace(one.Encode(), []byte("<NOIDUNGFILE>PD94"), []byte("<NOIDUNGFILE>!!94"), 1)
	report := imports(exitPartial, write("second.xml", f.Encode()), write("checkin.xml", checkIn.AppendXML(nil)), write("spoilt.xml", spoilt))
	strange := bytes.Replace(checkIn.AppendXML(nil), []byte("<MA_BN>"), []byte("<GHI_CHU_RIENG>dị ứng</GHI_CHU_RIENG><MA_BN>"), 1)
	if report := imports(exitPartial, write("strange.xml", strange)); !strings.Contains(report, "XML0[1].GHI_CHU_RIENG") {
		t.Errorf("an element that no table has: %s", report)
	}
	if !strings.Contains(report, "ENV-03") || !strings.Contains(report, "spoilt.xml, episode 1") {
		t.Error(report)
	}
	claims(map[string]fhir.Version{"51901_2026_000001": 1, "51901_2026_000002": 2, "51901_2026_000003": 1, "51901_2026_000009": 1})
}

// The patient of a claim file may be registered by another hospital, whose entry the importing one does not see: then the number and the day
// of birth in the file refer to the person, and the file goes out as it is.
func TestAClaimFileOfAPatientRegisteredElsewhereIsImported(t *testing.T) {
	a := serveRoles(t)
	a.want(201, "operator", "PUT", "/Organization/bva", hospitalCalled("bva", "51902"))
	a.want(201, "operator", "PUT", "/Organization/bvb", hospitalCalled("bvb", "51901"))
	a.want(201, "hospital-bva", "PUT", "/Patient/pa", carePatient("pa", "051085000011"))
	a.want(404, "hospital-bvb", "GET", "/Patient/pa", "")
	sample := filepath.Join(fhirtest.Data(t, "domain", "claim-xml", "samples"), "outpatient.xml")
	imported := func(file string) (string, error) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(path, []byte(a.tokens["hospital-bvb"]), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, stderr bytes.Buffer
		err := run(t.Context(), []string{"import", "-q", file, "--server", a.base, "--token-file", path, "--state", filepath.Join(t.TempDir(), "state")}, &out, &stderr)
		return out.String() + stderr.String(), err
	}
	// With another day of birth it is not the person in the file.
	raw, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	f, err := hoso.Decode(raw, hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	f.HoSo[0].XML1().Set("NGAY_SINH", "198503160000")
	other := filepath.Join(t.TempDir(), "other.xml")
	if err := os.WriteFile(other, f.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := imported(other); exitCode(err) != exitPartial {
		t.Errorf("with another day of birth: %v %s", err, out)
	}
	for range 2 { // the second time it sees the patient
		if out, err := imported(sample); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	if raw := a.want(200, "hospital-bvb", "GET", "/Claim?identifier="+sidMaLK+"51901%7C51901_2026_000001&patient=Patient/pa", ""); !strings.Contains(raw, `"total":1`) {
		t.Errorf("%s", raw)
	}
	if raw := a.want(200, "hospital-bvb", "GET", "/Patient?identifier="+careSystem+"%7C051085000011", ""); !strings.Contains(raw, `"total":1`) {
		t.Errorf("%s", raw)
	}
}
