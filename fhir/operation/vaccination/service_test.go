package vaccination_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

var update = flag.Bool("update", false, "write golden files")

// now is the clock of these tests: it is the 15th in Vietnam already.
var now = time.Date(2025, 11, 14, 18, 0, 0, 0, time.UTC)

// clinic is a store with the room on it.
type clinic struct {
	*vaccination.Service
	interactions *interaction.Service
}

func open(t testing.TB) *clinic {
	t.Helper()
	systems := identity.Systems{}
	st := enginetest.Open(t, enginetest.Indexed(engine.Options{Now: func() time.Time { return now }}, index.Options{FoldSystem: systems.Fold}))
	c := &clinic{}
	c.interactions = interaction.New(interaction.Config{Store: st, FoldSystem: systems.Fold})
	c.Service = vaccination.New(vaccination.Config{Interactions: c.interactions, Now: func() time.Time { return now }})
	return c
}

// put stores a resource under the id that it carries.
func (c *clinic) put(t testing.TB, text string) {
	t.Helper()
	d := parse(t, text)
	if _, err := c.interactions.Apply(ours(), interaction.WriteSet{Docs: []*resource.Document{d.Document()}}); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

func parse(t testing.TB, text string) resource.Value {
	t.Helper()
	d, err := resource.New([]byte(text))
	if err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	return d.Root()
}

// given is an Immunization of the synthetic child.
func given(id, cvx, on, more string) string {
	return fmt.Sprintf(`{"resourceType":"Immunization","id":%q,"status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":%q}]},"patient":{"reference":"Patient/child"},"occurrenceDateTime":%q%s}`, id, cvx, on, more)
}

// child is a synthetic person.
const child = `{"resourceType":"Patient","id":"child","active":true,"identifier":[{"system":"https://lienthong.example/sid/cccd","value":"051225000011"}],"name":[{"text":"Synthetic Child"}],"gender":"male","birthDate":"2025-01-31"}`

func code(err error) string {
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

// golden compares JSON with a file, shown with indents.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(got, &v); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	shown := strings.Builder{}
	e := json.NewEncoder(&shown)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(json.RawMessage(got)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(shown.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if shown.String() != string(want) {
		t.Errorf("%s is not what was answered (-update writes it):\n%s", name, shown.String())
	}
}

// valid fails if a resource does not follow its R4 definition.
func valid(t *testing.T, v resource.Value) {
	t.Helper()
	if _, issues := index.New(index.Options{}).Resource(v, 10); len(issues) > 0 {
		t.Errorf("%s: %+v", v.Path(), issues)
	}
}

const stateless = `{"resourceType":"Parameters","parameter":[{"name":"assessmentDate","valueDate":"2025-06-05"},{"name":"patient","resource":{"resourceType":"Patient","id":"child","birthDate":"2025-01-31","gender":"male"}},
{"name":"immunization","resource":{"resourceType":"Immunization","id":"hepb","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"08"}]},"patient":{"reference":"Patient/child"},"occurrenceDateTime":"2025-01-31T20:00:00+07:00"}},
{"name":"immunization","resource":{"resourceType":"Immunization","id":"five2","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"198"}]},"patient":{"reference":"Patient/child"},"occurrenceDateTime":"2025-04-29"}},
{"name":"immunization","resource":{"resourceType":"Immunization","id":"five1","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"198"}]},"patient":{"reference":"Patient/child"},"occurrenceDateTime":"2025-03-31"}},
{"name":"immunization","resource":{"resourceType":"Immunization","id":"flu","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"140"}],"text":"Cúm"},"patient":{"reference":"Patient/child"},"occurrenceDateTime":"2025-05-01"}}]}`

func TestStatelessForecastIsTheGuidesParameters(t *testing.T) {
	s := vaccination.New(vaccination.Config{})
	for _, language := range []outcome.Language{outcome.English, outcome.Vietnamese} {
		out, err := s.Stateless(ours(), parse(t, stateless), language)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "stateless-"+string(language)+".json", out)
		for p := range parse(t, string(out)).Get("parameter").Elements() {
			valid(t, parse(t, string(p.Get("resource").Raw())))
		}
	}
}

func TestBadInputOfAForecastIsRefusedByName(t *testing.T) {
	s := vaccination.New(vaccination.Config{})
	if _, err := s.Stateless(ours(), resource.Value{}, outcome.English); code(err) != "immds-body" {
		t.Errorf("no body: %v", err)
	}
	for want, change := range map[string][2]string{
		"type-mismatch":               {`"Parameters"`, `"Bundle"`},
		"immds-missing":               {`{"name":"assessmentDate","valueDate":"2025-06-05"},`, ``},
		"vaccination-parameter":       {`"2025-06-05"`, `"2025-06"`},
		"vaccination-parameter-twice": {`{"name":"assessmentDate"`, `{"name":"assessmentDate","valueDate":"2025-06-05"},{"name":"assessmentDate"`},
		"operation-parameter-unknown": {`{"name":"assessmentDate"`, `{"name":"strange","valueDate":"2025-06-05"},{"name":"assessmentDate"`},
		"immds-birth-date":            {`"birthDate":"2025-01-31",`, `"birthDate":"2025-01",`},
		"immds-not-born":              {`"birthDate":"2025-01-31",`, `"birthDate":"2025-07-31",`},
		"immds-other-patient":         {`"Patient/child"`, `"Patient/other"`},
		"dose-status":                 {`"completed"`, `"done"`},
		"element-missing":             {`,"occurrenceDateTime":"2025-04-29"`, ``},
		"immds-resource":              {`{"name":"patient","resource"`, `{"name":"patient","part"`},
	} {
		text := strings.Replace(stateless, change[0], change[1], 1)
		if text == stateless {
			t.Errorf("%s: nothing was changed", want)
		}
		if _, err := s.Stateless(ours(), parse(t, text), outcome.English); code(err) != want {
			t.Errorf("%v, want %s", err, want)
		} else if _, ok := outcome.Lookup(want); !ok {
			t.Errorf("%s has no text", want)
		}
	}
}

func TestForecastOfAPersonHere(t *testing.T) {
	c := open(t)
	ctx := ours()
	c.put(t, child)
	c.put(t, given("a", "198", "2025-03-31", ""))
	c.put(t, given("b", "198", "2025-04-30", ""))
	c.put(t, given("b2", "102", "2025-04-30", `,"lotNumber":"L1"`)) // another sender's record of b
	states := func(q vaccination.Query, key fhir.Key) map[string]string {
		t.Helper()
		out, err := c.Forecast(ctx, key, q, 0, outcome.English)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for p := range parse(t, string(out)).Get("parameter").Elements() {
			r := p.Get("resource")
			if e := r.Get("immunizationEvent").Get("reference").Text(); e != "" {
				got[e] += r.Get("doseStatus").Get("coding").At(0).Get("code").Text() + " " + r.Get("doseStatusReason").At(0).Get("coding").At(0).Get("code").Text()
			}
			for f := range r.Get("recommendation").Elements() {
				codings := f.Get("forecastStatus").Get("coding")
				got[f.Get("series").Text()] = codings.At(codings.Len() - 1).Get("code").Text()
			}
		}
		return got
	}
	got := states(vaccination.Query{}, fhir.Key{Type: "Patient", ID: "child"})
	for what, want := range map[string]string{
		"Immunization/a": "valid ", "Immunization/b2": "valid ", "Immunization/b": "notvalid duplicate",
		"DTP-HepB-Hib": "overdue", "BCG": "overdue", "HepB-birth": "aged-out", "Measles-1": "due", "MR": "not-yet-due", "Rota": "aged-out",
	} {
		if got[what] != want {
			t.Errorf("%s is %q, want %q", what, got[what], want)
		}
	}
	if earlier := states(vaccination.Query{AssessmentDate: time.Date(2025, 4, 29, 0, 0, 0, 0, time.UTC), Identifier: "https://lienthong.example/sid/cccd|051225000011"}, fhir.Key{Type: "Patient"}); earlier["Immunization/b2"] != "notvalid after-assessment" {
		t.Errorf("as of a day before the dose: %v", earlier)
	}
	for want, ask := range map[string]vaccination.Query{
		"vaccination-nobody": {Identifier: "https://lienthong.example/sid/cccd|051225000099"},
		"immds-not-born":     {Identifier: "https://lienthong.example/sid/cccd|051225000011", AssessmentDate: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := c.Forecast(ctx, fhir.Key{Type: "Patient"}, ask, 0, outcome.English); code(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := c.Forecast(ctx, fhir.Key{Type: "Patient", ID: "nobody"}, vaccination.Query{}, 0, outcome.English); code(err) != "not-found" {
		t.Errorf("a Patient that is not there: %v", err)
	}
}

func TestLinkedPatientsAreOnePerson(t *testing.T) {
	c := open(t)
	ctx := ours()
	c.put(t, child)
	c.put(t, `{"resourceType":"Patient","id":"old","active":false,"birthDate":"2025-01-31","link":[{"other":{"reference":"Patient/child"},"type":"replaced-by"}],"identifier":[{"system":"urn:x","value":"7"}]}`)
	c.put(t, `{"resourceType":"Patient","id":"other","birthDate":"2025-01-31","link":[{"other":{"reference":"Patient/old"},"type":"seealso"},{"other":{"reference":"Patient/gone"},"type":"seealso"}],"identifier":[{"system":"urn:x","value":"7"}]}`)
	c.put(t, strings.Replace(given("a", "19", "2025-02-01", ""), "Patient/child", "Patient/old", 1))
	for _, q := range []struct {
		id         fhir.ID
		identifier string
	}{{"child", ""}, {"old", ""}, {"other", ""}, {"", "urn:x|7"}} {
		out, err := c.Forecast(ctx, fhir.Key{Type: "Patient", ID: q.id}, vaccination.Query{Identifier: q.identifier}, 0, outcome.English)
		if err != nil || !strings.Contains(string(out), `"immunizationEvent":{"reference":"Immunization/a"}`) || !strings.Contains(string(out), `"patient":{"reference":"Patient/child"}`) {
			t.Errorf("%+v: %v %.300s", q, err, out)
		}
	}
	c.put(t, `{"resourceType":"Patient","id":"stranger","birthDate":"2025-01-31","identifier":[{"system":"urn:x","value":"7"}]}`)
	if _, err := c.Forecast(ctx, fhir.Key{Type: "Patient"}, vaccination.Query{Identifier: "urn:x|7"}, 0, outcome.English); code(err) != "vaccination-several" {
		t.Errorf("two persons under one identifier: %v", err)
	}
}

func TestAnIdentifierIsOneNumberHoweverItIsWritten(t *testing.T) {
	ctx, c := ours(), open(t)
	c.put(t, child)
	system := "https://lienthong.example/sid/cccd"
	for _, body := range []string{`"valueIdentifier":{"system":"` + system + `","value":"051225000011"}`, `"valueString":"051225000011"`, `"valueString":"` + system + `|051225000011"`} {
		q, err := vaccination.ParseQuery("", parse(t, `{"resourceType":"Parameters","parameter":[{"name":"identifier",`+body+`}]}`), "identifier")
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if _, err := c.Forecast(ctx, fhir.Key{Type: "Patient"}, q, 0, outcome.English); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, list := range []string{system + "|051225000099," + system + "|051225000011", system + `|051225000011\`} {
		if _, err := c.Forecast(ctx, fhir.Key{Type: "Patient"}, vaccination.Query{Identifier: list}, 0, outcome.English); code(err) != "vaccination-nobody" {
			t.Errorf("%s: %v", list, err)
		}
	}
}

func TestParametersOfTheAddress(t *testing.T) {
	q, err := vaccination.ParseQuery("identifier=urn:x%7C7&assessmentDate=2025-01-02", parse(t, `{"resourceType":"Parameters","parameter":[{"name":"pregnant","valueBoolean":true}]}`), "identifier", "assessmentDate", "pregnant")
	if err != nil || q.Identifier != "urn:x|7" || !q.Pregnant || q.AssessmentDate.Format(time.DateOnly) != "2025-01-02" {
		t.Errorf("%+v %v", q, err)
	}
	for raw, want := range map[string]string{
		"identifier=7": "vaccination-parameter", "identifier=x|": "vaccination-parameter", "assessmentDate=today": "vaccination-parameter",
		"other=1": "operation-parameter-unknown", "assessmentDate=2025-01-02&assessmentDate=2025-01-03": "vaccination-parameter-twice",
	} {
		if _, err := vaccination.ParseQuery(raw, resource.Value{}, "identifier", "assessmentDate"); code(err) != want {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
}

// ours gives a context whose fence is open.
func ours() context.Context { return store.WithFence(context.Background(), store.OpenFence()) }
