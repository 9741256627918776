package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/access/accesstest"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/openid"
	"github.com/lienthong/lienthong/fhir/openid/openidtest"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
)

// What names the person of TestEveryOperationByRole in whatever form an answer has.
var operationMarks = []string{"051085000011", "Nguyễn Văn Thử", "Thử"}

// operationBodies are what operations need to come to an answer, by name; the others are asked without anything.
var operationBodies = map[string]string{
	"match":   `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":` + carePatient("x", careNumber) + `}]}`,
	"merge":   `{"resourceType":"Parameters","parameter":[{"name":"source-patient","valueReference":{"reference":"Patient/p"}},{"name":"target-patient","valueReference":{"reference":"Patient/none"}},{"name":"reason","valueString":"x"}]}`,
	"unmerge": `{"resourceType":"Parameters","parameter":[{"name":"source-patient","valueReference":{"reference":"Patient/p"}},{"name":"target-patient","valueReference":{"reference":"Patient/none"}},{"name":"reason","valueString":"x"}]}`,
	"precheck": `{"resourceType":"Claim","status":"active","use":"claim","type":{"text":"x"},"patient":{"reference":"Patient/p"},"created":"2026-01-02",` +
		`"provider":{"reference":"Organization/h1"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}]}`,
}

// TestEveryOperationByRole asks every operation that this server adds as each role: what the policy does not name is refused by
// name, and about a record that the caller may not see nothing comes, not even that it is there. What is added later is in it.
func TestEveryOperationByRole(t *testing.T) {
	signer := openidtest.Signer(t, "JWT")
	none, err := jwt.NewFetcher(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	issuers, err := openid.ParseIssuers(fmt.Appendf(nil, "issuers:\n  - {issuer: 'https://id.example', audience: [x], algorithms: [ES256], jwks: %s, organization: {claim: org}, patient: patient, "+
		"roles: {claim: role, values: {hospital: hospital, clinic: clinic, citizen: citizen, registrar: registrar, auditor: auditor, operator: operator}}}\n", signer.JWKS()), none, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(t.TempDir(), "keys.json")
	if _, err := addKey(keys, time.Now()); err != nil {
		t.Fatal(err)
	}
	n, err := openNode(t.Context(), config.Server{
		Data: t.TempDir(), SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100, BaseURL: "https://records.example/fhir",
		Certificate:    config.Certificate{Keys: keys, Authority: "test", ValidFor: time.Hour},
		Authentication: config.Authentication{Own: func() openid.Issuers { return issuers }},
	}, "https://records.example/fhir", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- n.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ran, n.close()); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	callers := map[string]access.Caller{}
	ask := func(who, method, path, body string) (int, string) {
		t.Helper()
		c := callers[who]
		token, err := signer.Sign(map[string]any{"iss": "https://id.example", "aud": "x", "sub": who, "exp": time.Now().Add(time.Hour).Unix(),
			"role": string(c.Role), "org": string(c.Organization), "patient": string(c.Patient), "jti": rand.Text()})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(method, "https://records.example/fhir"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/fhir+json")
		w := httptest.NewRecorder()
		n.handler.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	for name, c := range map[string]access.Caller{
		"sender": {Role: "hospital", Organization: "h1"}, "other hospital": {Role: "hospital", Organization: "h2"}, "clinic": {Role: "clinic", Organization: "k1"},
		"citizen": {Role: "citizen", Patient: "p"}, "other citizen": {Role: "citizen", Patient: "q"}, "auditor": {Role: "auditor"},
		"registrar": {Role: "registrar"}, "operator": {Role: "operator"},
	} {
		callers[name] = c
	}
	load := func(path, body string) {
		t.Helper()
		if status, raw := ask("sender", "PUT", path, body); status != http.StatusCreated {
			t.Fatalf("%s: %d %s", path, status, raw)
		}
	}
	load("/Patient/p", carePatient("p", careNumber))
	load("/Patient/q", carePatient("q", "051085000022"))
	load("/Immunization/i", `{"resourceType":"Immunization","id":"i","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"08"}]},"patient":{"reference":"Patient/p"},"occurrenceDateTime":"2020-01-01"}`)
	load("/Claim/c", strings.Replace(operationBodies["precheck"], `"resourceType":"Claim",`, `"resourceType":"Claim","id":"c",`, 1))
	task, err := resource.New([]byte(`{"resourceType":"Task","id":"t","status":"requested","intent":"order","focus":{"reference":"Claim/c"},"for":{"reference":"Patient/p","display":"Nguyễn Văn Thử"}}`))
	if err == nil { // the server's own, as all Tasks about claims
		_, err = n.service.Update(ours(t.Context()), fhir.Key{Type: "Task", ID: "t"}, task, interaction.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}

	fhirtest.Eventually(t, "the counts of vaccinations", func() bool {
		status, _ := ask("registrar", "GET", "/$immunization-coverage", "")
		return status != http.StatusServiceUnavailable
	})
	// What a policy can name is served: its names are of operations that the CapabilityStatement lists, or says what one of them shows.
	listed := map[string]bool{"immunization-coverage-exact": true}
	_, raw := ask("operator", "GET", "/metadata", "")
	statement, err := resource.New([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	rests := statement.Root().Get("rest").At(0)
	for of := range rests.Get("resource").Elements() {
		for o := range of.Get("operation").Elements() {
			listed[o.Get("name").Text()] = true
		}
	}
	for o := range rests.Get("operation").Elements() {
		listed[o.Get("name").Text()] = true
	}
	for _, name := range access.Operations {
		if !listed[name] {
			t.Errorf("a policy can name the operation %s, which is not served", name)
		}
	}
	if status, raw := ask("operator", "GET", "/SearchParameter/none/$status", ""); status != http.StatusNotFound || strings.Contains(raw, "operation-denied") {
		t.Errorf("an operator asks how far an index is: %d %s", status, raw)
	}
	if status, raw := ask("auditor", "GET", "/SearchParameter/none/$status", ""); status != http.StatusForbidden || !strings.Contains(raw, "operation-denied") {
		t.Errorf("an auditor asks how far an index is: %d %s", status, raw)
	}
	ids := map[fhir.Type]string{"Patient": "p", "Claim": "c", "Task": "t"}
	reader := accesstest.NewReader(t, nil, access.BuiltIn)
	shown := 0
	for who, c := range callers {
		sees := map[fhir.Type]bool{}
		for typ, id := range ids {
			status, _ := ask(who, "GET", "/"+string(typ)+"/"+id, "")
			sees[typ] = status == http.StatusOK
		}
		for _, o := range n.operations {
			path, body := operationPath(o, ids)
			method := http.MethodPost
			if o.Reads {
				method = http.MethodGet
			} else {
				body = operationBodies[o.Name]
			}
			if o.Name == "precheck" && !o.Instance {
				method, body = http.MethodPost, operationBodies[o.Name]
			}
			if method == http.MethodPost && body == "" {
				body = `{"resourceType":"Parameters"}`
			}
			status, raw := ask(who, method, path, body)
			marked := slices.ContainsFunc(operationMarks, func(mark string) bool { return strings.Contains(raw, mark) })
			switch {
			case !reader.Operation(c, o.Name):
				if status != http.StatusForbidden || !strings.Contains(raw, "operation-denied") {
					t.Errorf("%s: %s %s is not theirs: %d %.300s", who, method, path, status, raw)
				}
			case status >= 500:
				t.Errorf("%s: %s %s: %d %.300s", who, method, path, status, raw)
			case marked && (!sees["Patient"] || c.Role == access.RoleAuditor):
				t.Errorf("FENCED: %s: %s %s tells of somebody hidden: %d %.300s", who, method, path, status, raw)
			case o.Instance && !sees[o.Type] && status < 400:
				t.Errorf("FENCED: %s: %s %s of a hidden record: %d %.300s", who, method, path, status, raw)
			case o.Instance && !sees[o.Type]:
				if absent, other := ask(who, method, strings.Replace(path, "/"+ids[o.Type]+"/", "/absent/", 1), body); absent != status || strings.ReplaceAll(other, "/absent", "/"+ids[o.Type]) != raw {
					t.Errorf("FENCED: %s: %s %s tells that it is there: %d %.200s, of none %d %.200s", who, method, path, status, raw, absent, other)
				}
			case o.Instance && (status == http.StatusForbidden || status == http.StatusNotFound) && o.Type == "Patient":
				t.Errorf("%s: %s %s of a record of theirs: %d %.300s", who, method, path, status, raw)
			}
			if marked || strings.HasPrefix(raw, "%PDF") {
				shown++
			}
		}
	}
	if shown < 5 {
		t.Errorf("only %d answers show anything of the person: the test asks for too little", shown)
	}
}

// operationPath is where an operation is asked about the person of the test.
func operationPath(o rest.Operation, ids map[fhir.Type]string) (path, body string) {
	path = "/$" + o.Name
	if o.Type != "" {
		path = "/" + string(o.Type) + path
	}
	if o.Instance {
		return "/" + string(o.Type) + "/" + ids[o.Type] + "/$" + o.Name, ""
	}
	if strings.HasPrefix(o.Name, "immunization-summary") || strings.HasPrefix(o.Name, "immunization-certificate") || o.Name == "immds-forecast" && o.Type == "Patient" {
		path += "?identifier=" + url.QueryEscape(careSystem+"|"+careNumber)
	}
	return path, ""
}
