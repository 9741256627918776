package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
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

// A list says what it comes to, exactly, and that it is not all; a refusal is asked for in the reader's language, and conditions are sent as they are meant.
func TestAListSaysWhatItComesTo(t *testing.T) {
	var asked url.Values
	var language string
	page := cases.Page{Rows: []cases.Row{
		{Claim: "Claim/c1", State: delivery.Settled, Assessment: delivery.Denied, Requested: "999999999999.99", Paid: "0.00", Reduced: "999999999999.99"},
		{Claim: "Claim/c2", State: delivery.Queued, Requested: "0.02", Findings: []string{"AMT-06", "X-9"}, Cuts: []string{"GD01"}},
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, language = r.URL.Query(), r.Header.Get("Accept-Language")
		if err := json.NewEncoder(w).Encode(page); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	for _, c := range []struct {
		more      string
		args      []string
		out, told string
	}{
		{"", nil, "2 hồ sơ; đề nghị 1000000000000.01, chấp nhận 0.00, giảm trừ 999999999999.99\n", ""},
		{"", []string{"--lang", "en"}, "2 claims; requested 1000000000000.01, paid 0.00, reduced 999999999999.99\n", ""},
		{"x", []string{"--limit", "2"}, "giảm trừ 999999999999.99\n", "lienthong: còn hồ sơ khác: danh sách dừng ở 2 (--limit)\n"},
		{"x", []string{"--limit", "2", "--json", "--lang", "en"}, "\n", "lienthong: there are more: the list ends after 2 (--limit)\n"},
	} {
		page.Next = c.more
		var out, told bytes.Buffer
		if err := run(t.Context(), append([]string{"claims", "list", "--server", server.URL}, c.args...), &out, &told); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), c.out) || told.String() != c.told || strings.Contains(out.String(), "hồ sơ;") == slices.Contains(c.args, "en") {
			t.Errorf("%v: %q %q", c.args, out.String(), told.String())
		}
	}
	page.Next = ""
	page.Rows[0].Reason = &delivery.Reason{Code: "late-effect", VI: "đến muộn", EN: "too late"}
	for lang, want := range map[string][]string{
		"vi": {"Phân bổ chi phí sai công thức [AMT-06], X-9, GD01\n", "đến muộn [late-effect]\n"},
		"en": {"Split of the cost does not follow the formula [AMT-06], X-9, GD01\n", "too late [late-effect]\n"},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"claims", "list", "--server", server.URL, "--lang", lang}, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		for _, line := range want {
			if !strings.Contains(out.String(), line) {
				t.Errorf("%s: no %q in %s", lang, line, out.String())
			}
		}
	}
	if err := run(t.Context(), []string{"claims", "list", "--server", server.URL, "--lang", "en", "--state", "held", "--state", "queued", "--reason", "GD01,GD02", "--reason", "GD03",
		"--period", "2026-03,2026-05", "--submitted", "ge1", "--submitted", "lt9"}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{"state": {"held,queued"}, "reason": {"GD01,GD02", "GD03"}, "period": {"2026-03,2026-05"}, "submitted": {"ge1", "lt9"}} {
		if !slices.Equal(asked[name], want) {
			t.Errorf("%s: %q", name, asked[name])
		}
	}
	if language != "en" {
		t.Errorf("asked in %q", language)
	}
}

func TestALongNameLeavesRoomForTheOthers(t *testing.T) {
	for name, want := range map[string]string{"Amlodipin": "Amlodipin", strings.Repeat("ộ", 60): strings.Repeat("ộ", 60), strings.Repeat("ộ", 61): strings.Repeat("ộ", 60) + "…"} {
		if got := shortened(name); got != want {
			t.Errorf("%q", got)
		}
	}
}
