package vaccination_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/outcome"
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
		{"a year alone", given("x", "198", "2025", ""), false, "dose-date-incomplete"},
		{"two breaches", given("x", "140", "2025-11-16", ""), true, "dose-future dose-product"},
		{"entered in error", strings.Replace(given("x", "140", "2024-01-01", ""), "completed", "entered-in-error", 1), false, ""},
		{"a person who is not here", strings.Replace(given("x", "198", "2020-01-01", ""), "Patient/child", "Patient/stranger", 1), false, ""},
	} {
		if _, refused, codes := c.send(t, r.dose); refused != r.refused || codes != r.codes {
			t.Errorf("%s: refused %v, %q; want %v, %q", r.name, refused, codes, r.refused, r.codes)
		}
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
