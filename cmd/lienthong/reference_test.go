package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// FRESH: without a base URL, references that clients build from Location are references to resources here, also when the
// server was started again on another port.
func TestReferencesByTheServedAddressAreOurs(t *testing.T) {
	dir := t.TempDir()
	data, infoFile := filepath.Join(dir, "store"), filepath.Join(dir, "info.json")
	var old string
	for n := range 2 {
		file := fmt.Sprint(infoFile, n)
		h := startHere(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", data, "--info", file, "--log-level", "error")
		base := h.info(t, file).FHIR
		send := func(method, url, body string) (*http.Response, map[string]any) {
			req, err := http.NewRequest(method, url, strings.NewReader(body))
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
			if err != nil || res.StatusCode >= 300 {
				t.Fatalf("%s %s: %v %d %s", method, url, err, res.StatusCode, raw)
			}
			var got map[string]any
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			return res, got
		}
		if n == 0 {
			old = base
			send("PUT", base+"/Patient/i", `{"resourceType":"Patient","id":"i","identifier":[{"system":"urn:x","value":"1"}]}`)
			res, _ := send("PUT", base+"/Patient/i", `{"resourceType":"Patient","id":"i","active":true,"identifier":[{"system":"urn:x","value":"1"}]}`)
			self := res.Header.Get("Content-Location")
			send("PUT", base+"/Observation/versioned", `{"resourceType":"Observation","id":"versioned","status":"final","code":{"text":"x"},"subject":{"reference":"`+self+`"}}`)
		}
		send("PUT", base+"/Observation/o", `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"`+base+`/Patient/i"}}`)
		send("PUT", base+"/Observation/elsewhere", `{"resourceType":"Observation","id":"elsewhere","status":"final","code":{"text":"x"},"subject":{"reference":"http://else.example/fhir/Patient/i"}}`)
		for query, want := range map[string]float64{
			"/Observation?subject=Patient/i": 2, "/Observation?subject=" + base + "/Patient/i": 2, "/Observation?subject=" + old + "/Patient/i": 2,
			"/Observation?patient.identifier=urn:x%7C1": 2, "/Patient/i/Observation": 2, "/Patient/i/$everything": 3,
		} {
			if _, got := send("GET", base+query, ""); got["total"] != want {
				t.Errorf("%s: total %v, want %v", query, got["total"], want)
			}
		}
		if _, got := send("GET", base+"/Patient?_id=i&_revinclude=Observation:subject", ""); len(got["entry"].([]any)) != 3 {
			t.Errorf("_revinclude: %v", got["entry"])
		}
		h.stop(t)
		if strings.Contains(h.err.String(), "index") {
			t.Errorf("log: %s", h.err.String())
		}
	}
}
