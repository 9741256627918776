package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

func itoa(n int) string { return strconv.Itoa(n) }

// curlLines are the lines of a command's output that begin with curl.
func curlLines(out string) (lines []string) {
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "curl ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// bash runs a line as a reader would who copies it, and reads the answer.
func bash(t *testing.T, line string) (answer map[string]any) {
	t.Helper()
	out, err := exec.Command("bash", "-c", line).Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%s\n%s", line, out)
	}
	return answer
}

func TestDemoDoesWhatItPrints(t *testing.T) {
	path := filepath.Join(t.TempDir(), "info.json")
	h := startHere(t, "demo", "--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0", "--info", path, "--every", "1s")
	i := h.info(t, path)
	if i.PID == 0 || i.FHIR == "" || i.Gateway == "" || i.CitizenIDSystem == "" || len(i.CitizenID) != 12 {
		t.Errorf("info: %+v", i)
	}
	if n := total(t, i.FHIR+"/Patient?_tag=synthetic&_summary=count"); n < 50 {
		t.Errorf("%d citizens", n)
	}
	history := i.FHIR + "/Immunization?patient.identifier=" + url.QueryEscape(i.CitizenIDSystem+"|"+i.CitizenID) + "&_summary=count"
	before := total(t, history)
	if before < 8 {
		t.Errorf("the child to show has %d vaccinations", before)
	}

	lines := curlLines(h.out.String())
	if len(lines) != 3 {
		t.Fatalf("%d curl lines:\n%s", len(lines), h.out.String())
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Log("there is no curl here: the lines were not tried")
	} else {
		if got := bash(t, lines[0]); got["resourceType"] != "Immunization" || got["id"] == nil {
			t.Errorf("pushing a record: %v", got)
		}
		got := bash(t, lines[1])
		if got["resourceType"] != "Bundle" || len(got["entry"].([]any)) != before+1 {
			t.Errorf("the clinic's query must find the %d and the one just pushed: %v", before, got["total"])
		}
		got = bash(t, lines[2])
		entries, _ := got["entry"].([]any)
		if len(entries) != 1 || entries[0].(map[string]any)["resource"].(map[string]any)["resourceType"] != "Task" {
			t.Errorf("the claim's way: %v", got)
		}
		roles := 0
		for line := range strings.Lines(h.out.String()) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "H='") {
				continue
			}
			roles++
			got := bash(t, line)
			if n, counted := got["total"].(float64); got["resourceType"] == "OperationOutcome" || counted && n == 0 {
				t.Errorf("a role's line shows nothing: %s\n%v", line[strings.LastIndex(line, "; "):], got)
			}
		}
		if roles != 5 {
			t.Errorf("%d lines of roles", roles)
		}
	}

	fhirtest.Eventually(t, "the assessment of claims in the summary line", func() bool { return strings.Contains(h.out.String(), "assessed") })
	fhirtest.Eventually(t, "a ClaimResponse", func() bool {
		return total(t, i.FHIR+"/ClaimResponse?request="+i.Claim+"&_summary=count") == 1
	})
	h.stop(t)
	if _, _, err := exchange(http.MethodGet, i.FHIR+"/metadata", ""); err == nil {
		t.Error("it still answers after its end")
	}
}

func TestDemoContinuesInItsFolderWithoutDoublingAnything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	start := func() (*here, info) {
		path := filepath.Join(t.TempDir(), "info.json")
		h := startHere(t, "demo", "--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0", "--info", path, "--data", dir, "--every", "1s", "--citizens", "20")
		return h, h.info(t, path)
	}
	figures := func(i info) (n map[string]int) {
		n = map[string]int{}
		for _, typ := range []string{"Patient", "Organization", "Practitioner", "Immunization", "Claim", "Encounter", "Coverage", "Task"} {
			n[typ] = total(t, i.FHIR+"/"+typ+"?_summary=count")
		}
		return n
	}
	h, i := start()
	first := figures(i)
	status, changed := fetch(t, http.MethodPut, i.FHIR+"/"+i.Patient, `{"resourceType":"Patient","id":"`+strings.TrimPrefix(i.Patient, "Patient/")+`","active":false}`)
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, changed)
	}
	h.stop(t)
	h, i = start()
	for typ, n := range figures(i) {
		if n != first[typ] {
			t.Errorf("%s: %d, then %d", typ, first[typ], n)
		}
	}
	if _, now := fetch(t, http.MethodGet, i.FHIR+"/"+i.Patient, ""); now["active"] != false {
		t.Error("the second start has overwritten what a user had changed")
	}
	h.stop(t)
}

func TestLaterStartInventsThePopulationAsOfTheFirst(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/fhir/Patient/syn-3-00001/_history/1" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"resourceType":"Patient","meta":{"lastUpdated":"2026-03-01T20:00:00.000Z"}}`)
	}))
	defer server.Close()
	s := seeder{server.URL + "/fhir", server.Client()}
	if day, err := s.day(t.Context(), 3); err != nil || day.Format(time.DateOnly) != "2026-03-02" {
		t.Errorf("the day in Vietnam of the first start: %v, %v", day, err)
	}
	if day, err := s.day(t.Context(), 4); err != nil || time.Since(day) > time.Hour {
		t.Errorf("a population that was never loaded: %v, %v", day, err)
	}
}
