package matching_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/matching"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

type registry struct {
	t        *testing.T
	ctx      context.Context
	service  *interaction.Service
	matching *matching.Service
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	e := enginetest.Open(t, engine.Options{})
	unique := func(_ context.Context, w interaction.Write) (interaction.Additions, error) {
		if w.Method == store.MethodDelete {
			return interaction.Additions{}, nil
		}
		return interaction.Additions{Unique: systems.Unique(w.Doc)}, nil
	}
	s := interaction.New(interaction.Config{Store: e, FoldSystem: systems.Fold, Hooks: []interaction.Hook{unique, matching.Keep}})
	return &registry{t, store.WithFence(t.Context(), store.OpenFence()), s, matching.New(s, systems)}
}

func (r *registry) put(doc string) error {
	r.t.Helper()
	d, err := resource.New([]byte(doc))
	if err != nil {
		r.t.Fatal(err)
	}
	id, _ := d.Root().ID()
	_, err = r.service.Update(r.ctx, fhir.Key{Type: d.Root().ResourceType(), ID: fhir.ID(id)}, d, interaction.UpdateOptions{})
	return err
}

func (r *registry) must(docs ...string) {
	r.t.Helper()
	for _, doc := range docs {
		if err := r.put(doc); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *registry) find(t fhir.Type, query string) []string {
	r.t.Helper()
	page, err := r.service.Search(r.ctx, t, query, interaction.SearchOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	var ids []string
	for _, f := range page.Matches {
		ids = append(ids, string(f.Key.ID))
	}
	slices.Sort(ids)
	return ids
}

func dose(id, patient string) string {
	return fmt.Sprintf(`{"resourceType":"Immunization","id":%q,"status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/%s"},"occurrenceDateTime":"2025-01-01"}`, id, patient)
}

func withID(id, doc string) string {
	return strings.Replace(doc, `"resourceType":"Patient"`, `"resourceType":"Patient","id":"`+id+`"`, 1)
}

func code(err error) string {
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok {
		return fmt.Sprint(err)
	}
	return e.Code
}

func TestAMergeIsFollowedAndTakenBack(t *testing.T) {
	r := newRegistry(t)
	old := withID("old", patient("Nguyen Van An", "1985", "male", cccd, "051085000011", cmnd, "212345678"))
	r.must(old, withID("new", patient("Nguyễn Văn An", "1985-03-02", "male", bhyt, "DN4510123456789")), withID("other", patient("Lê Hoa", "1990", "female")),
		dose("d1", "old"), dose("d2", "new"), dose("d3", "other"))
	d := matching.Decision{Source: "old", Target: "new", Reason: "Cùng một người, hai thẻ", At: time.Now()}
	seen := func(want map[string][]string) {
		t.Helper()
		for query, ids := range want {
			if got := r.find("Immunization", query); !slices.Equal(got, ids) {
				t.Errorf("%s finds %v, want %v", query, got, ids)
			}
		}
	}
	byCCCD, byCard := "patient.identifier="+url.QueryEscape(cccd+"|051085000011"), "patient.identifier="+url.QueryEscape(bhyt+"|DN4510123456789")
	apart := map[string][]string{"patient=Patient/new": {"d2"}, "patient=old": {"d1"}, byCCCD: {"d1"}, byCard: {"d2"}, "patient:not=Patient/new": nil}
	delete(apart, "patient:not=Patient/new")
	one := map[string][]string{"patient=Patient/new": {"d1", "d2"}, "patient=old": {"d1", "d2"}, byCCCD: {"d1", "d2"}, byCard: {"d1", "d2"}, "patient=other": {"d3"}, "patient=Patient/new,other": {"d1", "d2", "d3"}}
	for range 2 { // it can be done again after it was taken back
		seen(apart)
		if err := r.matching.Merge(r.ctx, d); err != nil {
			t.Fatal(err)
		}
		seen(one)
		if got := r.find("Patient", "active=false"); !slices.Equal(got, []string{"old"}) {
			t.Errorf("inactive: %v", got)
		}
		if err := r.put(old); code(err) != "patient-merged" {
			t.Errorf("the replaced Patient was overwritten: %v", err)
		}
		r.must(dose("d1", "old")) // what refers to it is still accepted
		if err := r.matching.Merge(r.ctx, d); code(err) != "merge-merged" {
			t.Errorf("merged twice: %v", err)
		}
		if err := r.matching.Unmerge(r.ctx, matching.Decision{Source: "new", Target: "old", Reason: "x"}); code(err) != "merge-not-merged" {
			t.Errorf("%v", err)
		}
		if err := r.matching.Unmerge(r.ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	seen(apart)
	r.must(old)
	if got := r.find("Provenance", "target=Patient/old"); len(got) != 4 {
		t.Errorf("%d of 4 decisions have a Provenance", len(got))
	}
	for name, c := range map[string]struct {
		d    matching.Decision
		code string
	}{
		"no reason":      {matching.Decision{Source: "old", Target: "new", Reason: " "}, "merge-reason"},
		"the same":       {matching.Decision{Source: "old", Target: "old", Reason: "x"}, "merge-same"},
		"nobody":         {matching.Decision{Source: "old", Target: "nobody", Reason: "x"}, "not-found"},
		"was not merged": {matching.Decision{}, ""},
	} {
		if c.code == "" {
			continue
		}
		if err := r.matching.Merge(r.ctx, c.d); code(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.matching.Merge(store.WithFence(r.ctx, store.Fence{}), d); err == nil {
		t.Error("a caller who may see nothing merged two Patients")
	}
}

func TestAChainOfMergesIsOnePerson(t *testing.T) {
	r := newRegistry(t)
	for _, id := range []string{"a", "b", "c"} {
		r.must(withID(id, patient("Trần Bình", "1970-05-06", "male")), dose("d"+id, id))
	}
	for _, d := range []matching.Decision{{Source: "a", Target: "b", Reason: "x"}, {Source: "b", Target: "c", Reason: "x"}} {
		if err := r.matching.Merge(r.ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"a", "b", "c"} {
		if got := r.find("Immunization", "patient="+id); !slices.Equal(got, []string{"da", "db", "dc"}) {
			t.Errorf("by %s: %v", id, got)
		}
	}
}

func TestMatch(t *testing.T) {
	r := newRegistry(t)
	r.must(withID("certain", patient("NGUYEN VAN AN", "1985", "male", cccd, "051085000011")),
		withID("probable", patient("Nguyễn Văn An", "1985-03-02", "male", bhyt, "GD4510123456789")),
		withID("possible", patient("Nguyen Van An", "1985", "male")),
		withID("no", patient("Nguyễn Văn Ân", "1960-01-01", "male")),
		withID("different", patient("Nguyễn Văn An", "1985-03-02", "male", cccd, "051085000099")))
	ask := func(q matching.Question, doc string) resource.Value {
		t.Helper()
		d, err := resource.New([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		q.Patient, q.Base, q.Language = d.Root(), "http://x/fhir", outcome.Vietnamese
		raw, err := r.matching.Match(r.ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		out, err := resource.New(raw)
		if err != nil {
			t.Fatal(err)
		}
		return out.Root()
	}
	an := patient("Nguyễn Văn An", "1985-03-02", "male", cccd, "051085000011", bhyt, "DN4510123456789")
	all := ask(matching.Question{}, an).Get("entry")
	var got []string
	for e := range all.Elements() {
		search := e.Get("search")
		got = append(got, e.Get("resource").Get("id").Text()+" "+search.Get("extension").At(0).Get("valueCode").Text())
	}
	if want := []string{"certain certain", "probable probable", "possible possible"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if reason := all.At(0).Get("search").Get("extension").At(1).Get("valueCoding").Get("display").Text(); reason != "Cùng số định danh cá nhân" {
		t.Errorf("reason %q", reason)
	}
	if n := ask(matching.Question{Certain: true}, an).Get("entry").Len(); n != 1 {
		t.Errorf("%d certain matches", n)
	}
	if n := ask(matching.Question{Count: 1}, an).Get("entry").Len(); n != 1 {
		t.Errorf("%d matches of one asked for", n)
	}
	if n := ask(matching.Question{}, `{"resourceType":"Patient"}`).Get("entry").Len(); n != 0 {
		t.Errorf("%d match a Patient of whom nothing is known", n)
	}
}
