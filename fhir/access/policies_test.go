package access_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/store"
)

func replace(s, old, with string) string { return strings.Replace(s, old, with, 1) }

func opened(t testing.TB, policy string, now time.Time) *access.Policies {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := access.Open(access.Config{File: file, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A changed file holds without a restart; one with a fault, and one that is gone, leave the policy before it in force and
// are reported.
func TestPolicyIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	now := time.Now()
	write("roles: {clinic: {rules: [{types: [Patient], actions: r}]}}")
	p, err := access.Open(access.Config{File: file, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	allows := func(want bool, say string) {
		t.Helper()
		f, err := p.Fence(context.Background(), access.Caller{Role: access.RoleClinic})
		if err != nil {
			t.Fatal(err)
		}
		if got := !f.Grant("Patient", store.ActionRead).None(); got != want {
			t.Errorf("allowed: %v", got)
		}
		if !strings.Contains(log.String(), say) || say == "" && log.Len() > 0 {
			t.Errorf("log %q, want %q", log.String(), say)
		}
		log.Reset()
	}
	allows(true, "")
	write("")
	allows(true, "") // within the second
	now = now.Add(time.Second)
	allows(false, "the policy has changed")
	write("roles: {clinic: {rules: [{types: [Patient], actions: rs}]}}")
	now = now.Add(time.Second)
	allows(true, "the policy has changed")
	write("roles: {clinic: {rules: [{types: [Pat], actions: rs}]}}")
	now = now.Add(time.Second)
	allows(true, "stays in force")
	now = now.Add(time.Second)
	allows(true, "")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	allows(true, "cannot be read")
}

// An empty policy denies all, also operations, and nobody gets the server's own role.
func TestNothingIsAllowedUnlessARuleSaysSo(t *testing.T) {
	p := opened(t, "", time.Now())
	for _, role := range append([]access.Role{"", "surgeon"}, access.Roles...) {
		f, err := p.Fence(context.Background(), access.Caller{Role: role, Organization: "o", Patient: "p"})
		if err != nil || f.Open() || f.Operation("meta") || !f.Grant("Patient", store.ActionRead).None() {
			t.Errorf("%s: %v", role, err)
		}
	}
	if f, err := p.Fence(context.Background(), access.Caller{Role: access.RoleService}); err == nil || f.Open() {
		t.Errorf("the server's own role was given: %v", err)
	}
}

// A variable that the caller lacks, or whose value is no id, makes its rule allow nothing.
func TestVariablesWithoutAValue(t *testing.T) {
	p := opened(t, `roles: {clinic: {rules: [{types: [Patient], actions: r, where: ["organization=Organization/{organization}"]}]}}`, time.Now())
	for id, allowed := range map[string]bool{"k1": true, "": false, "k1,Organization/h1": false, "k1&active=true": false, "{patient}": false} {
		f, err := p.Fence(context.Background(), access.Caller{Role: access.RoleClinic, Organization: fhir.ID(id)})
		if err != nil {
			t.Fatal(err)
		}
		if got := !f.Grant("Patient", store.ActionRead).None(); got != allowed {
			t.Errorf("%q: %v", id, got)
		}
	}
}

// Scopes narrow what the role allows, and never widen it.
func TestScopesNarrow(t *testing.T) {
	w := world(t, `{"resourceType":"Patient","id":"p1","gender":"male"}`, `{"resourceType":"Patient","id":"p2","gender":"female"}`,
		`{"resourceType":"Organization","id":"k1"}`, `{"resourceType":"Claim","id":"x","status":"active","type":{"text":"x"},"use":"claim","patient":{"reference":"Patient/p1"},`+
			`"created":"2020","provider":{"reference":"Organization/k1"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"reference":"Coverage/x"}}]}`)
	const policy = `roles: {clinic: {rules: [{types: [Patient, Organization], actions: rus}], mask: {}}}`
	for name, c := range map[string]struct {
		system  bool
		scopes  []string
		allowed string // of r and u on p1, p2, k1, and r on the claim
	}{
		"a person without scopes":        {false, nil, "ru ru ru -"},
		"a person with openid alone":     {false, []string{"openid", "profile"}, "ru ru ru -"},
		"software without scopes":        {true, nil, "- - - -"},
		"software with openid alone":     {true, []string{"openid"}, "- - - -"},
		"everything":                     {true, []string{"system/*.cruds"}, "ru ru ru -"},
		"reading":                        {true, []string{"system/*.rs"}, "r r r -"},
		"version 1":                      {true, []string{"system/*.read"}, "r r r -"},
		"a type":                         {true, []string{"system/Patient.cruds"}, "ru ru - -"},
		"what the role does not allow":   {true, []string{"system/Claim.cruds"}, "- - - -"},
		"by a search parameter":          {true, []string{"system/Patient.r?gender=male"}, "r - - -"},
		"two scopes":                     {true, []string{"system/Patient.r?gender=male", "system/Patient.u?gender=female"}, "r u - -"},
		"by an unknown search parameter": {true, []string{"system/Patient.r?gendr=male"}, "- - - -"},
		"of a person, for software":      {true, []string{"user/*.cruds"}, "- - - -"},
		"of software, for a person":      {false, []string{"system/*.cruds"}, "- - - -"},
		"of a patient":                   {false, []string{"patient/*.r"}, "r - r -"},
		"letters out of order":           {true, []string{"system/*.sr"}, "- - - -"},
		"an unknown type":                {true, []string{"system/Patint.r"}, "- - - -"},
		"no letters":                     {true, []string{"system/Patient."}, "- - - -"},
		"an empty query":                 {true, []string{"system/Patient.r?"}, "- - - -"},
	} {
		t.Run(name, func(t *testing.T) {
			f := fenceOf(t, policy, access.Caller{Role: access.RoleClinic, System: c.system, Scopes: c.scopes, Patient: "p1"}, time.Now())
			var got []string
			for _, key := range []fhir.Key{{Type: "Patient", ID: "p1"}, {Type: "Patient", ID: "p2"}, {Type: "Organization", ID: "k1"}, {Type: "Claim", ID: "x"}} {
				s := ""
				if w.allows(f, store.ActionRead, key) {
					s += "r"
				}
				if w.allows(f, store.ActionUpdate, key) {
					s += "u"
				}
				if s == "" {
					s = "-"
				}
				got = append(got, s)
			}
			if strings.Join(got, " ") != c.allowed {
				t.Errorf("%v, want %s", got, c.allowed)
			}
		})
	}
}
