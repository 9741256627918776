package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
