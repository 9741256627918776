package interaction_test

import (
	"errors"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// FuzzPathPatch: whatever a FHIRPath Patch says, applying it neither panics nor stores what is no resource of that type
// and id.
func FuzzPathPatch(f *testing.F) {
	for _, seed := range [][4]string{
		{"delete", "Patient.name[0]", "", ""},
		{"delete", "Patient.name.given", "", ""},
		{"delete", "Patient.name[0].given[1]", "", ""},
		{"delete", "Patient.contained[0].name[0].family", "", ""},
		{"delete", "Patient", "", ""},
		{"delete", "Patient.birthDate", "", ""},
		{"delete", "Patient.name.exists()", "", ""},
		{"replace", "Patient.contained[0]", "", `"resource":{"resourceType":"Organization","name":"x"}`},
		{"replace", "Patient.multipleBirth", "", `"valueBoolean":true`},
		{"replace", "Patient.id", "", `"valueId":"p2"`},
		{"add", "Patient", `{"name":"name","valueString":"contact"}`, `"part":[{"name":"name","valueHumanName":{"text":"x"}}]`},
		{"add", "Patient.name[0]", `{"name":"name","valueString":"given"}`, `"valueString":"x","_valueString":{"id":"y"}`},
		{"insert", "Patient.name[0].given", `{"name":"index","valueInteger":1}`, `"valueString":"x"`},
		{"insert", "Patient.photo", `{"name":"index","valueInteger":0}`, `"valueAttachment":{"title":"x"}`},
		{"move", "Patient.name[0].given", `{"name":"source","valueInteger":1},{"name":"destination","valueInteger":0}`, ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	st := enginetest.Open(f, engine.Options{})
	s := interaction.New(interaction.Config{Store: st})
	raw := []byte(`{"resourceType":"Patient","id":"p1","contained":[{"resourceType":"Patient","id":"c","name":[{"family":"x"}]}],"name":[{"family":"Võ","given":["An",null,"Bình"],"_given":[null,{"id":"g"},null]}],"_birthDate":{"id":"b"},"multipleBirthInteger":2}`)
	f.Fuzz(func(t *testing.T, op, path, parts, value string) {
		d, err := resource.New(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Update(ours(t.Context()), p1, d, interaction.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		text := `{"name":"type","valueCode":"` + op + `"},{"name":"path","valueString":"` + path + `"}`
		if parts != "" {
			text += "," + parts
		}
		if value != "" {
			text += `,{"name":"value",` + value + `}`
		}
		d, err = resource.New([]byte(`{"resourceType":"Parameters","parameter":[{"name":"operation","part":[` + text + `]}]}`))
		if err != nil {
			return
		}
		p, err := s.ParsePathPatch(d.Root())
		if err != nil {
			return
		}
		if _, err := s.Patch(ours(t.Context()), p1, p, interaction.PatchOptions{}); err != nil {
			if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind == fhir.Internal {
				t.Fatal(err)
			}
			return
		}
		found, err := s.Read(ours(t.Context()), p1)
		if err != nil {
			t.Fatal(err)
		}
		back, err := resource.New(found.Stored.Append(nil, found.Version, found.At))
		if id, _ := back.Root().ID(); err != nil || back.Root().ResourceType() != "Patient" || id != "p1" {
			t.Fatalf("stored %s: %v", found.Stored.Body, err)
		}
	})
}
