package walk_test

import (
	"fmt"
	"testing"

	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/walk"
)

// TestReferencesPointAtAllowedTypes: what names a type is checked against the definition, what names none passes.
func TestReferencesPointAtAllowedTypes(t *testing.T) {
	for ref, want := range map[string]string{
		`"reference":"Patient/1"`:                                     "",
		`"reference":"Group/1"`:                                       "",
		`"reference":"Patient/1/_history/2"`:                          "",
		`"reference":"Medication/1"`:                                  "reference-target at Observation.subject.reference [subject Medication Patient, Group, Device, Location]",
		`"reference":"Medication/1/_history/2"`:                       "reference-target at Observation.subject.reference [subject Medication Patient, Group, Device, Location]",
		`"reference":"Medication?identifier=x"`:                       "reference-target at Observation.subject.reference [subject Medication Patient, Group, Device, Location]",
		`"reference":"Patient?identifier=x"`:                          "",
		`"reference":"http://else/fhir/Medication/1"`:                 "",
		`"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"`: "",
		`"reference":"#p"`:                                            "",
		`"reference":"#m"`:                                            "reference-target at Observation.subject.reference [subject Medication Patient, Group, Device, Location]",
		`"reference":"#none"`:                                         "",
		`"reference":"#"`:                                             "reference-target at Observation.subject.reference [subject Observation Patient, Group, Device, Location]",
		`"reference":"Example/1"`:                                     "",
		`"display":"somebody"`:                                        "",
		`"type":"Medication","identifier":{"value":"1"}`:              "",
	} {
		d, err := resource.Parse([]byte(`{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p"},{"resourceType":"Medication","id":"m"}],"status":"final","code":{"text":"x"},"subject":{`+ref+`},"focus":[{"reference":"Medication/1"}]}`), resource.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, i := range walk.Resource(d.Root(), 0) {
			got += fmt.Sprintf("%s at %s %v", i.Code, i.Path, i.Args)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", ref, got, want)
		}
	}
}

// TestContainedIsThatOfTheEntry: in a bundle "#p" is looked for in the entry's resource, also from inside its contained ones.
func TestContainedIsThatOfTheEntry(t *testing.T) {
	entry := func(of string) string {
		return `{"resource":{"resourceType":"Encounter","contained":[{"resourceType":"` + of + `","id":"p"},{"resourceType":"Condition","id":"c","subject":{"reference":"#p"}}],"status":"finished","class":{"code":"AMB"}}}`
	}
	d, err := resource.Parse([]byte(`{"resourceType":"Bundle","type":"collection","entry":[`+entry("Patient")+`,`+entry("Location")+`]}`), resource.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	issues := walk.Resource(d.Root(), 0)
	if len(issues) != 1 || issues[0].Path != "Bundle.entry[1].resource.contained[1].subject.reference" {
		t.Error(issues)
	}
}
