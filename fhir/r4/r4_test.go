package r4_test

import (
	"slices"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// TestElements checks by hand what the tables should say where the specification has a twist.
func TestElements(t *testing.T) {
	element := func(s *r4.Struct, names ...string) *r4.Element {
		t.Helper()
		var e *r4.Element
		for _, n := range names {
			if s == nil {
				t.Fatalf("%v: no structure above %s", names, n)
			}
			if e = s.Element(n); e == nil {
				t.Fatalf("%v: no element %s in %s", names, n, s.Name)
			}
			s = e.Struct
		}
		return e
	}
	e := element(r4.Resource("Immunization"), "protocolApplied", "seriesDosesPositiveInt")
	if e.Base != "seriesDoses" || !e.Choice || e.Primitive != r4.PositiveInt || e.Array || e.Min != 0 {
		t.Errorf("seriesDoses[x]: %+v", e)
	}
	e = element(r4.Resource("Immunization"), "occurrenceString")
	if e.Min != 1 || e.Slot != element(r4.Resource("Immunization"), "occurrenceDateTime").Slot {
		t.Errorf("occurrence[x] is required once: %+v", e)
	}
	if e = element(r4.Resource("Patient"), "contact"); e.TypeName != "BackboneElement" || !e.Array || e.Max != -1 || e.Struct.Name != "Patient.contact" {
		t.Errorf("Patient.contact: %+v", e)
	}
	if e = element(r4.Resource("Patient"), "contact", "gender"); e.Binding != "http://hl7.org/fhir/ValueSet/administrative-gender" || e.BindingStrength != "required" {
		t.Errorf("Patient.contact.gender: %+v", e)
	}
	for _, path := range [][]string{{"Bundle", "entry", "resource"}, {"Bundle", "entry", "response", "outcome"}, {"Parameters", "parameter", "resource"}, {"Patient", "contained"}} {
		if e = element(r4.Resource(fhir.Type(path[0])), path[1:]...); e.TypeName != "Resource" || e.Struct != nil {
			t.Errorf("%v: %+v", path, e)
		}
	}
	if a, b := element(r4.Resource("Bundle"), "link"), element(r4.Resource("Bundle"), "entry", "link"); a.Struct != b.Struct || a.TypeName != b.TypeName {
		t.Error("Bundle.entry.link is not Bundle.link")
	}
	if e = element(r4.Resource("Questionnaire"), "item", "item", "item"); e.Struct != r4.Backbone("Questionnaire.item") {
		t.Error("Questionnaire.item does not hold itself")
	}
	if a, b := element(r4.Resource("ValueSet"), "compose", "include"), element(r4.Resource("ValueSet"), "compose", "exclude"); a.Struct != b.Struct {
		t.Error("ValueSet.compose.exclude is not include")
	}
	if e = element(r4.Resource("Observation"), "subject"); !slices.Equal(e.Targets, []fhir.Type{"Patient", "Group", "Device", "Location"}) || !e.Summary {
		t.Errorf("Observation.subject: %+v", e)
	}
	if e = element(r4.Resource("Patient"), "id"); e.Primitive != r4.ID {
		t.Errorf("Patient.id: %+v", e)
	}
	if e = element(r4.DataType("HumanName"), "id"); e.Primitive != r4.String {
		t.Errorf("HumanName.id: %+v", e)
	}
	if e = element(r4.DataType("Timing"), "repeat", "boundsPeriod"); e.Base != "bounds" {
		t.Errorf("Timing.repeat.boundsPeriod: %+v", e)
	}
	if e = element(r4.DataType("Narrative"), "div"); e.Primitive != r4.XHTML || e.Min != 1 {
		t.Errorf("Narrative.div: %+v", e)
	}
	if got := len(r4.Resource("Observation").Choices("value")); got != 11 {
		t.Errorf("Observation.value[x] has %d types, want 11", got)
	}
	for _, name := range []string{"", "value", "value[x]", "resourceType", "_birthDate", "x"} {
		if r4.Resource("Observation").Element(name) != nil || r4.Resource("Observation").ElementBytes([]byte(name)) != nil {
			t.Errorf("Observation has an element %q", name)
		}
	}
}

func TestTypesHaveStableCodes(t *testing.T) {
	if n := len(r4.Types()); n != 146 {
		t.Errorf("%d resource types, want 146", n)
	}
	if !slices.IsSorted(r4.Types()) {
		t.Error("types are not sorted")
	}
	for _, name := range r4.Types() {
		c := r4.TypeCode(name)
		if c == 0 || r4.TypeOf(c) != name {
			t.Errorf("%s has code %d, which is %q", name, c, r4.TypeOf(c))
		}
	}
	for _, name := range []fhir.Type{"", "Resource", "DomainResource", "MetadataResource", "SubscriptionStatus", "patient", "HumanName"} {
		if r4.IsResource(name) || r4.TypeCode(name) != 0 {
			t.Errorf("%q is taken for a resource type", name)
		}
	}
	if r4.TypeOf(0) != "" || r4.TypeOf(60000) != "" {
		t.Error("numbers without a type have one")
	}
}

func TestParams(t *testing.T) {
	for _, c := range []struct {
		of         fhir.Type
		code       string
		kind       r4.ParamType
		expression string
	}{
		{"Immunization", "patient", r4.ParamReference, "Immunization.patient"},
		{"Observation", "patient", r4.ParamReference, "Observation.subject.where(resolve() is Patient)"},
		{"InsurancePlan", "name", r4.ParamString, "InsurancePlan.name | InsurancePlan.alias"},
		{"DeviceRequest", "code", r4.ParamToken, "(DeviceRequest.code as CodeableConcept)"},
		{"Patient", "_id", r4.ParamToken, "Resource.id"},
		{"Bundle", "_tag", r4.ParamToken, "Resource.meta.tag"},
		{"Patient", "_text", r4.ParamString, ""},
		{"Location", "near", r4.ParamSpecial, "Location.position"},
	} {
		p := r4.Param(c.of, c.code)
		if p == nil || p.Type != c.kind || p.Expression != c.expression {
			t.Errorf("%s %s: %+v", c.of, c.code, p)
		}
	}
	if r4.Param("Bundle", "_text") != nil {
		t.Error("a Bundle is no DomainResource, yet has _text")
	}
	if p := r4.Param("Patient", "_lastUpdated"); p == nil || p.ID != 1 {
		t.Errorf("_lastUpdated: %+v", p)
	}
	if p := r4.Param("Observation", "code-value-quantity"); p == nil || len(p.Components) != 2 || p.Components[1].Param.Code != "value-quantity" || p.Components[1].Expression != "value.as(Quantity)" {
		t.Errorf("code-value-quantity: %+v", p)
	}
	seen := map[uint16]*r4.SearchParam{}
	for _, of := range r4.Types() {
		for _, p := range r4.Params(of) {
			if r4.Param(of, p.Code) != p || r4.ParamByID(p.ID) != p {
				t.Errorf("%s %s is not found by its code and number", of, p.Code)
			}
			if other := seen[p.ID]; other != nil && other != p {
				t.Errorf("%s and %s share number %d", p.URL, other.URL, p.ID)
			}
			if seen[p.ID] = p; p.ID < 16 && p.ID != 1 {
				t.Errorf("%s %s has the store's number %d", of, p.Code, p.ID)
			}
			if (p.Type == r4.ParamComposite) != (len(p.Components) > 0) {
				t.Errorf("%s %s: components %v", of, p.Code, p.Components)
			}
		}
	}
}

func TestCompartments(t *testing.T) {
	if got := r4.CompartmentParams("Patient", "Observation"); !slices.Equal(got, []string{"subject", "performer"}) {
		t.Errorf("Patient/Observation: %v", got)
	}
	if got := r4.CompartmentParams("Patient", "Encounter"); !slices.Equal(got, []string{"patient"}) {
		t.Errorf("Patient/Encounter: %v", got)
	}
	if got := r4.CompartmentParams("Patient", "Organization"); got != nil {
		t.Errorf("Patient/Organization: %v", got)
	}
	if got := r4.Compartments(); !slices.Equal(got, []fhir.Type{"Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"}) {
		t.Errorf("compartments: %v", got)
	}
	for _, c := range r4.Compartments() {
		for _, of := range r4.Types() {
			for _, code := range r4.CompartmentParams(c, of) {
				if p := r4.Param(of, code); p == nil || p.Type != r4.ParamReference {
					t.Errorf("compartment %s: %s %s is no reference parameter", c, of, code)
				}
			}
		}
	}
}
