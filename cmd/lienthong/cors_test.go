package main

import (
	"bytes"
	"testing"
)

// TestTheStatementTellsOfOtherSites: cors says whether pages of some other site may read answers.
func TestTheStatementTellsOfOtherSites(t *testing.T) {
	for _, cors := range []bool{true, false} {
		want := map[bool]string{true: `"cors":true`, false: `"cors":false`}[cors]
		if got := smartSecurity("https://records.example/auth/token", cors); !bytes.Contains(got, []byte(want)) {
			t.Errorf("%v: %s", cors, got)
		}
	}
}
