package main

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
)

// What holds a claim can be asked for before it is stored, and of one that is.
func TestPrecheckOfClaims(t *testing.T) {
	raw, err := os.ReadFile(fhirtest.Data(t, "domain", "claim-xml", "samples", "inpatient.xml"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := hoso.Decode(raw, hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	server := fresh(t).info
	// The same person at two facilities at once.
	elsewhere, err := hoso.Decode(raw, hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range elsewhere.HoSo[0].Tables {
		for _, r := range table.Rows {
			r.Set("MA_LK", "51902_2026_000007")
		}
	}
	elsewhere.HoSo[0].XML1().Set("MA_CSKCB", "51902")
	send := func(h hoso.HoSo) {
		t.Helper()
		bundle, err := mapping.Episode(h, mapping.EpisodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if status, body, err := exchange(http.MethodPost, server.FHIR, string(bundle)); err != nil || status != http.StatusOK {
			t.Fatalf("%d %v %s", status, err, body)
		}
	}
	send(f.HoSo[0])
	claim, ok := first(t, server.FHIR+"/Claim?identifier=51901_2026_000002")
	id, _ := claim.ID()
	if !ok {
		t.Fatal("no claim")
	}
	// ask gives the result and the findings as "rule path".
	ask := func(method, url, body string, want int) (result string, findings []string) {
		t.Helper()
		status, raw, err := exchange(method, url, body)
		if err != nil || status != want {
			t.Fatalf("%s: %d %v %s", url, status, err, raw)
		}
		doc, err := resource.New([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		for p := range doc.Root().Get("parameter").Elements() {
			if p.Get("name").Text() == "result" {
				result = p.Get("valueCode").Text()
			}
			rule, path := "", ""
			for part := range p.Get("part").Elements() {
				switch part.Get("name").Text() {
				case "rule":
					rule = part.Get("valueCode").Text()
				case "path":
					path = part.Get("valueString").Text()
				}
			}
			if rule != "" {
				findings = append(findings, rule+" "+path)
			}
		}
		return result, findings
	}
	stored := server.FHIR + "/Claim/" + id + "/$precheck"
	if result, fs := ask(http.MethodGet, stored, "", http.StatusOK); result != "clean" || len(fs) > 0 {
		t.Errorf("%s %v", result, fs)
	}
	spoilt := strings.Replace(string(claim.AppendTo(nil)), `"net":{"value":168000.00`, `"net":{"value":168000.01`, 1)
	for _, body := range []string{spoilt, `{"resourceType":"Parameters","parameter":[{"name":"claim","resource":` + spoilt + `}]}`} {
		result, fs := ask(http.MethodPost, server.FHIR+"/Claim/$precheck", body, http.StatusOK)
		if all := strings.Join(fs, "\n"); result != "errors" || !strings.Contains(all, "AMT-01 Claim.item.where(sequence=1).net") || !strings.Contains(all, "TOT-01 ") {
			t.Errorf("%s %v", result, fs)
		}
	}
	send(elsewhere.HoSo[0])
	if result, fs := ask(http.MethodGet, stored, "", http.StatusOK); result != "warnings" || len(fs) != 1 || fs[0] != "DUP-03 Encounter.period.start" {
		t.Errorf("%s %v", result, fs)
	}
	ask(http.MethodGet, server.FHIR+"/Claim/none/$precheck", "", http.StatusNotFound)
	ask(http.MethodPost, server.FHIR+"/Claim/$precheck", `{"resourceType":"Patient"}`, http.StatusBadRequest)
}
