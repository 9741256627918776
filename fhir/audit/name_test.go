package audit

import (
	"net/http/httptest"
	"testing"
)

// TestWhatAPathNames has the paths that are said as they are, and those of which something is left out or masked.
func TestWhatAPathNames(t *testing.T) {
	mask := NewMasker([]byte("0123456789abcdef"))
	h := &Handler{Mask: mask, Base: "/fhir"}
	for path, want := range map[string]string{
		"/fhir":                                "",
		"/fhir/":                               "",
		"/fhir//":                              "",
		"/fhir/Patient":                        "Patient",
		"/fhir/Patient/":                       "Patient",
		"/fhir//Patient/p1":                    "Patient/p1",
		"/fhir/Patient/p1":                     "Patient/p1",
		"/fhir/Patient/p1/_history/3":          "Patient/p1/_history/3",
		"/fhir/Patient/p1/_history/3/more/and": "Patient/p1/_history/3/more",
		"/fhir/$match":                         "$match",
		"/fhir/Patient/051085000011":           "Patient/" + mask.Hash("051085000011"),
		"/fhir/Strange/p1":                     mask.Hash("Strange") + "/p1",
	} {
		_, on, ok := h.asked(httptest.NewRequest("GET", path, nil))
		if !ok || on != want {
			t.Errorf("%s names %q (%v), want %q", path, on, ok, want)
		}
	}
}
