package search_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// A Consent comes back from its value as it was, unless it is too long or too deep: then it denies everything.
func TestConsentComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := func() []string {
			list := rapid.SliceOfN(rapid.StringN(0, 40, 60), 0, 4).Draw(t, "texts")
			if len(list) == 0 {
				return nil
			}
			return list
		}
		depth := 0
		var provision func() search.Provision
		provision = func() search.Provision {
			b := func(name string) bool { return rapid.Bool().Draw(t, name) }
			p := search.Provision{
				Deny: b("deny"), Data: b("data"), Vague: b("vague"), VagueActor: b("actor"), Label: rapid.Byte().Draw(t, "label"),
				Start: rapid.Int64().Draw(t, "start"), End: rapid.Int64().Draw(t, "end"), Purposes: texts(), Actions: texts(), Classes: texts(),
			}
			p.Codes = texts()
			if p.Dated = b("dated"); p.Dated {
				p.DataStart, p.DataEnd = rapid.Int64().Draw(t, "from"), rapid.Int64().Draw(t, "to")
			}
			for _, s := range texts() {
				p.Actors = append(p.Actors, fhir.Key{Type: "Organization", ID: fhir.ID(s)})
			}
			if depth++; depth < 12 && b("nested") {
				p.Nested = append(p.Nested, provision(), provision())
			}
			depth--
			return p
		}
		c := search.Consent{Otherwise: rapid.Bool().Draw(t, "otherwise"), Root: provision()}
		value := search.AppendConsent([]byte("x"), c)[1:]
		got, err := search.ReadConsent(value)
		if err != nil || len(value) > search.MaxConsent {
			t.Fatalf("%d bytes: %v", len(value), err)
		}
		lost := search.Consent{Otherwise: true, Root: search.Provision{Deny: true, Start: search.NoStart, End: search.NoEnd}}
		if !reflect.DeepEqual(got, c) && !reflect.DeepEqual(got, lost) {
			t.Fatalf("%+v became %+v", c, got)
		}
	})
}

func FuzzReadConsent(f *testing.F) {
	f.Add(search.AppendConsent(nil, search.Consent{Inactive: true}))
	f.Add(search.AppendConsent(nil, search.Consent{Root: search.Provision{Purposes: []string{"TREAT"}, Nested: []search.Provision{{Deny: true}}}}))
	f.Fuzz(func(t *testing.T, value []byte) {
		if c, err := search.ReadConsent(value); err == nil {
			if again, err := search.ReadConsent(search.AppendConsent(nil, c)); err != nil || len(value) <= search.MaxConsent && !reflect.DeepEqual(c, again) {
				t.Errorf("%+v became %+v: %v", c, again, err)
			}
		}
	})
}
