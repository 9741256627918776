package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// TestWhoLookedIsToldAndProven reads a record, asks who did, and then tampers with the journal of the server that was ended
// or killed.
func TestWhoLookedIsToldAndProven(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"serve", "--insecure-no-authentication", "--data", data, "--listen", "127.0.0.1:0"}
	server := startChild(t, args...)
	get := func(path, accept string) string {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, server.info.FHIR+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		req.Header.Set("Accept-Language", "vi")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var b bytes.Buffer
		if _, err := b.ReadFrom(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp.StatusCode, err, b.String())
		}
		return b.String()
	}
	if status, raw, err := exchange(http.MethodPut, server.info.FHIR+"/Patient/p1", `{"resourceType":"Patient","id":"p1","identifier":[{"system":"https://lienthong.example/sid/cccd","value":"051085000011"}]}`); err != nil || status != http.StatusCreated {
		t.Fatal(status, string(raw), err)
	}
	get("/Patient/p1", "application/fhir+json")
	get("/Patient?identifier=https://lienthong.example/sid/cccd|051085000011", "application/fhir+json")
	report := get("/Patient/p1/$access-report?_count=10", "application/fhir+json")
	for _, want := range []string{`"code":"create"`, `"code":"read"`, `"code":"search"`, `"code":"update"`, "đã xem 1 hồ sơ cá nhân", "Patient/p1/_history/1"} {
		if strings.Contains(report, want) == (want == `"code":"create"`) { // a PUT is an update
			t.Errorf("%s in %s", want, report)
		}
	}
	if page := get("/Patient/p1/$access-report", "text/html"); !strings.Contains(page, "đã xem") {
		t.Error("no words on the page")
	}
	for _, bad := range []string{"?from=yesterday", "?_count=0", "?x=1"} {
		if status, _, err := exchange(http.MethodGet, server.info.FHIR+"/Patient/p1/$access-report"+bad, ""); err != nil || status != http.StatusBadRequest {
			t.Error(bad, status, err)
		}
	}
	if status, _, err := exchange(http.MethodGet, server.info.FHIR+"/Patient/p2/$access-report", ""); err != nil || status != http.StatusNotFound {
		t.Error(status, err)
	}
	server.kill()
	server = startChild(t, args...)
	if again := get("/Patient/p1/$access-report", "application/fhir+json"); strings.Count(again, `"resourceType":"AuditEvent"`) < strings.Count(report, `"resourceType":"AuditEvent"`) {
		t.Errorf("entries were lost by kill -9: %s", again)
	}
	if code := server.stop(t); code != 0 {
		t.Fatal(code)
	}

	var out bytes.Buffer
	if err := run(t.Context(), []string{"verify-audit", "--data", data}, &out, &out); err != nil || !strings.Contains(out.String(), "nothing was changed") {
		t.Fatal(err, out.String())
	}
	line := filepath.Join(data, "audit", "00000000000000000000.jsonl")
	raw, err := os.ReadFile(line)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("051085000011")) {
		t.Error("a citizen ID stands in the journal")
	}
	raw[bytes.Index(raw, []byte(`"status":200`))+len(`"status":`)] = '3'
	if err := os.WriteFile(line, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := run(t.Context(), []string{"verify-audit", "--data", data}, &out, &out); exitCode(err) != exitFailed || !strings.Contains(out.String(), "FAULT") {
		t.Error(err, out.String())
	}
}

// TestTheServerIndexesAddedParameters goes through all that stands between a request and the engine.
func TestTheServerIndexesAddedParameters(t *testing.T) {
	server := startChild(t, "serve", "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--insecure-no-authentication")
	put := func(key, doc string) {
		t.Helper()
		if status, raw, err := exchange(http.MethodPut, server.info.FHIR+"/"+key, doc); err != nil || status != http.StatusCreated {
			t.Fatal(status, string(raw), err)
		}
	}
	put("Patient/p1", `{"resourceType":"Patient","id":"p1","maritalStatus":{"text":"x","coding":[{"system":"urn:s","code":"M"}]}}`)
	put("SearchParameter/marital", `{"resourceType":"SearchParameter","id":"marital","url":"https://lienthong.example/fhir/SearchParameter/marital","name":"marital","status":"active","description":"x","code":"marital","base":["Patient"],"type":"token","expression":"Patient.maritalStatus"}`)
	fhirtest.Eventually(t, "the index of an added parameter", func() bool {
		status, raw, err := exchange(http.MethodGet, server.info.FHIR+"/Patient?marital=M", "")
		if err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
			t.Fatal(status, string(raw), err)
		}
		return status == http.StatusOK && bytes.Contains(raw, []byte(`"total":1`))
	})
}
