package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
)

// portalAndServer starts a mock portal with faults and a server that sends to it each second.
func portalAndServer(t *testing.T, faults ...string) (portal, server info) {
	t.Helper()
	args := []string{"mock-bhxh", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--assessing-after", "100ms", "--assessed-after", "200ms"}
	for _, f := range faults {
		args = append(args, "--fault", f)
	}
	portal = startChild(t, args...).info
	server = startChild(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "store"),
		"--gateway-url", portal.Gateway, "--gateway-credentials", credentials(t),
		"--gateway-schedule", "@every 1s", "--gateway-status-schedule", "@every 1s", "--gateway-ask-every", "100ms").info
	return portal, server
}

// example is the transaction that docs/hospital.md shows.
func example(t *testing.T) string {
	t.Helper()
	root, err := fhirtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "docs", "hospital.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "```json\n")
	body, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("docs/hospital.md has no JSON block")
	}
	return body
}

// first reads the only match of a search.
func first(t *testing.T, url string) (resource.Value, bool) {
	t.Helper()
	status, raw, err := exchange(http.MethodGet, url, "")
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %v %s", url, status, err, raw)
	}
	doc, err := resource.New([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	e := doc.Root().Get("entry").At(0).Get("resource")
	return e, e.Kind() == resource.Object
}

// What docs/hospital.md shows is taken by the pre-checks and by the portal.
func TestTheExampleForHospitalsIsAssessed(t *testing.T) {
	_, server := portalAndServer(t)
	body := example(t)
	for range 2 { // as the page says, it can be sent again
		if status, raw, err := exchange(http.MethodPost, server.FHIR, body); err != nil || status != http.StatusOK {
			t.Fatalf("%d %v %s", status, err, raw)
		}
	}
	claim, _ := first(t, server.FHIR+"/Claim?identifier=https://lienthong.example/sid/malk/51901|51901_2026_000001")
	id, _ := claim.ID()
	fhirtest.Eventually(t, "the assessment", func() bool {
		task, ok := first(t, server.FHIR+"/Task?focus=Claim/"+id)
		if state := task.Get("businessStatus").Get("coding").At(0).Get("code").Text(); !ok || state == "held" || state == "rejected" {
			t.Fatalf("the example is %s: %s", state, task.Raw())
		} else {
			return state == "assessed"
		}
		return false
	})
	answer, _ := first(t, server.FHIR+"/ClaimResponse?request=Claim/"+id)
	if answer.Get("item").Len() != claim.Get("item").Len() {
		t.Errorf("%s", answer.Raw())
	}
	status, raw, err := exchange(http.MethodGet, server.FHIR+"/Claim/"+id+"/$sync-status", "")
	if err != nil || status != http.StatusOK || !strings.Contains(string(raw), `"name":"maKetQua","valueString":"200"`) || !strings.Contains(string(raw), `"name":"file-sha256"`) {
		t.Errorf("$sync-status: %d %v %s", status, err, raw)
	}
	for part, want := range map[string]string{"request": "<GIAMDINHHS", "reply": `"maGiaoDich"`} {
		status, raw, err := exchange(http.MethodGet, server.FHIR+"/Claim/"+id+"/$attempt?version=1&number=1&part="+part, "")
		if err != nil || status != http.StatusOK || !strings.Contains(string(raw), want) {
			t.Errorf("$attempt %s: %d %v %.300s", part, status, err, raw)
		}
	}
	for query, want := range map[string]int{"": 400, "version=1&number=1&part=all": 400, "version=1&number=x&part=reply": 400, "version=1&number=2&part=reply": 404, "version=1&number=1&part=reply&more=1": 400} {
		if status, raw, err := exchange(http.MethodGet, server.FHIR+"/Claim/"+id+"/$attempt?"+query, ""); err != nil || status != want {
			t.Errorf("$attempt?%s: %d %v %s", query, status, err, raw)
		}
	}
}

// A claim without a reply is decided by a person, as docs/auditor.md says.
func TestAPersonResolvesAClaimOverHTTP(t *testing.T) {
	_, server := portalAndServer(t, "dropBeforeAccept")
	if status, raw, err := exchange(http.MethodPost, server.FHIR, example(t)); err != nil || status != http.StatusOK {
		t.Fatalf("%d %v %s", status, err, raw)
	}
	claim, _ := first(t, server.FHIR+"/Claim?identifier=https://lienthong.example/sid/malk/51901|51901_2026_000001")
	id, _ := claim.ID()
	var task string
	fhirtest.Eventually(t, "a claim without a reply", func() bool {
		found, ok := first(t, server.FHIR+"/Task?focus=Claim/"+id)
		task, _ = found.ID()
		return ok && found.Get("businessStatus").Get("coding").At(0).Get("code").Text() == "unknown"
	})
	resolve := func(parameters string) (int, string) {
		t.Helper()
		status, raw, err := exchange(http.MethodPost, server.FHIR+"/Task/"+task+"/$resolve", `{"resourceType":"Parameters","parameter":[`+parameters+`]}`)
		if err != nil {
			t.Fatal(err)
		}
		return status, string(raw)
	}
	who := `{"name":"reason","valueString":"Biên nhận giấy số 12"},{"name":"who","valueString":"chi.lan"},`
	for parameters, want := range map[string]int{
		`{"name":"decision","valueCode":"accepted"}`:                                           http.StatusUnprocessableEntity, // no reason
		who + `{"name":"decision","valueCode":"accepted"}`:                                     http.StatusUnprocessableEntity, // no receipt
		who + `{"name":"decision","valueCode":"burn"}`:                                         http.StatusUnprocessableEntity,
		who + `{"name":"decision","valueCode":"not-received"}`:                                 http.StatusConflict, // too early
		who + `{"name":"decision","valueCode":"rejected"},{"name":"version","valueInteger":7}`: http.StatusNotFound,
	} {
		if status, raw := resolve(parameters); status != want {
			t.Errorf("%s: %d %s", parameters, status, raw)
		}
	}
	status, raw := resolve(who + `{"name":"decision","valueCode":"rejected"}`)
	if status != http.StatusOK || !strings.Contains(raw, `"rejected"`) || !strings.Contains(raw, "Biên nhận giấy số 12") {
		t.Errorf("%d %s", status, raw)
	}
	if status, raw, err := exchange(http.MethodGet, server.FHIR+"/Task/"+task+"/$resolve", ""); err != nil || status != http.StatusMethodNotAllowed {
		t.Errorf("GET $resolve: %d %v %s", status, err, raw)
	}
	if status, raw, err := exchange(http.MethodPost, server.FHIR+"/Patient/p/$resolve", "{}"); err != nil || status != http.StatusNotFound {
		t.Errorf("$resolve of a Patient: %d %v %s", status, err, raw)
	}
	_, raw2, err := exchange(http.MethodGet, server.FHIR+"/metadata", "")
	if err != nil || !strings.Contains(string(raw2), fmt.Sprintf("%q", "https://lienthong.example/fhir/OperationDefinition/Task-resolve")) {
		t.Error("the CapabilityStatement does not list $resolve")
	}
}

// The store holds health records: nobody else may look into its folder.
func TestTheFolderOfTheStoreIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(t.TempDir(), "a", "store")} {
		if err := private(path, logger(os.Stderr, "text", "error")); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
}
