package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

var tables = []string{"types_gen.txt", "elements_gen.txt", "params_gen.txt", "compartments_gen.txt"}

// TestGenerateGivesNoDiff: the committed tables are what the generator makes of the definitions and of themselves.
func TestGenerateGivesNoDiff(t *testing.T) {
	definitions := fhirtest.Data(t, "data", "fhir-r4")
	dir := t.TempDir()
	for _, name := range tables {
		raw, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(definitions, dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range tables {
		want, _ := os.ReadFile(filepath.Join("..", name))
		if got, _ := os.ReadFile(filepath.Join(dir, name)); !bytes.Equal(got, want) {
			t.Errorf("%s differs from what is committed: run go generate ./fhir/r4", name)
		}
	}
}

// TestNumbersStayWhenDefinitionsChange: index keys on disk hold the numbers, so none may move or be given out twice.
func TestNumbersStayWhenDefinitionsChange(t *testing.T) {
	dir := t.TempDir()
	params := filepath.Join(dir, "params_gen.txt")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := definitionSet{params: []param{
		{URL: paramPrefix + "P-new", Code: "new", Type: "token", Expression: "Patient.new", Base: []string{"Patient"}},
		{URL: paramPrefix + "P-old", Code: "old", Type: "token", Expression: "Patient.changed", Base: []string{"Patient"}},
		{URL: paramPrefix + "R-lu", Code: "_lastUpdated", Type: "date", Expression: "Resource.meta.lastUpdated", Base: []string{"Resource"}},
	}}
	write(params, banner+"20\tPatient\told\ttoken\tP-old\t\tPatient.old\n22\tPatient\tgone\ttoken\tP-gone\t\tPatient.gone\n23\tGroup\tlost\tretired\n")
	want := banner + strings.Join([]string{
		"1\tResource\t_lastUpdated\tdate\tR-lu\t\tResource.meta.lastUpdated",
		"20\tPatient\told\ttoken\tP-old\t\tPatient.changed",
		"22\tPatient\tgone\tretired",
		"23\tGroup\tlost\tretired",
		"24\tPatient\tnew\ttoken\tP-new\t\tPatient.new", "",
	}, "\n")
	for range 2 { // the second run stands on the first
		got, err := d.paramTable(params)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Fatalf("got\n%swant\n%s", got, want)
		}
		write(params, string(got))
	}

	types := filepath.Join(dir, "types_gen.txt")
	write(types, banner+"3\tPatient\n4\tVanished\n")
	d.structures = []structure{{Name: "Group", Kind: "resource"}, {Name: "Patient", Kind: "resource"}, {Name: "Resource", Kind: "resource", Abstract: true}}
	got, err := d.typeTable(types)
	if err != nil {
		t.Fatal(err)
	}
	if want := banner + "3\tPatient\n4\tVanished\tretired\n5\tGroup\n"; string(got) != want {
		t.Fatalf("got\n%swant\n%s", got, want)
	}
}

func TestCutKeepsTheAlternativesOfOneType(t *testing.T) {
	for _, c := range []struct{ expression, base, want string }{
		{"AllergyIntolerance.code | Condition.code | (DeviceRequest.code as CodeableConcept)", "DeviceRequest", "(DeviceRequest.code as CodeableConcept)"},
		{"Observation | Observation.component", "Observation", "Observation | Observation.component"},
		{"Medication.code | MedicationRequest.x", "Medication", "Medication.code"},
		{"name | alias", "InsurancePlan", "InsurancePlan.name | InsurancePlan.alias"},
		{"Patient.name", "Person", ""},
	} {
		if got := cut(c.expression, c.base); got != c.want {
			t.Errorf("cut(%q, %s) = %q, want %q", c.expression, c.base, got, c.want)
		}
	}
}
