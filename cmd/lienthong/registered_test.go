package main

import (
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/facility"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/smart"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// TestWhoIsRegisteredNow: whether a claim or a check-in that waits may go out is asked of the registrations as they are, also of one that was written before
// its sender was noted.
func TestWhoIsRegisteredNow(t *testing.T) {
	st := enginetest.OpenAt(t, t.TempDir(), engine.Options{Now: time.Now})
	policies, err := access.Open(access.Config{})
	if err != nil {
		t.Fatal(err)
	}
	x := index.New(index.Options{})
	put := func(typ fhir.Type, id fhir.ID, sender, members string) {
		t.Helper()
		doc, err := resource.New([]byte(`{"resourceType":"` + string(typ) + `","id":"` + string(id) + `",` + members + `}`))
		if err != nil {
			t.Fatal(err)
		}
		found, issues := x.Document(doc.Root(), 5)
		if issues != nil {
			t.Fatal(issues)
		}
		all := map[fhir.Type]*store.Grants{typ: {}}
		for a := range all[typ] {
			all[typ][a] = store.Grant{All: true}
		}
		ctx := store.WithFence(t.Context(), store.NewFence(all, sender))
		if _, err := st.Commit(ctx, store.Changes{Puts: []store.Put{{Key: fhir.Key{Type: typ, ID: id}, Doc: doc.Root().Store(id), Entries: found.Entries, Contained: found.Contained}}}); err != nil {
			t.Fatal(err)
		}
	}
	put("Organization", "bva", "", `"identifier":[{"system":"https://lienthong.example/sid/cskcb","value":"51901"}]`)
	put("Organization", "bvb", "", `"name":"x"`)
	for id, sender := range map[fhir.ID]string{"of-a": "bva", "of-b": "bvb", "of-nobody": ""} {
		put("Claim", id, sender, `"status":"active","type":{"text":"x"},"use":"claim","patient":{"reference":"Patient/p"},"created":"2026-03-02","provider":{"display":"x"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}]`)
	}
	put("Encounter", "visit-a", "bva", `"status":"in-progress","class":{"code":"AMB"}`)
	client := func(organization fhir.ID, role access.Role, facilities ...string) *smart.Client {
		return &smart.Client{Organization: organization, Role: role, Facilities: facilities}
	}
	for what, c := range map[string]struct {
		clients smart.Clients
		of      fhir.ID // Claim, or the Encounter of a check-in
		sender  string
		want    bool
	}{
		"its Organization":            {nil, "of-a", "bva", true},
		"no code, no registration":    {nil, "of-b", "bvb", false},
		"registered":                  {smart.Clients{"b": client("bvb", "hospital", "51902", "51901")}, "of-b", "bvb", true},
		"registered for another":      {smart.Clients{"a": client("bva", "hospital", "51902")}, "of-a", "bva", false},
		"registered by itself":        {smart.Clients{"a": client("bva", "hospital")}, "of-a", "bva", true},
		"one of two":                  {smart.Clients{"a": client("bva", "hospital", "51902"), "c": client("bva", "hospital", "51901")}, "of-a", "bva", true},
		"may send for all":            {smart.Clients{"b": client("bvb", "operator")}, "of-b", "bvb", true},
		"held to nothing":             {nil, "of-b", delivery.SenderAny, true},
		"not noted, its Organization": {nil, "of-a", "", true},
		"not noted, registered":       {smart.Clients{"b": client("bvb", "hospital", "51901")}, "of-b", "", true},
		"not noted, not registered":   {nil, "of-b", "", false},
		"not noted, for another":      {smart.Clients{"a": client("bva", "hospital", "51902")}, "of-a", "", false},
		"not noted, of the server":    {nil, "of-nobody", "", true},
		"a check-in":                  {nil, "visit-a", "bva", true},
		"a check-in, no registration": {nil, "visit-a", "bvb", false},
		"a check-in, not noted":       {nil, "visit-a", "", true},
		"a check-in, now for another": {smart.Clients{"a": client("bva", "hospital", "51902")}, "visit-a", "", false},
	} {
		n := &node{store: access.Masked(st), policies: policies, asks: true, clients: func() smart.Clients { return c.clients }}
		n.facilities = facility.Facilities{Store: n.store, Systems: identity.Systems{}}
		key := fhir.Key{Type: "Claim", ID: c.of}
		if c.of == "visit-a" {
			key.Type = "Encounter"
		}
		got, err := n.registered(ours(t.Context()), bhxh.Sent{Key: key, Facility: "51901", Sender: c.sender})
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
}
