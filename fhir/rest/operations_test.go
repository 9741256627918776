package rest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
)

// echo answers with what it was asked for, as Parameters.
func echo(_ context.Context, a rest.Asked) ([]byte, error) {
	return resource.AppendJSON(nil, resource.ObjectOf{"resourceType", "Parameters", "parameter", resource.ListOf{
		resource.ObjectOf{"name", "asked", "valueString", a.Key.String() + "?" + a.Query + " " + string(a.Body.Raw())},
	}}), nil
}

func TestOperationsOfRoomsAboveAreReachedWhereTheySay(t *testing.T) {
	s := serve(t, func(_ *interaction.Config, c *rest.Config) {
		c.Operations = []rest.Operation{
			{Name: "of-server", Reads: true, Definition: "http://x/of-server", Run: echo},
			{Name: "of-any", Type: "Patient", Reads: true, Definition: "http://x/of-type", Run: echo},
			{Name: "of-any", Type: "Patient", Instance: true, Definition: "http://x/of-one", Run: echo},
		}
	})
	body := `{"resourceType":"Parameters"}`
	for _, c := range []struct{ method, path, send, want string }{
		{"GET", "/$of-server?a=1&_format=json", "", "/?a=1 "},
		{"POST", "/$of-server", body, "/? " + body},
		{"GET", "/Patient/$of-any?b=x%7Cy", "", "Patient/?b=x%7Cy "},
		{"POST", "/Patient/p1/$of-any", body, "Patient/p1? " + body},
	} {
		var send []byte
		if c.send != "" {
			send = []byte(c.send)
		}
		got := s.do(t, c.method, c.path, send).want(t, 200).doc(t).Get("parameter").At(0).Get("valueString").Text()
		if got != c.want {
			t.Errorf("%s %s asked for %q, want %q", c.method, c.path, got, c.want)
		}
	}
	for _, path := range []string{"/$of-any", "/Observation/$of-any", "/Patient/$of-server"} {
		s.do(t, "GET", path, nil).want(t, 404)
	}
	if m := string(s.do(t, "GET", "/metadata", nil).want(t, 200).raw); strings.Count(m, `"http://x/of-server"`) != 1 || strings.Count(m, `"http://x/of-type"`) != 1 {
		t.Error("the CapabilityStatement does not list an operation of the server once, or one of a type")
	}
}

func TestParametersReadAsLists(t *testing.T) {
	answer := `{"resourceType":"Parameters","parameter":[{"name":"dose","part":[{"name":"vaccine","valueCodeableConcept":{"coding":[{"code":"19"}],"text":"BCG <b>"}},` +
		`{"name":"source","valueReference":{"reference":"Immunization/a","display":"Trạm"}},{"name":"strange","valueReference":{"reference":"javascript:alert(1)"}}]},` +
		`{"name":"recommendation","resource":{"resourceType":"ImmunizationRecommendation","date":"2025-01-01"}}]}`
	s := serve(t, func(_ *interaction.Config, c *rest.Config) {
		c.Operations = []rest.Operation{{Name: "of-any", Type: "Patient", Reads: true, Run: func(context.Context, rest.Asked) ([]byte, error) { return []byte(answer), nil }}}
	})
	page := string(s.do(t, "GET", "/Patient/$of-any", nil, "Accept: text/html").want(t, 200).raw)
	for _, want := range []string{"<dt>vaccine</dt><dd>BCG &lt;b&gt;", `<a href="` + s.base + `/Immunization/a">Trạm</a>`, "<dt>recommendation</dt><dd>ImmunizationRecommendation 2025-01-01", "<h1>Patient/$of-any</h1>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s:\n%s", want, page)
		}
	}
	if strings.Contains(page, `href="javascript`) || strings.Contains(page, "BCG <b>") {
		t.Error("foreign text became markup")
	}
}

func TestWarningsOfHooksComeBackWithTheOutcome(t *testing.T) {
	s := serve(t, func(c *interaction.Config, _ *rest.Config) {
		c.Hooks = append(c.Hooks, func(_ context.Context, w interaction.Write) (interaction.Additions, error) {
			return interaction.Additions{Issues: []fhir.Issue{{Severity: fhir.SeverityWarning, Code: "dose-lot", Path: w.Doc.Path() + ".lotNumber"}}}, nil
		})
	})
	dose := `{"resourceType":"Immunization","status":"completed","vaccineCode":{"text":"BCG"},"patient":{"reference":"Patient/1"},"occurrenceDateTime":"2025-01-01"}`
	issues := s.do(t, "POST", "/Immunization", []byte(dose), "Prefer: return=OperationOutcome").want(t, 201).doc(t).Get("issue")
	if w := issues.At(1); issues.Len() != 2 || w.Get("severity").Text() != "warning" || w.Get("expression").At(0).Text() != "Immunization.lotNumber" {
		t.Errorf("%s", issues.Raw())
	}
	bundle := `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + dose + `,"request":{"method":"POST","url":"Immunization"}}]}`
	issues = s.do(t, "POST", "", []byte(bundle), "Prefer: return=OperationOutcome").want(t, 200).doc(t).Get("entry").At(0).Get("response").Get("outcome").Get("issue")
	if w := issues.At(1); w.Get("severity").Text() != "warning" || !strings.Contains(w.Get("expression").At(0).Text(), "lotNumber") {
		t.Errorf("%s", issues.Raw())
	}
}
