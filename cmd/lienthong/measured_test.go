package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

func TestFiguresTellWhatRunsAndNothingAboutAnybody(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "info.json")
	h := startHere(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
		"--data", filepath.Join(dir, "data"), "--info", file)
	i := h.info(t, file)
	const cccd = "001299000017"
	send := func(method, url, body string, want int) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/fhir+json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != want {
			t.Fatalf("%s %s: %d, want %d: %v %s", method, url, res.StatusCode, want, err, raw)
		}
		return string(raw)
	}
	send("PUT", i.FHIR+"/Patient/p1", `{"resourceType":"Patient","id":"p1","name":[{"family":"Thử"}]}`, 201)
	for range 3 {
		send("GET", i.FHIR+"/Patient/p1", "", 200)
	}
	send("GET", i.FHIR+"/Patient?identifier=x|"+cccd, "", 200)
	send("GET", i.FHIR+"/"+cccd+"/"+cccd, "", 404)
	send("GET", strings.TrimSuffix(i.FHIR, "/fhir")+"/"+cccd, "", 404)
	send("BREW", i.FHIR+"/Patient", "", 405)

	text := send("GET", i.Metrics, "", 200)
	for _, want := range []string{
		`lienthong_requests_total{interaction="read",type="Patient"} 3`,
		`lienthong_requests_total{interaction="update",type="Patient"} 1`,
		`lienthong_request_duration_seconds_count{code="200",interaction="search"} 1`,
		`lienthong_requests_total{interaction="other",type="Patient"} 1`,
		`lienthong_resources{type="Patient"} 1`,
		`lienthong_source_up{source="store"} 1`,
		`lienthong_not_ready{code="store-full"} 0`, `lienthong_not_ready{code="other"} 0`,
		`lienthong_claims{state="queued"} 0`,
		"lienthong_commits ", "lienthong_audit_lines ", "lienthong_audit_writes_total ", "lienthong_audit_write_seconds_total ", "lienthong_build_info{", "go_goroutines ",
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, cccd) || strings.Contains(text, "p1") || strings.Contains(text, "BREW") {
		t.Error("the figures repeat what a caller sent")
	}
	if found := regexp.MustCompile(`(?m)^lienthong_[a-z_]+\{[^}]*(id|subject|client)=`).FindString(text); found != "" {
		t.Errorf("a label names a caller: %s", found)
	}
	h.stop(t)

	// What the alerts and the dashboard ask for is there, with the labels that they go by.
	root, err := fhirtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, file := range []string{"deploy/alerts.yml", "deploy/grafana/dashboards/lienthong.json"} {
		raw, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`\b(?:lienthong|process)_[a-z_]+`).FindAllString(string(raw), -1) {
			asked++
			if !regexp.MustCompile(`(?m)^` + name + `[{ ]`).MatchString(text) {
				t.Errorf("%s asks for %s, which no server tells", file, name)
			}
		}
		for _, found := range regexp.MustCompile(`\bby \(([a-z_, ]+)\)|[{,]([a-z_]+)[!=]~?\\?"|\$labels\.([a-z_]+)`).FindAllStringSubmatch(string(raw), -1) {
			for label := range strings.SplitSeq(found[1]+found[2]+found[3], ", ") {
				ofPrometheus := label == "instance" || label == "job"
				if !ofPrometheus && !regexp.MustCompile(`(?m)^lienthong_.*[{,]`+label+`="`).MatchString(text) {
					t.Errorf("%s asks for the label %s, which no figure has", file, label)
				}
			}
		}
	}
	if asked < 10 {
		t.Errorf("only %d figures are asked for", asked)
	}
}
