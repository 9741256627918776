package bhxh

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Rows of XML4 to XML15 that a corrected file leaves out are taken back, and valid again when they come again.
func TestRowsThatACorrectedFileLeavesOut(t *testing.T) {
	w := newWorld(t)
	svc := interaction.New(interaction.Config{Store: w.store, Now: w.clock.Now, Hooks: []interaction.Hook{w.outbox.Enqueue, Rows{Store: w.store}.Hook}})
	raw, err := os.ReadFile(filepath.Join(fhirtest.Data(t, "domain", "claim-xml", "samples"), "inpatient.xml"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := hoso.Decode(raw, hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	whole := f.HoSo[0]
	second := whole.Table(hoso.XML4).Add()
	copy(second.Values(), whole.Rows(hoso.XML4)[0].Values())
	second.Set("STT", "2")
	results := len(whole.Rows(hoso.XML4))
	letter := hoso.Table{Layout: hoso.DecisionAt("20260301").Layout(7)}
	letter.Add().Set("MA_LK", whole.MaLK())
	if whole.Table(7) == nil {
		whole.Tables = append(whole.Tables, letter)
	}
	shorter := hoso.HoSo{}
	for _, table := range whole.Tables {
		switch table.Layout.ID {
		case hoso.XML4:
			table.Rows = table.Rows[:results-1]
		case 7:
			continue
		}
		shorter.Tables = append(shorter.Tables, table)
	}
	send := func(h hoso.HoSo) {
		t.Helper()
		bundle, err := mapping.Episode(h, mapping.EpisodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := resource.New(bundle)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := svc.Transaction(ours(context.Background()), doc, interaction.BundleOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	states := func(typ fhir.Type) map[string]int {
		t.Helper()
		page, err := svc.Search(ours(context.Background()), typ, "", interaction.SearchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for _, m := range page.Matches {
			n[w.read(typ, m.Key.ID).Get("status").Text()]++
		}
		return n
	}
	want := func(typ fhir.Type, status map[string]int) {
		t.Helper()
		is := states(typ)
		for s, n := range status {
			if is[s] != n {
				t.Errorf("%s: %v, want %v", typ, is, status)
			}
		}
	}
	send(whole)
	want("Observation", map[string]int{"final": results, "entered-in-error": 0})
	send(shorter)
	want("Observation", map[string]int{"final": results - 1, "entered-in-error": 1})
	want("Composition", map[string]int{"entered-in-error": 1})
	send(shorter)
	want("Observation", map[string]int{"final": results - 1, "entered-in-error": 1})
	send(whole)
	want("Observation", map[string]int{"final": results, "entered-in-error": 0})
	want("Composition", map[string]int{"entered-in-error": 0})

	// What the hospital wrote itself is its own, also when the Claim does not cite it any more.
	page, err := svc.Search(ours(context.Background()), "Claim", "", interaction.SearchOptions{})
	if err != nil || len(page.Matches) != 1 {
		t.Fatalf("%d claims (%v)", len(page.Matches), err)
	}
	key := page.Matches[0].Key
	edit := func(typ fhir.Type, id fhir.ID, change func(resource.Value)) {
		t.Helper()
		f, err := w.store.Read(ours(context.Background()), fhir.Key{Type: typ, ID: id}, 0)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := resource.New(f.Stored.Body)
		if err != nil {
			t.Fatal(err)
		}
		change(doc.Root())
		if doc, err = resource.New(doc.Root().AppendTo(nil)); err != nil {
			t.Fatal(err)
		}
		if _, err := svc.Apply(ours(context.Background()), interaction.WriteSet{Docs: []*resource.Document{doc}}); err != nil {
			t.Fatal(err)
		}
	}
	cited := fhir.ParseReference(w.read("Claim", key.ID).Get("supportingInfo").At(0).Get("valueReference").Get("reference").Text()).Key
	edit(cited.Type, cited.ID, func(v resource.Value) { v.Get("identifier").At(0).Get("system").ReplaceString("urn:his") })
	edit("Claim", key.ID, func(v resource.Value) {
		v.Get("supportingInfo").At(0).Get("valueReference").Get("reference").ReplaceString("Observation/elsewhere")
	})
	want("Observation", map[string]int{"final": results, "entered-in-error": 0})
}
