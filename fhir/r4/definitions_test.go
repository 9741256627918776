package r4_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/r4"
)

// readBundle reads the resources of one file of the official definitions that say version 4.0.1.
func readBundle[T any](t *testing.T, name string) []T {
	t.Helper()
	f, err := os.Open(fhirtest.Data(t, "data", "fhir-r4", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var bundle struct {
		Entry []struct{ Resource json.RawMessage }
	}
	if err := json.NewDecoder(z).Decode(&bundle); err != nil {
		t.Fatal(err)
	}
	var out []T
	for _, e := range bundle.Entry {
		var head struct{ Version string }
		var v T
		if err := json.Unmarshal(e.Resource, &head); err != nil {
			t.Fatal(err)
		}
		if head.Version != "4.0.1" {
			continue
		}
		if err := json.Unmarshal(e.Resource, &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

type definition struct {
	ResourceType, Name, Kind, Derivation string
	Abstract                             bool
	Snapshot                             struct {
		Element []struct {
			ID, Path, Max, ContentReference string
			Min                             int
			IsSummary, IsModifier           bool
			Type                            []struct {
				Code          string
				TargetProfile []string
			}
			Binding struct{ Strength, ValueSet string }
		}
	}
}

// readPublished reads the structures that HL7 published as examples, by name.
func readPublished(t *testing.T) map[string]definition {
	t.Helper()
	out := map[string]definition{}
	fhirtest.Examples(t, func(name string, raw []byte) {
		if !strings.HasSuffix(name, ".profile.json") {
			return
		}
		var d definition
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d.ResourceType == "StructureDefinition" && len(d.Snapshot.Element) > 0 {
			out[d.Name] = d
		}
	})
	return out
}

// TestNothingIsAdded: elements that the packager of the definitions added for his own server are not R4's.
func TestNothingIsAdded(t *testing.T) {
	for structure, names := range map[*r4.Struct][]string{
		r4.DataType("Meta"):             {"project", "author", "account", "compartment"},
		r4.Resource("Binary"):           {"url"},
		r4.Resource("ResearchStudy"):    {"progressStatus", "whyStopped", "label"},
		r4.Resource("DeviceDefinition"): {"classification"},
	} {
		for _, name := range names {
			if structure.Element(name) != nil {
				t.Errorf("%s has an element %s", structure.Name, name)
			}
		}
	}
}

// TestEveryDefinedElementIsThere reads the definitions as a stranger to the generator and looks each element up.
func TestEveryDefinedElementIsThere(t *testing.T) {
	seen := 0
	published := readPublished(t)
	for _, file := range []string{"profiles-types.json.gz", "profiles-resources.json.gz"} {
		for _, d := range readBundle[definition](t, file) {
			if d.ResourceType != "StructureDefinition" || d.Derivation == "constraint" || d.Kind != "resource" && d.Kind != "complex-type" || d.Kind == "resource" && d.Abstract {
				continue
			}
			if p, ok := published[d.Name]; ok {
				d = p // HL7's own file, where the packager changed his copy
			}
			root := r4.DataType(d.Name)
			if d.Kind == "resource" {
				root = r4.Resource(fhir.Type(d.Name))
			}
			if root == nil {
				t.Errorf("%s is missing", d.Name)
				continue
			}
			for _, e := range d.Snapshot.Element[1:] {
				seen++
				found := follow(root, strings.Split(e.Path, ".")[1:])
				if len(found) == 0 {
					t.Errorf("%s is missing", e.ID)
					continue
				}
				types := 1
				if strings.HasSuffix(e.Path, "[x]") {
					types = len(e.Type)
				}
				if len(found) != types {
					t.Errorf("%s has %d JSON properties, want %d", e.ID, len(found), types)
				}
				for i, p := range found {
					if p.Min != e.Min || p.Array != (e.Max == "*") || (p.Max == -1) != p.Array || p.Summary != e.IsSummary || p.Modifier != e.IsModifier {
						t.Errorf("%s: %+v differs from %+v", e.ID, p, e)
					}
					if (e.Binding.Strength == "required" || e.Binding.Strength == "extensible") && e.Binding.ValueSet != "" &&
						(p.BindingStrength != e.Binding.Strength || p.Binding != strings.TrimSuffix(e.Binding.ValueSet, "|4.0.1")) {
						t.Errorf("%s is bound to %s %s, want %+v", e.ID, p.BindingStrength, p.Binding, e.Binding)
					}
					if e.ContentReference != "" {
						if to := follow(root, strings.Split(e.ContentReference, ".")[1:]); len(to) != 1 || to[0].Struct != p.Struct {
							t.Errorf("%s is not %s", e.ID, e.ContentReference)
						}
						continue
					}
					want := e.Type[i]
					if !strings.Contains(want.Code, "/") && p.TypeName != want.Code && !(p.TypeName == "Resource" && r4.IsResource(fhir.Type(want.Code))) {
						t.Errorf("%s has type %s, want %s", e.ID, p.TypeName, want.Code)
					}
					for _, target := range want.TargetProfile {
						name := fhir.Type(strings.TrimPrefix(target, "http://hl7.org/fhir/StructureDefinition/"))
						if strings.Contains(string(name), "/") || e.ID == "AuditEvent.source.observer" && name == "Subscription" {
							continue // not HL7's
						}
						if p.Targets != nil && !slices.Contains(p.Targets, name) || p.Targets == nil && name != "Resource" {
							t.Errorf("%s may point at %v, want %s too", e.ID, p.Targets, name)
						}
					}
				}
			}
		}
	}
	if seen < 7000 {
		t.Errorf("only %d elements were looked up", seen)
	}
}

// follow walks names of a path; the last may be a choice, with or without [x].
func follow(s *r4.Struct, names []string) []*r4.Element {
	for i, name := range names {
		if s == nil {
			return nil
		}
		found := s.Choices(strings.TrimSuffix(name, "[x]"))
		for _, e := range found {
			if s.Element(e.Name) != e || s.ElementBytes([]byte(e.Name)) != e {
				return nil
			}
		}
		if i == len(names)-1 {
			return found
		}
		if len(found) != 1 {
			return nil
		}
		s = found[0].Struct
	}
	return nil
}

// TestEveryDefinedParameterIsThere looks up each official search parameter on each of its bases.
func TestEveryDefinedParameterIsThere(t *testing.T) {
	type definition struct {
		URL, Code, Type, Expression string
		Base                        []fhir.Type
		Component                   []struct{ Definition, Expression string }
	}
	for _, d := range readBundle[definition](t, "search-parameters.json.gz") {
		for _, base := range d.Base {
			on := base
			if base == "Resource" || base == "DomainResource" {
				on = "Patient"
			}
			p := r4.Param(on, d.Code)
			if p == nil || p.URL != d.URL || p.Type.String() != d.Type || p.Base != base || len(p.Components) != len(d.Component) {
				t.Errorf("%s of %s: %+v", d.Code, base, p)
				continue
			}
			if (p.Expression == "") != (d.Expression == "") {
				t.Errorf("%s of %s has expression %q of %q", d.Code, base, p.Expression, d.Expression)
			}
			for i, c := range d.Component {
				if p.Components[i].Param.URL != c.Definition || p.Components[i].Expression != c.Expression {
					t.Errorf("%s of %s: component %+v, want %+v", d.Code, base, p.Components[i], c)
				}
			}
		}
	}
}
