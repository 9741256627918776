package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// TestUndecidedConsents: what would not hold as it stands is named by its place; what holds is not.
func TestUndecidedConsents(t *testing.T) {
	const actorOf = `{"type":"deny","actor":[{"role":{"text":"x"},"reference":{"reference":"%s"}}]}`
	for name, c := range map[string]struct {
		provision string
		places    []string
	}{
		"nothing":            {`{"type":"deny"}`, nil},
		"all that holds":     {`{"type":"deny","period":{"start":"2026"},"purpose":[{"code":"TREAT"}],"class":[{"code":"Observation"}],"action":[{"coding":[{"code":"access"}]}],"securityLabel":[{"code":"R"}],"data":[{"meaning":"instance","reference":{"reference":"Observation/1"}}],"actor":[{"role":{"text":"x"},"reference":{"reference":"Practitioner/1"}}]}`, nil},
		"an organization":    {fmt.Sprintf(actorOf, "Organization/1"), nil},
		"a group":            {fmt.Sprintf(actorOf, "Group/1"), nil},
		"a team":             {fmt.Sprintf(actorOf, "CareTeam/1"), nil},
		"a role":             {fmt.Sprintf(actorOf, "PractitionerRole/1"), nil},
		"a device":           {fmt.Sprintf(actorOf, "Device/1"), []string{"consent-undecided-actor Consent.provision.actor[0]"}},
		"a relative":         {fmt.Sprintf(actorOf, "RelatedPerson/1"), []string{"consent-undecided-actor Consent.provision.actor[0]"}},
		"somebody elsewhere": {fmt.Sprintf(actorOf, "https://other.example/fhir/Organization/1"), []string{"consent-undecided-actor Consent.provision.actor[0]"}},
		"dates and codes":    {`{"type":"deny","dataPeriod":{"start":"2026"},"code":[{"coding":[{"system":"urn:x","code":"y"}]}]}`, nil},
		"words for a code":   {`{"type":"deny","dataPeriod":{"id":"x"},"code":[{"text":"x"},{"coding":[{"code":"y"}]}]}`, []string{"consent-undecided-period Consent.provision.dataPeriod", "consent-undecided-code Consent.provision.code[0]", "consent-undecided-code Consent.provision.code[1]"}},
		"a kind of document": {`{"type":"deny","class":[{"code":"Observation"},{"code":"cda"}]}`, []string{"consent-undecided-class Consent.provision.class[1]"}},
		"an unknown action":  {`{"type":"permit","action":[{"coding":[{"code":"sing"}]}]}`, []string{"consent-undecided-action Consent.provision.action[0]"}},
		"an unknown label":   {`{"type":"deny","securityLabel":[{"code":"HIV"}]}`, []string{"consent-undecided-label Consent.provision.securityLabel[0]"}},
		"unknown purposes":   {`{"type":"deny","purpose":[{"code":"treat"},{"display":"x"},{"system":"urn:x","code":"TREAT"},{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"HRESCH"}]}`, []string{"consent-undecided-purpose Consent.provision.purpose[0]", "consent-undecided-purpose Consent.provision.purpose[1]", "consent-undecided-purpose Consent.provision.purpose[2]"}},
		"deep within":        {`{"type":"permit","provision":[{"type":"deny"},{"type":"deny","provision":[{"type":"permit","code":[{"text":"x"}]}]}]}`, []string{"consent-undecided-code Consent.provision.provision[1].provision[0].code[0]"}},
		"too deep":           {deep(12), []string{"consent-too-deep Consent.provision" + strings.Repeat(".provision[0]", search.MaxProvisionDepth)}},
	} {
		for _, other := range []struct {
			name, status, scope string
			speaks              bool
		}{{"", "active", "patient-privacy", true}, {"inactive", "inactive", "patient-privacy", false}, {"about treatment", "active", "treatment", false}} {
			doc, err := resource.New([]byte(`{"resourceType":"Consent","id":"c","status":"` + other.status + `","scope":{"coding":[{"code":"` + other.scope + `"}]},"provision":` + c.provision + `}`))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range access.Undecided(doc.Root(), func(r string) (fhir.Key, bool) {
				return search.ReferenceKey(search.AppendReference(nil, r, "https://here.example/fhir", search.Bases{}))
			}) {
				got = append(got, i.Code+" "+i.Path)
				if row, ok := outcome.Lookup(i.Code); !ok || row.Vietnamese == "" {
					t.Errorf("%s has no text", i.Code)
				}
			}
			want := c.places
			if !other.speaks {
				want = nil
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s %s: %q, want %q", name, other.name, got, want)
			}
		}
	}
}
