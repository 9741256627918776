package history

import (
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// TestWhatIsAssumedIsSaid: the decision has no codes, so each rule of the file rests on something that was assumed. The file says
// what, in both languages, and so does every answer that rests on it: by the rule, and by the criterion that found it.
func TestWhatIsAssumedIsSaid(t *testing.T) {
	set := immunization.Standard()
	for _, rule := range set.Contraindications() {
		if rule.Assumed == "" {
			t.Errorf("%s assumes nothing, and its codes are ours", rule.Code)
		}
		for i := range rule.When {
			c := &rule.When[i]
			severity := ""
			if len(c.Severity) > 0 {
				severity = c.Severity[0]
			}
			code := "any"
			if len(c.Codes) > 0 {
				code = c.Codes[0]
			}
			if c.In == "AllergyIntolerance" && len(c.Codes) == 0 {
				code = "198" // a product
			}
			s := sample(t, c, code, severity, born)
			p := forecast.Person{Birth: onDay(born)}
			s.Of(&p, set, onDay(born))
			found := false
			for _, has := range p.Contraindications {
				if has.Rule != rule {
					continue
				}
				found = true
				for _, lang := range []outcome.Language{outcome.Vietnamese, outcome.English} {
					notes := strings.Join(Writer{Language: lang}.contraindicated(&forecast.Forecast{Contraindications: []*forecast.Contraindication{&has}}), "")
					for _, a := range []immunization.Assumption{rule.Assumption, has.By.Assumption} {
						want := a.Assumed
						if lang == outcome.Vietnamese {
							want = a.AssumedVi
						}
						if (want == "") != (a.Assumed == "") || !strings.Contains(notes, want) {
							t.Errorf("%s by %s %s: %q is not in %q", rule.Code, c.In, code, want, notes)
						}
					}
				}
			}
			if !found {
				t.Errorf("%s is not found by its own criterion %+v", rule.Code, c)
			}
		}
	}
}

// A criterion that assumes nothing goes before one that does: a reaction that is coded needs no excuse.
func TestTheSurestCriterionIsNamed(t *testing.T) {
	set := immunization.Standard()
	for _, rule := range set.Contraindications() {
		if rule.Code != "severe-reaction-before" {
			continue
		}
		for code, sure := range map[string]bool{"39579001": true, "386661006": false} {
			n := sign{in: "AdverseEvent", codes: []string{"http://snomed.info/sct|" + code}, severity: "severe"}
			if by := n.matches(rule); by == nil || (by.Assumed == "") != sure {
				t.Errorf("%s: %+v", code, by)
			}
		}
		return
	}
	t.Error("the rule is gone")
}
