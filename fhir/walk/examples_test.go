package walk_test

import (
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/walk"
)

// contradictions are the official examples which the official definitions forbid: file -> fault at path.
var contradictions = map[string]string{
	// Extension search parameters that were published for an abstract base and lost it; base is 1..*.
	"codesystem-extensions-CodeSystem-keyword.json":  "element-missing SearchParameter.base",
	"codesystem-extensions-CodeSystem-workflow.json": "element-missing SearchParameter.base",
	"valueset-extensions-ValueSet-effective.json":    "element-missing SearchParameter.base",
	"valueset-extensions-ValueSet-end.json":          "element-missing SearchParameter.base",
	"valueset-extensions-ValueSet-keyword.json":      "element-missing SearchParameter.base",
	"valueset-extensions-ValueSet-workflow.json":     "element-missing SearchParameter.base",
	// An id of 65 characters; the format allows 64.
	"questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json": "id-format SearchParameter.id",
	// The one who dispenses is to be an Organization; the example names a Practitioner.
	"medicationrequest0301.json": "reference-target MedicationRequest.dispenseRequest.performer.reference",
	// The manifest of an npm package, which is no resource.
	"package-min-ver.json": "resource-type-missing Resource",
}

// contradicts says whether a fault of an example is a known one.
func contradicts(name string, i fhir.Issue) bool {
	if contradictions[name] == i.Code+" "+i.Path {
		return true
	}
	// The questionnaires that were generated from each resource type have groups without linkId, which is 1..1.
	return strings.HasSuffix(name, "-questionnaire.json") && i.Code == "element-missing" && strings.HasSuffix(i.Path, ".linkId")
}

func TestOfficialExamplesAreSound(t *testing.T) {
	n, known := 0, map[string]bool{}
	examples(t, func(name string, raw []byte) {
		n++
		d, err := resource.Parse(raw, resource.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		for _, i := range walk.Resource(d.Root(), 0) {
			if contradicts(name, i) {
				known[name] = true
				continue
			}
			t.Errorf("%s: %s at %s %v", name, i.Code, i.Path, i.Args)
		}
	})
	for name := range contradictions {
		if !known[name] {
			t.Errorf("%s is said to contradict the definitions and does not", name)
		}
	}
	t.Logf("%d examples, %d of them contradict the definitions", n, len(known))
}

func TestSyntheaIsSound(t *testing.T) {
	n := 0
	synthea(t, 0, func(name string, d *resource.Document) {
		n++
		for _, i := range walk.Resource(d.Root(), 0) {
			t.Errorf("%s: %s at %s %v", name, i.Code, i.Path, i.Args)
		}
	})
	t.Log(n, "bundles")
}
