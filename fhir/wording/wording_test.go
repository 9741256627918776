package wording

import (
	"testing"

	"github.com/lienthong/lienthong/fhir/outcome"
)

func TestEachLineIsReadable(t *testing.T) {
	_, faults := read()
	for _, f := range faults {
		t.Error(f)
	}
}

func TestACodeStandsBesideItsWords(t *testing.T) {
	for _, c := range []struct {
		list, code string
		lang       outcome.Language
		want       string
	}{
		{"delivery-state", "queued", outcome.Vietnamese, "Chờ gửi [queued]"},
		{"delivery-state", "queued", outcome.English, "waits to be sent [queued]"},
		{"delivery-state", "assessed", outcome.English, "assessed"}, // the code is a word
		{"delivery-state", "", outcome.Vietnamese, ""},
		{"delivery-state", "other", outcome.Vietnamese, "other"},
		{"", "queued", outcome.Vietnamese, "queued"},
	} {
		if got := With(c.list, c.code, c.lang); got != c.want {
			t.Errorf("%s %s in %s: %q, want %q", c.list, c.code, c.lang, got, c.want)
		}
	}
}

func TestASystemNamesItsList(t *testing.T) {
	for system, want := range map[string]string{
		"https://lienthong.example/fhir/CodeSystem/delivery-state":  "delivery-state",
		"http://terminology.hl7.org/CodeSystem/adjudication":        "adjudication",
		"http://hl7.org/fhir/CodeSystem/task-code":                  "task-code",
		"http://hl7.org/fhir/issue-severity":                        "issue-severity",
		"http://hl7.org/fhir/sid/icd-10":                            "",
		"https://lienthong.example/fhir/CodeSystem/delivery-state/": "",
		"urn:x": "", "": "",
	} {
		if got := ListOf(system); got != want {
			t.Errorf("%s: %q, want %q", system, got, want)
		}
	}
}
