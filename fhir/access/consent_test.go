package access_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/access/accesstest"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
)

// open allows a clinic everything that no Consent denies.
const openPolicy = `roles: {clinic: {purpose: TREAT, rules: [{types: ["*"], actions: cruds}]}}`

func actor(reference string) string {
	return `"actor":[{"role":{"coding":[{"code":"PRCP"}]},"reference":{"reference":"` + reference + `"}}]`
}

// What a Consent says decides, by its provisions and by who asks for what, when and why. The caller is of organization k1;
// the resource is p1's Observation o1, restricted where it says so.
func TestConsents(t *testing.T) {
	const optIn, optOut = `"policyRule":{"coding":[{"code":"OPTIN"}]},`, `"policyRule":{"coding":[{"code":"OPTOUT"}]},`
	for name, c := range map[string]struct {
		consent string // from policyRule on
		caller  access.Caller
		label   string
		action  store.Action
		denied  bool
	}{
		"permits":                             {consent: `"provision":{"type":"permit"}`},
		"denies":                              {consent: `"provision":{"type":"deny"}`, denied: true},
		"opt-in and nothing else":             {consent: optIn + `"provision":{"id":"x"}`},
		"opt-out and nothing else":            {consent: optOut + `"provision":{"id":"x"}`, denied: true},
		"opt-out without provision":           {consent: `"policyRule":{"coding":[{"code":"OPTOUT"}]}`, denied: true},
		"opt-in, an untyped exception":        {consent: optIn + `"provision":{` + actor("Organization/k1") + `}`, denied: true},
		"opt-out, an untyped exception":       {consent: optOut + `"provision":{` + actor("Organization/k1") + `}`},
		"opt-out, an exception for others":    {consent: optOut + `"provision":{` + actor("Organization/h9") + `}`, denied: true},
		"a frame that is over":                {consent: optOut + `"provision":{"period":{"end":"2026-01-01"}}`},
		"a frame that holds":                  {consent: optOut + `"provision":{"period":{"start":"2026-01-01"}}`, denied: true},
		"denies this organization":            {consent: `"provision":{"type":"deny",` + actor("Organization/k1") + `}`, denied: true},
		"denies another organization":         {consent: `"provision":{"type":"deny",` + actor("Organization/h9") + `}`},
		"denies this practitioner":            {consent: `"provision":{"type":"deny",` + actor("Practitioner/n1") + `}`, caller: access.Caller{Practitioner: "n1"}, denied: true},
		"denies a group that nobody resolves": {consent: `"provision":{"type":"deny",` + actor("Group/g") + `}`, denied: true},
		"denies a device":                     {consent: `"provision":{"type":"deny",` + actor("Device/d") + `}`, denied: true},
		"denies somebody elsewhere":           {consent: `"provision":{"type":"deny",` + actor("https://other.example/fhir/Organization/k1") + `}`, denied: true},
		"opt-out, permits a device":           {consent: optOut + `"provision":{"type":"permit",` + actor("Device/d") + `}`, denied: true},
		"opt-out, permits a group":            {consent: optOut + `"provision":{"type":"permit",` + actor("Group/g") + `}`, denied: true},
		"denied until yesterday":              {consent: `"provision":{"type":"deny","period":{"end":"2026-06-14"}}`},
		"denied until today":                  {consent: `"provision":{"type":"deny","period":{"end":"2026-06-15"}}`, denied: true},
		"denied from tomorrow":                {consent: `"provision":{"type":"deny","period":{"start":"2026-06-16"}}`},
		"denies another purpose":              {consent: `"provision":{"type":"deny","purpose":[{"code":"HMARKT"}]}`},
		"denies this purpose":                 {consent: `"provision":{"type":"deny","purpose":[{"code":"TREAT"}]}`, denied: true},
		"denies a wider purpose":              {consent: `"provision":{"type":"deny","purpose":[{"code":"TREAT"}]}`, caller: access.Caller{Purpose: "ETREAT"}, denied: true},
		"denies a purpose that nobody knows":  {consent: `"provision":{"type":"deny","purpose":[{"code":"treat"}]}`, denied: true},
		"denies a purpose in words":           {consent: `"provision":{"type":"deny","purpose":[{"display":"treatment"}]}`, denied: true},
		"opt-out, permits one in words":       {consent: optOut + `"provision":{"type":"permit","purpose":[{"display":"treatment"}]}`, denied: true},
		"opt-out, permits it beside words":    {consent: optOut + `"provision":{"type":"permit","purpose":[{"display":"x"},{"code":"TREAT"}]}`},
		"denies operations, asked for a kind": {consent: `"provision":{"type":"deny","purpose":[{"code":"HOPERAT"}]}`, caller: access.Caller{Purpose: "HTEST"}, denied: true},
		"denies payment, asked by nobody's":   {consent: `"provision":{"type":"deny","purpose":[{"code":"HPAYMT"}]}`, caller: access.Caller{Purpose: "MYOWN"}, denied: true},
		"denies every purpose":                {consent: `"provision":{"type":"deny","purpose":[{"code":"PurposeOfUse"}]}`, denied: true},
		"denies another class":                {consent: `"provision":{"type":"deny","class":[{"code":"Condition"}]}`},
		"denies this class":                   {consent: `"provision":{"type":"deny","class":[{"code":"Observation"}]}`, denied: true},
		"denies a kind of document":           {consent: `"provision":{"type":"deny","class":[{"system":"urn:x","code":"cda"}]}`, denied: true},
		"denies correcting, reads":            {consent: `"provision":{"type":"deny","action":[{"coding":[{"code":"correct"}]}]}`, action: store.ActionRead},
		"denies correcting, updates":          {consent: `"provision":{"type":"deny","action":[{"coding":[{"code":"correct"}]}]}`, action: store.ActionUpdate, denied: true},
		"denies an unknown action":            {consent: `"provision":{"type":"deny","action":[{"coding":[{"code":"sing"}]}]}`, denied: true},
		"opt-out, permits an unknown action":  {consent: optOut + `"provision":{"type":"permit","action":[{"coding":[{"code":"sing"}]}]}`, denied: true},
		"opt-out, permits among unknown ones": {consent: optOut + `"provision":{"type":"permit","action":[{"coding":[{"code":"access"}]},{"text":"x"}]}`, denied: true},
		"denies restricted, normal":           {consent: `"provision":{"type":"permit","provision":[{"type":"deny","securityLabel":[{"code":"R"}]}]}`, denied: true},
		"permits normal only, restricted":     {consent: optOut + `"provision":{"type":"permit","securityLabel":[{"code":"N"}]}`, label: "R", denied: true},
		"permits up to R, very restricted":    {consent: optOut + `"provision":{"type":"permit","securityLabel":[{"code":"R"}]}`, label: "V", denied: true},
		"permits up to R, restricted":         {consent: optOut + `"provision":{"type":"permit","securityLabel":[{"code":"R"}]}`, label: "R"},
		"permits normal only, normal":         {consent: optOut + `"provision":{"type":"permit","securityLabel":[{"code":"N"}]}`},
		"denies a label that nobody knows":    {consent: `"provision":{"type":"deny","securityLabel":[{"code":"HIV"}]}`, denied: true},
		"denies by code":                      {consent: `"provision":{"type":"deny","code":[{"text":"x"}]}`, denied: true},
		"permit around deny":                  {consent: `"provision":{"type":"permit","provision":[{"type":"deny",` + actor("Organization/k1") + `}]}`, denied: true},
		"deny around permit":                  {consent: `"provision":{"type":"deny","provision":[{"type":"permit",` + actor("Organization/k1") + `}]}`},
		"deny around permit for another":      {consent: `"provision":{"type":"deny","provision":[{"type":"permit",` + actor("Organization/h9") + `}]}`, denied: true},
		"three deep":                          {consent: `"provision":{"type":"permit","provision":[{"type":"deny","provision":[{"type":"permit"}]}]}`},
		"deny beside permit":                  {consent: `"provision":{"type":"permit","provision":[{"type":"permit"},{"type":"deny"}]}`, denied: true},
		"opt-out, vague permit around permit": {consent: optOut + `"provision":{"type":"permit","action":[{"text":"x"}],"provision":[{"type":"permit"}]}`, denied: true},
		"denies what is labelled low, normal": {consent: `"provision":{"type":"deny","securityLabel":[{"code":"L"}]}`, denied: true},
		"opt-out, permits this resource":      {consent: optOut + `"provision":{"type":"permit","data":[{"meaning":"instance","reference":{"reference":"Observation/o1"}}]}`, denied: true},
		"vague permit around deny":            {consent: `"provision":{"type":"permit","code":[{"text":"x"}],"provision":[{"type":"deny"}]}`, denied: true},
		"vague deny around permit":            {consent: `"provision":{"type":"deny","code":[{"text":"x"}],"provision":[{"type":"permit"}]}`},
		"denies this resource":                {consent: `"provision":{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"Observation/o1"}}]}`, denied: true},
		"denies another resource":             {consent: `"provision":{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"Observation/o2"}}]}`},
		"denies this resource, deeper":        {consent: `"provision":{"type":"permit","provision":[{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"Observation/o1"}}]}]}`, denied: true},
		"too long to follow":                  {consent: `"provision":{"type":"permit","class":[` + strings.Repeat(`{"code":"Observation"},`, search.MaxConsent/10) + `{"code":"Patient"}]}`, denied: true},
		"too deep to follow":                  {consent: `"provision":` + deep(12), denied: true},
	} {
		t.Run(name, func(t *testing.T) {
			caller := c.caller
			caller.Role, caller.Organization = access.RoleClinic, "k1"
			if c.action == store.ActionCreate {
				c.action = store.ActionRead
			}
			consent := `{"resourceType":"Consent","id":"c1","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/p1"},` + c.consent + `}`
			for _, other := range []struct {
				name, consent string
				denied        bool
			}{
				{"", consent, c.denied},
				{"of another", replace(consent, "Patient/p1", "Patient/p2"), false},
				{"inactive", replace(consent, `"active"`, `"inactive"`), false},
				{"about treatment", replace(consent, "patient-privacy", "treatment"), false},
			} {
				w := world(t, other.consent, `{"resourceType":"Patient","id":"p1"}`, `{"resourceType":"Patient","id":"p2"}`,
					`{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},`+
						`"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"`+orNormal(c.label)+`"}]}}`)
				f := fenceOf(t, openPolicy, caller, time.Date(2026, 6, 15, 12, 0, 0, 0, time.FixedZone("", 7*3600)))
				if got := w.allows(f, c.action, fhir.Key{Type: "Observation", ID: "o1"}); got == other.denied {
					t.Errorf("%s: allowed %v", other.name, got)
				}
				if !w.allows(f, store.ActionRead, fhir.Key{Type: "Patient", ID: "p2"}) && other.name == "" {
					t.Error("another patient is denied")
				}
			}
		})
	}
}

// A person who has several entries has one will, whichever entry the Consent is under and whichever of two names the other.
func TestConsentsOfOnePerson(t *testing.T) {
	patient := func(id string, links ...string) string {
		text := `{"resourceType":"Patient","id":"` + id + `"`
		for i, other := range links {
			text += []string{`,"link":[`, `,`}[min(i, 1)] + `{"other":{"reference":"Patient/` + other + `"},"type":"seealso"}`
		}
		if len(links) > 0 {
			text += `]`
		}
		return text + `}`
	}
	for name, c := range map[string]struct {
		patients []string // p1 has the record, p2 the Consent
		denied   bool
	}{
		"apart":                           {[]string{patient("p1"), patient("p2")}, false},
		"both name the other":             {[]string{patient("p1", "p2"), patient("p2", "p1")}, true},
		"that of the record names":        {[]string{patient("p1", "p2"), patient("p2")}, true},
		"that of the Consent names":       {[]string{patient("p1"), patient("p2", "p1")}, true},
		"merged, and merged again":        {[]string{patient("p1", "a"), patient("a", "b"), patient("b", "p2"), patient("p2")}, true},
		"the other way round":             {[]string{patient("p1"), patient("a", "p1"), patient("b", "a"), patient("p2", "b")}, true},
		"both into a third":               {[]string{patient("p1", "c"), patient("c"), patient("p2", "c")}, true},
		"of two long ways into a third":   {[]string{patient("p1", "a"), patient("a", "c"), patient("c"), patient("b", "c"), patient("p2", "b")}, true},
		"somebody else's, beside a third": {[]string{patient("p1"), patient("c", "p1"), patient("p2")}, false},
	} {
		docs := append(c.patients, `{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}`,
			`{"resourceType":"Consent","id":"c1","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/p2"},"provision":{"type":"deny"}}`)
		w := world(t, docs...)
		f := fenceOf(t, openPolicy, access.Caller{Role: access.RoleClinic, Organization: "k1"}, time.Now())
		for _, key := range []fhir.Key{{Type: "Observation", ID: "o1"}, {Type: "Patient", ID: "p1"}} {
			if got := w.allows(f, store.ActionRead, key); got == c.denied {
				t.Errorf("%s: %s allowed %v", name, key, got)
			}
		}
	}
}

// What a Consent names is denied by that Consent alone, to those whom it means: not by another one that names something else, whoever's
// that is.
func TestConsentsByName(t *testing.T) {
	names := func(id, patient, of, record string) string {
		return `{"resourceType":"Consent","id":"` + id + `","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/` + patient + `"},` +
			`"provision":{"type":"deny",` + actor("Organization/"+of) + `,"data":[{"meaning":"instance","reference":{"reference":"Observation/` + record + `"}}]}}`
	}
	docs := []string{
		`{"resourceType":"Patient","id":"p1"}`, `{"resourceType":"Patient","id":"p2"}`, `{"resourceType":"Patient","id":"p3","link":[{"other":{"reference":"Patient/p1"},"type":"replaced-by"}]}`,
		names("c1", "p1", "k1", "o1"), names("c2", "p1", "h9", "o2"), names("c3", "p2", "k1", "o2"), names("c4", "p3", "k1", "o3"), names("c5", "p2", "k1", "o4"),
	}
	for _, o := range []string{"o1", "o2", "o3", "o4", "o5"} {
		docs = append(docs, `{"resourceType":"Observation","id":"`+o+`","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}`)
	}
	w := world(t, docs...)
	for _, c := range []struct{ of, record, why string }{
		{"k1", "o1", "named"}, {"k1", "o2", ""}, {"k1", "o3", "named under another entry of the person"}, {"k1", "o4", ""}, {"k1", "o5", ""},
		{"h9", "o1", ""}, {"h9", "o2", "named"}, {"h9", "o3", ""},
	} {
		f := fenceOf(t, openPolicy, access.Caller{Role: access.RoleClinic, Organization: fhir.ID(c.of)}, time.Now())
		if got := w.allows(f, store.ActionRead, fhir.Key{Type: "Observation", ID: fhir.ID(c.record)}); got != (c.why == "") {
			t.Errorf("%s reads %s: %v, want it denied because %q", c.of, c.record, got, c.why)
		}
	}
}

func deep(n int) string {
	if n == 0 {
		return `{"type":"permit"}`
	}
	return `{"type":"permit","provision":[` + deep(n-1) + `]}`
}

func orNormal(label string) string {
	if label == "" {
		return "N"
	}
	return label
}

// world indexes documents.
func world(t testing.TB, docs ...string) entries {
	x := index.New(index.Options{})
	w := entries{map[fhir.Key][]search.Entry{}, nil, map[fhir.Type][]fhir.Key{}}
	for _, text := range docs {
		d, err := resource.Parse([]byte(text), resource.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		list, issues := x.Resource(d.Root(), 1)
		if issues != nil {
			t.Fatalf("%s: %v", text, issues)
		}
		id, _ := d.Root().ID()
		key := fhir.Key{Type: d.Root().ResourceType(), ID: fhir.ID(id)}
		w.of[key], w.types[key.Type] = list, append(w.types[key.Type], key)
	}
	return w
}

func fenceOf(t testing.TB, policy string, c access.Caller, now time.Time) store.Fence {
	f, err := opened(t, policy, now).Fence(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A policy gives reading and searching by one rule; scopes tell them apart all the same.
func TestScopesTellReadingAndSearchingApart(t *testing.T) {
	for scope, want := range map[string][2]bool{"r": {true, false}, "s": {false, true}, "rs": {true, true}} {
		f := fenceOf(t, openPolicy, access.Caller{Role: access.RoleClinic, Organization: "k1", System: true, Scopes: []string{"system/Observation." + scope}}, time.Now())
		if got := [2]bool{!f.Grant("Observation", store.ActionRead).None(), !f.Grant("Observation", store.ActionSearch).None()}; got != want {
			t.Errorf("%s: reads and searches %v, want %v", scope, got, want)
		}
	}
}

// A Consent that cannot be read denies.
func TestAnUnreadableConsentDenies(t *testing.T) {
	w := world(t, `{"resourceType":"Patient","id":"p1"}`,
		`{"resourceType":"Consent","id":"c1","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/p1"},"provision":{"type":"permit"}}`)
	f := fenceOf(t, openPolicy, access.Caller{Role: access.RoleClinic, Organization: "k1"}, time.Now())
	patient, consent := fhir.Key{Type: "Patient", ID: "p1"}, fhir.Key{Type: "Consent", ID: "c1"}
	if !w.allows(f, store.ActionRead, patient) {
		t.Error("denied by one that permits")
	}
	for i, e := range w.of[consent] {
		if e.Param == search.ParamConsent {
			w.of[consent][i].Value = []byte("of another format")
		}
	}
	if w.allows(f, store.ActionRead, patient) {
		t.Error("allowed by one that cannot be read")
	}
}

// Fences are kept: that of a caller who gave a reason is not the one of the same caller without, whatever purpose both state.
func TestABrokenGlassIsBrokenForOneRequest(t *testing.T) {
	p := opened(t, `roles: {clinic: {break-glass: [{types: [Patient], actions: r}]}}`, time.Now())
	for _, reason := range []string{"unconscious", "", "unconscious", ""} {
		f, err := p.Fence(t.Context(), access.Caller{Role: access.RoleClinic, Purpose: "ETREAT", BreakGlass: reason})
		if got := !f.Grant("Patient", store.ActionRead).None(); err != nil || got != (reason != "") {
			t.Errorf("reason %q: reads %v, %v", reason, got, err)
		}
	}
}

// What a mask hides nobody sorts by, nor follows to what is included.
func TestAMaskedElementOrdersAndLeadsNowhere(t *testing.T) {
	f := fenceOf(t, `roles: {auditor: {rules: [{types: [Patient], actions: rs}], mask: {Patient: [name, generalPractitioner]}}}`, access.Caller{Role: access.RoleAuditor}, time.Now())
	param := func(code string) search.ParamID { return search.ParamID(r4.Param("Patient", code).ID) }
	for code, refused := range map[string]bool{"family": true, "birthdate": false} {
		if err := f.Hider().Searches(search.Query{Type: "Patient", Sort: []search.SortKey{{Param: param(code)}}}); (err != nil) != refused {
			t.Errorf("sorted by %s: %v", code, err)
		}
	}
	for code, refused := range map[string]bool{"general-practitioner": true, "organization": false} {
		if err := f.Hider().Searches(search.Query{Type: "Patient", Include: []search.Include{{Source: "Patient", Param: param(code)}}}); (err != nil) != refused {
			t.Errorf("with what %s leads to: %v", code, err)
		}
		has := search.Has{Param: param(code), Source: search.Query{Type: "Patient"}}
		if err := f.Hider().Searches(search.Query{Type: "Organization", Where: []search.Condition{has}}); (err != nil) != refused {
			t.Errorf("what %s leads to from: %v", code, err)
		}
	}
}

// Breaking the glass goes before a denial only where the policy says so.
func TestGlassBeforeConsent(t *testing.T) {
	w := world(t, `{"resourceType":"Patient","id":"p1"}`,
		`{"resourceType":"Consent","id":"c1","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/p1"},"provision":{"type":"deny"}}`)
	for _, despite := range []bool{true, false} {
		policy := fmt.Sprintf(`roles: {clinic: {break-glass: [{types: [Patient], actions: r, despite-consent: %v}]}}`, despite)
		for _, reason := range []string{"", "unconscious"} {
			f := fenceOf(t, policy, access.Caller{Role: access.RoleClinic, BreakGlass: reason}, time.Now())
			if got, want := w.allows(f, store.ActionRead, fhir.Key{Type: "Patient", ID: "p1"}), despite && reason != ""; got != want {
				t.Errorf("despite %v, reason %q: %v", despite, reason, got)
			}
		}
	}
}

func BenchmarkFence(b *testing.B) {
	p, err := access.Open(access.Config{})
	if err != nil {
		b.Fatal(err)
	}
	for name, c := range accesstest.Callers() {
		b.Run("kept/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Fence(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("made/"+name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				i++
				c.Practitioner = fhir.ID(fmt.Sprint("n", i)) // another caller each time
				if _, err := p.Fence(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
