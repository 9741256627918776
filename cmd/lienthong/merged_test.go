package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/matching"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// A citizen has what is recorded under each of the ids that a merge made one, and no longer than that. A Patient that says of
// itself that another stands for it lets nobody into the record of the other. A Consent under one of the ids holds for all.
func TestACitizenHasTheRecordsOfAMerge(t *testing.T) {
	ctx := ours(t.Context())
	n, err := openNode(ctx, config.Server{Data: t.TempDir(), SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100}, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	for _, doc := range []string{
		`{"resourceType":"Patient","id":"new"}`, `{"resourceType":"Patient","id":"old"}`,
		`{"resourceType":"Patient","id":"thief","link":[{"other":{"reference":"Patient/new"},"type":"replaced-by"}]}`,
		`{"resourceType":"Immunization","id":"of-new","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/new"},"occurrenceDateTime":"2025-01-01"}`,
		`{"resourceType":"Immunization","id":"of-old","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/old"},"occurrenceDateTime":"2025-01-01"}`,
		`{"resourceType":"Encounter","id":"visit","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/old"},"serviceProvider":{"reference":"Organization/h"}}`,
		`{"resourceType":"Consent","id":"no","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/new"},"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},"provision":{"type":"deny"}}`,
	} {
		d, err := resource.New([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		id, _ := d.Root().ID()
		if _, err := n.service.Update(ctx, fhir.Key{Type: d.Root().ResourceType(), ID: fhir.ID(id)}, d, interaction.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	sees := func(citizen fhir.ID) (out string) {
		t.Helper()
		f, err := n.fence(t.Context(), access.Caller{Role: access.RoleCitizen, Patient: citizen})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []fhir.Key{{Type: "Patient", ID: "new"}, {Type: "Patient", ID: "old"}, {Type: "Immunization", ID: "of-new"}, {Type: "Immunization", ID: "of-old"}} {
			if _, err := n.service.Read(store.WithFence(t.Context(), f), key); err == nil {
				out += string(key.ID) + " "
			}
		}
		return out
	}
	// The hospital of a visit looks at it, which was recorded under the old id.
	denied := func() bool {
		t.Helper()
		f, err := n.fence(t.Context(), access.Caller{Role: access.RoleHospital, Organization: "h"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = n.service.Read(store.WithFence(t.Context(), f), fhir.Key{Type: "Encounter", ID: "visit"})
		return err != nil
	}
	people := matching.New(n.service, identity.Systems{Base: "https://lienthong.example/sid/"})
	decision := matching.Decision{Source: "old", Target: "new", Reason: "entered twice", At: time.Now()}
	apart := map[fhir.ID]string{"new": "new of-new ", "old": "old of-old ", "thief": ""}
	for _, step := range []struct {
		name string
		do   func() error
		want map[fhir.ID]string
	}{
		{"before", func() error { return nil }, apart},
		{"merged", func() error { return people.Merge(ctx, decision) }, map[fhir.ID]string{"new": "new old of-new of-old ", "old": "new old of-new of-old ", "thief": ""}},
		{"taken back", func() error { return people.Unmerge(ctx, decision) }, apart},
	} {
		if err := step.do(); err != nil {
			t.Fatal(step.name, err)
		}
		if got, want := denied(), step.name == "merged"; got != want {
			t.Errorf("%s: what the person denies under the new id is denied under the old one: %v, want %v", step.name, got, want)
		}
		for citizen, want := range step.want {
			if got := sees(citizen); got != want {
				t.Errorf("%s: %s sees %q, want %q", step.name, citizen, got, want)
			}
		}
	}
}
