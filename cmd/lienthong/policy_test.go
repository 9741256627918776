package main

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/access"
)

// A policy can name every operation of the server: one that it cannot name, nobody could be allowed to call.
func TestPoliciesKnowEveryOperation(t *testing.T) {
	n, err := openNode(ours(t.Context()), config.Server{Data: t.TempDir(), SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100}, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	for _, o := range operations(n, "https://lienthong.example") {
		if !slices.Contains(access.Operations, o.Name) {
			t.Errorf("access.Operations has no %s", o.Name)
		}
	}
}
