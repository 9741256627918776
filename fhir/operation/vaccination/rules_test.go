package vaccination_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

// ruled is the clinic with the rules in force.
func ruled(t *testing.T) *clinic {
	t.Helper()
	c := open(t)
	st := c.interactions.Store()
	c.interactions = interaction.New(interaction.Config{Store: st, Hooks: []interaction.Hook{
		vaccination.Rules{Store: st, Schedules: immunization.Standard(), Now: func() time.Time { return now }}.Hook,
	}})
	return c
}

// send creates a dose and gives the codes of what was said about it.
func (c *clinic) send(t *testing.T, text string) (id fhir.ID, refused bool, codes string) {
	t.Helper()
	r, err := c.interactions.Create(ours(), parse(t, text).Document(), interaction.CreateOptions{})
	issues := r.Issues
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		refused, issues = true, e.Issues
		if e.Code != "dose-refused" || e.Kind != fhir.Unprocessable {
			t.Fatal(err)
		}
	} else if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, i := range issues {
		all = append(all, i.Code)
		if _, ok := outcome.Lookup(i.Code); !ok {
			t.Errorf("%s has no text", i.Code)
		}
	}
	return r.Key.ID, refused, strings.Join(all, " ")
}

func TestEachRuleHasTwoSides(t *testing.T) {
	c := ruled(t)
	c.put(t, child) // born 2025-01-31; today is 2025-11-15 in Vietnam
	for _, r := range []struct {
		name, dose string
		refused    bool
		codes      string
	}{
		{"a good dose", given("x", "198", "2025-03-31", `,"lotNumber":"GD-DT-25A","expirationDate":"2026-01-01"`), false, ""},
		{"on the day of birth", given("x", "08", "2025-01-31", ""), false, ""},
		{"a day before birth", given("x", "08", "2025-01-30", ""), true, "dose-before-birth"},
		{"today", given("x", "198", "2025-11-15", ""), false, ""},
		{"tomorrow", given("x", "198", "2025-11-16", ""), true, "dose-future"},
		{"tomorrow in UTC is today in Vietnam", given("x", "198", "2025-11-14T17:00:00Z", ""), false, ""},
		{"planned and not done", strings.Replace(given("x", "198", "2025-11-16", ""), "completed", "not-done", 1), false, ""},
		{"no such status", strings.Replace(given("x", "198", "2025-03-31", ""), "completed", "done", 1), true, "dose-status"},
		{"a product of no schedule", given("x", "140", "2025-03-31", ""), false, "dose-product"},
		{"a product by name alone", strings.Replace(given("x", "198", "2025-03-31", ""), `{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"198"}]}`, `{"text":"5 trong 1"}`, 1), false, "dose-product-uncoded"},
		{"a lot that is none", given("x", "198", "2025-03-31", `,"lotNumber":"không rõ"`), false, "dose-lot"},
		{"a lot of zeros", given("x", "198", "2025-03-31", `,"lotNumber":"0000"`), false, "dose-lot"},
		{"a lot of 32 characters", given("x", "198", "2025-03-31", `,"lotNumber":"1`+strings.Repeat("A", 31)+`"`), false, ""},
		{"a lot of 33 characters", given("x", "198", "2025-03-31", `,"lotNumber":"1`+strings.Repeat("A", 32)+`"`), false, "dose-lot"},
		{"the last day of a product", given("x", "198", "2025-03-31", `,"expirationDate":"2025-03-31"`), false, ""},
		{"an expired product", given("x", "198", "2025-03-31", `,"expirationDate":"2025-03-30"`), false, "dose-expired"},
		{"a product that expires at the end of the month", given("x", "198", "2025-03-31", `,"expirationDate":"2025-03"`), false, ""},
		{"a product that expired with the month before", given("x", "198", "2025-03-01", `,"expirationDate":"2025-02"`), false, "dose-expired"},
		{"a product that expires with the year", given("x", "198", "2025-03-31", `,"expirationDate":"2025"`), false, ""},
		{"a year alone", given("x", "198", "2025", ""), false, "dose-date-incomplete"},
		{"the month of birth", given("x", "08", "2025-01", ""), false, "dose-date-incomplete"},
		{"the month before birth", given("x", "08", "2024-12", ""), true, "dose-before-birth"},
		{"the year before birth", given("x", "08", "2024", ""), true, "dose-before-birth"},
		{"this month", given("x", "198", "2025-11", ""), false, "dose-date-incomplete"},
		{"next month", given("x", "198", "2025-12", ""), true, "dose-future"},
		{"next year", given("x", "198", "2026", ""), true, "dose-future"},
		{"no date but words", strings.Replace(given("x", "198", "2025", ""), "occurrenceDateTime", "occurrenceString", 1), false, "dose-date-incomplete"},
		{"two breaches", given("x", "140", "2025-11-16", ""), true, "dose-future dose-product"},
		{"entered in error", strings.Replace(given("x", "140", "2024-01-01", ""), "completed", "entered-in-error", 1), false, ""},
		{"a person who is not here", strings.Replace(given("x", "198", "2020-01-01", ""), "Patient/child", "Patient/stranger", 1), false, "dose-person"},
		{"a person by number alone", strings.Replace(given("x", "198", "2025-03-31", ""), `"reference":"Patient/child"`, `"identifier":{"system":"urn:x","value":"1"}`, 1), false, "dose-person"},
		{"entered in error for a person who is not here", strings.Replace(strings.Replace(given("x", "198", "2025-03-31", ""), "Patient/child", "Patient/stranger", 1), "completed", "entered-in-error", 1), false, ""},
	} {
		if _, refused, codes := c.send(t, r.dose); refused != r.refused || codes != r.codes {
			t.Errorf("%s: refused %v, %q; want %v, %q", r.name, refused, codes, r.refused, r.codes)
		}
	}
}

// What is not known to the day is refused where no day of it can be right.
func TestADoseBeforeAnyDayOfBirth(t *testing.T) {
	c := ruled(t)
	for birth, refused := range map[string]string{"2025": "2024", "2025-03": "2025-02", "2025-03-31": "2025-03-30"} {
		c.put(t, strings.Replace(child, "2025-01-31", birth, 1))
		if _, _, codes := c.send(t, given("x", "08", refused, "")); codes != "dose-before-birth" {
			t.Errorf("born %s, given %s: %q", birth, refused, codes)
		}
		if _, refused, codes := c.send(t, given("x", "08", birth, "")); refused {
			t.Errorf("born %s, given %[1]s: %q", birth, codes)
		}
	}
}

// A Patient that comes in the same request is no stranger.
func TestADoseWithItsPatient(t *testing.T) {
	c := ruled(t)
	var found []string
	rules := vaccination.Rules{Store: c.interactions.Store(), Schedules: immunization.Standard(), Now: func() time.Time { return now }}
	c.interactions = interaction.New(interaction.Config{Store: c.interactions.Store(), Hooks: []interaction.Hook{func(ctx context.Context, w interaction.Write) (interaction.Additions, error) {
		a, err := rules.Hook(ctx, w)
		for _, i := range a.Issues {
			found = append(found, i.Code)
		}
		return a, err
	}}})
	both := []*resource.Document{parse(t, child).Document(), parse(t, given("i", "198", "2025-03-31", "")).Document()}
	if _, err := c.interactions.Apply(ours(), interaction.WriteSet{Docs: both}); err != nil {
		t.Fatal(err)
	}
	if found != nil {
		t.Errorf("warned of %v", found)
	}
}

func TestWarningsAreKeptUntilTheyAreNoMore(t *testing.T) {
	c := ruled(t)
	c.put(t, child)
	ctx := ours()
	id, _, _ := c.send(t, given("x", "140", "2025-03-31", `,"lotNumber":"?"`))
	kept := func() string {
		t.Helper()
		value, _, err := c.interactions.Store().Record(ctx, vaccination.RecordSpace, "Immunization/"+string(id))
		if err != nil {
			t.Fatal(err)
		}
		return string(value)
	}
	if got := kept(); got != "dose-product dose-lot" {
		t.Errorf("kept %q", got)
	}
	f, err := c.interactions.Read(ctx, fhir.Key{Type: "Immunization", ID: id})
	if err != nil || strings.Contains(string(f.Stored.Body), "tag") {
		t.Errorf("the document is not as it was sent: %v %s", err, f.Stored.Body)
	}
	c.put(t, given(string(id), "198", "2025-03-31", ""))
	if got := kept(); got != "" {
		t.Errorf("corrected, and still %q", got)
	}
	c.put(t, given(string(id), "140", "2025-03-31", ""))
	if _, err := c.interactions.Delete(ctx, fhir.Key{Type: "Immunization", ID: id}, interaction.DeleteOptions{}); err != nil || kept() != "" {
		t.Errorf("deleted, and still %q (%v)", kept(), err)
	}
}

func TestTheSameDoseSentTwiceIsOneInTheSummary(t *testing.T) {
	c := ruled(t)
	c.put(t, child)
	for range 3 {
		c.send(t, given("x", "198", "2025-03-31", `,"lotNumber":"L1"`))
	}
	sum, err := c.Summarize(ours(), fhir.Key{Type: "Patient", ID: "child"}, vaccination.Query{}, 0)
	if err != nil || len(sum.Doses) != 1 || len(sum.Doses[0].Sources) != 3 {
		t.Errorf("%v: %d doses", err, len(sum.Doses))
	}
}
