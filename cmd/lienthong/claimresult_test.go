package main

import (
	"log/slog"
	"testing"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// What the sync records about a claim is read by the hospital of the claim, and by no other.
func TestAHospitalReadsWhatBecameOfItsClaims(t *testing.T) {
	ctx := ours(t.Context())
	n, err := openNode(ctx, config.Server{Data: t.TempDir(), SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100}, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	for _, doc := range []string{
		`{"resourceType":"Patient","id":"p"}`,
		`{"resourceType":"Claim","id":"c","status":"active","type":{"text":"x"},"use":"claim","patient":{"reference":"Patient/p"},"created":"2026-01-01","provider":{"reference":"Organization/h1"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}]}`,
		`{"resourceType":"ClaimResponse","id":"r","status":"active","type":{"text":"x"},"use":"claim","patient":{"reference":"Patient/p"},"created":"2026-01-02","insurer":{"display":"x"},"request":{"reference":"Claim/c"},"outcome":"complete"}`,
		`{"resourceType":"Task","id":"t","status":"accepted","intent":"order","focus":{"reference":"Claim/c"}}`,
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
	for hospital, want := range map[fhir.ID]bool{"h1": true, "h2": false} {
		f, err := n.fence(t.Context(), access.Caller{Role: access.RoleHospital, Organization: hospital})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []fhir.Key{{Type: "ClaimResponse", ID: "r"}, {Type: "Task", ID: "t"}} {
			if _, err := n.service.Read(store.WithFence(t.Context(), f), key); (err == nil) != want {
				t.Errorf("%s, %s: %v", hospital, key, err)
			}
		}
	}
}
