package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/delivery"
)

// An MA_LK is unique within a hospital: which of two claims is meant is not guessed, and what an MA_LK may hold is no syntax of a search.
func TestAnEpisodeOfSeveralHospitalsIsNotGuessed(t *testing.T) {
	var asked string
	entries := map[string]string{
		"twice": `{"resource":{"resourceType":"Claim","id":"c1"}},{"resource":{"resourceType":"Claim","id":"c2"}}`,
		`a\,b`:  `{"resource":{"resourceType":"Claim","id":"c3"}}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/Claim" {
			fmt.Fprintf(w, `{"resourceType":"Bundle","entry":[%s]}`, entries[r.URL.Query().Get("identifier")])
			return
		}
		asked = r.URL.Path
		fmt.Fprint(w, `{}`)
	}))
	defer server.Close()
	for name, want := range map[string]string{"a,b": "/Claim/c3/$case", "c9": "/Claim/c9/$case", "Claim/twice": "/Claim/twice/$case", "twice": "", "no_such": "", "../x": ""} {
		asked = ""
		var out, stderr bytes.Buffer
		err := run(t.Context(), []string{"claims", "show", name, "--json", "--server", server.URL}, &out, &stderr)
		if asked != want || (err == nil) != (want != "") || want == "" && exitCode(err) != exitUsage {
			t.Errorf("%s: asked for %q, %v", name, asked, err)
		}
		if name == "twice" && (err == nil || !strings.Contains(err.Error(), "Claim/c1, Claim/c2")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What holds a version, or ended it, is told with its place and in words, each rule on a line of its own.
func TestAHeldClaimSaysWhy(t *testing.T) {
	one := cases.Case{Versions: []cases.Version{
		{Version: 1, State: delivery.Rejected, Reason: &delivery.Reason{Code: "205", VI: "Sai định dạng\x1b[2J", EN: "Malformed"}},
		{Version: 2, State: delivery.Held, Reason: &delivery.Reason{Code: "AMT-06"}, Findings: []delivery.Reason{
			{Code: "AMT-06", Path: "XML2[1].T_BHTT", VI: "Phân bổ chi phí sai công thức", EN: "Split of the cost does not follow the formula"},
			{Code: "TOT-05", Path: "XML1.T_BHTT_GDV", VI: "T_BHTT_GDV sai", EN: "T_BHTT_GDV differs"},
		}},
		{Version: 3, State: delivery.Accepted},
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewEncoder(w).Encode(one); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	for lang, want := range map[string][]string{
		"vi": {"1 Bị từ chối [rejected] 205 - Sai định dạng\uFFFD[2J", "2 Giữ lại do lỗi kiểm tra [held] AMT-06 XML2[1].T_BHTT Phân bổ chi phí sai công thức", "2 Giữ lại do lỗi kiểm tra [held] TOT-05 XML1.T_BHTT_GDV T_BHTT_GDV sai", "3 Đã tiếp nhận [accepted] - - -"},
		"en": {"1 refused by the portal [rejected] 205 - Malformed", "2 held: our check found errors [held] AMT-06 XML2[1].T_BHTT Split of the cost does not follow the formula", "2 held: our check found errors [held] TOT-05 XML1.T_BHTT_GDV T_BHTT_GDV differs"},
	} {
		var out, stderr bytes.Buffer
		if err := run(t.Context(), []string{"claims", "show", "Claim/c1", "--lang", lang, "--server", server.URL}, &out, &stderr); err != nil {
			t.Fatal(err)
		}
		lines := strings.Join(strings.Fields(strings.ReplaceAll(out.String(), "0001-01-01T00:00:00Z", "")), " ")
		for _, line := range want {
			if !strings.Contains(lines, line) {
				t.Errorf("%s: no %q in\n%s", lang, line, out.String())
			}
		}
	}
}
