package main

import (
	"log/slog"
	"testing"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
)

// TestACitizenIsWhoHoldsTheNumber: whoever writes a Patient can give it anybody's number as an old one. The citizen with that number comes
// to the own record all the same, and not to that one.
func TestACitizenIsWhoHoldsTheNumber(t *testing.T) {
	ctx := ours(t.Context())
	n, err := openNode(ctx, config.Server{Data: t.TempDir(), SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100}, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	const alias = "http://fhir.hl7.org.vn/core/sid/cccd"
	write := func(id, system, more, rest string) {
		t.Helper()
		d, err := resource.New([]byte(`{"resourceType":"Patient","id":"` + id + `","identifier":[{` + more + `"system":"` + system + `","value":"` + careNumber + `"}]` + rest + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.service.Update(ctx, fhir.Key{Type: "Patient", ID: fhir.ID(id)}, d, interaction.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	is := func(system string, want fhir.ID) {
		t.Helper()
		id, found, err := n.person(t.Context(), system, careNumber)
		if err != nil || id != want || found != (want != "") {
			t.Errorf("%s: %q %v %v, want %q", system, id, found, err, want)
		}
	}
	is(careSystem, "")
	write("old", careSystem, `"use":"old",`, "")
	write("replaced", careSystem, "", `,"link":[{"other":{"reference":"Patient/old"},"type":"replaced-by"}]`)
	write("gone", alias, "", `,"active":false`)
	is(careSystem, "")
	write("own", alias, `"use":"official",`, "")
	is(careSystem, "own")
	is(alias, "own")
	// Of other numbers two may hold one: then nobody knows who it is.
	card := "https://lienthong.example/sid/bhyt"
	write("one", card, "", "")
	is(card, "one")
	write("two", card, "", "")
	is(card, "")
}
