package accesstest

import (
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
)

// Patients of the world: p5 denies a year and a code, p6 a group that the nurse of the clinic is in, p7 an organization that
// the hospital is part of. All three permit the rest.
var Patients = []fhir.ID{"p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"}

// partlyTypes have documents about p5 to p7, with the elements of their time and code.
var partlyTypes = map[fhir.Type]struct{ rest, date, code string }{
	"AllergyIntolerance": {`"patient":{"reference":"Patient/p"}`, "recordedDate", "code"},
	"Condition":          {`"subject":{"reference":"Patient/p"}`, "onsetDateTime", "code"},
	"Immunization":       {`"status":"completed","patient":{"reference":"Patient/p"}`, "occurrenceDateTime", "vaccineCode"},
	"Observation":        {`"status":"final","subject":{"reference":"Patient/p"}`, "effectiveDateTime", "code"},
	"Procedure":          {`"status":"completed","subject":{"reference":"Patient/p"}`, "performedDateTime", "code"},
}

// What p5 denies.
const (
	deniedYear   = "2015"
	deniedSystem = "http://snomed.info/sct"
	deniedCode   = "86406008"
)

// partly adds what is denied in part.
func (w *World) partly(tb testing.TB) {
	const actor = `"actor":[{"role":{"coding":[{"code":"IRCP"}]},"reference":{"reference":"`
	w.add(tb, "operator", `{"resourceType":"Group","id":"g1","type":"practitioner","actual":true,"member":[{"entity":{"reference":"Practitioner/n1"}}]}`)
	for p, denials := range map[string]string{
		"p5": `{"type":"deny","dataPeriod":{"start":"` + deniedYear + `","end":"` + deniedYear + `"}},{"type":"deny","code":[{"coding":[{"system":"` + deniedSystem + `","code":"` + deniedCode + `"}]}]}`,
		"p6": `{"type":"deny",` + actor + `Group/g1"}}]}`,
		"p7": `{"type":"deny",` + actor + `Organization/o1"}}]}`,
	} {
		w.add(tb, "h2", `{"resourceType":"Consent","id":"consent-`+p+`","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},`+
			`"category":[{"coding":[{"code":"59284-0"}]}],"patient":{"reference":"Patient/`+p+`"},"policyRule":{"coding":[{"code":"OPTIN"}]},`+
			`"provision":{"type":"permit","provision":[`+denials+`]}}`)
	}
	for t, e := range partlyTypes {
		for name, variant := range map[string]struct{ date, code, encounter string }{
			"denied-year": {deniedYear + "-06-01", `{"coding":[{"system":"urn:x","code":"y"}]}`, "e"},
			"other-year":  {"2016-06-01", `{"coding":[{"system":"urn:x","code":"y"}]}`, "e"},
			"denied-code": {"2016-06-01", `{"coding":[{"system":"` + deniedSystem + `","code":"` + deniedCode + `"}]}`, "e"},
			"words":       {"2016-06-01", `{"text":"y"}`, "e"},
			"of-visit":    {"", `{"coding":[{"system":"urn:x","code":"y"}]}`, "e"},
			"undated":     {"", `{"coding":[{"system":"urn:x","code":"y"}]}`, ""},
		} {
			for _, p := range Patients[4:7] {
				if p != "p5" && name != "other-year" {
					continue
				}
				text := `{"resourceType":"` + string(t) + `","id":"` + strings.ToLower(string(t)) + "-" + string(p) + "-" + name + `",` +
					strings.Replace(e.rest, "Patient/p", "Patient/"+string(p), 1) + `,"` + e.code + `":` + variant.code
				switch {
				case variant.date != "":
					text += `,"` + e.date + `":"` + variant.date + `"`
				case t == "Immunization": // which needs one, if in words
					text += `,"occurrenceString":"once"`
				}
				if variant.encounter != "" {
					text += `,"encounter":{"reference":"Encounter/` + strings.Replace(string(p), "p", "e", 1) + `"}`
				}
				w.add(tb, "h2", text+"}")
			}
		}
	}
}
