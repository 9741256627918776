package index_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/walk"
)

// sample is a JSON value of a type and queries that must find it, by type of parameter.
type sample struct {
	json  string
	finds map[r4.ParamType]string
}

var samples = map[string]sample{
	"CodeableConcept": {`{"coding":[{"system":"http://s","code":"c1"}]}`, map[r4.ParamType]string{r4.ParamToken: "http://s|c1"}},
	"Coding":          {`{"system":"http://s","code":"c1"}`, map[r4.ParamType]string{r4.ParamToken: "http://s|c1"}},
	"Identifier":      {`{"system":"http://s","value":"v1"}`, map[r4.ParamType]string{r4.ParamToken: "http://s|v1"}},
	"ContactPoint":    {`{"system":"phone","value":"0901"}`, map[r4.ParamType]string{r4.ParamToken: "0901"}},
	"code":            {`"c1"`, map[r4.ParamType]string{r4.ParamToken: "c1"}},
	"boolean":         {`true`, map[r4.ParamType]string{r4.ParamToken: "true"}},
	"id":              {`"i1"`, map[r4.ParamType]string{r4.ParamToken: "i1"}},
	"string":          {`"Võ Lê"`, map[r4.ParamType]string{r4.ParamString: "vo", r4.ParamToken: "Võ Lê"}},
	"markdown":        {`"Võ Lê"`, map[r4.ParamType]string{r4.ParamString: "vo le"}},
	"HumanName":       {`{"family":"Võ"}`, map[r4.ParamType]string{r4.ParamString: "vo"}},
	"Address":         {`{"district":"Sơn Tịnh"}`, map[r4.ParamType]string{r4.ParamString: "son tinh"}},
	"date":            {`"2020-05-05"`, map[r4.ParamType]string{r4.ParamDate: "2020-05"}},
	"dateTime":        {`"2020-05-05T10:00:00Z"`, map[r4.ParamType]string{r4.ParamDate: "2020-05-05"}},
	"instant":         {`"2020-05-05T10:00:00Z"`, map[r4.ParamType]string{r4.ParamDate: "ge2020-05-05"}},
	"Period":          {`{"start":"2020-05-05","end":"2021"}`, map[r4.ParamType]string{r4.ParamDate: "ge2021-12-31"}},
	"Timing":          {`{"event":["2020-05-05"]}`, map[r4.ParamType]string{r4.ParamDate: "2020"}},
	"Quantity":        {`{"value":5.4,"system":"http://u","code":"kg"}`, map[r4.ParamType]string{r4.ParamQuantity: "5.4|http://u|kg"}},
	"Age":             {`{"value":5.4,"system":"http://u","code":"a"}`, map[r4.ParamType]string{r4.ParamQuantity: "gt5||a"}},
	"Duration":        {`{"value":5.4,"unit":"phút"}`, map[r4.ParamType]string{r4.ParamQuantity: "5.4||phút"}},
	"Money":           {`{"value":5000,"currency":"VND"}`, map[r4.ParamType]string{r4.ParamQuantity: "5000||VND"}},
	"Range":           {`{"low":{"value":1},"high":{"value":9}}`, map[r4.ParamType]string{r4.ParamQuantity: "gt8", r4.ParamNumber: "lt2"}},
	"SampledData":     {`{"origin":{"value":1,"unit":"V"},"period":1,"dimensions":1,"data":"1 2"}`, map[r4.ParamType]string{r4.ParamQuantity: "3||V"}},
	"integer":         {`7`, map[r4.ParamType]string{r4.ParamNumber: "7"}},
	"decimal":         {`7.25`, map[r4.ParamType]string{r4.ParamNumber: "7.25"}},
	"uri":             {`"http://u/x"`, map[r4.ParamType]string{r4.ParamURI: "http://u/x", r4.ParamToken: "http://u/x", r4.ParamReference: "http://u/x"}},
	"url":             {`"http://u/x"`, map[r4.ParamType]string{r4.ParamURI: "http://u/x"}},
	"canonical":       {`"http://u/x|1"`, map[r4.ParamType]string{r4.ParamURI: "http://u/x", r4.ParamReference: "http://u/x"}},
	"Reference":       {`{"reference":"%s/1"}`, map[r4.ParamType]string{r4.ParamReference: "%s/1"}},
	"Resource":        {`{"resourceType":"%s","id":"1"}`, map[r4.ParamType]string{r4.ParamReference: "%s/1"}},
}

// without are leaves that a parameter's path has and its type cannot compare: a procedure performed "in childhood".
var without = map[string]bool{
	"date string": true, "date Age": true, "date Range": true, "reference Attachment": true,
	"token Quantity": true, "token Range": true, "token Reference": true,
}

// leaf gives the JSON of a value for a parameter type and what finds it; ok is false for types it cannot compare.
func leaf(t *testing.T, kind r4.ParamType, e *r4.Element, target fhir.Type) (json, finds string, ok bool) {
	s := samples[e.TypeName]
	finds, ok = s.finds[kind]
	if !ok {
		if !without[kind.String()+" "+e.TypeName] {
			t.Errorf("no sample of %s for a %s parameter", e.TypeName, kind)
		}
		return "", "", false
	}
	if e.Targets != nil && !slices.Contains(e.Targets, target) {
		target = e.Targets[0]
	}
	return strings.Replace(s.json, "%s", string(target), 1), strings.Replace(finds, "%s", string(target), 1), true
}

// nest puts a value where the steps lead, with what their filters demand.
func nest(steps []fhirpath.Step, choice *r4.Element, json string) string {
	if len(steps) == 0 {
		return json
	}
	s := steps[0]
	e := s.Properties[0]
	if len(steps) == 1 {
		e = choice
	}
	inner := nest(steps[1:], choice, json)
	for _, f := range s.Filters {
		if f.Property != "" {
			inner = strings.Replace(fmt.Sprintf(`{%q:%q,%s`, f.Property, f.Equals, inner[1:]), `"system":"phone",`, "", 1)
		}
	}
	if e.Array {
		inner = "[" + inner + "]"
	}
	return fmt.Sprintf(`{%q:%s}`, e.Name, inner)
}

// targetOf gives a type that a path may point at.
func targetOf(p *r4.SearchParam, path fhirpath.Path) fhir.Type {
	for _, s := range path.Steps {
		for _, f := range s.Filters {
			if f.Target != "" {
				return f.Target
			}
		}
	}
	if len(p.Targets) > 0 {
		return p.Targets[0]
	}
	return "Patient"
}

func resolve(t *testing.T, expression string, s *r4.Struct) []fhirpath.Path {
	e, err := fhirpath.Parse(expression)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := e.Paths(s)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestEveryParameterFindsWhatItsPathHolds builds, for each path of each search parameter of each R4 type, a document
// with one value there, and looks for it.
func TestEveryParameterFindsWhatItsPathHolds(t *testing.T) {
	x := index.New(index.Options{})
	params, docs := 0, 0
	check := func(of fhir.Type, p *r4.SearchParam, body, value string) {
		t.Helper()
		raw := fmt.Sprintf(`{"resourceType":%q,%s`, of, body[1:])
		d, err := resource.Parse([]byte(raw), resource.Limits{})
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			return
		}
		i := x.Get()
		defer i.Release()
		for _, issue := range walk.Resource(d.Root(), 0, i) {
			if issue.Code != "element-missing" { // the document has nothing but the value
				t.Errorf("%s: %s at %s", raw, issue.Code, issue.Path)
			}
		}
		list, err := search.Parse(p.Code + "=" + url.QueryEscape(value))
		if err != nil {
			t.Fatal(err)
		}
		req, err := search.Bind(of, list, search.Options{})
		if err != nil {
			t.Errorf("%s?%s=%s: %v", of, p.Code, value, err)
			return
		}
		docs++
		if entries := i.Entries(); !search.Matches(req.Query, fhir.Key{Type: of, ID: "x"}, entries, nil) {
			t.Errorf("%s?%s=%s does not find %s: %v", of, p.Code, value, raw, entries)
		}
	}
	for _, of := range r4.Types() {
		for _, p := range r4.Params(of) {
			if p.Expression == "" || p.Type == r4.ParamSpecial || p.Code == "_id" || p.Code == "_lastUpdated" {
				continue
			}
			params++
			before := docs
			for _, path := range resolve(t, p.Expression, r4.Resource(of)) {
				switch {
				case path.Computed != nil: // Patient.deceased
					check(of, p, `{"deceasedDateTime":"2020"}`, "true")
				case p.Type == r4.ParamComposite:
					if body, value, ok := compose(t, of, p, path); ok {
						check(of, p, body, value)
					}
				default:
					for _, e := range path.Last() {
						if json, finds, ok := leaf(t, p.Type, e, targetOf(p, path)); ok {
							check(of, p, nest(path.Steps, e, json), finds)
						}
					}
				}
			}
			if docs == before {
				t.Errorf("%s.%s was not tried", of, p.Code)
			}
		}
	}
	t.Logf("%d parameters, %d documents", params, docs)
}

// compose builds a value for a composite, with the first leaf of each component, and the query for it.
func compose(t *testing.T, of fhir.Type, p *r4.SearchParam, path fhirpath.Path) (body, value string, ok bool) {
	s := r4.Resource(of)
	var last *r4.Element
	if l := path.Last(); l != nil {
		last = l[0]
		s = last.Struct
	}
	var members, values []string
	outside := ""
	for _, c := range p.Components {
		expression, holder := c.Expression, s
		if rest, whole := strings.CutPrefix(expression, "%resource."); whole {
			expression, holder = rest, r4.Resource(of)
		}
		for _, path := range resolve(t, expression, holder) {
			e := path.Last()[0]
			json, finds, fits := leaf(t, search.ComponentType(c, []*r4.Element{e}), e, targetOf(c.Param, path))
			if !fits {
				return "", "", false
			}
			one := nest(path.Steps, e, json)
			if holder != s {
				outside = "," + one[1:len(one)-1]
			} else {
				members = append(members, one[1:len(one)-1])
			}
			values = append(values, finds)
			break
		}
	}
	inside := "{" + strings.Join(members, ",") + "}"
	if last != nil {
		inside = nest(path.Steps, last, inside)
	}
	return inside[:len(inside)-1] + outside + "}", strings.Join(values, "$"), true
}
