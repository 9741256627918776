package access_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

func TestBuiltInPolicyIsSound(t *testing.T) {
	if _, err := access.ReadPolicy(access.BuiltIn, search.Options{}); err != nil {
		t.Fatal(err)
	}
}

// Each fault is found when the policy is read, and its message says where it is.
func TestFaultsOfAPolicy(t *testing.T) {
	rule := func(s string) string { return "roles:\n  clinic:\n    rules:\n      - " + s + "\n" }
	for name, c := range map[string]struct{ text, want string }{
		"no YAML":                      {"roles: [", "cannot be read"},
		"an unknown key":               {"rolls: {}", "rolls"},
		"an unknown role":              {"roles: {surgeon: {}}", "roles.surgeon"},
		"the server's own role":        {"roles: {service: {}}", "roles.service"},
		"a role of one's own, unsaid":  {"roles: {school: {purpose: TREAT}}", "roles.school"},
		"a role with a strange name":   {"roles: {School: {says: x}}", "roles.School"},
		"an unknown type":              {rule("{types: [Pateint], actions: r}"), "types[0]"},
		"no types":                     {rule("{actions: r}"), "types"},
		"an unknown action":            {rule("{types: [Patient], actions: rx}"), "actions"},
		"actions out of order":         {rule("{types: [Patient], actions: sr}"), "actions"},
		"no actions":                   {rule("{types: [Patient]}"), "actions"},
		"an unknown parameter":         {rule("{types: [Patient], actions: r, where: [nam=x]}"), "where[0]"},
		"a parameter of another type":  {rule("{types: [Patient, Claim], actions: r, where: [birthdate=2000]}"), "for Claim"},
		"a value that is none":         {rule("{types: [Patient], actions: r, where: [birthdate=soon]}"), "where[0]"},
		"an unknown variable":          {rule(`{types: [Patient], actions: r, where: ["organization={org}"]}`), "no variable"},
		"a variable within a word":     {rule(`{types: [Patient], actions: r, where: ["organization=x{organization}"]}`), "unsafe variable"},
		"a variable in a name":         {rule(`{types: [Patient], actions: r, where: ["{organization}=x"]}`), "in a value only"},
		"a variable by prefix":         {rule(`{types: [Patient], actions: r, where: ["name={organization}"]}`), "unsafe variable"},
		"a variable by prefix, behind": {rule(`{types: [Claim], actions: r, where: ["patient.name={organization}"]}`), "unsafe variable"},
		"a variable by prefix, _has":   {rule(`{types: [Patient], actions: r, where: ["_has:Claim:patient:patient.name={organization}"]}`), "unsafe variable"},
		"a modifier of a variable":     {rule(`{types: [Patient], actions: r, where: ["organization:missing={organization}"]}`), "unsafe variable"},
		"how results are shown":        {rule("{types: [Patient], actions: r, where: [_count=1]}"), "how results are shown"},
		"an empty criterion":           {rule(`{types: [Patient], actions: r, where: [""]}`), "empty"},
		"an empty list of criteria":    {rule("{types: [Patient], actions: r, where: []}"), "allow everything"},
		"a fixed sender":               {rule("{types: [Patient], actions: r, where: [sender=x]}"), "sender"},
		"an unknown compartment":       {rule("{types: [Patient], actions: r, where: ['compartment=Claim/{patient}']}"), "compartment"},
		"cited by anything":            {rule("{types: [Patient], actions: r, where: [cited-by=List]}"), "cited-by"},
		"an unknown operation":         {"roles: {clinic: {operations: [everthing]}}", "operations[0]"},
		"an unknown masked element":    {"roles: {clinic: {mask: {Patient: [nme]}}}", "nme"},
		"an unknown masked type":       {"roles: {clinic: {mask: {Patent: [name]}}}", "Patent"},
		"hidden elements and updates":  {"roles: {clinic: {mask: {Patient: [name]}, rules: [{types: [Claim], actions: u}]}}", "would be lost"},
		"facilities of somebody":       {"roles: {clinic: {facilities: all}}", "neither own nor any"},
		"a group like a type":          {"groups: {Patient: [Claim]}", "groups.Patient"},
		"a group of no type":           {"groups: {a: [Clam]}", "groups.a[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := access.ReadPolicy([]byte(c.text), search.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want something with %q", err, c.want)
			}
		})
	}
}

// TestARoleOfOnesOwn: what a policy says of it holds, and nothing else.
func TestARoleOfOnesOwn(t *testing.T) {
	w := world(t, `{"resourceType":"Patient","id":"p1"}`, `{"resourceType":"Immunization","id":"i1","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/p1"},"occurrenceString":"x"}`)
	f := fenceOf(t, `roles: {school: {says: A school nurse reads vaccinations., rules: [{types: [Immunization], actions: rs}]}}`, access.Caller{Role: "school"}, time.Now())
	if !w.allows(f, store.ActionRead, fhir.Key{Type: "Immunization", ID: "i1"}) || w.allows(f, store.ActionRead, fhir.Key{Type: "Patient", ID: "p1"}) {
		t.Error("a role of one's own is not held to its rules")
	}
}

func FuzzReadPolicy(f *testing.F) {
	f.Add(string(access.BuiltIn))
	f.Add("roles: {clinic: {rules: [{types: [Patient], actions: r, where: ['sender={organization}']}]}}")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := access.ReadPolicy([]byte(text), search.Options{}); (p == nil) == (err == nil) {
			t.Errorf("%v with %v", p, err)
		}
	})
}

func ExampleReadPolicy() {
	_, err := access.ReadPolicy([]byte("roles: {clinic: {rules: [{types: [Patient], actions: rz}]}}"), search.Options{})
	fmt.Println(err)
	// Output: roles.clinic.rules[0].actions: "rz" is no part of cruds (create, read, update, delete, search), in this order
}
