package interaction_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
)

// entryOf writes a Patient's entry with an identifier; without a value the Patient has none.
func entryOf(method, url, id, value, more string) string {
	var members []string
	if id != "" {
		members = append(members, fmt.Sprintf(`"id":%q`, id))
	}
	if value != "" {
		members = append(members, fmt.Sprintf(`"identifier":[{"system":"u","value":%q}]`, value))
	}
	body := strings.Join(append([]string{`{"resourceType":"Patient"`}, members...), ",") + "}"
	if method == "DELETE" {
		return fmt.Sprintf(`{"request":{"method":"DELETE","url":%q}}`, url)
	}
	return fmt.Sprintf(`{"resource":%s,"request":{"method":%q,"url":%q%s}}`, body, method, url, more)
}

func transactionOf(entries ...string) string {
	return `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`
}

// EXACT: whatever a transaction says, and in whatever order, at most one Patient has each identifier afterwards, as long as
// whoever writes one does it by criteria; and the order of the entries does not change what becomes of it.
func TestCriteriaNeverMakeTwo(t *testing.T) {
	rng := rand.New(rand.NewPCG(20260301, 1))
	for round := range 60 {
		var entries []string
		for range 1 + rng.IntN(5) {
			v := fmt.Sprintf("v%d", rng.IntN(3))
			switch rng.IntN(4) {
			case 0:
				entries = append(entries, entryOf("PUT", "Patient?identifier=u|"+v, "", v, ""))
			case 1:
				entries = append(entries, entryOf("DELETE", "Patient?identifier=u|"+v, "", "", ""))
			default:
				entries = append(entries, entryOf("POST", "Patient", "", v, `,"ifNoneExist":"identifier=u|`+v+`"`))
			}
		}
		seeded := rng.IntN(2) == 0
		run := func(entries []string) (out string) {
			done := t.Run("", func(t *testing.T) { // its store is closed before the next is opened: each would go on following its log
				s := service(t)
				if seeded {
					if _, err := s.Transaction(ours(t.Context()), doc(t, "%s", transactionOf(entryOf("PUT", "Patient/seed", "seed", "v0", ""))), interaction.BundleOptions{}); err != nil {
						t.Fatal(err)
					}
				}
				_, err := s.Transaction(ours(t.Context()), doc(t, "%s", transactionOf(entries...)), interaction.BundleOptions{})
				out = code(err)
				if out == "entry-same-resource" || out == "entry-same-criteria" {
					out = "same" // which of both is told may depend on the order
				}
				for n := range 3 {
					p, err := s.Search(ours(t.Context()), "Patient", fmt.Sprintf("identifier=u|v%d", n), interaction.SearchOptions{})
					if err != nil {
						t.Fatal(err)
					}
					if len(p.Matches) > 1 {
						t.Fatalf("round %d: %d Patients with v%d after %s", round, len(p.Matches), n, entries)
					}
					out += fmt.Sprintf(" %d", len(p.Matches))
				}
			})
			if !done {
				t.FailNow()
			}
			return out
		}
		want := run(entries)
		for range 2 {
			mixed := append([]string(nil), entries...)
			rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			if got := run(mixed); got != want {
				t.Fatalf("round %d: %s gives %s, in another order %s %s", round, entries, want, got, mixed)
			}
		}
	}
}

// EXACT: transactions that mean the same new resource at the same time make one.
func TestTransactionsMeetOverCriteria(t *testing.T) {
	s := service(t)
	bundle := transactionOf(entryOf("POST", "Patient", "", "x", `,"ifNoneExist":"identifier=u|x"`),
		`{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient?identifier=u|x"}},"request":{"method":"POST","url":"Observation"}}`)
	var g sync.WaitGroup
	for range 12 {
		d := doc(t, "%s", bundle)
		g.Go(func() {
			if _, err := s.Transaction(ours(t.Context()), d, interaction.BundleOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	patients, err := s.Search(ours(t.Context()), "Patient", "", interaction.SearchOptions{})
	if err != nil || len(patients.Matches) != 1 {
		t.Fatalf("%d Patients, %v", len(patients.Matches), err)
	}
	all, err := s.Search(ours(t.Context()), "Observation", "subject="+patients.Matches[0].Key.String(), interaction.SearchOptions{})
	if err != nil || len(all.Matches) != 12 {
		t.Fatalf("%d Observations of it, %v", len(all.Matches), err)
	}
}

// Criteria that cannot be looked up, in a bundle of many, are refused before they cost much.
func TestCriteriaAreBounded(t *testing.T) {
	s := service(t)
	var entries []string
	for i := range 6000 {
		entries = append(entries, entryOf("PUT", fmt.Sprintf("Patient?_id=i%d", i), fmt.Sprintf("i%d", i), "", ""))
	}
	if _, err := s.Transaction(ours(t.Context()), doc(t, "%s", transactionOf(entries...)), interaction.BundleOptions{}); code(err) != "criteria-too-costly" {
		t.Fatal(err)
	}
	for i := range entries {
		v := fmt.Sprintf("v%d", i)
		entries[i] = entryOf("PUT", "Patient?identifier=u|"+v, "", v, "")
	}
	if _, err := s.Transaction(ours(t.Context()), doc(t, "%s", transactionOf(entries...)), interaction.BundleOptions{}); err != nil {
		t.Fatal(err)
	}
}

// What a patch may read is bounded, however many tests it has between its changes.
func TestPatchWork(t *testing.T) {
	s := service(t)
	few := interaction.New(interaction.Config{Store: s.Store(), Limits: interaction.Limits{PatchWork: 1000}})
	if _, err := s.Update(ours(t.Context()), p1, patient(t, "p1", "vi"), interaction.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	op := `{"op":"test","path":"/language","value":"vi"},{"op":"replace","path":"/language","value":"vi"},`
	for n, want := range map[int]string{2: "<nil>", 40: "patch-too-costly"} {
		p, err := few.ParseJSONPatch([]byte("[" + strings.TrimSuffix(strings.Repeat(op, n), ",") + "]"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := few.Patch(ours(t.Context()), p1, p, interaction.PatchOptions{}); code(err) != want {
			t.Fatalf("%d times: %v", n, err)
		}
	}
	grow := interaction.New(interaction.Config{Store: s.Store(), Limits: interaction.Limits{PatchGrowth: 100}})
	copies := `{"op":"add","path":"/name","value":[{"text":"` + strings.Repeat("x", 60) + `"}]}`
	for range 5 {
		copies += `,{"op":"copy","from":"/name/0","path":"/name/-"},{"op":"test","path":"/language","value":"vi"}`
	}
	p, err := grow.ParseJSONPatch([]byte("[" + copies + "]"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := grow.Patch(ours(t.Context()), p1, p, interaction.PatchOptions{}); code(err) != "patch-growth" {
		t.Fatal(err)
	}
	if f, err := s.Read(ours(t.Context()), p1); err != nil || f.Version != fhir.Version(1) {
		t.Fatalf("%+v, %v", f, err)
	}
}
