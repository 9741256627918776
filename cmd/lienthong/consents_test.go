package main

import (
	"bytes"
	"net/http"
	"path/filepath"
	"testing"
)

// TestAConsentThatWouldNotHoldIsRefused: also in a transaction, where an actor may be an entry of it.
func TestAConsentThatWouldNotHoldIsRefused(t *testing.T) {
	place := filepath.Join(t.TempDir(), "info.json")
	h := startHere(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "s"), "--info", place)
	base := h.info(t, place).FHIR
	if status, raw, err := exchange(http.MethodPut, base+"/Patient/p", `{"resourceType":"Patient","id":"p"}`); status != http.StatusCreated {
		t.Fatal(status, string(raw), err)
	}
	consent := func(provision string) string {
		return `{"resourceType":"Consent","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/p"},"provision":` + provision + `}`
	}
	actor := func(reference string) string {
		return consent(`{"type":"deny","actor":[{"role":{"text":"x"},"reference":{"reference":"` + reference + `"}}]}`)
	}
	transaction := func(typ, consent string) string {
		return `{"resourceType":"Bundle","type":"transaction","entry":[` +
			`{"fullUrl":"urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000001","resource":{"resourceType":"` + typ + `"` + map[string]string{"Organization": `,"name":"x"`, "Group": `,"type":"practitioner","actual":true`, "Device": ``}[typ] + `},"request":{"method":"POST","url":"` + typ + `"}},` +
			`{"resource":` + consent + `,"request":{"method":"POST","url":"Consent"}}]}`
	}
	const entry = "urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000001"
	for name, c := range map[string]struct {
		path, body string
		status     int
	}{
		"by code":                     {"/Consent", consent(`{"type":"deny","code":[{"text":"x"}]}`), 422},
		"for a group":                 {"", transaction("Group", actor(entry)), 200},
		"by date":                     {"/Consent", consent(`{"type":"deny","dataPeriod":{"start":"2020"}}`), 201},
		"for a device":                {"", transaction("Device", actor(entry)), 422},
		"by class":                    {"/Consent", consent(`{"type":"deny","class":[{"code":"Observation"}]}`), 201},
		"for an organization with it": {"", transaction("Organization", actor(entry)), 200},
	} {
		status, raw, err := exchange(http.MethodPost, base+c.path, c.body)
		if err != nil || status != c.status || c.status == 422 && !bytes.Contains(raw, []byte("consent-undecided")) {
			t.Errorf("%s: %d %s %v", name, status, raw, err)
		}
	}
	h.stop(t)
}
