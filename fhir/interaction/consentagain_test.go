package interaction_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// FENCED: whoever reads a record again and again is held to the Consents of that moment, though the store remembers what it judged: Consents
// come, change and go, begin and end with time, name other patients, groups and single resources; patients are merged, records are
// handed to other patients, deleted and written again. What a read of a version says, for which nothing is remembered, is the truth.
func TestConsentsHoldWhoeverReadsAgain(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 6))
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	policies, err := access.Open(access.Config{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	s := interaction.New(interaction.Config{Store: enginetest.Open(t, engine.Options{})})
	var fences []store.Fence
	for _, c := range []access.Caller{
		{Role: access.RoleHospital, Organization: "h1"},
		{Role: access.RoleHospital, Organization: "h2", Purpose: "HRESCH"},
		{Role: access.RoleClinic, Organization: "k1", Practitioner: "d1"},
	} {
		f, err := policies.Fence(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		fences = append(fences, f)
	}
	one := func(of ...string) string { return of[rng.IntN(len(of))] }
	put := func(path, body string) {
		t.Helper()
		typ, id, _ := strings.Cut(path, "/")
		d := doc(t, `{"resourceType":%q,"id":%q,%s}`, typ, id, body)
		if _, err := s.Update(ours(t.Context()), fhir.Key{Type: fhir.Type(typ), ID: fhir.ID(id)}, d, interaction.UpdateOptions{}); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	read := []fhir.Key{{Type: "Patient", ID: "p1"}, {Type: "Patient", ID: "p2"}, {Type: "Observation", ID: "o1"}, {Type: "Observation", ID: "o2"}, {Type: "Immunization", ID: "i1"}}
	shuffle := map[string]func(){
		"patient": func() {
			id := one("p1", "p2")
			put("Patient/"+id, `"gender":"`+one("male", "female")+`"`+one("", `,"generalPractitioner":[{"reference":"Organization/k1"}]`)+
				one("", `,"link":[{"other":{"reference":"Patient/`+one("p1", "p2")+`"},"type":"seealso"}]`))
		},
		"stay": func() {
			put("Encounter/"+one("e1", "e2"), `"status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/`+one("p1", "p2")+
				`"},"serviceProvider":{"reference":"Organization/`+one("h1", "h2", "k1")+`"}`)
		},
		"value": func() {
			put("Observation/"+one("o1", "o2"), `"status":"final","code":{"coding":[{"system":"urn:x","code":"`+one("a", "b")+`"}]},"subject":{"reference":"Patient/`+
				one("p1", "p2")+`"},"encounter":{"reference":"Encounter/`+one("e1", "e2")+`"}`+one("", `,"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}`))
		},
		"dose": func() {
			put("Immunization/i1", `"status":"completed","vaccineCode":{"text":"x"},"occurrenceDateTime":"`+one("2025", "2026")+`","patient":{"reference":"Patient/`+one("p1", "p2")+`"}`)
		},
		"team": func() {
			put("CareTeam/t1", `"status":"active","participant":[{"member":{"reference":"Practitioner/`+one("d1", "d2")+`"}}]`)
		},
		"consent": func() {
			rule := func() string {
				day := func(n int) string { return now.AddDate(0, 0, n).Format("2006-01-02") }
				return `{"type":"` + one("deny", "permit") + `"` +
					one("", "", `,"period":{"start":"`+day(rng.IntN(5)-2)+`"}`, `,"period":{"end":"`+day(rng.IntN(5)-2)+`"}`) +
					one("", "", `,"purpose":[{"code":"`+one("HRESCH", "TREAT")+`"}]`) +
					one("", "", `,"class":[{"code":"Observation"}]`) +
					one("", "", "", `,"actor":[{"role":{"text":"x"},"reference":{"reference":"`+one("Organization/h1", "Practitioner/d1", "CareTeam/t1")+`"}}]`) +
					one("", "", "", `,"data":[{"meaning":"instance","reference":{"reference":"Observation/o1"}}]`) +
					one("", "", "", `,"code":[{"coding":[{"system":"urn:x","code":"a"}]}]`) + `}`
			}
			put("Consent/"+one("c1", "c2"), `"status":"`+one("active", "active", "inactive")+`","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/`+
				one("p1", "p2")+`"},`+one("", `"policyRule":{"coding":[{"code":"OPTOUT"}]},`)+`"provision":{"type":"permit","provision":[`+rule()+`,`+rule()+`]}`)
		},
		"delete": func() {
			key := fhir.Key{Type: fhir.Type(one("Consent", "Encounter", "Observation", "Immunization", "CareTeam")), ID: fhir.ID(one("c1", "c2", "e1", "e2", "o1", "i1", "t1"))}
			if _, err := s.Delete(ours(t.Context()), key, interaction.DeleteOptions{}); err != nil && code(err) != "not-found" {
				t.Fatal(err)
			}
		},
		"time": func() { now = now.Add(time.Duration(rng.IntN(60)-24) * time.Hour) },
	}
	names := []string{"patient", "stay", "value", "dose", "team", "consent", "consent", "consent", "delete"}
	for _, name := range names[:6] {
		for range 4 {
			shuffle[name]()
		}
	}
	shown, hidden := 0, 0
	check := func(after string) {
		t.Helper()
		asked, _ := store.WithReading(t.Context()) // one question for the head of a shared log: there are a hundred thousand reads
		for i, f := range fences {
			ctx := store.WithFence(asked, f)
			for _, key := range read {
				for range 2 {
					found, err := s.Store().Read(ctx, key, 0)
					newest, gone := s.Store().Read(ours(asked), key, 0)
					if gone != nil {
						continue // never there, or deleted
					}
					_, want := s.Store().ReadVersion(ctx, key, newest.Version)
					if code(err) != code(want) {
						t.Fatalf("after %s: caller %d reads %s: %v, by its version: %v", after, i, key, err, want)
					}
					if err != nil {
						hidden++
					} else if shown++; found.Version != newest.Version {
						t.Fatalf("version %d of %s in place of %d", found.Version, key, newest.Version)
					}
				}
			}
		}
	}
	for step := range 150 {
		name := names[rng.IntN(len(names))]
		shuffle[name]()
		check(fmt.Sprintf("step %d, %s", step, name))
		for range 6 {
			shuffle["time"]()
			check(fmt.Sprintf("step %d, time", step))
		}
	}
	if shown == 0 || hidden == 0 {
		t.Fatalf("%d reads were answered and %d refused: the test says little", shown, hidden)
	}
}

// FENCED: so does the first Consent of a store, of a type that nothing had been looked up of before.
func TestTheFirstConsentHoldsWhoeverReadsAgain(t *testing.T) {
	policies, err := access.Open(access.Config{})
	if err != nil {
		t.Fatal(err)
	}
	fence, err := policies.Fence(t.Context(), access.Caller{Role: access.RoleHospital, Organization: "h1"})
	if err != nil {
		t.Fatal(err)
	}
	s := interaction.New(interaction.Config{Store: enginetest.Open(t, engine.Options{})})
	put := func(key fhir.Key, body string) {
		t.Helper()
		if _, err := s.Update(ours(t.Context()), key, doc(t, `{"resourceType":%q,"id":%q,%s}`, key.Type, key.ID, body), interaction.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	put(p1, `"gender":"female"`)
	put(fhir.Key{Type: "Encounter", ID: "e1"}, `"status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p1"},"serviceProvider":{"reference":"Organization/h1"}`)
	ctx := store.WithFence(t.Context(), fence)
	for range 2 {
		if _, err := s.Store().Read(ctx, p1, 0); err != nil {
			t.Fatal(err)
		}
	}
	put(fhir.Key{Type: "Consent", ID: "c1"}, `"status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/p1"},"provision":{"type":"deny"}`)
	if _, err := s.Store().Read(ctx, p1, 0); code(err) != "not-found" {
		t.Fatalf("a Patient who denies is shown: %v", err)
	}
}
