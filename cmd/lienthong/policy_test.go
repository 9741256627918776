package main

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/access"
)

// A policy can name every operation of the server, no others, and the built-in one allows each to somebody: one that it cannot name, or
// that nobody may call, might as well not be there.
func TestPoliciesKnowEveryOperation(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys.json")
	if _, err := addKey(keys, time.Now()); err != nil {
		t.Fatal(err)
	}
	n, err := openNode(ours(t.Context()), config.Server{
		Data: t.TempDir(), SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100,
		Certificate: config.Certificate{Keys: keys, Authority: "test"},
	}, "https://records.example/fhir", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	if n.certificates.service == nil || len(n.operations) < 15 {
		t.Fatalf("not all operations are on: %d", len(n.operations))
	}
	for _, o := range n.operations {
		if !slices.Contains(access.Operations, o.Name) {
			t.Errorf("access.Operations has no %s", o.Name)
		}
		if !slices.ContainsFunc(access.Roles, func(r access.Role) bool {
			f, err := n.policies.Fence(context.Background(), access.Caller{Role: r})
			return err == nil && f.Operation(o.Name)
		}) {
			t.Errorf("the built-in policy lets nobody call $%s", o.Name)
		}
	}
	// The CapabilityStatement lists all that can be called.
	listed := httptest.NewRecorder()
	n.handler.ServeHTTP(listed, httptest.NewRequest("GET", "/fhir/metadata", nil))
	for _, name := range access.Operations {
		if name == "immunization-coverage-exact" { // what $immunization-coverage tells to whom
			continue
		}
		if !strings.Contains(listed.Body.String(), `{"name":"`+name+`","definition":`) {
			t.Errorf("policies can name $%s, which is not there", name)
		}
	}
}
