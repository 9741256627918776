package access_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

func auditor(t testing.TB) store.Hider {
	return fenceOf(t, string(access.BuiltIn), access.Caller{Role: access.RoleAuditor}, time.Now()).Hider()
}

// nobody is a store in which nothing is.
type nobody struct{ store.Store }

func (nobody) Read(context.Context, fhir.Key, fhir.T) (store.Found, error) {
	return store.Found{}, fhir.Errorf(fhir.NotFound, "resource-not-found", "")
}

func (nobody) History(context.Context, store.History) iter.Seq2[store.Found, error] {
	return func(yield func(store.Found, error) bool) {
		yield(store.Found{}, fhir.Errorf(fhir.NotFound, "resource-not-found", ""))
	}
}

func (nobody) Search(context.Context, search.Query, fhir.T, store.SearchOptions) iter.Seq2[store.Match, error] {
	return func(func(store.Match, error) bool) {}
}

// hidden is a version as it is shown where no other resource is known.
func hidden(t testing.TB, h store.Hider, f store.Found) store.Found {
	t.Helper()
	f, err := h.Hiding(t.Context(), nobody{})(f)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// What is hidden shows nowhere: not in the resource, not where it is contained or lies in a Bundle, not in narratives, not
// in displays. What is left out is said in the labels, and what has nothing hidden stays as it is.
func TestMaskedDocuments(t *testing.T) {
	const secret = "NGOTHUNGHIEM"
	patient := `{"resourceType":"Patient","id":"p","name":[{"family":"` + secret + `"}],"_name":[{"id":"` + secret + `"}],"telecom":[{"value":"` + secret + `"}],` +
		`"identifier":[{"value":"` + secret + `"}],"contact":[{"name":{"text":"` + secret + `"}}],"gender":"male"}`
	for name, c := range map[string]struct {
		doc    string
		hidden bool
		keeps  string
	}{
		"a patient":                    {patient, true, `"gender":"male"`},
		"with labels of its own":       {replace(patient, `"id":"p"`, `"id":"p","meta":{"security":[{"code":"R"}],"tag":[{"code":"t"}],"profile":["http://x"]}`), true, `{"code":"R"}`},
		"contained":                    {`{"resourceType":"Claim","id":"c","contained":[` + patient + `],"status":"active"}`, true, `"gender":"male"`},
		"in a Bundle":                  {`{"resourceType":"Bundle","id":"c","type":"document","entry":[{"resource":` + patient + `}]}`, true, `"gender":"male"`},
		"a narrative":                  {`{"resourceType":"Claim","id":"c","text":{"status":"generated","div":"<div>` + secret + `</div>"},"status":"active"}`, true, `"status":"active"`},
		"a display":                    {`{"resourceType":"Encounter","id":"c","subject":{"reference":"Patient/p","display":"` + secret + `","_display":{"id":"` + secret + `"}}}`, true, `"reference":"Patient/p"`},
		"a display of who knows whom":  {`{"resourceType":"Encounter","id":"c","subject":{"reference":"urn:uuid:1","display":"` + secret + `"}}`, true, `urn:uuid:1`},
		"a display alone":              {`{"resourceType":"Encounter","id":"c","subject":{"display":"` + secret + `"}}`, true, `"subject"`},
		"an identifier in a reference": {`{"resourceType":"Encounter","id":"c","subject":{"reference":"Patient/p","identifier":{"value":"` + secret + `"}}}`, true, `"reference":"Patient/p"`},
		"a display of a record":        {`{"resourceType":"Claim","id":"c","item":[{"encounter":[{"reference":"Encounter/e","display":"` + secret + `"}]}]}`, true, `"reference":"Encounter/e"`},
		"a name in an extension":       {`{"resourceType":"Encounter","id":"c","extension":[{"url":"urn:x","valueHumanName":{"family":"` + secret + `"}},{"url":"urn:y","valueCode":"kept"}]}`, true, `"kept"`},
		"a number in an extension":     {`{"resourceType":"Encounter","id":"c","class":{"extension":[{"url":"urn:x","valueIdentifier":{"value":"` + secret + `"}}],"code":"AMB"}}`, true, `"extension":[{"url":"urn:x","extension":[{"url":"http://hl7.org`},
		"a field of the claim file":    {`{"resourceType":"Claim","id":"c","extension":[{"url":"https://x.example/xml1","extension":[{"url":"MA_BN","valueString":"` + secret + `"},{"url":"T_THUOC","valueDecimal":1.00}]}]}`, true, `{"url":"T_THUOC","valueDecimal":1.00}`},
		"a field of another's making":  {`{"resourceType":"Claim","id":"c","item":[{"modifierExtension":[{"url":"https://his.example/ho_ten","id":"` + secret + `","_valueCode":{"id":"` + secret + `"},"extension":[{"url":"x","valueString":"` + secret + `"}]}]}]}`, true, `{"url":"https://his.example/ho_ten","extension":[{"url":"http://hl7.org`},
		"a narrative of a section":     {`{"resourceType":"Composition","id":"c","section":[{"title":"kept","section":[{"text":{"status":"generated","div":"<div>` + secret + `</div>"}}]}]}`, true, `"title":"kept"`},
		"of an organization":           {`{"resourceType":"Encounter","id":"c","serviceProvider":{"reference":"Organization/h","display":"Hospital"}}`, false, ""},
		"a field that tells nobody":    {`{"resourceType":"Claim","id":"c","extension":[{"url":"https://x.example/xml1","extension":[{"url":"MA_HSBA","valueString":"BA1"}]}]}`, false, ""},
		"words that are no narrative":  {`{"resourceType":"Encounter","id":"c","reasonCode":[{"text":"fever"}]}`, false, ""},
		"of a code":                    {`{"resourceType":"Encounter","id":"c","class":{"system":"urn:x","code":"AMB","display":"ambulatory"}}`, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := resource.New([]byte(c.doc))
			if err != nil {
				t.Fatal(err)
			}
			id, _ := d.Root().ID()
			before := store.Found{Key: fhir.Key{Type: d.Root().ResourceType(), ID: fhir.ID(id)}, Stored: d.Root().Store(fhir.ID(id))}
			kept := bytes.Clone(before.Stored.Body)
			after := hidden(t, auditor(t), before)
			served := string(after.Stored.Append(nil, 3, 0))
			if _, err := resource.New([]byte(served)); err != nil {
				t.Fatalf("%v: %s", err, served)
			}
			if !bytes.Equal(before.Stored.Body, kept) {
				t.Error("the stored document was changed")
			}
			if !c.hidden {
				if !after.Stored.Equal(before.Stored) {
					t.Errorf("changed: %s", served)
				}
				return
			}
			if strings.Contains(served, secret) || !strings.Contains(served, c.keeps) || strings.Count(served, "REDACTED") != 1 ||
				strings.Count(served, "SUBSETTED") != 1 || !strings.Contains(served, `"versionId":"3"`) {
				t.Error(served)
			}
		})
	}
}

// Of the numbers of a card the end stays, wherever they stand, and nothing else of them; short ones are left out.
func TestTheEndOfNumbers(t *testing.T) {
	h := auditor(t)
	const system = `"system":"http://hl7.org/fhir/sid/vn-bhyt"`
	for name, c := range map[string]struct{ in, out string }{
		"a card":             {`"identifier":[{"use":"official",` + system + `,"value":"GD4010000012345","assigner":{"display":"of Ngô"}}],"subscriberId":"GD4010000012345"`, `"identifier":[{"use":"official",` + system + `,"value":"***********2345"}],"subscriberId":"***********2345"`},
		"two, one too short": {`"identifier":[{"value":"12345678"},{"value":"123456789"}]`, `"identifier":[{"value":"*****6789"}]`},
		"none long enough":   {`"identifier":[{"value":"12345678"}],"subscriberId":"1"`, ``},
		"beside its number":  {`"_subscriberId":{"extension":[{"url":"urn:x","valueString":"GD4010000012345"}]}`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			for _, form := range []string{`{"resourceType":"Coverage","id":"c","status":"active",%s}`, `{"resourceType":"Claim","id":"c","contained":[{"resourceType":"Coverage","id":"x","status":"active",%s}]}`} {
				doc, err := resource.New([]byte(strings.ReplaceAll(fmt.Sprintf(form, c.in), ",}", "}")))
				if err != nil {
					t.Fatal(err)
				}
				got := hidden(t, h, store.Found{Key: fhir.Key{Type: doc.Root().ResourceType(), ID: "c"}, Stored: doc.Root().Store("c")})
				if body := string(got.Stored.Body); strings.Contains(body, "GD401") || strings.Contains(body, "Ngô") || !strings.Contains(body, c.out) || strings.Contains(body, "12345678") {
					t.Error(body)
				}
				if _, err := resource.Parse(got.Stored.Body, resource.Limits{}); err != nil {
					t.Errorf("%v: %s", err, got.Stored.Body)
				}
			}
		})
	}
	for _, query := range []string{"identifier=GD4010000012345", "identifier:missing=true"} {
		q, err := search.BindCriteria("Coverage", query, search.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if h.Searches(q) == nil {
			t.Errorf("Coverage?%s tells what is hidden", query)
		}
	}
	for mask, fault := range map[string]string{"identifier last 0": "from 1 to", "identifier last 9": "from 1 to", "identifier last x": "from 1 to", "status last 4": "no last characters", "period last 2": "no last characters", "name last 2": "no element"} {
		_, err := access.ReadPolicy([]byte(`roles: {auditor: {rules: [{types: [Coverage], actions: r}], mask: {Coverage: ["`+mask+`"]}}}`), search.Options{})
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v", mask, err)
		}
	}
}

// Of the cards among the fields of a claim file the end stays, of each where there are several.
func TestTheEndOfFields(t *testing.T) {
	for value, want := range map[string]string{
		`"valueString":"GD4010000012345"`:                 `"valueString":"***********2345"`,
		`"valueString":"GD4010000012345;GD4010000067890"`: `"valueString":"***********2345;***********7890"`,
		`"valueString":"GD401;GD4010000067890"`:           `"valueString":";***********7890"`,
		`"valueString":"GD401;GD402"`:                     `"extension":[` + "{",
		`"valueIdentifier":{"value":"GD4010000012345"}`:   `"extension":[` + "{",
	} {
		doc, err := resource.New([]byte(`{"resourceType":"Appointment","id":"a","extension":[{"url":"https://x.example/xml14","extension":[{"url":"MA_THE_BHYT",` + value + `}]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		got := hidden(t, auditor(t), store.Found{Key: fhir.Key{Type: "Appointment", ID: "a"}, Stored: doc.Root().Store("a")})
		if body := string(got.Stored.Body); !strings.Contains(body, `{"url":"MA_THE_BHYT",`+want) || strings.Contains(body, "GD40") {
			t.Error(body)
		}
		if _, err := resource.Parse(got.Stored.Body, resource.Limits{}); err != nil {
			t.Errorf("%v: %s", err, got.Stored.Body)
		}
	}
	for mask, fault := range map[string]string{"MA_BN last 0": "from 1 to", "": "end of the URL", "https://x.example/MA_BN": "end of the URL"} {
		_, err := access.ReadPolicy([]byte(`roles: {auditor: {rules: [{types: [Claim], actions: r}], mask: {Extension: ["`+mask+`"]}}}`), search.Options{})
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v", mask, err)
		}
	}
	// A search parameter of one's own may look at any of them; without such a mask it is nobody's secret on a type that has none.
	own := search.Query{Type: "Claim", Where: []search.Condition{search.Terms{Any: []search.Term{{Param: r4.FirstCustom}}}}}
	for mask, want := range map[string]bool{"Extension: [MA_BN]": false, "Patient: [name]": true} {
		h := fenceOf(t, `roles: {auditor: {rules: [{types: [Claim], actions: rs}], mask: {`+mask+`}}}`, access.Caller{Role: access.RoleAuditor}, time.Now()).Hider()
		if err := h.Searches(own); (err == nil) != want {
			t.Errorf("%s: %v", mask, err)
		}
	}
}

// Nothing that is hidden can be searched by, by whatever way; what is not hidden can.
func TestMaskedSearches(t *testing.T) {
	h := auditor(t)
	for query, want := range map[string]bool{
		"Patient?name=x": false, "Patient?family=x": false, "Patient?given:exact=x": false, "Patient?phonetic=x": false, "Patient?phone=x": false,
		"Patient?telecom=x": false, "Patient?email=x": false, "Patient?address=x": false, "Patient?address-city=x": false, "Patient?identifier=x": false,
		"Patient?identifier:of-type=urn:x|a|b": false, "Patient?name:missing=true": false, "Patient?name:contains=x": false, "Patient?_text=x": false,
		"Patient?_filter=name eq x": false, "Patient?_filter=gender eq male and not (family co x)": false, "Patient?_sort=name": false, "Patient?_sort=gender,-family": false,
		"Claim?patient.name=x": false, "Claim?patient:identifier=urn:x|1": false, "Claim?encounter.patient.family=x": false, "Claim?_text=x": false,
		"Organization?_has:Patient:organization:name=x": false, "Practitioner?_has:Patient:general-practitioner:_has:Claim:patient:patient.name=x": false,
		"Patient?gender=male": true, "Patient?birthdate=2000": true, "Patient?_id=x": true, "Patient?general-practitioner=Organization/x": true,
		"Claim?patient=x": true, "Claim?patient.gender=male": true, "Claim?provider.name=x": true, "Organization?name=x": true, "Organization?identifier=x": true,
		"Patient?_has:Claim:patient:status=active": true, "Claim?_include=Claim:patient": true, "Patient?_sort=birthdate": true,
		"Observation?value-string=x": false, "Observation?code-value-string=a$x": false, "Condition?code:text=x": false, "Claim?encounter.reason-code:text=x": false,
		"DocumentReference?description:contains=x": false, "Composition?_sort=title": false, "Condition?code=I10": true, "Condition?code:missing=false": true,
		"Observation?value-string:missing=true": true, "Organization?type:text=x": true, "Medication?code:text=x": true, "Patient?_lastUpdated=gt2020": true,
	} {
		typ, raw, _ := strings.Cut(query, "?")
		params, err := search.Parse(strings.ReplaceAll(raw, " ", "+"))
		if err != nil {
			t.Fatal(err)
		}
		req, err := search.Bind(fhir.Type(typ), params, search.Options{})
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if err := h.Searches(req.Query); (err == nil) != want {
			t.Errorf("%s: %v", query, err)
		}
	}
	words := search.Query{Type: "Medication", Where: []search.Condition{search.Terms{Any: []search.Term{{Param: r4.FirstCustom | search.ParamWords}}}}}
	if h.Searches(words) == nil {
		t.Error("the words of whole documents can be asked for")
	}
	// A scope is a search too: what it would tell, it does not allow.
	for scope, want := range map[string]bool{"user/Patient.rs?name=x": false, "user/Patient.rs?gender=male": true} {
		f := fenceOf(t, string(access.BuiltIn), access.Caller{Role: access.RoleAuditor, Scopes: []string{scope}}, time.Now())
		if got := !f.Grant("Patient", store.ActionSearch).None(); got != want {
			t.Errorf("%s: %v", scope, got)
		}
	}
}
