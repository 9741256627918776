package walk_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/walk"
)

func parse(tb testing.TB, raw string) resource.Value {
	tb.Helper()
	d, err := resource.Parse([]byte(raw), resource.Limits{})
	if err != nil {
		tb.Fatalf("%s: %v", raw, err)
	}
	return d.Root()
}

// faults gives the issues as "code path", one a line.
func faults(issues []fhir.Issue) string {
	var lines []string
	for _, i := range issues {
		lines = append(lines, i.Code+" "+i.Path)
	}
	return strings.Join(lines, "\n")
}

func TestFaultsHaveTheirPath(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"a sound patient", `{"resourceType":"Patient","name":[{"family":"Võ","given":["Văn","An"]}],"birthDate":"1990-02"}`, ""},
		{"no type", `{"id":"1"}`, "resource-type-missing Resource"},
		{"a type that is not R4", `{"resourceType":"Pacient"}`, "resource-type-unknown Pacient"},
		{"an abstract type", `{"resourceType":"DomainResource"}`, "resource-type-unknown DomainResource"},
		{"a type that is a number", `{"resourceType":5}`, "element-not-string Resource.resourceType"},
		{"an unknown element deep inside", `{"resourceType":"Patient","contact":[{"gender":"male"},{"nom":"x"}]}`, "element-unknown Patient.contact[1].nom"},
		{"resourceType where no resource is", `{"resourceType":"Patient","name":[{"resourceType":"HumanName"}]}`, "element-unknown Patient.name[0].resourceType"},
		{"a choice by its base name", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"value":5}`, "element-unknown Observation.value"},
		{"an object for an array", `{"resourceType":"Patient","name":{"family":"Võ"}}`, "element-not-array Patient.name"},
		{"an array for an object", `{"resourceType":"Patient","maritalStatus":[{"text":"x"}]}`, "element-not-repeated Patient.maritalStatus"},
		{"an array for a primitive", `{"resourceType":"Patient","birthDate":["1990"]}`, "element-not-repeated Patient.birthDate"},
		{"a string for an object", `{"resourceType":"Patient","maritalStatus":"M"}`, "element-not-object Patient.maritalStatus"},
		{"a string for a boolean", `{"resourceType":"Patient","active":"true"}`, "element-not-boolean Patient.active"},
		{"a number for a string", `{"resourceType":"Patient","name":[{"family":5}]}`, "element-not-string Patient.name[0].family"},
		{"a string for a number", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueInteger":"5"}`, "element-not-number Observation.valueInteger"},
		{"required elements missing", `{"resourceType":"Observation"}`, "element-missing Observation.status\nelement-missing Observation.code"},
		{"a required choice missing", `{"resourceType":"Immunization","status":"completed","vaccineCode":{"text":"BCG"},"patient":{"reference":"Patient/1"}}`, "element-missing Immunization.occurrence[x]"},
		{"a required element inside an element", `{"resourceType":"Patient","link":[{"type":"refer"}]}`, "element-missing Patient.link[0].other"},
		{"two variants of one choice", `{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2020"}`, "choice-twice Patient.deceased[x]"},
		{"a variant and another's companion", `{"resourceType":"Patient","deceasedBoolean":true,"_deceasedDateTime":{"id":"a"}}`, "choice-twice Patient.deceased[x]"},
		{"null without a companion", `{"resourceType":"Patient","name":[{"given":["An",null]}]}`, "element-null Patient.name[0].given[1]"},
		{"null with a companion", `{"resourceType":"Patient","name":[{"given":["An",null],"_given":[null,{"id":"a"}]}]}`, ""},
		{"both null", `{"resourceType":"Patient","name":[{"given":[null,"An"],"_given":[null,{"id":"a"}]}]}`, "element-null Patient.name[0].given[0]\ncompanion-empty Patient.name[0]._given[0]"},
		{"companions of another length", `{"resourceType":"Patient","name":[{"given":["An"],"_given":[null,{"id":"a"}]}]}`, "companion-length Patient.name[0]._given"},
		{"a companion alone fills what is required", `{"resourceType":"Observation","_status":{"extension":[{"url":"http://x","valueCode":"masked"}]},"code":{"text":"x"}}`, ""},
		{"a companion of a complex element", `{"resourceType":"Patient","_maritalStatus":{"id":"a"}}`, "companion-not-primitive Patient._maritalStatus"},
		{"a companion of nothing", `{"resourceType":"Patient","_nom":{"id":"a"}}`, "element-unknown Patient._nom"},
		{"a companion that is a string", `{"resourceType":"Patient","_birthDate":"x"}`, "element-not-object Patient._birthDate"},
		{"a companion with more than it may have", `{"resourceType":"Patient","_birthDate":{"value":"x"}}`, "element-unknown Patient._birthDate.value"},
		{"an array as companion of a single value", `{"resourceType":"Patient","_birthDate":[{"id":"a"}]}`, "element-not-repeated Patient._birthDate"},
		{"an extension without url", `{"resourceType":"Patient","extension":[{"valueString":"x"}]}`, "element-missing Patient.extension[0].url"},
		{"a fault inside contained", `{"resourceType":"Patient","contained":[{"resourceType":"Organization","nom":"x"}]}`, "element-unknown Patient.contained[0].nom"},
		{"contained without type", `{"resourceType":"Patient","contained":[{"id":"x"}]}`, "resource-type-missing Patient.contained[0]"},
		{"a bundle's entry", `{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","birthDate":"x"}}]}`, "date-invalid Bundle.entry[0].resource.birthDate"},
		{"a structure used again", `{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"group","item":[{"linkId":"2","typ":"x","type":"group"}]}]}`, "element-unknown Questionnaire.item[0].item[0].typ"},
		{"an empty string", `{"resourceType":"Patient","name":[{"family":""}]}`, "string-empty Patient.name[0].family"},
		{"a control character", `{"resourceType":"Patient","name":[{"family":"a\u0000b"}]}`, "string-control Patient.name[0].family"},
		{"a narrative that is no string", `{"resourceType":"Patient","text":{"status":"generated","div":{"p":"x"}}}`, "element-not-string Patient.text.div"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := faults(walk.Resource(parse(t, c.doc), 0)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestPrimitiveFormats puts each value into an extension, which has a variant for each primitive type.
func TestPrimitiveFormats(t *testing.T) {
	for name, values := range map[string]struct{ good, bad []string }{
		"Boolean":      {[]string{`true`, `false`}, []string{`1`, `"true"`}},
		"Integer":      {[]string{`0`, `-1`, `2147483647`, `-2147483648`}, []string{`1.0`, `1e2`, `-0`, `2147483648`, `-2147483649`, `99999999999`}},
		"PositiveInt":  {[]string{`1`, `2147483647`}, []string{`0`, `-1`, `2147483648`}},
		"UnsignedInt":  {[]string{`0`, `7`}, []string{`-1`, `1.5`}},
		"Decimal":      {[]string{`0`, `-1.10`, `1e5`, `1.5E-7`, `123456789012345678901234567890.5`}, []string{`"1.0"`, `true`}},
		"String":       {[]string{`"a b\n"`, `" "`, `"Đ"`}, []string{`""`, `"\u0001"`}},
		"Code":         {[]string{`"a"`, `"a b"`, `"đ"`}, []string{`" a"`, `"a "`, `"a  b"`, `"\t"`}},
		"Id":           {[]string{`"a-1.B"`, `"` + strings.Repeat("a", 64) + `"`}, []string{`"a_b"`, `"a b"`, `"` + strings.Repeat("a", 65) + `"`}},
		"Uri":          {[]string{`"urn:x"`, `"http://a/b?c=d#e"`, `"http:\/\/a"`}, []string{`"a b"`, `" a"`, `"a\u00a0b"`}},
		"Url":          {[]string{`"http://a"`}, []string{`"a b"`}},
		"Canonical":    {[]string{`"http://a|1.0"`}, []string{`"a b"`}},
		"Oid":          {[]string{`"urn:oid:1.2.3"`, `"urn:oid:2.16.840.1"`, `"urn:oid:0.0"`}, []string{`"1.2.3"`, `"urn:oid:3.1"`, `"urn:oid:1"`, `"urn:oid:1."`, `"urn:oid:1.02"`}},
		"Uuid":         {[]string{`"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"`}, []string{`"c757873d-ec9a-4326-a141-556f43239520"`, `"urn:uuid:C757873D-ec9a-4326-a141-556f43239520"`, `"urn:uuid:x"`}},
		"Base64Binary": {[]string{`"YQ=="`, `"YWI="`, `"YWJj"`, `"YW Jj\n"`}, []string{`"YQ="`, `"Y"`, `"YQ==YQ=="`, `"===="`, `"Y!Jj"`}},
		"Date":         {[]string{`"2020"`, `"2020-02"`, `"2020-02-29"`, `"0001-01-01"`}, []string{`"2021-02-29"`, `"2020-13"`, `"2020-1-1"`, `"0000"`, `"20"`, `"2020-01-01T00:00:00Z"`, `"2020-04-31"`, `"01/02/2020"`}},
		"DateTime":     {[]string{`"2020"`, `"2020-02-29"`, `"2020-02-29T23:59:60Z"`, `"2020-02-29T00:00:00.123456+07:00"`, `"2020-01-01T00:00:00-12:00"`}, []string{`"2020-02-29T10:00Z"`, `"2020-02-29T10:00:00"`, `"2020-02-29T24:00:00Z"`, `"2020-02-29T10:00:00.Z"`, `"2020-02-29 10:00:00Z"`, `"2020-02-29T10:00:00+14:30"`, `"2020-02-29T10:00:00+0700"`}},
		"Instant":      {[]string{`"2020-02-29T00:00:00Z"`, `"2020-02-29T00:00:00.1+07:00"`}, []string{`"2020"`, `"2020-02-29"`, `"2020-02-29T00:00:00"`}},
		"Time":         {[]string{`"00:00:00"`, `"23:59:59.999"`}, []string{`"24:00:00"`, `"10:00"`, `"10:00:00Z"`, `"1:00:00"`}},
		"Markdown":     {[]string{`"# a"`}, []string{`""`}},
	} {
		check := func(lit string) []fhir.Issue {
			return walk.Resource(parse(t, fmt.Sprintf(`{"resourceType":"Basic","code":{"text":"x"},"extension":[{"url":"u","value%s":%s}]}`, name, lit)), 0)
		}
		for _, lit := range values.good {
			if got := check(lit); got != nil {
				t.Errorf("%s %s: %s", name, lit, faults(got))
			}
		}
		for _, lit := range values.bad {
			if got := check(lit); len(got) != 1 || got[0].Path != "Basic.extension[0].value"+name {
				t.Errorf("%s %s is accepted, or refused elsewhere: %s", name, lit, faults(got))
			}
		}
	}
}

func TestIssuesAreBounded(t *testing.T) {
	doc := `{"resourceType":"Patient","name":[` + strings.Repeat(`{"x":1},`, 500) + `{"x":1}]}`
	for limit, want := range map[int]int{0: walk.DefaultIssues, 1: 1, 7: 7} {
		if got := walk.Resource(parse(t, doc), limit); len(got) != want {
			t.Errorf("limit %d: %d issues", limit, len(got))
		}
	}
}

// recorder follows the elements on a path and notes what it sees.
type recorder struct {
	path []string
	seen []string
}

func (r *recorder) Start(t fhir.Type, _ resource.Value) walk.State {
	r.seen = append(r.seen, string(t))
	return 1
}

func (r *recorder) Enter(parent walk.State, e *r4.Element, v resource.Value) walk.State {
	if e.Name != r.path[parent-1] {
		return 0
	}
	r.seen = append(r.seen, v.Path())
	if int(parent) == len(r.path) {
		return 0
	}
	return parent + 1
}

func TestVisitorsSeeWhatTheyFollow(t *testing.T) {
	v := parse(t, `{"resourceType":"Patient","contained":[{"resourceType":"Patient","name":[{"family":"C"}]}],
		"name":[{"family":"A","_family":{"id":"x"}},{"given":["G"]},{"family":"B"}],"contact":[{"name":{"family":"D"}}]}`)
	a, b := &recorder{path: []string{"name", "family"}}, &recorder{path: []string{"contact", "name", "family"}}
	if issues := walk.Resource(v, 0, a, b); issues != nil {
		t.Fatal(faults(issues))
	}
	if got, want := fmt.Sprint(a.seen), "[Patient Patient.name[0] Patient.name[0].family Patient.name[1] Patient.name[2] Patient.name[2].family]"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
	if got, want := fmt.Sprint(b.seen), "[Patient Patient.contact[0] Patient.contact[0].name Patient.contact[0].name.family]"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
}

func FuzzResource(f *testing.F) {
	f.Add(`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"a"}]}],"_birthDate":{"extension":[{"url":"u","valueDate":"2020"}]}}`)
	f.Add(`{"resourceType":"Observation","valueQuantity":{"value":1.10},"valueString":"x","component":[{}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		d, err := resource.Parse([]byte(raw), resource.Limits{})
		if err != nil {
			return
		}
		all := walk.Resource(d.Root(), 0)
		for _, i := range all {
			if i.Code == "" || i.Path == "" {
				t.Fatalf("issue without code or path: %+v", i)
			}
		}
		if one := walk.Resource(d.Root(), 1); len(one) != min(1, len(all)) {
			t.Fatalf("%d issues with a limit of 1, %d without", len(one), len(all))
		}
	})
}
