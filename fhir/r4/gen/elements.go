package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// structure is the part of a StructureDefinition that the tables need.
type structure struct {
	ResourceType, URL, Version, Name, Kind, Derivation string

	Abstract bool
	Snapshot struct{ Element []element }
}

// element is the part of an ElementDefinition that the tables need.
type element struct {
	Path, Max, ContentReference string
	Base                        struct{ Path string }
	Min                         int
	IsModifier, IsSummary       bool
	Type                        []elementType
	Binding                     struct{ Strength, ValueSet string }
}

type elementType struct {
	Code          string
	TargetProfile []string
	Extension     []struct{ URL, ValueURL string }
}

const (
	structurePrefix = "http://hl7.org/fhir/StructureDefinition/"
	systemPrefix    = "http://hl7.org/fhirpath/System."
	fhirTypeURL     = structurePrefix + "structuredefinition-fhir-type"
)

// resourceTypes gives the names of the concrete resource types, sorted.
func (d *definitionSet) resourceTypes() []string {
	var names []string
	for _, s := range d.structures {
		if s.Kind == "resource" && !s.Abstract {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

// wanted says whether a structure gets rows: concrete resources, data types, and the abstract Element and
// BackboneElement, which primitive extensions need. Profiles (SimpleQuantity, MoneyQuantity) and logical models do not.
func (s structure) wanted() bool {
	return s.Derivation != "constraint" && (s.Kind == "complex-type" || s.Kind == "resource" && !s.Abstract)
}

// elementTable writes a line for each structure and below it a line for each element:
//
//	R Patient
//	name<TAB>types<TAB>cardinality<TAB>flags<TAB>binding
//
// Types are separated by "|", with targets in parentheses; one with a dot or "#" is the structure of a backbone element.
// Cardinality is ? 0..1, 1 1..1, * 0..*, + 1..*. Flags are S summary, M modifier. Bindings are r (required) or e
// (extensible), ":" and the value set, without http://hl7.org/fhir/ValueSet/ where it begins so.
func (d *definitionSet) elementTable() ([]byte, error) {
	var list []structure
	for _, s := range d.structures {
		if s.wanted() {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b structure) int { return strings.Compare(a.Name, b.Name) })
	resources := map[string]bool{"Resource": true}
	for _, name := range d.resourceTypes() {
		resources[name] = true
	}
	var b bytes.Buffer
	b.WriteString(banner)
	for _, s := range list {
		w := structWriter{structure: s, resources: resources, out: &b}
		if err := w.write(); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// structWriter writes the rows of one StructureDefinition.
type structWriter struct {
	structure
	resources map[string]bool
	out       *bytes.Buffer
}

func (w *structWriter) write() error {
	letter := "T"
	if w.Kind == "resource" {
		letter = "R"
	}
	if err := w.section(letter, w.Name); err != nil {
		return err
	}
	for _, e := range w.Snapshot.Element {
		if !strings.Contains(e.Path, ".") || !w.hasChildren(e.Path) {
			continue
		}
		letter := "B"
		if e.Type[0].Code == "Element" {
			letter = "E"
		}
		if err := w.section(letter, e.Path); err != nil {
			return err
		}
	}
	return nil
}

func (w *structWriter) hasChildren(path string) bool {
	return slices.ContainsFunc(w.Snapshot.Element, func(e element) bool { return strings.HasPrefix(e.Path, path+".") })
}

// section writes the structure at path: its own line and those of the elements directly below.
func (w *structWriter) section(letter, path string) error {
	fmt.Fprintf(w.out, "%s %s\n", letter, path)
	for _, e := range w.Snapshot.Element {
		name, below := strings.CutPrefix(e.Path, path+".")
		if !below || strings.Contains(name, ".") || e.Max == "0" {
			continue
		}
		types, err := w.types(e)
		if err != nil {
			return err
		}
		card, ok := map[string]string{"0..1": "?", "1..1": "1", "0..*": "*", "1..*": "+"}[fmt.Sprintf("%d..%s", e.Min, e.Max)]
		if !ok {
			return fmt.Errorf("%s: cardinality %d..%s has no letter", e.Path, e.Min, e.Max)
		}
		var flags string
		if e.IsSummary {
			flags += "S"
		}
		if e.IsModifier {
			flags += "M"
		}
		row := strings.Join([]string{name, types, card, flags, binding(e)}, "\t")
		w.out.WriteString(strings.TrimRight(row, "\t") + "\n")
	}
	return nil
}

// types writes the column of types of one element.
func (w *structWriter) types(e element) (string, error) {
	if e.ContentReference != "" {
		return strings.TrimPrefix(e.ContentReference, "#"), nil
	}
	if len(e.Type) == 0 {
		return "", fmt.Errorf("%s has no type", e.Path)
	}
	var out []string
	for _, t := range e.Type {
		switch {
		case w.hasChildren(e.Path):
			out = append(out, e.Path)
		case strings.HasPrefix(t.Code, systemPrefix):
			out = append(out, w.systemType(e, t))
		case w.resources[t.Code]: // a whole resource inside: its type is told by its own resourceType
			out = append(out, "Resource")
		default:
			out = append(out, t.Code+targets(e.Path, t.TargetProfile))
		}
	}
	return strings.Join(out, "|"), nil
}

// systemType gives the FHIR type of an element that the definition gives a FHIRPath type. The logical id of a resource
// is said to be a string there; the text of the specification makes it an id.
func (w *structWriter) systemType(e element, t elementType) string {
	if e.Base.Path == "Resource.id" {
		return "id"
	}
	for _, x := range t.Extension {
		if x.URL == fhirTypeURL {
			return x.ValueURL
		}
	}
	return "string"
}

// addedTargets are targets of references that the packager added to definitions of which HL7's file is not at hand;
// the narratives of the same definitions, which he left alone, do not have them.
var addedTargets = map[string]string{"AuditEvent.source.observer": "Subscription"}

// targets writes the types that a reference may point at, "" for any. Types that are not HL7's are left out.
func targets(path string, profiles []string) string {
	var names []string
	for _, p := range profiles {
		name, ours := strings.CutPrefix(p, structurePrefix)
		if name == "Resource" {
			return ""
		}
		if !ours || addedTargets[path] == name {
			continue
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	return "(" + strings.Join(names, ",") + ")"
}

func binding(e element) string {
	letter := map[string]string{"required": "r:", "extensible": "e:"}[e.Binding.Strength]
	if letter == "" || e.Binding.ValueSet == "" {
		return ""
	}
	set := strings.TrimSuffix(e.Binding.ValueSet, "|"+release)
	return letter + strings.TrimPrefix(set, "http://hl7.org/fhir/ValueSet/")
}
