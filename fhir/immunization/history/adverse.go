package history

import (
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// ReportStatus is the extension of an AdverseEvent that says how far its report is, as a code: R4 has no element for it.
const ReportStatus = ownBase + "StructureDefinition/aefi-report-status"

// Adverse is an adverse event following immunization (AEFI): an AdverseEvent that suspects an Immunization.
type Adverse struct {
	Ref         string
	On          string // as sent
	Event       string
	Severity    string // mild, moderate, severe
	Seriousness string
	Outcome     string
	Report      string // how far the report is, by ReportStatus
	Suspects    []string
}

// ReadAdverse reads an AdverseEvent; false if it suspects no Immunization.
func ReadAdverse(doc resource.Value) (Adverse, bool) {
	a := Adverse{
		On: doc.Get("date").Text(), Event: textOf(doc.Get("event")), Severity: codeOf(doc.Get("severity")),
		Seriousness: codeOf(doc.Get("seriousness")), Outcome: codeOf(doc.Get("outcome")),
	}
	if id, ok := doc.ID(); ok {
		a.Ref = "AdverseEvent/" + id
	}
	for e := range doc.Get("extension").Elements() {
		if e.Get("url").Text() == ReportStatus {
			a.Report = e.Get("valueCode").Text()
		}
	}
	for s := range doc.Get("suspectEntity").Elements() {
		if r := fhir.ParseReference(s.Get("instance").Get("reference").Text()); r.Key.Type == "Immunization" {
			a.Suspects = append(a.Suspects, r.Key.String())
		}
	}
	return a, len(a.Suspects) > 0
}

// textOf is how a CodeableConcept reads.
func textOf(concept resource.Value) string {
	if t := concept.Get("text").Text(); t != "" {
		return t
	}
	for c := range concept.Get("coding").Elements() {
		if t := c.Get("display").Text(); t != "" {
			return t
		}
	}
	return codeOf(concept)
}

// codeOf is the first code of a CodeableConcept, or its text.
func codeOf(concept resource.Value) string {
	for c := range concept.Get("coding").Elements() {
		if t := c.Get("code").Text(); t != "" {
			return t
		}
	}
	return concept.Get("text").Text()
}

// actorOf names who a reference is to.
func actorOf(reference resource.Value) string {
	if t := reference.Get("display").Text(); t != "" {
		return t
	}
	return strings.TrimSpace(reference.Get("reference").Text())
}
