package search

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

func bind(t testing.TB, of fhir.Type, query string, o Options) (Request, error) {
	t.Helper()
	params, err := Parse(query)
	if err != nil {
		return Request{}, err
	}
	return Bind(of, params, o)
}

func TestParse(t *testing.T) {
	for query, want := range map[string]string{
		"":                                 "[]",
		"&&a=1&":                           "[{a   1}]",
		"a=1&b=2&a=3":                      "[{a   1} {b   2} {a   3}]",
		"name:exact=V%C3%B5+A":             "[{name exact  Võ A}]",
		"subject:Patient.name:exact=x%20y": "[{subject Patient name:exact x y}]",
		"patient.identifier=s%7Cv":         "[{patient  identifier s|v}]",
		"_has:Observation:patient:code=x":  "[{_has Observation:patient:code  x}]",
		"a":                                "[{a   }]",
		"a=b=c":                            "[{a   b=c}]",
		`a=x\,y,z`:                         `[{a   x\,y,z}]`,
	} {
		got, err := Parse(query)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v %v, want %s", query, got, err, want)
		}
	}
	for query, code := range map[string]string{
		"a=%zz": "search-encoding", "a=%ff": "search-encoding", "a=%00": "search-encoding", "=1": "search-no-name",
		":exact=1": "search-no-name", strings.Repeat("a=1&", maxParameters+1): "search-too-many",
	} {
		if _, err := Parse(query); codeOf(err) != code {
			t.Errorf("%.20s: %v, want %s", query, err, code)
		}
	}
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

func TestSplitAndUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"a,b": `["a" "b"]`, `a\,b,c`: `["a\\,b" "c"]`, `a\\,b`: `["a\\\\" "b"]`, "": `[""]`, "a,": `["a" ""]`, `a\`: `["a\\"]`, `,\`: `["" "\\"]`,
	} {
		if got := fmt.Sprintf("%q", split(in, ',')); got != want {
			t.Errorf("%s: %s want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{`a\,b`: "a,b", `\|\$\\`: `|$\`, `\x`: `\x`, `\`: `\`, `a\\,`: `a\,`} {
		if got := unescape(in); got != want {
			t.Errorf("%s: %s want %s", in, got, want)
		}
	}
}

// TestBindRefuses names what each refusal says: its code and a word of its args.
func TestBindRefuses(t *testing.T) {
	for _, c := range []struct{ of, query, code, arg string }{
		{"Patient", "nmae=x", "search-param-unknown", "name"},
		{"Patient", "birth-date=2020", "search-param-unknown", "birthdate"},
		{"Patient", "Name=x", "search-param-unknown", "name"},
		{"Patient", "_content=x", "search-text-off", "_content"},
		{"Patient", "_contained=yes", "search-value-choice", "both, false, true"},
		{"Patient", "_containedType=container,contained", "search-value-choice", "contained, container"},
		{"Patient", "_has:Observation:patient:code=x&_contained=true", "search-contained", "_has"},
		{"Patient", "_revinclude=Observation:subject&_contained=both", "search-contained", "_revinclude"},
		{"Patient", "_sort=_score", "search-sort-unknown", "_score"},
		{"Patient", "_maxresults=0", "maxresults-invalid", "0"},
		{"Patient", "_type=Patient", "search-type-place", "Patient"},
		{"Patient", "_text=--", "search-value-string", "--"},
		{"Patient", "_text:exact=x", "search-modifier-unsupported", "exact"},
		{"Patient", "name:text=x", "search-modifier-unsupported", "contains, exact, missing"},
		{"Patient", "name:missing=yes", "search-value-choice", "false, true"},
		{"Patient", "birthdate:exact=2020", "search-modifier-unsupported", "missing"},
		{"Patient", "active:text=x", "search-modifier-unsupported", "missing, not"},
		{"Patient", "gender:text=x", "search-modifier-unsupported", "above, below, in, missing, not, not-in"},
		{"Observation", "code:of-type=a|b|c", "search-modifier-unsupported", "code-text"},
		{"Patient", "identifier:of-type=b|c", "search-value-of-type", "b|c"},
		{"Patient", "identifier:of-type=a||c", "search-value-of-type", "a||c"},
		{"Observation", "code:in=http://x", "search-terminology-off", "in"},
		{"Observation", "code:below=s|c", "search-terminology-off", "below"},
		{"Patient", "_id:exact=x", "search-modifier-unsupported", "missing, not"},
		{"Patient", "_id:missing=x", "search-value-choice", "true"},
		{"ValueSet", "url:below=urn:oid:1.2", "search-value-path", "urn"},
		{"ValueSet", "url:above=x", "search-value-path", "x"},
		{"ValueSet", "url:in=x", "search-modifier-unsupported", "above, below, missing"},
		{"Observation", "subject:nonsense=x", "search-modifier-unsupported", "Patient"},
		{"Observation", "subject:identifier=a|b|c", "search-value-token", "a|b|c"},
		{"Observation", "value-quantity=.5", "search-value-quantity", ".5"},
		{"Patient", "_list=$current-problems", "search-list-functional", "$current-problems"},
		{"Patient", "_list=a/b", "search-value-id", "a/b"},
		{"Patient", "_list:not=a", "search-modifier-unsupported", "not"},
		{"Patient", "_has=x", "search-value-has", "_has"},
		{"Patient", "_has:Observation=x", "search-value-has", "_has:Observation"},
		{"Patient", "_has:Observation:patient=x", "search-value-has", "_has"},
		{"Patient", "_has:Observasion:patient:code=x", "search-type-unknown", "Observasion"},
		{"Patient", "_has:Observation:code:code=x", "search-chain-param", "code"},
		{"Patient", "_has:Observation:encounter:code=x", "search-include-target", "Patient"},
		{"Patient", "_has:Observation:patient:cod=x", "search-param-unknown", "cod"},
		{"Observation", "subject:Patient.organization.nmae=x", "search-param-unknown", "nmae"},
		{"Observation", "patient.link:Patient.link:Patient.link:Patient.link:Patient.link:Patient.link:Patient.name=x", "search-limit", "chain depth6"},
		{"Patient", "_revinclude=*", "search-include-unsupported", "*"},
		{"Patient", "_revinclude=*:*", "search-include-unsupported", "*"},
		{"Observation", "_include:recurse=Observation:subject", "search-modifier-unsupported", "iterate"},
		{"Patient", "_revinclude=Location:*", "search-include-target", "Location"},
		{"Patient", "_filter=", "search-value-empty", "_filter"},
		{"Patient", "_sort=", "search-value-empty", "_sort"},
		{"Patient", "_elements=", "search-value-empty", "_elements"},
		{"Patient", "_count=", "search-value-empty", "_count"},
		{"Patient", "_include=", "search-value-empty", "_include"},
		{"Patient", "_filter=name", "search-filter-syntax", "eq"},
		{"Patient", "_filter=name eq", "search-filter-syntax", "a value"},
		{"Patient", "_filter=name eq x and", "search-filter-syntax", "a search parameter"},
		{"Patient", "_filter=name eq x birthdate", "search-filter-syntax", "and, or"},
		{"Patient", "_filter=(name eq x", "search-filter-syntax", ")"},
		{"Patient", "_filter=not name eq x", "search-filter-syntax", "("},
		{"Patient", `_filter=name eq "x`, "search-filter-syntax", "JSON"},
		{"Patient", "_filter=name gt x", "search-filter-operator", "co, eq, ew, ne, pr, sw"},
		{"Patient", "_filter=nmae eq x", "search-param-unknown", "name"},
		{"Patient", "_filter=birthdate eq x", "search-value-date", "x"},
		{"Patient", "_filter=birthdate eq ge2020", "search-value-date", "ge2020"},
		{"Patient", "_filter=name pr maybe", "search-value-choice", "maybe"},
		{"Observation", "_filter=subject[gender eq male] eq x", "search-filter-syntax", "."},
		{"Observation", "_filter=code[x eq y].z eq w", "search-chain-param", "code"},
		{"Patient", "_filter=gender in http://x", "search-terminology-off", "in"},
		{"Patient", "_filter=" + strings.Repeat("(", 30), "search-limit", "depth"},
		{"Patient", "_query=x", "search-query-named", "_query"},
		{"Location", "near=1|200", "search-value-near", "1|200"},
		{"Observation", "subject:Practitioner=1", "search-modifier-unsupported", "Patient"},
		{"Patient", "name=", "search-value-empty", "name"},
		{"Patient", "name=a,,b", "search-value-empty", "name"},
		{"Patient", "name=--", "search-value-string", "--"},
		{"Patient", "_id=a_b", "search-value-id", "a_b"},
		{"Patient", "birthdate=1990-13", "search-value-date", "1990-13"},
		{"Patient", "birthdate=xx1990", "search-value-date", "xx1990"},
		{"Patient", "_lastUpdated=yesterday", "search-value-date", "yesterday"},
		{"Patient", "active=yes", "search-value-token", "yes"},
		{"Patient", "identifier=a|b|c", "search-value-token", "a|b|c"},
		{"Patient", "identifier=|", "search-value-token", "|"},
		{"Observation", "value-quantity=5.4|mg", "search-value-quantity", "5.4|mg"},
		{"Observation", "value-quantity=5,4|x", "search-value-quantity", "4|x"},
		{"Observation", "value-quantity=a", "search-value-quantity", "a"},
		{"RiskAssessment", "probability=high", "search-value-number", "high"},
		{"Observation", "subject=Patient/a/b", "search-value-reference", "Patient/a/b"},
		{"Observation", "subject=%23x", "search-value-contained", "#x"},
		{"Observation", "subject:Patient=%23x", "search-value-contained", "#x"},
		{"Observation", "subject:Patient=Group/1", "search-value-reference", "Group/1"},
		{"Observation", "code-value-quantity=a", "search-value-composite", "a"},
		{"Observation", "code-value-quantity=a$b$c", "search-value-composite", "a$b$c"},
		{"Observation", "code-value-quantity=a$b", "search-value-composite", "a$b"},
		{"Observation", "code.name=x", "search-chain-param", "code"},
		{"Observation", "patient.nmae=x", "search-param-unknown", "nmae"},
		{"Observation", "subject.nmae=x", "search-chain-unknown", "nmae"},
		{"Observation", "patient.birthdate=x", "search-value-date", "x"},
		{"Observation", "focus._lastUpdated=2020", "search-chain-types", "focus"},
		{"Observation", "_include=subject", "search-value-include", "subject"},
		{"Observation", "_include=Observation:code", "search-include-param", "token"},
		{"Observation", "_include=Encounter:subject", "search-include-source", "Encounter"},
		{"Observation", "_include=Observation:subject:Practitioner", "search-include-target", "Practitioner"},
		{"Patient", "_revinclude=Location:organization", "search-include-target", "Patient"},
		{"Patient", "_sort=nmae", "search-sort-unknown", "nmae"},
		{"Observation", "_sort=code-value-quantity", "search-sort-unsupported", "code-value-quantity"},
		{"Location", "_sort=near", "search-sort-unsupported", "near"},
		{"Patient", "_count=-1", "search-value-count", "-1"},
		{"Patient", "_count=1&_count=2", "search-param-repeated", "_count"},
		{"Patient", "_total=exact", "search-value-choice", "accurate, estimate, none"},
		{"Patient", "_summary=yes", "search-value-choice", "count, data, false, text, true"},
		{"Patient", "_elements=nmae", "search-value-elements", "nmae"},
		{"Pacient", "", "search-type-unknown", "Pacient"},
	} {
		_, err := bind(t, fhir.Type(c.of), c.query, Options{})
		e, ok := errors.AsType[*fhir.Error](err)
		if !ok || e.Code != c.code || !strings.Contains(fmt.Sprint(e.Args...), c.arg) {
			t.Errorf("%s?%s: %v, want %s with %q", c.of, c.query, err, c.code, c.arg)
		}
		if name, _, given := strings.Cut(c.query, "="); ok && given && e.Path != "http."+strings.FieldsFunc(name, func(r rune) bool { return r == ':' || r == '.' })[0] {
			t.Errorf("%s?%s: path %q", c.of, c.query, e.Path)
		}
		if ok && e.Kind != fhir.Invalid && e.Kind != fhir.TooCostly {
			t.Errorf("%s?%s: kind %d", c.of, c.query, e.Kind)
		}
	}
}

func TestBindResultParameters(t *testing.T) {
	r, err := bind(t, "Patient", "_count=20&_total=accurate&_summary=data&_elements=name,birthDate,Patient.deceased,resourceType&_sort=-birthdate,family,_id,-_lastUpdated&_format=json&_pretty=true&page=x", Options{Pass: []string{"page"}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Count != 20 || r.Total != TotalAccurate || r.Summary != SummaryData || fmt.Sprint(r.Elements) != "[name birthDate deceased resourceType]" {
		t.Errorf("%+v", r)
	}
	birthdate, family := ParamID(r4.Param("Patient", "birthdate").ID), ParamID(r4.Param("Patient", "family").ID)
	want := []SortKey{{Param: birthdate, Descending: true, Marked: true}, {Param: family, Marked: true}, {ByID: true}, {Param: ParamLastUpdated, Descending: true, Marked: true}}
	if !slices.Equal(r.Query.Sort, want) {
		t.Errorf("sort %v want %v", r.Query.Sort, want)
	}
	if want := "_count=20&_total=accurate&_summary=data&_elements=name,birthDate,Patient.deceased,resourceType&_sort=-birthdate,family,_id,-_lastUpdated&_format=json&_pretty=true"; r.Applied != want {
		t.Errorf("applied %s", r.Applied)
	}
	if r, _ := bind(t, "Patient", "", Options{}); r.Count != -1 || r.Applied != "" || r.Total != TotalDefault || r.Summary != SummaryDefault {
		t.Errorf("defaults: %+v", r)
	}
}

// TestAppliedBindsToTheSame: the self link, read again, is the same search.
func TestAppliedBindsToTheSame(t *testing.T) {
	for _, q := range []string{"name=V%C3%B5%20%26+x%3D&gender=a%7Cb", "subject:Patient.name:exact=%25%23", `code=a\,b,c\|d`, "value-quantity=gt5.4%7Chttp://u%7Cmg", "date=2020-01-01T00:00:00%2B07:00"} {
		of := fhir.Type("Observation")
		if strings.HasPrefix(q, "name") {
			of = "Patient"
		}
		one, err := bind(t, of, q, Options{})
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		two, err := bind(t, of, one.Applied, Options{})
		if err != nil || two.Applied != one.Applied || !slices.Equal(mustParse(t, q), mustParse(t, one.Applied)) {
			t.Errorf("%s: applied %s, again %s %v", q, one.Applied, two.Applied, err)
		}
	}
}

func mustParse(t *testing.T, q string) []Parameter {
	p, err := Parse(q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBindCriteria(t *testing.T) {
	q, err := BindCriteria("Patient", "identifier=s|v&active=true", Options{Lenient: true})
	if err != nil || len(q.Where) != 2 {
		t.Errorf("%v %v", q, err)
	}
	for query, code := range map[string]string{
		"": "search-criteria-empty", "_count=1": "search-criteria-result", "identifier=x&_sort=name": "search-criteria-result", "nmae=x": "search-param-unknown",
	} {
		if _, err := BindCriteria("Patient", query, Options{Lenient: true}); codeOf(err) != code {
			t.Errorf("%s: %v want %s", query, err, code)
		}
	}
}

// TestEveryParameterBinds: each search parameter of each type takes a value of its type; specials are refused in words.
func TestEveryParameterBinds(t *testing.T) {
	values := map[r4.ParamType]string{
		r4.ParamString: "x", r4.ParamToken: "true", r4.ParamReference: "http://x/y", r4.ParamDate: "ge2020", r4.ParamNumber: "5", r4.ParamQuantity: "5|s|c", r4.ParamURI: "urn:x",
		r4.ParamSpecial: "1|2",
	}
	content := ContentParam()
	content.ID = r4.FirstCustom
	reg, err := (*r4.Registry)(nil).With([]*r4.SearchParam{content})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, of := range r4.Types() {
		for _, p := range r4.Params(of) {
			n++
			value := values[p.Type]
			if p.Type == r4.ParamComposite {
				var parts []string
				for _, c := range p.Components {
					parts = append(parts, values[ComponentType(c, componentElements(p, c))])
				}
				value = strings.Join(parts, "$")
			}
			r, err := bind(t, of, p.Code+"="+value, Options{Registry: reg})
			switch {
			case unsupported[p.Code] != "":
				if codeOf(err) != unsupported[p.Code] {
					t.Errorf("%s.%s: %v", of, p.Code, err)
				}
			case err != nil:
				t.Errorf("%s.%s=%s: %v", of, p.Code, value, err)
			case len(r.Query.Where) != 1:
				t.Errorf("%s.%s: %v", of, p.Code, r.Query)
			}
		}
	}
	t.Log(n, "parameters")
}

func TestTooManyValuesAreTooCostly(t *testing.T) {
	_, err := bind(t, "Observation", "code="+strings.Repeat("a,", maxTerms)+"a", Options{})
	if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind != fhir.TooCostly {
		t.Error(err)
	}
}

func FuzzBind(f *testing.F) {
	for _, q := range []string{
		"name:exact=V%C3%B5&birthdate=ge1990&_sort=-name", "subject:Patient.name=x", `code=a\|b|c\$d,e`, "code-value-quantity=a|b$gt5||mg",
		"_include=Observation:subject:Patient&_count=0", "value-quantity=ap5.4e3|s|c&date=2020-01-01T10:00:00 07:00", "_has:a:b:c=d", "a=%", "_elements=id",
		"_has:Observation:patient:encounter.status=x&name:missing=true", "_list=l1&_text=a b*,c&_filter=name eq x and not (gender ne y)", "identifier:of-type=s|c|v&identifier:text=x",
		"subject:Patient._has:Encounter:subject:_has:Observation:encounter:code=x", "_include:iterate=*&_revinclude=Observation:*", "value-quantity=lt5.4|http://unitsofmeasure.org|mg/dL", "name=van nguyen&name:contains=x",
	} {
		f.Add(q, true)
	}
	now := time.Unix(1_700_000_000, 0)
	f.Fuzz(func(t *testing.T, query string, patient bool) {
		params, err := Parse(query)
		if err != nil {
			return
		}
		of := fhir.Type("Observation")
		if patient {
			of = "Patient"
		}
		strict, err := Bind(of, params, Options{Now: now})
		lenient, lerr := Bind(of, params, Options{Now: now, Lenient: true})
		if err == nil && (lerr != nil || lenient.Applied != strict.Applied || len(lenient.Ignored) > 0) {
			t.Fatalf("%s: strict takes it, lenient says %v %v", query, lerr, lenient.Ignored)
		}
		if err != nil {
			return
		}
		again, err := Parse(strict.Applied)
		if err != nil || !slices.Equal(again, params) {
			t.Fatalf("%s: self link %s is %v", query, strict.Applied, again)
		}
		for _, c := range strict.Query.Where {
			if terms, ok := c.(Terms); ok && len(terms.Any) == 0 {
				t.Fatalf("%s: a condition that nothing can meet", query)
			}
		}
	})
}

// TestChainsOfPoliciesStayApart: they do not lead into contained resources, others do.
func TestChainsOfPoliciesStayApart(t *testing.T) {
	for _, apart := range []bool{false, true} {
		q, err := BindCriteria("Observation", "subject:Patient.organization.name=x", Options{Apart: apart})
		if err != nil {
			t.Fatal(err)
		}
		c := q.Where[0].(Chain)
		next := c.Targets[0].Where[0].(Chain)
		if (c.Within == nil) != apart || (next.Within == nil) != apart {
			t.Errorf("apart %v: %+v", apart, c)
		}
	}
}

// TestSortKeysAreBounded: the same key again is no further one.
func TestSortKeysAreBounded(t *testing.T) {
	sorted := func(names ...string) (Request, error) {
		return Bind("Patient", []Parameter{{Name: "_sort", Value: strings.Join(names, ",")}}, Options{Limits: Limits{SortKeys: 3}})
	}
	r, err := sorted("birthdate", "-birthdate", "_id", "birthdate", "name", "_id")
	if err != nil || len(r.Query.Sort) != 3 || r.Query.Sort[0].Descending || !r.Query.Sort[1].ByID {
		t.Errorf("%+v, %v", r.Query.Sort, err)
	}
	if _, err := sorted("birthdate", "name", "_id", "gender"); codeOf(err) != "search-limit" {
		t.Errorf("four keys: %v", err)
	}
}
