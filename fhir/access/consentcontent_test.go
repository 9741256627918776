package access_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

var noon = time.Date(2026, 6, 15, 12, 0, 0, 0, time.FixedZone("", 7*3600))

func privacy(rest string) string {
	return `{"resourceType":"Consent","id":"c1","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/p1"},` + rest + `}`
}

// A Consent by dataPeriod or code holds for the resources of that time, or with that code; what has no date, or nothing that
// can be compared, falls on the side of denial. The caller is clinic k1; the resource is the last document.
func TestConsentsByContent(t *testing.T) {
	const (
		optOut  = `"policyRule":{"coding":[{"code":"OPTOUT"}]},`
		in2020  = `"dataPeriod":{"start":"2020-01-01","end":"2020-12-31"}`
		flu     = `"code":[{"coding":[{"system":"http://snomed.info/sct","code":"6142004"}]}]`
		subject = `"subject":{"reference":"Patient/p1"}`
		visit   = `{"resourceType":"Encounter","id":"e1","status":"finished","class":{"system":"urn:x","code":"AMB"},"period":{"start":"2020-03-01","end":"2020-03-02"},` + subject + `}`
		later   = `{"resourceType":"Encounter","id":"e1","status":"finished","class":{"system":"urn:x","code":"AMB"},"period":{"start":"2021-03-01"},` + subject + `}`
		drug    = `{"resourceType":"Medication","id":"m1","code":{"coding":[{"system":"http://snomed.info/sct","code":"6142004"}]}}`
		water   = `{"resourceType":"Medication","id":"m1","code":{"coding":[{"system":"http://snomed.info/sct","code":"11713004"}]}}`
	)
	observation := func(rest string) string {
		return `{"resourceType":"Observation","id":"r","status":"final",` + subject + rest + `}`
	}
	coded := func(system, code string) string {
		return `,"code":{"coding":[{"system":"` + system + `","code":"` + code + `"}]}`
	}
	const text = `,"code":{"text":"x"}`
	order := `{"resourceType":"MedicationRequest","id":"r","status":"active","intent":"order",` + subject + `,"medicationReference":{"reference":"Medication/m1"}}`
	for name, c := range map[string]struct {
		consent   string
		documents []string
		denied    bool
	}{
		"denies a year, of that year":              {`"provision":{"type":"deny",` + in2020 + `}`, []string{observation(text + `,"effectiveDateTime":"2020-06-01"`)}, true},
		"denies a year, its last evening":          {`"provision":{"type":"deny",` + in2020 + `}`, []string{observation(text + `,"effectiveDateTime":"2020-12-31T23:59:59+07:00"`)}, true},
		"denies a year, the night after":           {`"provision":{"type":"deny",` + in2020 + `}`, []string{observation(text + `,"effectiveDateTime":"2021-01-01T00:00:00+07:00"`)}, false},
		"denies a year, of another":                {`"provision":{"type":"deny",` + in2020 + `}`, []string{observation(text + `,"effectiveDateTime":"2019"`)}, false},
		"denies a year, reaching into it":          {`"provision":{"type":"deny",` + in2020 + `}`, []string{observation(text + `,"effectivePeriod":{"start":"2019-12-01","end":"2020-01-02"}`)}, true},
		"denies a year, no date":                   {`"provision":{"type":"deny",` + in2020 + `}`, []string{observation(text)}, true},
		"denies a year, of a visit in it":          {`"provision":{"type":"deny",` + in2020 + `}`, []string{visit, observation(text + `,"encounter":{"reference":"Encounter/e1"}`)}, true},
		"denies a year, of a later visit":          {`"provision":{"type":"deny",` + in2020 + `}`, []string{later, observation(text + `,"encounter":{"reference":"Encounter/e1"}`)}, false},
		"denies a year, of a visit nobody knows":   {`"provision":{"type":"deny",` + in2020 + `}`, []string{observation(text + `,"encounter":{"reference":"Encounter/e1"}`)}, true},
		"denies all since, open at the end":        {`"provision":{"type":"deny","dataPeriod":{"start":"2020"}}`, []string{observation(text + `,"effectiveDateTime":"2025"`)}, true},
		"denies a year, the patient himself":       {`"provision":{"type":"deny",` + in2020 + `}`, []string{`{"resourceType":"Patient","id":"p1"}`}, false},
		"denies a year, a dose of it":              {`"provision":{"type":"deny",` + in2020 + `}`, []string{`{"resourceType":"Immunization","id":"r","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/p1"},"occurrenceDateTime":"2020-02-02"}`}, true},
		"denies a year, a dose at some time":       {`"provision":{"type":"deny",` + in2020 + `}`, []string{`{"resourceType":"Immunization","id":"r","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/p1"},"occurrenceString":"as a child"}`}, true},
		"denies a year, begun before, written in":  {`"provision":{"type":"deny",` + in2020 + `}`, []string{`{"resourceType":"Condition","id":"r",` + subject + `,"onsetDateTime":"2018","recordedDate":"2020-03-03"}`}, false},
		"denies a year, written in":                {`"provision":{"type":"deny",` + in2020 + `}`, []string{`{"resourceType":"Condition","id":"r",` + subject + `,"recordedDate":"2020-03-03"}`}, true},
		"opt-out, permits a year, of that year":    {optOut + `"provision":{"type":"permit",` + in2020 + `}`, []string{observation(text + `,"effectiveDateTime":"2020-06-01"`)}, false},
		"opt-out, permits a year, reaching out":    {optOut + `"provision":{"type":"permit",` + in2020 + `}`, []string{observation(text + `,"effectivePeriod":{"start":"2019-12-01","end":"2020-01-02"}`)}, true},
		"opt-out, permits a year, no date":         {optOut + `"provision":{"type":"permit",` + in2020 + `}`, []string{observation(text)}, true},
		"opt-out, an untyped exception for a year": {optOut + `"provision":{` + in2020 + `}`, []string{observation(text + `,"effectiveDateTime":"2020-06-01"`)}, false},
		"an untyped exception for a year":          {`"provision":{` + in2020 + `}`, []string{observation(text + `,"effectiveDateTime":"2020-06-01"`)}, true},
		"permit around deny of a year, that year":  {`"provision":{"type":"permit","provision":[{"type":"deny",` + in2020 + `}]}`, []string{observation(text + `,"effectiveDateTime":"2020"`)}, true},
		"permit around deny of a year, another":    {`"provision":{"type":"permit","provision":[{"type":"deny",` + in2020 + `}]}`, []string{observation(text + `,"effectiveDateTime":"2021"`)}, false},

		"denies a code, with it":                  {`"provision":{"type":"deny",` + flu + `}`, []string{observation(coded("http://snomed.info/sct", "6142004"))}, true},
		"denies a code, with another":             {`"provision":{"type":"deny",` + flu + `}`, []string{observation(coded("http://snomed.info/sct", "6142005"))}, false},
		"denies a code, the same of other system": {`"provision":{"type":"deny",` + flu + `}`, []string{observation(coded("http://loinc.org", "6142004"))}, false},
		"denies a code, in words":                 {`"provision":{"type":"deny",` + flu + `}`, []string{observation(text)}, true},
		"denies a code, as a category":            {`"provision":{"type":"deny",` + flu + `}`, []string{observation(coded("urn:x", "y") + `,"category":[{"coding":[{"system":"http://snomed.info/sct","code":"6142004"}]}]`)}, true},
		"denies a code, a drug with it":           {`"provision":{"type":"deny",` + flu + `}`, []string{drug, order}, true},
		"denies a code, another drug":             {`"provision":{"type":"deny",` + flu + `}`, []string{water, order}, false},
		"denies a code, a drug nobody knows":      {`"provision":{"type":"deny",` + flu + `}`, []string{order}, true},
		"denies a code, the patient himself":      {`"provision":{"type":"deny",` + flu + `}`, []string{`{"resourceType":"Patient","id":"p1"}`}, false},
		"denies a code, of what shows none":       {`"provision":{"type":"deny",` + flu + `}`, []string{`{"resourceType":"DeviceUseStatement","id":"r","status":"active",` + subject + `,"device":{"display":"x"}}`}, true},
		"opt-out, permits a code, with it":        {optOut + `"provision":{"type":"permit",` + flu + `}`, []string{observation(coded("http://snomed.info/sct", "6142004"))}, false},
		"opt-out, permits a code, in words":       {optOut + `"provision":{"type":"permit",` + flu + `}`, []string{observation(text)}, true},
		"denies a code of a year, one of both":    {`"provision":{"type":"deny",` + flu + `,` + in2020 + `}`, []string{observation(coded("http://snomed.info/sct", "6142004") + `,"effectiveDateTime":"2021"`)}, false},
		"denies a code of a year, both":           {`"provision":{"type":"deny",` + flu + `,` + in2020 + `}`, []string{observation(coded("http://snomed.info/sct", "6142004") + `,"effectiveDateTime":"2020"`)}, true},
		"denies a code of a class, another class": {`"provision":{"type":"deny",` + flu + `,"class":[{"code":"Condition"}]}`, []string{observation(coded("http://snomed.info/sct", "6142004"))}, false},
	} {
		t.Run(name, func(t *testing.T) {
			docs := append([]string{privacy(c.consent), `{"resourceType":"Patient","id":"p1"}`}, c.documents...)
			w := world(t, docs...)
			key := fhir.Key{Type: "Patient", ID: "p1"}
			for typ, keys := range w.types {
				if slices.Contains(keys, fhir.Key{Type: typ, ID: "r"}) {
					key = keys[0]
				}
			}
			f := fenceOf(t, openPolicy, access.Caller{Role: access.RoleClinic, Organization: "k1"}, noon)
			if got := w.allows(f, store.ActionRead, key); got == c.denied {
				t.Errorf("allowed %v", got)
			}
		})
	}
}

// Who belongs to the actor of a rule is meant by it: by a group, a team, a role, a part of an organization, now.
func TestConsentsByMembership(t *testing.T) {
	role := func(rest string) string {
		return `{"resourceType":"PractitionerRole","id":"r1","practitioner":{"reference":"Practitioner/n1"}` + rest + `}`
	}
	group := func(id, rest string) string {
		return `{"resourceType":"Group","id":"` + id + `","type":"practitioner","actual":true,"member":[` + rest + `]}`
	}
	const (
		nurse = `{"entity":{"reference":"Practitioner/n1"}}`
		other = `{"entity":{"reference":"Practitioner/n2"}}`
	)
	organization := func(id, of string) string {
		return `{"resourceType":"Organization","id":"` + id + `","name":"x","partOf":{"reference":"` + of + `"}}`
	}
	const is, isNot, unknown = "is", "is not", "unknown"
	for name, c := range map[string]struct {
		actor     string
		documents []string
		belongs   string
		sender    string // of all documents
	}{
		"a group with the caller":           {"Group/g", []string{group("g", nurse)}, is, ""},
		"a group without":                   {"Group/g", []string{group("g", other)}, isNot, ""},
		"an empty group":                    {"Group/g", []string{`{"resourceType":"Group","id":"g","type":"practitioner","actual":true}`}, isNot, ""},
		"a group that is not there":         {"Group/g", nil, unknown, ""},
		"a group, no longer":                {"Group/g", []string{group("g", `{"entity":{"reference":"Practitioner/n1"},"inactive":true}`)}, isNot, ""},
		"a group, until yesterday":          {"Group/g", []string{group("g", `{"entity":{"reference":"Practitioner/n1"},"period":{"end":"2026-06-14"}}`)}, isNot, ""},
		"a group, until today":              {"Group/g", []string{group("g", `{"entity":{"reference":"Practitioner/n1"},"period":{"end":"2026-06-15"}}`)}, is, ""},
		"a group that is described":         {"Group/g", []string{`{"resourceType":"Group","id":"g","type":"practitioner","actual":false}`}, unknown, ""},
		"a group out of use":                {"Group/g", []string{strings.Replace(group("g", nurse), `"actual"`, `"active":false,"actual"`, 1)}, unknown, ""},
		"a group within a group":            {"Group/g", []string{group("g", `{"entity":{"reference":"Group/h"}}`), group("h", nurse)}, is, ""},
		"groups in a circle":                {"Group/g", []string{group("g", `{"entity":{"reference":"Group/h"}}`), group("h", `{"entity":{"reference":"Group/g"}}`)}, unknown, ""},
		"a group with a role of the caller": {"Group/g", []string{group("g", `{"entity":{"reference":"PractitionerRole/r1"}}`), role("")}, is, ""},
		"a team with the caller":            {"CareTeam/t", []string{`{"resourceType":"CareTeam","id":"t","participant":[{"member":{"reference":"Practitioner/n1"}}]}`}, is, ""},
		"a team with the organization":      {"CareTeam/t", []string{`{"resourceType":"CareTeam","id":"t","status":"active","participant":[{"member":{"reference":"Organization/k1"}}]}`}, is, ""},
		"a team of others":                  {"CareTeam/t", []string{`{"resourceType":"CareTeam","id":"t","participant":[{"member":{"reference":"Practitioner/n2"}}]}`}, isNot, ""},
		"a team of somebody in words":       {"CareTeam/t", []string{`{"resourceType":"CareTeam","id":"t","participant":[{"member":{"display":"the night nurse"}}]}`}, unknown, ""},
		"a team out of use":                 {"CareTeam/t", []string{`{"resourceType":"CareTeam","id":"t","status":"inactive","participant":[{"member":{"reference":"Practitioner/n1"}}]}`}, unknown, ""},
		"a role of the caller":              {"PractitionerRole/r1", []string{role(`,"organization":{"reference":"Organization/k1"}`)}, is, ""},
		"a role of the caller elsewhere":    {"PractitionerRole/r1", []string{role(`,"organization":{"reference":"Organization/h9"}`)}, isNot, ""},
		"a role that is over":               {"PractitionerRole/r1", []string{role(`,"period":{"end":"2026-06-14"}`)}, isNot, ""},
		"a role given up":                   {"PractitionerRole/r1", []string{role(`,"active":false`)}, isNot, ""},
		"a role of another":                 {"PractitionerRole/r1", []string{`{"resourceType":"PractitionerRole","id":"r1","practitioner":{"reference":"Practitioner/n2"}}`}, isNot, ""},
		"a role that is not there":          {"PractitionerRole/r1", nil, unknown, ""},
		"the organization above":            {"Organization/a", []string{organization("k1", "Organization/a")}, is, ""},
		"the one above that":                {"Organization/b", []string{organization("k1", "Organization/a"), organization("a", "Organization/b")}, is, ""},
		"the one below":                     {"Organization/a", []string{organization("a", "Organization/k1")}, isNot, ""},
		"above by the caller's word":        {"Organization/a", []string{organization("k1", "Organization/a")}, unknown, "k1"},
		"organizations in a circle":         {"Organization/c", []string{organization("k1", "Organization/a"), organization("a", "Organization/k1")}, unknown, ""},
		"part of one elsewhere":             {"Organization/a", []string{organization("k1", "https://other.example/fhir/Organization/a")}, unknown, ""},
		"an organization that is not known": {"Organization/a", nil, isNot, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, permits := range []bool{false, true} {
				consent, want := privacy(`"provision":{"type":"deny",`+actor(c.actor)+`}`), c.belongs == isNot
				if permits {
					consent, want = privacy(`"policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"permit",`+actor(c.actor)+`}`), c.belongs == is
				}
				w := world(t, append(c.documents, consent, `{"resourceType":"Patient","id":"p1"}`, `{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}`)...)
				for key := range w.of {
					w.of[key] = append(w.of[key], search.Entry{Param: search.ParamSender, Value: []byte(c.sender)})
				}
				f := fenceOf(t, openPolicy, access.Caller{Role: access.RoleClinic, Organization: "k1", Practitioner: "n1"}, noon)
				if got := w.allows(f, store.ActionRead, fhir.Key{Type: "Observation", ID: "o1"}); got != want {
					t.Errorf("permits %v: allowed %v", permits, got)
				}
			}
		})
	}
}

// Every type that is about a patient says how its time and its codes are found, by parameters that it has.
func TestContentOfEveryType(t *testing.T) {
	for _, typ := range r4.Types() {
		if r4.CompartmentParams("Patient", typ) == nil {
			continue
		}
		row, ok := access.ContentRows[typ]
		if !ok {
			t.Errorf("%s has no row", typ)
		}
		for kind, codes := range map[r4.ParamType][]string{r4.ParamDate: row.Dates(), r4.ParamToken: row.Codes()} {
			for _, code := range codes {
				if p := r4.Param(typ, code); p == nil || p.Type != kind {
					t.Errorf("%s: %s is no parameter of the kind", typ, code)
				}
			}
		}
	}
}
