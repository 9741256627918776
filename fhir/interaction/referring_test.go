package interaction_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// TestReferringIsASearch: what refers to Patients is what the search with the same words finds, in its order, as of any moment,
// before and after some of them are merged.
func TestReferringIsASearch(t *testing.T) {
	ctx := ours(t.Context())
	s := service(t)
	r := rand.New(rand.NewPCG(7, 8))
	someone := func() string { return fmt.Sprintf("p%d", r.IntN(6)) }
	for n := range 6 {
		link := ""
		if n > 3 {
			link = fmt.Sprintf(`,"link":[{"other":{"reference":"Patient/p%d"},"type":"seealso"}]`, n-3)
		}
		if _, err := s.Apply(ctx, interaction.WriteSet{Docs: []*resource.Document{doc(t, `{"resourceType":"Patient","id":"p%d"%s}`, n, link)}}); err != nil {
			t.Fatal(err)
		}
	}
	var heads []fhir.T
	for n := range 120 {
		var d *resource.Document
		switch n % 3 {
		case 0:
			d = doc(t, `{"resourceType":"Immunization","id":"i%d","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/%s"},"occurrenceDateTime":"2025"}`, r.IntN(30), someone())
		case 1:
			d = doc(t, `{"resourceType":"AdverseEvent","id":"a%d","actuality":"actual","subject":{"reference":"Patient/%s"}%s}`, r.IntN(30), someone(),
				[]string{"", `,"date":"2024"`, `,"date":"2024-02-29"`, `,"date":"2024-02-29T08:00:00+07:00"`, `,"date":"2025-01"`}[r.IntN(5)])
		case 2:
			d = doc(t, `{"resourceType":"Condition","id":"c%d","subject":{"reference":"Patient/%s"}}`, r.IntN(30), someone())
		}
		receipt, err := s.Apply(ctx, interaction.WriteSet{Docs: []*resource.Document{d}})
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, receipt.T)
	}
	by := []interaction.By{{Type: "Immunization", Param: "patient"}, {Type: "AdverseEvent", Param: "subject", Sort: "date"}, {Type: "Condition", Param: "patient"},
		{Type: "Patient", Param: "link"}, {Type: "AllergyIntolerance", Param: "patient"}}
	compare := func() (found int) {
		for range 60 {
			at := heads[r.IntN(len(heads))]
			keys, words := []fhir.Key{}, []string{}
			for range 1 + r.IntN(3) {
				id := someone()
				keys, words = append(keys, fhir.Key{Type: "Patient", ID: fhir.ID(id)}), append(words, "Patient/"+id)
			}
			lists, err := s.Referring(ctx, keys, at, 1000, by...)
			if err != nil {
				t.Fatal(err)
			}
			for i, b := range by {
				query := b.Param + "=" + strings.Join(words, ",") + "&_count=1000"
				if b.Sort != "" {
					query += "&_sort=" + b.Sort + ",_id"
				}
				page, err := s.Search(ctx, b.Type, query, interaction.SearchOptions{AsOf: at})
				if err != nil {
					t.Fatal(err)
				}
				same := func(f, g store.Found) bool {
					return f.Key == g.Key && f.Version == g.Version && string(f.Stored.Body) == string(g.Stored.Body)
				}
				if !slices.EqualFunc(lists[i], page.Matches, same) {
					t.Fatalf("%s?%s as of %d: %d are found, referring %d", b.Type, query, at, len(page.Matches), len(lists[i]))
				}
				found += len(lists[i])
			}
		}
		return found
	}
	if n := compare(); n < 100 {
		t.Errorf("only %d resources were compared", n)
	}
	if _, err := s.Store().Commit(ctx, store.Changes{Records: interaction.SameRecords("p0", "p5", interaction.Decided)}); err != nil {
		t.Fatal(err)
	}
	compare()

	all, err := s.Referring(ctx, []fhir.Key{{Type: "Patient", ID: "p1"}}, 0, 1000, by[0])
	if err != nil || len(all[0]) < 3 {
		t.Fatal(err, len(all[0]))
	}
	few, err := s.Referring(ctx, []fhir.Key{{Type: "Patient", ID: "p1"}}, 0, 1, by[0])
	if err != nil || len(few[0]) != 2 {
		t.Errorf("%v: %d of more than one, not one more than was asked for", err, len(few[0]))
	}
}
