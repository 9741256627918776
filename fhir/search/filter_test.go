package search

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
)

// String writes an expression with all its parentheses.
func (n *filterNode) String() string {
	switch n.op {
	case "and", "or":
		if len(n.of) == 1 {
			return n.of[0].String()
		}
		var parts []string
		for _, x := range n.of {
			parts = append(parts, x.String())
		}
		return "(" + strings.Join(parts, " "+n.op+" ") + ")"
	case "not":
		return "not(" + n.of[0].String() + ")"
	}
	var path []string
	for _, s := range n.path {
		one := s.name
		if s.of != "" {
			one += ":" + s.of
		}
		if s.inside != nil {
			one += "[" + s.inside.String() + "]"
		}
		path = append(path, one)
	}
	return strings.Join(path, ".") + " " + n.op + " " + fmt.Sprintf("%q", n.value)
}

func TestParseFilter(t *testing.T) {
	for in, want := range map[string]string{
		`given eq "peter" and birthdate ge 2014-10-10`:       `(given eq "peter" and birthdate ge "2014-10-10")`,
		`a eq 1 or b eq 2 and c eq 3`:                        `((a eq "1" or b eq "2") and c eq "3")`,
		`a eq 1 and b eq 2 or c eq 3`:                        `((a eq "1" and b eq "2") or c eq "3")`,
		`a eq 1 or (b eq 2 and c eq 3)`:                      `(a eq "1" or (b eq "2" and c eq "3"))`,
		`a eq 1 and b eq 2 and c eq 3`:                       `(a eq "1" and b eq "2" and c eq "3")`,
		`(a eq 1 and b eq 2) and c eq 3`:                     `((a eq "1" and b eq "2") and c eq "3")`,
		`not (a pr true)`:                                    `not(a pr "true")`,
		`not(a pr true)`:                                     `not(a pr "true")`,
		`  a.b:Patient.c  co  "x \"y\" )"  `:                 `a.b:Patient.c co "x \"y\" )"`,
		`name eq http://loinc.org|1234-5`:                    `name eq "http://loinc.org|1234-5"`,
		`related[type eq "comp" and x eq y].target pr false`: `related[(type eq "comp" and x eq "y")].target pr "false"`,
		`date ge 2024-03-02T10:00:00 07:00 and code eq 1`:    `(date ge "2024-03-02T10:00:00 07:00" and code eq "1")`,
		`(date lt 2024-03-02T10:00 07:00)`:                   `date lt "2024-03-02T10:00 07:00"`,
		`android eq 1 and order eq 2`:                        `(android eq "1" and order eq "2")`,
	} {
		n, err := parseFilter(in)
		if err != nil || n.String() != want {
			t.Errorf("%s: %v %v, want %s", in, n, err, want)
		}
	}
}

// FuzzFilter: any text is read or refused in words, and what is read binds or is refused in words.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`given eq "peter" and not (birthdate ge 2014-10-10 or name pr true)`, `subject[gender eq male].name co x`, `code-value-quantity eq a$5||mg`,
		`a.b.c.d.e eq 1`, `((((`, `name eq "\u0000"`, `date po 2020 and _id ne x`, `name eq ,\|$`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !clean(s) {
			return
		}
		n, err := parseFilter(s)
		if err == nil {
			if again, err := parseFilter(n.String()); err != nil && len(n.String()) < 4000 && !strings.Contains(n.String(), `\x`) && !strings.Contains(n.String(), `\U`) &&
				!strings.Contains(n.String(), `\a`) && !strings.Contains(n.String(), `\v`) && codeOf(err) != "search-limit" {
				t.Fatalf("%s is %s, which cannot be read: %v %v", s, n, again, err)
			}
		}
		for _, of := range []fhir.Type{"Patient", "Observation"} {
			_, err := Bind(of, []Parameter{{Name: "_filter", Value: s}}, Options{})
			if e, ok := err.(*fhir.Error); err != nil && (!ok || e.Kind != fhir.Invalid && e.Kind != fhir.TooCostly) {
				t.Fatalf("%s: %v", s, err)
			}
		}
	})
}
