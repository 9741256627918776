package care_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/care"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// TestHook: what counts as shown, whoever asks. The caller sees p1; p2 is there and hidden, or not there: the same to the hook.
func TestHook(t *testing.T) {
	var met []fhir.ID
	c := care.Care{
		Sees: func(_ context.Context, _ access.Caller, key fhir.Key) (bool, error) {
			return key.ID == "p1" || key.ID == "e1", nil
		},
		Local: func(r string) (fhir.Key, bool) { k := fhir.ParseReference(r).Key; return k, k.ID != "" },
		Met:   func(_ context.Context, id fhir.ID) { met = append(met, id) },
	}
	clinic := access.Caller{Role: access.RoleClinic, Organization: "k1"}
	p2 := fhir.Key{Type: "Patient", ID: "p2"}
	for name, x := range map[string]struct {
		caller *access.Caller
		doc    string
		change func(*interaction.Write)
		denied bool
	}{
		"who is seen":            {caller: &clinic, doc: `{"resourceType":"Encounter","subject":{"reference":"Patient/p1"}}`},
		"who is not":             {caller: &clinic, doc: `{"resourceType":"Encounter","subject":{"reference":"Patient/p2"}}`, denied: true},
		"an episode":             {caller: &clinic, doc: `{"resourceType":"EpisodeOfCare","patient":{"reference":"Patient/p2"}}`, denied: true},
		"a claim":                {caller: &clinic, doc: `{"resourceType":"Claim","patient":{"reference":"Patient/p2"}}`, denied: true},
		"a claim of who is seen": {caller: &clinic, doc: `{"resourceType":"Claim","patient":{"reference":"Patient/p1"}}`},
		"a claim that was of the patient": {caller: &clinic, doc: `{"resourceType":"Claim","patient":{"reference":"Patient/p2"}}`, change: func(w *interaction.Write) {
			w.Before = &store.Found{Stored: resource.Stored{Body: []byte(`{"resourceType":"Claim","patient":{"reference":"Patient/p2"}}`)}}
		}},
		"a claim that was of somebody else": {caller: &clinic, doc: `{"resourceType":"Claim","patient":{"reference":"Patient/p2"}}`, denied: true, change: func(w *interaction.Write) {
			w.Before = &store.Found{Stored: resource.Stored{Body: []byte(`{"resourceType":"Claim","patient":{"reference":"Patient/p1"}}`)}}
		}},
		"an encounter that was of the patient": {caller: &clinic, doc: `{"resourceType":"Encounter","subject":{"reference":"Patient/p2"}}`, denied: true, change: func(w *interaction.Write) {
			w.Before = &store.Found{Stored: resource.Stored{Body: []byte(`{"resourceType":"Encounter","subject":{"reference":"Patient/p2"}}`)}}
		}},
		"who is introduced":        {caller: &clinic, doc: `{"resourceType":"Encounter","subject":{"reference":"Patient/p2"}}`, change: func(w *interaction.Write) { w.Introduced = map[fhir.Key]bool{p2: true} }},
		"who is sent along":        {caller: &clinic, doc: `{"resourceType":"Encounter","subject":{"reference":"Patient/p2"}}`, change: func(w *interaction.Write) { w.Beside = func(k fhir.Key) bool { return k == p2 } }},
		"somebody else is":         {caller: &clinic, doc: `{"resourceType":"Encounter","subject":{"reference":"Patient/p2"}}`, change: func(w *interaction.Write) { w.Introduced = map[fhir.Key]bool{{Type: "Patient", ID: "p3"}: true} }, denied: true},
		"a group":                  {caller: &clinic, doc: `{"resourceType":"Encounter","subject":{"reference":"Group/p2"}}`},
		"nobody":                   {caller: &clinic, doc: `{"resourceType":"Encounter"}`},
		"what gives no care":       {caller: &clinic, doc: `{"resourceType":"Observation","subject":{"reference":"Patient/p2"}}`},
		"a delete":                 {caller: &clinic, doc: `{"resourceType":"Encounter"}`, change: func(w *interaction.Write) { w.Method = store.MethodDelete }},
		"of no organization":       {caller: &access.Caller{Role: access.RoleOperator}, doc: `{"resourceType":"Encounter","subject":{"reference":"Patient/p2"}}`},
		"the server's own work":    {doc: `{"resourceType":"Encounter","subject":{"reference":"Patient/p2"}}`},
		"an identifier, no person": {caller: &clinic, doc: `{"resourceType":"Encounter","subject":{"identifier":{"value":"1"}}}`},
	} {
		ctx := t.Context()
		if x.caller != nil {
			ctx = access.WithCaller(ctx, x.caller)
		}
		doc, err := resource.New([]byte(x.doc))
		if err != nil {
			t.Fatal(err)
		}
		w := interaction.Write{Key: fhir.Key{Type: doc.Root().ResourceType(), ID: "e"}, Doc: doc.Root(), Method: store.MethodCreate}
		if x.change != nil {
			x.change(&w)
		}
		_, err = c.Hook(ctx, w)
		if e, ok := errors.AsType[*fhir.Error](err); (err != nil) != x.denied || x.denied && (!ok || e.Code != "care-unproven") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !slices.Equal(met, []fhir.ID{"p2"}) {
		t.Errorf("the trail is told of %v", met)
	}
}

// TestCites: what a Claim may refer to. The caller sees e1; e2 is there and hidden, or not there: the same to the hook.
func TestCites(t *testing.T) {
	c := care.Care{
		Sees: func(_ context.Context, _ access.Caller, key fhir.Key) (bool, error) {
			return key.ID == "p1" || key.ID == "e1", nil
		},
		Local: func(r string) (fhir.Key, bool) {
			k := fhir.ParseReference(r)
			return k.Key, k.Key.ID != "" && k.Base == ""
		},
	}
	claim := func(more string) string {
		return `{"resourceType":"Claim","patient":{"reference":"Patient/p1"}` + more + `}`
	}
	item := func(encounter string) string { return `,"item":[{"encounter":[{"reference":"` + encounter + `"}]}]` }
	hidden := claim(item("Encounter/e2"))
	for name, x := range map[string]struct {
		doc    string
		change func(*interaction.Write)
		at     string // where it is refused; "" = it is not
	}{
		"an encounter that is seen":    {doc: claim(item("Encounter/e1"))},
		"an encounter that is not":     {doc: hidden, at: "Claim.item[0].encounter[0].reference"},
		"a card that is not seen":      {doc: claim(`,"insurance":[{"coverage":{"reference":"Coverage/c2"}}]`), at: "Claim.insurance[0].coverage.reference"},
		"a result that is not seen":    {doc: claim(`,"supportingInfo":[{"valueReference":{"reference":"Observation/o2"}}]`), at: "Claim.supportingInfo[0].valueReference.reference"},
		"a diagnosis that is not seen": {doc: claim(`,"diagnosis":[{"diagnosisReference":{"reference":"Condition/d2"}}]`), at: "Claim.diagnosis[0].diagnosisReference.reference"},
		"within an extension":          {doc: claim(`,"extension":[{"url":"urn:x","valueReference":{"reference":"Observation/o2"}}]`), at: "Claim.extension[0].valueReference.reference"},
		"a patient who is paid":        {doc: claim(`,"payee":{"party":{"reference":"Patient/p2"}}`), at: "Claim.payee.party.reference"},
		"its own patient is paid":      {doc: claim(`,"payee":{"party":{"reference":"Patient/p1"}}`)},
		"no patient as the patient":    {doc: `{"resourceType":"Claim","patient":{"reference":"Observation/o2"}}`, at: "Claim.patient.reference"},
		"of another server":            {doc: claim(item("https://other.example/fhir/Encounter/e2"))},
		"contained":                    {doc: claim(item("#e2"))},
		"staff":                        {doc: claim(`,"careTeam":[{"provider":{"reference":"Practitioner/n2"}}]`)},
		"sent along":                   {doc: hidden, change: func(w *interaction.Write) { w.Beside = func(k fhir.Key) bool { return k.ID == "e2" } }},
		"found by criteria":            {doc: hidden, change: func(w *interaction.Write) { w.Introduced = map[fhir.Key]bool{{Type: "Encounter", ID: "e2"}: true} }},
		"cited before":                 {doc: hidden, change: func(w *interaction.Write) { w.Before = &store.Found{Stored: resource.Stored{Body: []byte(hidden)}} }},
		"something else was before": {doc: hidden, change: func(w *interaction.Write) {
			w.Before = &store.Found{Stored: resource.Stored{Body: []byte(claim(item("Encounter/e3")))}}
		}, at: "Claim.item[0].encounter[0].reference"},
		"a delete":                      {doc: hidden, change: func(w *interaction.Write) { w.Method = store.MethodDelete }},
		"what is no claim cites freely": {doc: `{"resourceType":"Basic","subject":{"reference":"Encounter/e2"}}`},
	} {
		doc, err := resource.New([]byte(x.doc))
		if err != nil {
			t.Fatal(err)
		}
		w := interaction.Write{Key: fhir.Key{Type: doc.Root().ResourceType(), ID: "c"}, Doc: doc.Root(), Method: store.MethodCreate}
		if x.change != nil {
			x.change(&w)
		}
		_, err = c.Hook(access.WithCaller(t.Context(), &access.Caller{Role: access.RoleHospital, Organization: "h1"}), w)
		if e, ok := errors.AsType[*fhir.Error](err); x.at == "" && err != nil || x.at != "" && (!ok || e.Code != "claim-cites-unseen" || e.Path != x.at) {
			t.Errorf("%s: %v, want at %q", name, err, x.at)
		}
	}
}

// TestEntries: what a Patient may not say of others, and when it stays. The caller sees p1; p2 is there and hidden, or not there.
func TestEntries(t *testing.T) {
	decided := false
	c := care.Care{
		Sees:    func(_ context.Context, _ access.Caller, key fhir.Key) (bool, error) { return key.ID == "p1", nil },
		Local:   func(r string) (fhir.Key, bool) { k := fhir.ParseReference(r).Key; return k, k.ID != "" },
		Decided: func(context.Context, fhir.ID) (bool, error) { return decided, nil },
	}
	linked := func(to string) string {
		return `{"resourceType":"Patient","id":"p","link":[{"other":{"reference":"` + to + `"},"type":"seealso"}]}`
	}
	before := func(doc string, blind bool) func(*interaction.Write) {
		return func(w *interaction.Write) {
			w.Before, w.Blind = &store.Found{Stored: resource.Stored{Body: []byte(doc)}}, blind
		}
	}
	hospital := access.Caller{Role: access.RoleHospital, Organization: "h1"}
	for name, x := range map[string]struct {
		caller  access.Caller
		doc     string
		change  func(*interaction.Write)
		decided bool
		code    string
	}{
		"one who is seen":        {caller: hospital, doc: linked("Patient/p1")},
		"one who is not":         {caller: hospital, doc: linked("Patient/p2"), code: "patient-link-unseen"},
		"a relative":             {caller: hospital, doc: linked("RelatedPerson/p2")},
		"itself":                 {caller: hospital, doc: linked("Patient/p")},
		"sent along":             {caller: hospital, doc: linked("Patient/p2"), change: func(w *interaction.Write) { w.Beside = func(k fhir.Key) bool { return k.ID == "p2" } }},
		"said before":            {caller: hospital, doc: linked("Patient/p2"), change: before(linked("Patient/p2"), false)},
		"said before, unseen":    {caller: hospital, doc: linked("Patient/p2"), change: before(linked("Patient/p2"), true), code: "patient-link-unseen"},
		"another before":         {caller: hospital, doc: linked("Patient/p2"), change: before(linked("Patient/p3"), false), code: "patient-link-unseen"},
		"by the server, for him": {caller: hospital, doc: linked("Patient/p2"), change: func(w *interaction.Write) { w.Ours = true }},
		"a registrar":            {caller: access.Caller{Role: access.RoleRegistrar}, doc: linked("Patient/p2")},
		"a delete": {caller: hospital, doc: linked("Patient/p2"), change: func(w *interaction.Write) {
			before(linked("Patient/p2"), false)(w)
			w.Method = store.MethodDelete
		}},
		"a delete, decided": {caller: hospital, doc: linked("Patient/p2"), decided: true, code: "patient-consents", change: func(w *interaction.Write) {
			before(linked("Patient/p2"), false)(w)
			w.Method = store.MethodDelete
		}},
		"a delete of what is not seen": {caller: hospital, doc: linked("Patient/p2"), decided: true, change: func(w *interaction.Write) { w.Method = store.MethodDelete }},
		"a delete of the server's own": {caller: hospital, doc: linked("Patient/p2"), decided: true, change: func(w *interaction.Write) {
			before(linked("Patient/p2"), false)(w)
			w.Method, w.Ours = store.MethodDelete, true
		}},
		"an update, decided": {caller: hospital, doc: linked("Patient/p1"), decided: true, change: before(linked("Patient/p1"), false)},
	} {
		doc, err := resource.New([]byte(x.doc))
		if err != nil {
			t.Fatal(err)
		}
		w := interaction.Write{Key: fhir.Key{Type: "Patient", ID: "p"}, Doc: doc.Root(), Method: store.MethodUpdate}
		if x.change != nil {
			x.change(&w)
		}
		decided = x.decided
		_, err = c.Hook(access.WithCaller(t.Context(), &x.caller), w)
		if e, ok := errors.AsType[*fhir.Error](err); x.code == "" && err != nil || x.code != "" && (!ok || e.Code != x.code) {
			t.Errorf("%s: %v, want %q", name, err, x.code)
		}
	}
}

// TestIntroduce: by what a hidden Patient is found, and for whom.
func TestIntroduce(t *testing.T) {
	const number = "identifier=https%3A%2F%2Flienthong.example%2Fsid%2Fcccd|051085000011"
	creates := store.NewFence(map[fhir.Type]*store.Grants{"Encounter": {store.ActionCreate: {All: true}}}, "k1")
	clinic := access.Caller{Role: access.RoleClinic, Organization: "k1"}
	for name, x := range map[string]struct {
		criteria string
		typ      fhir.Type
		caller   access.Caller
		fence    store.Fence
		ok       bool
	}{
		"number and birth date":     {number + "&birthdate=1985-03-15", "Patient", clinic, creates, true},
		"by an alias of the system": {"identifier=http://fhir.hl7.org.vn/core/sid/cccd|051085000011&birthdate=1985-03-15", "Patient", clinic, creates, true},
		"an insurance card":         {"identifier=https://lienthong.example/sid/bhyt|GD4515100000011&birthdate=1985-03-15", "Patient", clinic, creates, true},
		"a record number":           {"identifier=https://lienthong.example/sid/mabn/51901|BN000001&birthdate=1985-03-15", "Patient", clinic, creates, false},
		"the number alone":          {number, "Patient", clinic, creates, false},
		"a year":                    {number + "&birthdate=1985", "Patient", clinic, creates, false},
		"a range":                   {number + "&birthdate=le1985-03-15", "Patient", clinic, creates, false},
		"several days":              {number + "&birthdate=1985-03-15,1985-03-16", "Patient", clinic, creates, false},
		"several numbers":           {number + ",051085000012&birthdate=1985-03-15", "Patient", clinic, creates, false},
		"a number of no system":     {"identifier=051085000011&birthdate=1985-03-15", "Patient", clinic, creates, false},
		"a system without number":   {"identifier=https://lienthong.example/sid/cccd|&birthdate=1985-03-15", "Patient", clinic, creates, false},
		"a modifier":                {"identifier:not=https://lienthong.example/sid/cccd|051085000011&birthdate=1985-03-15", "Patient", clinic, creates, false},
		"something besides":         {number + "&birthdate=1985-03-15&name=x", "Patient", clinic, creates, false},
		"a name":                    {"name=x&birthdate=1985-03-15", "Patient", clinic, creates, false},
		"another type":              {number + "&birthdate=1985-03-15", "Person", clinic, creates, false},
		"who writes no Encounters":  {number + "&birthdate=1985-03-15", "Patient", clinic, store.Fence{}, false},
		"of no organization":        {number + "&birthdate=1985-03-15", "Patient", access.Caller{Role: access.RoleCitizen}, creates, false},
	} {
		ctx := store.WithFence(access.WithCaller(t.Context(), &x.caller), x.fence)
		if got, err := (care.Care{}).Introduce(ctx, x.typ, x.criteria); got != x.ok || err != nil {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}
