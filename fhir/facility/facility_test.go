package facility_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/facility"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

const sid = "https://lienthong.example/sid/"

// directory is a store that has these alone.
type directory struct {
	store.Store
	of map[fhir.ID]string // documents
}

func (o directory) Read(_ context.Context, key fhir.Key, _ fhir.T) (store.Found, error) {
	text := o.of[key.ID]
	if !strings.HasPrefix(text, `{"resourceType":"`+string(key.Type)+`"`) {
		return store.Found{}, fhir.Errorf(fhir.NotFound, "resource-not-found", "")
	}
	return store.Found{Key: key, Stored: resource.Stored{Body: []byte(text)}}, nil
}

func organization(identifiers ...string) string {
	if len(identifiers) == 0 {
		return `{"resourceType":"Organization","name":"x"}`
	}
	return `{"resourceType":"Organization","identifier":[` + strings.Join(identifiers, ",") + `]}`
}

func code(value string) string {
	return `{"system":"` + sid + `cskcb","value":"` + value + `"}`
}

func facilities() facility.Facilities {
	return facility.Facilities{
		Store: directory{of: map[fhir.ID]string{
			"bv-a": organization(code("51901")), "bv-b": organization(code("51902")), "bv-c": organization(), "bv-d": organization(`{"system":"http://fhir.hl7.org.vn/core/sid/cskcb","value":"51903"}`),
			"bv-ab":  organization(code("51901"), code("51902")),
			"ward-a": `{"resourceType":"Organization","partOf":{"reference":"Organization/bv-a"}}`, "bed-a": `{"resourceType":"Organization","partOf":{"reference":"Organization/ward-a"}}`,
			"ward-c": `{"resourceType":"Organization","partOf":{"reference":"Organization/bv-c"}}`, "ring": `{"resourceType":"Organization","partOf":{"reference":"Organization/ring"}}`,
			"ward-b": `{"resourceType":"Organization","partOf":{"reference":"Organization/bv-b"}}`,
			"room-a": `{"resourceType":"Location","managingOrganization":{"reference":"Organization/ward-a"}}`, "room-b": `{"resourceType":"Location","managingOrganization":{"reference":"Organization/ward-b"}}`,
			"room-c": `{"resourceType":"Location","managingOrganization":{"reference":"Organization/bv-c"}}`, "place-b": `{"resourceType":"Location","managingOrganization":{"identifier":` + code("51902") + `}}`,
			"bed-b": `{"resourceType":"Location","partOf":{"reference":"Location/room-b"}}`, "yard": `{"resourceType":"Location","name":"x"}`, "site-b": `{"resourceType":"Location","identifier":[` + code("51902") + `]}`,
			"rented-a": `{"resourceType":"Location","managingOrganization":{"reference":"Organization/bv-a"},"partOf":{"reference":"Location/room-b"}}`,
			"doctor-a": `{"resourceType":"PractitionerRole","organization":{"reference":"Organization/ward-a"}}`, "doctor-b": `{"resourceType":"PractitionerRole","organization":{"reference":"Organization/bv-b"}}`,
			"doctor-c": `{"resourceType":"PractitionerRole","organization":{"reference":"Organization/bv-c"}}`, "doctor": `{"resourceType":"PractitionerRole","specialty":[{"text":"x"}]}`,
		}},
		Of: func(system string) (string, bool) {
			if rows, ok := strings.CutPrefix(system, sid+"dong-xml/"); ok {
				return rows, true
			}
			return identity.Systems{}.FacilityOfEpisode(system)
		},
		Local: func(r string) (fhir.Key, bool) {
			k := fhir.ParseReference(r)
			return k.Key, k.Key.ID != "" && k.Base == ""
		},
		Any:    func(r access.Role) bool { return r == access.RoleOperator },
		Writes: func(r access.Role, t fhir.Type) bool { return r != access.RoleAuditor || t == "Location" },
	}
}

func document(t *testing.T, text string) resource.Value {
	t.Helper()
	doc, err := resource.New([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return doc.Root()
}

func malk(of string) string {
	return `"identifier":[{"system":"urn:x","value":"1"},{"system":"` + sid + `malk/` + of + `","value":"LK1"}]`
}

// TestHook: which facilities whom may name, as hospital A with the code of its Organization, and as others.
func TestHook(t *testing.T) {
	a := access.Caller{Role: access.RoleHospital, Organization: "bv-a"}
	bare := access.Caller{Role: access.RoleHospital, Organization: "bv-c"}
	group := access.Caller{Role: access.RoleHospital, Organization: "bv-c", Facilities: []string{"51902", "51903"}}
	none := access.Caller{Role: access.RoleHospital, Organization: "bv-a", Facilities: []string{}}
	claim := func(more ...string) string { return `{"resourceType":"Claim",` + strings.Join(more, ",") + `}` }
	provider := func(organization string) string {
		return `"provider":{"reference":"Organization/` + organization + `"}`
	}
	stay := func(organization string) string {
		return `{"resourceType":"Encounter","serviceProvider":{"reference":"Organization/` + organization + `"}}`
	}
	mabn := func(of, value string) string {
		return `{"system":"` + sid + `mabn/` + of + `","value":"` + value + `"}`
	}
	patient := func(identifiers ...string) string {
		return `{"resourceType":"Patient","identifier":[` + strings.Join(identifiers, ",") + `]}`
	}
	at := func(element, reference string) string {
		return `"` + element + `":{"reference":"` + reference + `"}`
	}
	location := func(more ...string) string {
		return `{"resourceType":"Location",` + strings.Join(more, ",") + `}`
	}
	const off, active = `"status":"cancelled"`, `"status":"active"`
	for _, x := range []struct {
		what   string
		as     access.Caller
		doc    string
		before string
		with   string // an Organization/new of the same request
		want   string // "" = allowed, else code and place
	}{
		{"its own claim", a, claim(malk("51901"), provider("bv-a")), "", "", ""},
		{"of nobody's number, by itself", a, claim(provider("bv-a")), "", "", ""},
		{"that names nobody", a, claim(`"provider":{"display":"BV"}`), "", "", ""},
		{"a provider elsewhere", a, claim(`"provider":{"reference":"https://other.example/fhir/Organization/bv-b"}`), "", "", ""},
		{"a provider who is a person", a, claim(`"provider":{"reference":"Practitioner/1"}`), "", "", ""},
		{"an episode of B", a, claim(malk("51902"), provider("bv-a")), "", "", "facility-foreign Claim.identifier"},
		{"an episode of B beside its own", a, claim(`"identifier":[{"system":"` + sid + `malk/51901","value":"LK1"},{"system":"` + sid + `malk/51902","value":"LK1"}]`), "", "", "facility-foreign Claim.identifier"},
		{"an episode of B by an alias", a, claim(`"identifier":[{"system":"http://fhir.hl7.org.vn/core/sid/malk/51902","value":"LK1"}]`), "", "", "facility-foreign Claim.identifier"},
		{"B as provider", a, claim(malk("51901"), provider("bv-b")), "", "", "facility-foreign Claim.provider"},
		{"B as provider, in a draft", a, claim(`"status":"draft"`, provider("bv-b")), "", "", "facility-foreign Claim.provider"},
		{"nobody known as provider", a, claim(provider("bv-z")), "", "", "facility-foreign Claim.provider"},
		{"somebody without a code as provider", a, claim(provider("bv-c")), "", "", "facility-foreign Claim.provider"},
		{"B as provider by code", a, claim(`"provider":{"identifier":` + code("51902") + `}`), "", "", "facility-foreign Claim.provider.identifier"},
		{"itself as provider by code", a, claim(`"provider":{"identifier":` + code("51901") + `}`), "", "", ""},
		{"B as provider, contained", a, claim(`"contained":[{"resourceType":"Organization","id":"o","identifier":[`+code("51902")+`]}]`, `"provider":{"reference":"#o"}`), "", "", "facility-foreign Claim.provider"},
		{"a provider that has its code too", a, claim(provider("bv-ab")), "", "", ""},
		{"a provider sent along", a, claim(malk("51901"), provider("new")), "", organization(code("51901")), ""},
		{"a provider sent along without a code", a, claim(malk("51901"), provider("new")), "", organization(), "facility-foreign Claim.provider"},

		{"what was its own becomes B's", a, claim(active, malk("51901"), provider("bv-b")), claim(active, malk("51901"), provider("bv-a")), "", "facility-foreign Claim.provider"},
		{"what it sent under B's code, again", a, claim(active, malk("51902")), claim(active, malk("51902")), "", "facility-foreign Claim.identifier"},
		{"what it sent under B's code, called off", a, claim(off, malk("51902")), claim(active, malk("51902")), "", ""},
		{"called off, and B's besides", a, claim(off, malk("51902"), provider("bv-b")), claim(active, malk("51902")), "", "facility-foreign Claim.provider"},

		{"an Encounter of its own", a, `{"resourceType":"Encounter",` + malk("51901") + `}`, "", "", ""},
		{"an Encounter of B's episode", a, `{"resourceType":"Encounter",` + malk("51902") + `}`, "", "", "facility-foreign Encounter.identifier"},
		{"a visit at B", a, stay("bv-b"), "", "", "facility-foreign Encounter.serviceProvider"},
		{"a visit at B, as it was", a, stay("bv-b"), stay("bv-b"), "", ""},
		{"a visit at B that was its own", a, stay("bv-b"), stay("bv-a"), "", "facility-foreign Encounter.serviceProvider"},
		{"a visit at itself", a, stay("bv-a"), "", "", ""},
		{"a visit at its ward", a, stay("ward-a"), "", "", ""},
		{"a visit in a bed of its ward", a, stay("bed-a"), "", "", ""},
		{"a visit at the ward of another", a, stay("ward-c"), "", "", "facility-foreign Encounter.serviceProvider"},
		{"a visit at a ward of no end", a, stay("ring"), "", "", "facility-foreign Encounter.serviceProvider"},
		{"a visit at its ward, by whom nobody has given a code", bare, stay("ward-c"), "", "", ""},
		{"a visit at A, by whom nobody has given a code", bare, stay("ward-a"), "", "", "facility-none Encounter.serviceProvider"},
		{"a visit at itself, registered for others", group, stay("bv-c"), "", "", ""},
		{"a visit at itself, registered for none", none, stay("bv-a"), "", "", ""},
		{"a visit at one of a group", group, stay("bv-b"), "", "", ""},
		{"a visit at none of a group", group, stay("bv-a"), "", "", "facility-foreign Encounter.serviceProvider"},
		{"its ward as provider of a claim", a, claim(provider("ward-a")), "", "", ""},
		{"an explanation of its own", a, `{"resourceType":"ExplanationOfBenefit",` + provider("bv-a") + `}`, "", "", ""},
		{"an explanation of B's", a, `{"resourceType":"ExplanationOfBenefit",` + provider("bv-b") + `}`, "", "", "facility-foreign ExplanationOfBenefit.provider"},

		{"a provider who works for it", a, claim(`"provider":{"reference":"PractitionerRole/doctor-a"}`), "", "", ""},
		{"a provider who works for B", a, claim(`"provider":{"reference":"PractitionerRole/doctor-b"}`), "", "", "facility-foreign Claim.provider"},
		{"a provider who works for somebody without a code", a, claim(`"provider":{"reference":"PractitionerRole/doctor-c"}`), "", "", "facility-foreign Claim.provider"},
		{"a provider who works for nobody", a, claim(`"provider":{"reference":"PractitionerRole/doctor"}`), "", "", ""},
		{"a provider who works for B, contained", a, claim(`"contained":[{"resourceType":"PractitionerRole","id":"r","organization":{"reference":"#o"}},{"resourceType":"Organization","id":"o","identifier":[`+code("51902")+`]}]`, `"provider":{"reference":"#r"}`), "", "", "facility-foreign Claim.provider"},
		{"a provider who works for B here, contained", a, claim(`"contained":[{"resourceType":"PractitionerRole","id":"r","organization":{"reference":"Organization/bv-b"}}]`, `"provider":{"reference":"#r"}`), "", "", "facility-foreign Claim.provider"},
		{"a provider who is contained in a ring", a, claim(`"contained":[{"resourceType":"Organization","id":"o","partOf":{"reference":"#o"}}]`, `"provider":{"reference":"#o"}`), "", "", ""},
		{"a provider who works for B, as it was", a, claim(active, `"provider":{"reference":"PractitionerRole/doctor-b"}`), claim(active, `"provider":{"reference":"PractitionerRole/doctor-b"}`), "", "facility-foreign Claim.provider"},
		{"a provider who works for B, called off", a, claim(off, `"provider":{"reference":"PractitionerRole/doctor-b"}`), claim(active, `"provider":{"reference":"PractitionerRole/doctor-b"}`), "", ""},
		{"an explanation by who works for B", a, `{"resourceType":"ExplanationOfBenefit","provider":{"reference":"PractitionerRole/doctor-b"}}`, "", "", "facility-foreign ExplanationOfBenefit.provider"},

		{"a claim in its room", a, claim(at("facility", "Location/room-a")), "", "", ""},
		{"a claim in a room of B", a, claim(at("facility", "Location/room-b")), "", "", "facility-foreign Claim.facility"},
		{"a claim in a bed of a room of B", a, claim(at("facility", "Location/bed-b")), "", "", "facility-foreign Claim.facility"},
		{"a claim in a room of B, as it was", a, claim(active, at("facility", "Location/room-b")), claim(active, at("facility", "Location/room-b")), "", ""},
		{"a claim at a place whose manager is B by code", a, claim(at("facility", "Location/place-b")), "", "", "facility-foreign Claim.facility"},
		{"a claim at a place that has B's code", a, claim(at("facility", "Location/site-b")), "", "", "facility-foreign Claim.facility"},
		{"a claim at a place by B's code", a, claim(`"facility":{"identifier":` + code("51902") + `}`), "", "", "facility-foreign Claim.facility.identifier"},
		{"a claim in a room of B, contained", a, claim(`"contained":[{"resourceType":"Location","id":"l","managingOrganization":{"identifier":`+code("51902")+`}}]`, `"facility":{"reference":"#l"}`), "", "", "facility-foreign Claim.facility.identifier"},
		{"a claim in a room that is rented from B", a, claim(at("facility", "Location/rented-a")), "", "", ""},
		{"a claim in a room of somebody without a code", a, claim(at("facility", "Location/room-c")), "", "", ""},
		{"a claim at nobody's place", a, claim(at("facility", "Location/yard")), "", "", ""},
		{"an explanation in a room of B", a, `{"resourceType":"ExplanationOfBenefit",` + at("facility", "Location/room-b") + `}`, "", "", "facility-foreign ExplanationOfBenefit.facility"},
		{"a question about a card as B", a, `{"resourceType":"CoverageEligibilityRequest",` + provider("bv-b") + `}`, "", "", "facility-foreign CoverageEligibilityRequest.provider"},
		{"an invoice of B", a, `{"resourceType":"Invoice",` + at("issuer", "Organization/bv-b") + `}`, "", "", "facility-foreign Invoice.issuer"},
		{"an account of B", a, `{"resourceType":"Account",` + at("owner", "Organization/ward-b") + `}`, "", "", "facility-foreign Account.owner"},
		{"an account of its own", a, `{"resourceType":"Account",` + at("owner", "Organization/ward-a") + `}`, "", "", ""},

		{"a room of its own", a, location(at("managingOrganization", "Organization/bv-a")), "", "", ""},
		{"a room of a school", a, location(at("managingOrganization", "Organization/bv-c")), "", "", ""},
		{"a room of whom it sends later", a, location(at("managingOrganization", "Organization/later")), "", "", ""},
		{"a room of B", a, location(at("managingOrganization", "Organization/bv-b")), "", "", "facility-foreign Location.managingOrganization"},
		{"a room of a ward of B", a, location(at("managingOrganization", "Organization/ward-b")), "", "", "facility-foreign Location.managingOrganization"},
		{"a room of B, as others wrote it", a, location(at("managingOrganization", "Organization/bv-b")), location(at("managingOrganization", "Organization/bv-b")), "", ""},
		{"a room of B, by whom nobody has given a code", bare, location(at("managingOrganization", "Organization/bv-b")), "", "", "facility-none Location.managingOrganization"},
		{"a bed in a room of B", a, location(at("partOf", "Location/room-b")), "", "", "facility-foreign Location.partOf"},
		{"a room that it rents from B", a, location(at("managingOrganization", "Organization/bv-a"), at("partOf", "Location/room-b")), "", "", ""},
		{"a place with B's code", a, location(`"identifier":[` + code("51902") + `]`), "", "", "facility-foreign Location.identifier"},
		{"a doctor of B", a, `{"resourceType":"PractitionerRole",` + at("organization", "Organization/bv-b") + `}`, "", "", "facility-foreign PractitionerRole.organization"},
		{"a doctor of its own who sees patients in a room of B", a, `{"resourceType":"PractitionerRole",` + at("organization", "Organization/bv-a") + `,"location":[{"reference":"Location/room-b"}]}`, "", "", ""},
		{"a service of B", a, `{"resourceType":"HealthcareService",` + at("providedBy", "Organization/bv-b") + `}`, "", "", "facility-foreign HealthcareService.providedBy"},
		{"an endpoint of B", a, `{"resourceType":"Endpoint",` + at("managingOrganization", "Organization/bv-b") + `}`, "", "", "facility-foreign Endpoint.managingOrganization"},
		{"a ward of B", a, `{"resourceType":"Organization",` + at("partOf", "Organization/bv-b") + `}`, "", "", "facility-foreign Organization.partOf"},
		{"a ward of its own", a, `{"resourceType":"Organization",` + at("partOf", "Organization/ward-a") + `}`, "", "", ""},
		{"a ward of itself", a, `{"resourceType":"Organization",` + at("partOf", "Organization/x") + `}`, "", "", ""},

		{"a stay that came from B and leads there", a, `{"resourceType":"Encounter",` + at("serviceProvider", "Organization/bv-a") + `,"hospitalization":{` + at("origin", "Location/room-b") + `,"destination":{"identifier":` + code("51902") + `}},"location":[{` + at("location", "Location/room-b") + `}]}`, "", "", ""},
		{"a dose that was given at B", a, `{"resourceType":"Immunization",` + at("location", "Location/room-b") + `,"performer":[{` + at("actor", "Organization/bv-b") + `}]}`, "", "", ""},
		{"a line that was done at B, by a doctor of B", a, claim(provider("bv-a"), `"careTeam":[{"sequence":1,`+at("provider", "PractitionerRole/doctor-b")+`}]`, `"item":[{"sequence":1,`+at("locationReference", "Location/room-b")+`}]`), "", "", ""},

		{"a patient with a number of its own", a, patient(mabn("51901", "1")), "", "", ""},
		{"a patient with a number of B", a, patient(mabn("51902", "1")), "", "", "facility-foreign Patient.identifier"},
		{"a patient whose number of B stood there", a, patient(mabn("51901", "1"), mabn("51902", "1")), patient(mabn("51902", "1")), "", ""},
		{"a patient whose number of B was another", a, patient(mabn("51902", "2")), patient(mabn("51902", "1")), "", "facility-foreign Patient.identifier"},
		{"a patient whose number of B was an episode's", a, patient(mabn("51902", "1")), patient(strings.Replace(mabn("51902", "1"), "mabn", "malk", 1)), "", "facility-foreign Patient.identifier"},
		{"a patient whose number of B stood there under an alias", a, patient(mabn("51902", "1")), patient(strings.Replace(mabn("51902", "1"), sid, "http://fhir.hl7.org.vn/core/sid/", 1)), "", ""},
		{"somebody who cites a number of B", a, `{"resourceType":"Observation","subject":{"identifier":` + mabn("51902", "1") + `}}`, "", "", ""},
		{"a clinic that numbers for A", access.Caller{Role: access.RoleClinic, Organization: "bv-c"}, patient(mabn("51901", "1")), "", "", "facility-none Patient.identifier"},
		{"a row of B's file", a, `{"resourceType":"Observation","identifier":[{"system":"` + sid + `dong-xml/51902","value":"LK1/XML4/1"}]}`, "", "", "facility-foreign Observation.identifier"},
		{"a row of B's file, of one identifier", a, `{"resourceType":"Composition","identifier":{"system":"` + sid + `dong-xml/51902","value":"LK1/XML7/1"}}`, "", "", "facility-foreign Composition.identifier"},

		{"itself, as it is", a, organization(code("51901")), organization(code("51901")), "", ""},
		{"itself as B too", a, organization(code("51901"), code("51902")), organization(code("51901")), "", "facility-foreign Organization.identifier"},
		{"another entry of itself", a, organization(code("51901")), "", "", ""},
		{"an entry of B", a, organization(code("51902")), "", "", "facility-foreign Organization.identifier"},
		{"an Organization that others gave a code", a, organization(code("51902")), organization(code("51902")), "", ""},
		{"an Organization without a code", a, organization(), "", "", ""},

		{"whose Organization has no code", bare, claim(malk("51901")), "", "", "facility-none Claim.identifier"},
		{"whose Organization has no code, of no number", bare, claim(provider("bv-c")), "", "", ""},
		{"who gives itself a code", bare, organization(code("51901")), organization(), "", "facility-none Organization.identifier"},

		{"the first of a group", group, claim(malk("51902"), provider("bv-b")), "", "", ""},
		{"the second of a group", group, claim(malk("51903"), provider("bv-d")), "", "", ""},
		{"the group itself", group, claim(malk("51903"), provider("bv-c")), "", "", ""},
		{"who is not in the group", group, claim(malk("51901"), provider("bv-d")), "", "", "facility-foreign Claim.identifier"},
		{"the code of the Organization counts no more", access.Caller{Role: "hospital", Organization: "bv-a", Facilities: []string{"51902"}}, claim(malk("51901")), "", "", "facility-foreign Claim.identifier"},
		{"registered for none", none, claim(malk("51901")), "", "", "facility-none Claim.identifier"},
		{"registered for none, as itself", none, claim(provider("bv-a")), "", "", "facility-none Claim.provider"},

		{"an operator", access.Caller{Role: access.RoleOperator}, organization(code("51902")), "", "", ""},
		{"an auditor, who writes no claims", access.Caller{Role: access.RoleAuditor}, claim(malk("51901")), "", "", "access-denied "},
		{"an auditor who may write this", access.Caller{Role: access.RoleAuditor}, location(at("managingOrganization", "Organization/bv-b")), "", "", "facility-none Location.managingOrganization"},
		{"of no organization", access.Caller{Role: access.RoleRegistrar}, claim(malk("51901")), "", "", "facility-none Claim.identifier"},
	} {
		w := interaction.Write{Method: store.MethodUpdate, Doc: document(t, x.doc)}
		w.Key = fhir.Key{Type: w.Doc.ResourceType(), ID: "x"}
		if x.before != "" {
			w.Before = &store.Found{Stored: resource.Stored{Body: []byte(x.before)}}
		}
		w.With = func(k fhir.Key) (resource.Value, bool) {
			if x.with == "" || k.ID != "new" {
				return resource.Value{}, false
			}
			return document(t, x.with), true
		}
		ctx := access.WithCaller(store.Ourselves(t.Context()), &x.as)
		_, err := facilities().Hook(ctx, w)
		if codeOf(err) != x.want {
			t.Errorf("%s: %v, want %q", x.what, err, x.want)
		}
		if w.Before != nil { // of what he does not see nobody finds out
			blind, without := w, w
			blind.Blind, without.Before = true, nil
			_, err := facilities().Hook(ctx, blind)
			if _, none := facilities().Hook(ctx, without); fmt.Sprint(err) != fmt.Sprint(none) {
				t.Errorf("%s: %v, and where there is nothing %v", x.what, err, none)
			}
		}
		if _, err := facilities().Hook(store.Ourselves(t.Context()), w); err != nil {
			t.Errorf("%s, by the server itself: %v", x.what, err)
		}
		w.Ours = true
		if _, err := facilities().Hook(ctx, w); err != nil {
			t.Errorf("%s, on the server's own account: %v", x.what, err)
		}
		w.Ours = false
		w.Method, w.Doc = store.MethodDelete, resource.Value{}
		if _, err := facilities().Hook(ctx, w); err != nil {
			t.Errorf("%s, deleted: %v", x.what, err)
		}
	}
}

// A Claim that is to be checked is held to the same, whatever the caller may read.
func TestCheck(t *testing.T) {
	ctx := access.WithCaller(t.Context(), &access.Caller{Role: access.RoleHospital, Organization: "bv-a"})
	if err := facilities().Check(ctx, document(t, `{"resourceType":"Claim",`+malk("51901")+`}`)); err != nil {
		t.Error(err)
	}
	if err := facilities().Check(ctx, document(t, `{"resourceType":"Claim",`+malk("51902")+`}`)); codeOf(err) != "facility-foreign Claim.identifier" {
		t.Error(err)
	}
}

// TestNumbers: for which facilities a caller numbers patients.
func TestNumbers(t *testing.T) {
	for _, x := range []struct {
		as   access.Caller
		code string
		want string
	}{
		{access.Caller{Role: access.RoleHospital, Organization: "bv-a"}, "51901", ""},
		{access.Caller{Role: access.RoleHospital, Organization: "bv-a"}, "51902", "facility-foreign Patient.identifier"},
		{access.Caller{Role: access.RoleClinic, Organization: "bv-c"}, "51902", "facility-none Patient.identifier"},
		{access.Caller{Role: access.RoleHospital, Organization: "bv-c", Facilities: []string{"51902"}}, "51902", ""},
		{access.Caller{Role: access.RoleOperator}, "51902", ""},
	} {
		if err := facilities().Numbers(access.WithCaller(t.Context(), &x.as), x.code); codeOf(err) != x.want {
			t.Errorf("%+v, %s: %v, want %q", x.as, x.code, err, x.want)
		}
	}
	if err := facilities().Numbers(t.Context(), "51902"); err != nil {
		t.Error(err)
	}
}

// A store that cannot be read refuses, and does not let through.
func TestAStoreThatFails(t *testing.T) {
	f := facilities()
	f.Store = failing{}
	ctx := access.WithCaller(t.Context(), &access.Caller{Role: access.RoleHospital, Organization: "bv-a"})
	if err := f.Check(ctx, document(t, `{"resourceType":"Claim",`+malk("51901")+`}`)); !errors.Is(err, errDisk) {
		t.Error(err)
	}
}

var errDisk = errors.New("disk")

type failing struct{ store.Store }

func (failing) Read(context.Context, fhir.Key, fhir.T) (store.Found, error) {
	return store.Found{}, errDisk
}

func codeOf(err error) string {
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok {
		return ""
	}
	if e.Kind != fhir.Denied || !slices.Contains([]string{"facility-foreign", "facility-none", "access-denied"}, e.Code) {
		return err.Error()
	}
	return e.Code + " " + e.Path
}
