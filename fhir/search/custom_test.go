package search_test

import (
	"compress/gzip"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// TestReadCustomReadsThoseOfR4: each SearchParameter of R4, given a url and a code of its own, becomes what the generated
// table has for it.
func TestReadCustomReadsThoseOfR4(t *testing.T) {
	f, err := os.Open(fhirtest.Data(t, "data", "fhir-r4", "search-parameters.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := resource.Read(z, resource.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	const prefix = "http://hl7.org/fhir/SearchParameter/"
	read := 0
	for e := range bundle.Root().Get("entry").Elements() {
		v := e.Get("resource")
		if v.Get("version").Text() != "4.0.1" || v.Get("expression").Text() == "" || v.Get("type").Text() == "special" {
			continue
		}
		if got, err := search.ReadCustom(v, nil); got != nil || err != nil {
			t.Errorf("%s is R4's own: %v, %v", v.Get("url").Text(), got, err)
		}
		renamed := strings.Replace(string(v.Raw()), prefix, "urn:x:", 1) // the first is its url, by the order of members
		renamed = codeMember.ReplaceAllString(renamed, `"code":"x-own"`)
		doc, err := resource.New([]byte(renamed))
		if err != nil {
			t.Fatal(err)
		}
		got, err := search.ReadCustom(doc.Root(), nil)
		if err != nil {
			t.Errorf("%s: %v", v.Get("url").Text(), err)
			continue
		}
		if len(got) != v.Get("base").Len() {
			t.Errorf("%s: %d parameters", v.Get("url").Text(), len(got))
		}
		for _, p := range got {
			of := r4.TypesOfBase(p.Base)[0]
			want := r4.Param(of, v.Get("code").Text())
			if p.Type != want.Type || len(p.Components) != len(want.Components) || p.Base != want.Base ||
				resolved(t, p, of) != resolved(t, want, of) {
				t.Errorf("%s: got %+v, want %+v", v.Get("url").Text(), p, want)
			}
			for i, c := range p.Components {
				if c != want.Components[i] {
					t.Errorf("%s: component %+v, want %+v", v.Get("url").Text(), c, want.Components[i])
				}
			}
			read++
		}
	}
	t.Logf("%d parameters", read)
	if read < 1500 {
		t.Errorf("only %d parameters", read)
	}
}

var codeMember = regexp.MustCompile(`"code"\s*:\s*"[^"]*"`)

// resolved gives the paths of a parameter's expression.
func resolved(t *testing.T, p *r4.SearchParam, of fhir.Type) string {
	e, err := fhirpath.Parse(p.Expression)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := e.Paths(r4.Resource(of))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(paths)
}

// own gives a SearchParameter that can be read.
func own() string {
	return `{"resourceType":"SearchParameter","url":"urn:x:own","status":"active","code":"own","base":["Patient"],"type":"string","expression":"Patient.name.family"}`
}

func TestReadCustom(t *testing.T) {
	var none *r4.Registry
	tribe := &r4.SearchParam{ID: 2048, Base: "Patient", Code: "tribe", URL: "urn:x:tribe", Type: r4.ParamToken, Expression: "Patient.extension.value"}
	known, err := none.With([]*r4.SearchParam{tribe})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, from, to, want string }{
		{"as it is", "", "", "Patient string Patient.name.family"},
		{"an extension", `"Patient.name.family"`, `"Patient.extension('urn:x:e').value as string"`, "Patient string Patient.extension('urn:x:e').value as string"},
		{"the value of an extension", `"Patient.name.family"`, `"Patient.extension.where(url='urn:a|b').value"`, "Patient string Patient.extension.where(url='urn:a|b').value"},
		{"two bases", `["Patient"],"type":"string","expression":"Patient.name.family"`, `["Patient","Person"],"type":"token","expression":"Patient.gender | Person.gender"`, "Patient token Patient.gender; Person token Person.gender"},
		{"all types", `["Patient"],"type":"string","expression":"Patient.name.family"`, `["Resource"],"type":"uri","expression":"Resource.meta.source"`, "Resource uri Resource.meta.source"},
		{"a name without its type", `"Patient.name.family"`, `"name.family"`, "Patient string name.family"},
		{"retired", `"active"`, `"retired"`, ""},
		{"composite", `"string","expression":"Patient.name.family"`, `"composite","expression":"Patient","component":[{"definition":"urn:x:tribe","expression":"extension.value"},{"definition":"http://hl7.org/fhir/SearchParameter/individual-gender","expression":"gender"}]`, "Patient composite Patient tribe gender"},
		{"no type of that name", `["Patient"]`, `["Patientt"]`, "search-type-unknown at SearchParameter.base Patientt"},
		{"no base", `"base":["Patient"],`, ``, "search-type-unknown at SearchParameter.base "},
		{"a base twice", `["Patient"]`, `["Patient","Patient"]`, "search-custom-code at SearchParameter.base own Patient"},
		{"a code of R4", `"own"`, `"family"`, "search-custom-code at SearchParameter.code family Patient"},
		{"a code of another custom one", `"code":"own"`, `"code":"tribe"`, "search-custom-code at SearchParameter.code tribe Patient"},
		{"a code for all types that one has", `"own","base":["Patient"],"type":"string","expression":"Patient.name.family"`, `"tribe","base":["Resource"],"type":"uri","expression":"Resource.meta.source"`, "search-custom-code at SearchParameter.code tribe Patient"},
		{"a code of the server", `"code":"own"`, `"code":"_sort"`, "search-custom-name at SearchParameter.code _sort"},
		{"a code with a full stop", `"code":"own"`, `"code":"a.b"`, "search-custom-name at SearchParameter.code a.b"},
		{"special", `"string"`, `"special"`, "search-custom-kind at SearchParameter.type special"},
		{"no expression", `"expression"`, `"xpath"`, "search-custom-expression at SearchParameter.expression own"},
		{"no url", `"urn:x:own"`, `""`, "search-custom-url at SearchParameter.url "},
		{"a syntax that is none", `"Patient.name.family"`, `"Patient..name"`, "fhirpath-syntax at SearchParameter.expression Patient..name 8 a name"},
		{"an element that is none", `"Patient.name.family"`, `"Patient.surname"`, "fhirpath-element at SearchParameter.expression Patient.surname surname Patient"},
		{"of another type", `"Patient.name.family"`, `"Person.name.family"`, "search-custom-base at SearchParameter.expression Person.name.family Patient"},
		{"an element of another kind", `"string"`, `"quantity"`, "search-custom-element at SearchParameter.expression Patient.name.family quantity Patient"},
		{"an element that only some types have", `["Patient"],"type":"string","expression":"Patient.name.family"`, `["Resource"],"type":"token","expression":"Resource.code"`, "fhirpath-element at SearchParameter.expression Resource.code code Account"},
		{"a target that is none", `"string"`, `"reference","target":["Nobody"]`, "search-type-unknown at SearchParameter.target Nobody"},
		{"a composite of one", `"string"`, `"composite","component":[{"definition":"urn:x:tribe","expression":"x"}]`, "search-custom-components at SearchParameter.component 1"},
		{"more alternatives than anybody needs", `"Patient.name.family"`, `"name.family` + strings.Repeat("|name.text", 16) + `"`, "search-custom-long at SearchParameter.expression own 16"},
		{"a composite of an unknown one", `"string"`, `"composite","component":[{"definition":"urn:x:none","expression":"x"}]`, "search-custom-component at SearchParameter.component urn:x:none"},
	} {
		text := own()
		if c.from != "" && !strings.Contains(text, c.from) {
			t.Fatalf("%s: %s is not in it", c.name, c.from)
		}
		doc, err := resource.New([]byte(strings.Replace(text, c.from, c.to, 1)))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		list, err := search.ReadCustom(doc.Root(), known)
		var rows []string
		for _, p := range list {
			row := string(p.Base) + " " + p.Type.String() + " " + p.Expression
			for _, part := range p.Components {
				row += " " + part.Param.Code
			}
			rows = append(rows, row)
			if p.ID != 0 || p.URL != "urn:x:own" {
				t.Errorf("%s: %+v", c.name, p)
			}
		}
		got := strings.Join(rows, "; ")
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// FuzzReadCustom: what is given can be resolved for each type of its base, as the index does without asking again.
func FuzzReadCustom(f *testing.F) {
	for _, e := range []string{"Patient.name.family", "(Patient.deceased as boolean) | Person.active", "Patient.extension('a').value.as(Coding)", "Patient.contact[0].name.where(use='a|b')"} {
		f.Add("Patient", "token", e)
	}
	f.Fuzz(func(t *testing.T, base, kind, expression string) {
		raw := fmt.Sprintf(`{"resourceType":"SearchParameter","url":"urn:x","code":"own","base":[%q],"type":%q,"expression":%q}`, base, kind, expression)
		doc, err := resource.New([]byte(raw))
		if err != nil {
			return
		}
		list, err := search.ReadCustom(doc.Root(), nil)
		if err != nil {
			if _, ok := err.(*fhir.Error); !ok {
				t.Fatalf("%v is no *fhir.Error", err)
			}
			return
		}
		for _, p := range list {
			for _, of := range r4.TypesOfBase(p.Base) {
				resolved(t, p, of)
			}
		}
	})
}
