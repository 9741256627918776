package reconciliation

import (
	"testing"

	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/wording"
)

// A finding is read in words: its kind, how grave it is, whether it is open.
func TestFindingsHaveWords(t *testing.T) {
	for _, l := range []outcome.Language{outcome.English, outcome.Vietnamese} {
		for kind, k := range Kinds {
			if wording.Of("reconciliation", string(kind), l) == "" || wording.Of("DetectedIssue.severity", k.Severity, l) == "" {
				t.Errorf("%s: %s has no words", l, kind)
			}
		}
		for _, status := range []string{"preliminary", "final"} {
			if wording.Of("DetectedIssue.status", status, l) == "" {
				t.Errorf("%s: %s has no words", l, status)
			}
		}
	}
}
