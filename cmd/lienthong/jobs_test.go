package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// An operator sees, pauses, runs and resumes jobs from the command line; what is done is kept with who and why.
func TestJobsFromTheCommandLine(t *testing.T) {
	plan := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(plan, []byte("hospitals: {\"51901\": {schedule: '0 1 1 1 *', jitter: 5m}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "info.json")
	h := startHere(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "store"), "--info", path,
		"--gateway-url", "http://127.0.0.1:1", "--gateway-credentials", credentials(t), "--gateway-schedule", "0 0 1 1 *", "--gateway-status-schedule", "0 0 1 1 *",
		"--gateway-plan", plan)
	base := h.info(t, path).FHIR
	jobs := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), append(append([]string{"jobs"}, args...), "--server", base), &out, io.Discard)
		return out.String(), err
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := jobs(args...)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out
	}
	listed := must()
	for _, want := range []string{"bhxh-sync ", "bhxh-status", "bhxh-sync-51901", "0 1 1 1 *", "Asia/Ho_Chi_Minh"} {
		if !strings.Contains(listed, want) {
			t.Errorf("the list lacks %q:\n%s", want, listed)
		}
	}
	if out := must("pause", "bhxh-sync-51901", "--reason", "cổng bảo trì"); !strings.Contains(out, "paused by (not authenticated): cổng bảo trì") {
		t.Errorf("%s", out)
	}
	must("run", "bhxh-sync-51901")
	fhirtest.Eventually(t, "the run that was asked for", func() bool {
		var answer struct{ Jobs []jobView }
		if err := json.Unmarshal([]byte(must("slots", "bhxh-sync-51901", "--json")), &answer); err != nil {
			t.Fatal(err)
		}
		s := answer.Jobs[0].Slots
		return len(s) == 1 && s[0].Manual && s[0].State == "finished" && s[0].By == "(not authenticated)"
	})
	if out := must("resume", "bhxh-sync-51901"); strings.Contains(out, "paused") {
		t.Errorf("%s", out)
	}
	for _, c := range [][]string{{"pause", "bhxh-sync"}, {"pause", "bhxh-sync", "--reason", " "}, {"run", "bhxh-nothing"}, {"slots", "bhxh-sync", "--count", "0"}} {
		if out, err := jobs(c...); err == nil {
			t.Errorf("%v: %s", c, out)
		}
	}
	if err := run(t.Context(), []string{"jobs", "--server", "http://127.0.0.1:1/fhir"}, io.Discard, io.Discard); err == nil {
		t.Error("a server that is not there has jobs")
	}
	if status, _, err := exchange(http.MethodGet, base+"/$job-run?job=bhxh-sync", ""); err != nil || status != http.StatusMethodNotAllowed {
		t.Errorf("GET $job-run: %d %v", status, err)
	}
	h.stop(t)
}

func TestAServerWithoutAPortalHasNoJobs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "info.json")
	h := startHere(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "store"), "--info", path)
	err := run(t.Context(), []string{"jobs", "--server", h.info(t, path).FHIR}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "--gateway-url") {
		t.Errorf("%v", err)
	}
	h.stop(t)
}

// Jobs are the operator's and nobody else's.
func TestJobsAreTheOperators(t *testing.T) {
	p, err := access.Open(access.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range jobOperations(&node{}, "") {
		for _, role := range []access.Role{access.RoleHospital, access.RoleClinic, access.RoleAuditor, access.RoleCitizen, access.RoleRegistrar, access.RoleOperator} {
			f, err := p.Fence(t.Context(), access.Caller{Role: role, Subject: "s", Organization: "o", Patient: "p", Purpose: "SYSADMIN", Scopes: []string{"system/*.cruds"}})
			if err != nil {
				t.Fatal(role, err)
			}
			if got := f.Operation(o.Name); got != (role == access.RoleOperator) {
				t.Errorf("%s may $%s: %v", role, o.Name, got)
			}
		}
	}
}
