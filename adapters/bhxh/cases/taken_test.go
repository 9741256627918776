package cases

import (
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// TestSeesTaken: a file is for those who see what it was made of, version by version; what never was has given it nothing.
func TestSeesTaken(t *testing.T) {
	w := newWorld(t)
	put := func(typ fhir.Type, id fhir.ID, more string) {
		t.Helper()
		doc, err := resource.New([]byte(`{"resourceType":"` + string(typ) + `","id":"` + string(id) + `"` + more + `}`))
		if err == nil {
			_, err = w.svc.Update(w.ours(), fhir.Key{Type: typ, ID: id}, doc, interaction.UpdateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	claim := func(encounter string) {
		t.Helper()
		put("Claim", "c", `,"status":"active","use":"claim","type":{"text":"x"},"patient":{"reference":"Patient/p1"},"created":"2026-05-31","provider":{"display":"x"},"priority":{"text":"x"},
			"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}],"item":[{"sequence":1,"productOrService":{"text":"x"},"encounter":[{"reference":"`+encounter+`"}]}]`)
	}
	for _, p := range []fhir.ID{"p1", "p2"} {
		put("Patient", p, "")
	}
	for _, e := range []fhir.ID{"seen", "hidden", "gone"} {
		put("Encounter", e, `,"status":"in-progress","class":{"code":"AMB"},"subject":{"reference":"Patient/p1"}`)
	}
	put("Encounter", "other", `,"status":"in-progress","class":{"code":"AMB"},"subject":{"reference":"Patient/p2"}`)
	if _, err := w.svc.Delete(w.ours(), fhir.Key{Type: "Encounter", ID: "gone"}, interaction.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	encounters := []string{"Encounter/seen", "Encounter/hidden", "Encounter/gone", "Encounter/never", "https://other.example/fhir/Encounter/hidden"}
	for _, e := range encounters {
		claim(e)
	}
	all := store.Grant{All: true}
	only := func(ids ...fhir.ID) *store.Grants {
		g := store.Grant{Where: []search.Condition{search.IDs{ID: ids}}}
		return &store.Grants{store.ActionRead: g, store.ActionSearch: g}
	}
	ctx := store.WithFence(t.Context(), store.NewFence(map[fhir.Type]*store.Grants{
		"Claim": {store.ActionRead: all, store.ActionSearch: all}, "Patient": only("p1"), "Encounter": only("seen", "gone", "other"),
	}, "h1"))
	of := fhir.Key{Type: "Claim", ID: "c"}
	for i, want := range []bool{true, false, true, true, false} {
		if got, err := SeesTaken(ctx, w.cases.Store, of, fhir.Version(i+1)); got != want || err != nil {
			t.Errorf("a claim that cites %s: %v %v", encounters[i], got, err)
		}
	}
	for id, want := range map[fhir.ID]bool{"seen": true, "other": false} { // of a hidden patient
		if got, err := SeesTaken(ctx, w.cases.Store, fhir.Key{Type: "Encounter", ID: id}, 0); got != want || err != nil {
			t.Errorf("the check-in of %s: %v %v", id, got, err)
		}
	}
}
