package main

import (
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/store"
)

// TestAClinicSeesWhatWentWrongElsewhere: who gives the next dose sees what followed the one before, with severity and how far the
// report is, whoever reported it; not what had nothing to do with a dose, and nothing of who is not in its care.
func TestAClinicSeesWhatWentWrongElsewhere(t *testing.T) {
	n, err := openNode(t.Context(), config.Server{Data: t.TempDir(), SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100, BaseURL: officeBase}, officeBase, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.close(); err != nil {
			t.Error(err)
		}
	})
	event := func(id, text, suspect string) string {
		return `{"resourceType":"AdverseEvent","id":"` + id + `","actuality":"actual","event":{"text":"` + text + `"},"subject":{"reference":"Patient/p1"},"date":"2025-01-10",` +
			`"severity":{"coding":[{"code":"severe"}]},"suspectEntity":[{"instance":{"reference":"` + suspect + `"}}],` +
			`"extension":[{"url":"https://lienthong.example/fhir/StructureDefinition/aefi-report-status","valueCode":"submitted"}]}`
	}
	seed(t, n, certifiedPatient, certifiedDose, event("a1", "Sốc phản vệ", "Immunization/i1"), event("a2", "Nổi mề đay", "Medication/m"),
		`{"resourceType":"Encounter","id":"e","status":"in-progress","class":{"code":"AMB"},"subject":{"reference":"Patient/p1"},"serviceProvider":{"reference":"Organization/k1"}}`)
	summary := func(organization string) (string, error) {
		fence, err := n.policies.Fence(t.Context(), access.Caller{Role: access.RoleClinic, Organization: fhir.ID(organization)})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range n.operations {
			if o.Name == "immunization-summary" && o.Instance {
				raw, err := o.Run(store.WithFence(t.Context(), fence), rest.Asked{Key: fhir.Key{Type: "Patient", ID: "p1"}, Base: officeBase})
				return string(raw), err
			}
		}
		t.Fatal("there is no summary")
		return "", nil
	}
	got, err := summary("k1")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"name":"event","valueString":"Sốc phản vệ"`, `"name":"severity","valueCode":"severe"`, `"name":"reportStatus","valueCode":"submitted"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the summary lacks %s: %s", want, got)
		}
	}
	if strings.Contains(got, "Nổi mề đay") {
		t.Error("it tells of what had nothing to do with a dose")
	}
	if got, err := summary("k2"); err == nil || strings.Contains(got, "Sốc") {
		t.Errorf("somebody else's clinic: %v %s", err, got)
	}
}

// TestASummaryIsReadInVietnamese: a page in Vietnamese calls each parameter of a summary in Vietnamese; the JSON of it stays as it is.
func TestASummaryIsReadInVietnamese(t *testing.T) {
	o := newOffice(t)
	status, _, page := o.ask("GET", "Patient/k0/$immunization-summary", "", "Accept", browser, "Accept-Language", "vi")
	if status != 200 {
		t.Fatalf("%d %s", status, page)
	}
	terms := 0
	for _, term := range regexp.MustCompile(`<(?:dt|th scope="col")>([^<]*)<`).FindAllStringSubmatch(page, -1) {
		name := term[1]
		terms++
		if named := history.Names[outcome.Vietnamese]; named[name] != "" {
			t.Errorf("%q is not in Vietnamese", name)
		} else if !slices.Contains(slices.Collect(maps.Values(named)), name) {
			t.Errorf("%q has no name in Vietnamese", name)
		}
	}
	if terms < 20 {
		t.Errorf("the page has %d terms", terms)
	}
	for _, as := range [][]string{{"Accept", browser, "Accept-Language", "en"}, {"Accept", client, "Accept-Language", "vi"}} {
		if _, _, body := o.ask("GET", "Patient/k0/$immunization-summary", "", as...); strings.Contains(body, "mũi tiêm") || !strings.Contains(body, "doseNumber") {
			t.Errorf("%v: %.300s", as, body)
		}
	}
}
