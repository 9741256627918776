package history

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Screening are the resources in which contraindications of one person are looked for. What a caller may not see is not among
// them: it then has no part in the answer.
type Screening struct {
	Conditions, Allergies, Adverse []resource.Value
	Records                        []Record // of doses: the products that adverse events suspect, their reactions, immune globulins
	// Observations are those that a reaction of a record refers to, by Observation/id.
	Observations map[string]resource.Value
	Pregnant     bool // somebody says so
}

// sign is what one resource says that can be a contraindication.
type sign struct {
	in, ref, display string
	codes            []string // system|code
	severity         string
	over             bool // a Condition that is no longer so
	from, until      time.Time
	products         []string // CVX of what a reaction was to
}

// Of finds the contraindications of a person, in the order of the rules and of what they come from, and says so of p. One that
// is a pregnancy on the day makes the person pregnant.
func (s *Screening) Of(p *forecast.Person, set *immunization.Set, at time.Time) {
	found, pregnant, since := s.contraindications(set, at)
	p.Contraindications = found
	if pregnant && !p.Pregnant {
		p.Pregnant, p.Since = true, since
	}
}

func (s *Screening) contraindications(set *immunization.Set, at time.Time) (found []forecast.Contraindication, pregnant bool, since time.Time) {
	signs := s.signs()
	for _, rule := range set.Contraindications() {
		if rule.Pregnancy && s.Pregnant {
			found, pregnant = append(found, forecast.Contraindication{Rule: rule}), true
		}
		for i := range signs {
			n := &signs[i]
			if by := n.matches(rule); by != nil {
				c := forecast.Contraindication{Rule: rule, By: by, Ref: n.ref, Display: n.display, Products: n.products, From: n.from, Until: rule.End(n.from)}
				if !rule.Lasting && !n.until.IsZero() && (c.Until.IsZero() || n.until.Before(c.Until)) {
					c.Until = n.until
				}
				found = append(found, c)
				if rule.Pregnancy && !at.Before(c.From) && (c.Until.IsZero() || at.Before(c.Until)) {
					pregnant, since = true, c.From
				}
			}
		}
	}
	return found, pregnant, since
}

// matches gives the criterion of a rule that takes the sign, nil if none does: one that assumes nothing before one that does.
func (n *sign) matches(rule *immunization.Contraindication) (by *immunization.Criterion) {
	for i := range rule.When {
		c := &rule.When[i]
		if c.In == n.in && (!n.over || c.History) && (len(c.Severity) == 0 || slices.Contains(c.Severity, n.severity)) && c.Takes(n.codes) {
			if by == nil || c.Assumed == "" {
				by = c
			}
			if by.Assumed == "" {
				break
			}
		}
	}
	return by
}

// signs are those of all resources, in an order that does not hang on that of the input.
func (s *Screening) signs() []sign {
	all := make([]sign, 0, len(s.Conditions)+len(s.Allergies)+len(s.Adverse)+len(s.Records))
	for _, doc := range s.Conditions {
		if n, ok := condition(doc); ok {
			all = append(all, n)
		}
	}
	for _, doc := range s.Allergies {
		if n, ok := allergy(doc); ok {
			all = append(all, n)
		}
	}
	for _, doc := range s.Adverse {
		if n, ok := s.adverse(doc); ok {
			all = append(all, n)
		}
	}
	for i := range s.Records {
		r := &s.Records[i]
		if r.Status != "completed" {
			continue
		}
		all = append(all, sign{in: "Immunization", ref: r.Ref, display: r.Text, codes: r.Codes, from: r.On})
		for reaction := range r.Doc.Get("reaction").Elements() {
			if n, ok := s.reaction(r, reaction); ok {
				all = append(all, n)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b sign) int {
		return cmp.Or(cmp.Compare(a.in, b.in), cmp.Compare(a.ref, b.ref), a.from.Compare(b.from), slices.Compare(a.codes, b.codes), cmp.Compare(a.severity, b.severity))
	})
	return all
}

// condition reads one that is, or has been; false for one that was refuted or entered in error.
func condition(doc resource.Value) (sign, bool) {
	n := sign{in: "Condition", ref: refOf(doc), display: textOf(doc.Get("code")), codes: codesOf(doc.Get("code"))}
	if status := codeOf(doc.Get("verificationStatus")); status == "refuted" || status == "entered-in-error" {
		return n, false
	}
	switch codeOf(doc.Get("clinicalStatus")) {
	case "inactive", "remission", "resolved":
		n.over = true
	}
	n.from = firstDay(doc.Get("onsetDateTime"), doc.Get("onsetPeriod").Get("start"), doc.Get("recordedDate"))
	n.until = firstDay(doc.Get("abatementDateTime"), doc.Get("abatementPeriod").Get("end"))
	return n, true
}

// allergy reads one that counts; severe if its criticality is high or a reaction was severe.
func allergy(doc resource.Value) (sign, bool) {
	n := sign{in: "AllergyIntolerance", ref: refOf(doc), display: textOf(doc.Get("code")), codes: codesOf(doc.Get("code"))}
	if status := codeOf(doc.Get("verificationStatus")); status == "refuted" || status == "entered-in-error" {
		return n, false
	}
	if status := codeOf(doc.Get("clinicalStatus")); status == "inactive" || status == "resolved" {
		return n, false
	}
	if doc.Get("criticality").Text() == "high" {
		n.severity = "severe"
	}
	for r := range doc.Get("reaction").Elements() {
		n.codes = append(n.codes, codesOf(r.Get("substance"))...)
		if n.severity == "" || r.Get("severity").Text() == "severe" {
			n.severity = r.Get("severity").Text()
		}
	}
	for _, c := range n.codes {
		if cvx, ok := strings.CutPrefix(c, CVX+"|"); ok {
			n.products = append(n.products, cvx)
		}
	}
	n.from = firstDay(doc.Get("onsetDateTime"), doc.Get("recordedDate"))
	return n, true
}

// adverse reads an adverse event that happened and suspects a dose.
func (s *Screening) adverse(doc resource.Value) (sign, bool) {
	n := sign{in: "AdverseEvent", ref: refOf(doc), display: textOf(doc.Get("event")), codes: codesOf(doc.Get("event")), severity: codeOf(doc.Get("severity"))}
	if doc.Get("actuality").Text() == "potential" {
		return n, false
	}
	n.from = firstDay(doc.Get("date"), doc.Get("detected"), doc.Get("recordedDate"))
	for e := range doc.Get("suspectEntity").Elements() {
		key := fhir.ParseReference(e.Get("instance").Get("reference").Text()).Key
		for i := range s.Records {
			if r := &s.Records[i]; key.Type == "Immunization" && r.Ref == key.String() {
				n.products = append(n.products, r.CVX...)
			}
		}
	}
	return n, len(n.products) > 0
}

// reaction reads what a dose itself says of a reaction: by an Observation that it contains or refers to. That has no severity.
func (s *Screening) reaction(r *Record, reaction resource.Value) (sign, bool) {
	n := sign{in: "AdverseEvent", ref: r.Ref, from: firstDay(reaction.Get("date")), products: r.CVX}
	if n.from.IsZero() {
		n.from = r.On
	}
	to := reaction.Get("detail").Get("reference").Text()
	doc := s.Observations[fhir.ParseReference(to).Key.String()]
	if id, ok := strings.CutPrefix(to, "#"); ok {
		for c := range r.Doc.Get("contained").Elements() {
			if have, _ := c.ID(); have == id {
				doc = c
			}
		}
	}
	if doc.Kind() != resource.Object || doc.Get("status").Text() == "entered-in-error" {
		return n, false
	}
	n.codes = append(codesOf(doc.Get("code")), codesOf(doc.Get("valueCodeableConcept"))...)
	if n.display = textOf(doc.Get("valueCodeableConcept")); n.display == "" {
		n.display = textOf(doc.Get("code"))
	}
	return n, len(n.codes) > 0
}

// ReactionObservations are the Observations that reactions of the records refer to, each once.
func ReactionObservations(records []Record) (refs []string) {
	for i := range records {
		for reaction := range records[i].Doc.Get("reaction").Elements() {
			to := fhir.ParseReference(reaction.Get("detail").Get("reference").Text()).Key
			if to.Type == "Observation" && to.ID != "" && !slices.Contains(refs, to.String()) {
				refs = append(refs, to.String())
			}
		}
	}
	return refs
}

func refOf(doc resource.Value) string {
	if id, ok := doc.ID(); ok {
		return string(doc.ResourceType()) + "/" + id
	}
	return ""
}

// codesOf are the codings of a CodeableConcept, as system|code.
func codesOf(concept resource.Value) (all []string) {
	for c := range concept.Get("coding").Elements() {
		if code := c.Get("code").Text(); code != "" {
			all = append(all, c.Get("system").Text()+"|"+code)
		}
	}
	return all
}

// firstDay is the first of the dates that is known to the day; zero if none is.
func firstDay(dates ...resource.Value) time.Time {
	for _, d := range dates {
		if on, ok := immunization.ParseDay(d.Text()); ok {
			return on
		}
	}
	return time.Time{}
}

// contraindication is the coded reason.
func (w Writer) contraindication(c *immunization.Contraindication) resource.ObjectOf {
	text := w.say(c.TextVi, c.TextEn)
	return resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", contraSystem, "code", c.Code, "display", text}}, "text", text}
}

// foundIn refers to what a contraindication comes from; nil where the caller said so, or the resource has no id.
func foundIn(c *forecast.Contraindication) resource.ObjectOf {
	if c.Ref == "" && c.Display == "" {
		return nil
	}
	return resource.ObjectOf{"reference", c.Ref, "display", c.Display}
}

// contraindicated are the notes about the contraindications of a series: until when, by which article, and what is assumed.
func (w Writer) contraindicated(f *forecast.Forecast) (notes []string) {
	for _, c := range f.Contraindications {
		note := w.say(c.Rule.TextVi, c.Rule.TextEn)
		switch {
		case c.Rule.Lasting:
			note += w.say(" (lâu dài)", " (lasting)")
		case c.Until.IsZero():
			note += w.say(" (tạm thời)", " (for the time being)")
		default:
			note += w.say(" (đến ", " (until ") + c.Until.Format(time.DateOnly) + ")"
		}
		note += "; " + c.Rule.Source + "."
		assumed := []immunization.Assumption{c.Rule.Assumption}
		if c.By != nil {
			assumed = append(assumed, c.By.Assumption)
		}
		for _, a := range assumed {
			if a.Assumed != "" {
				note += w.say(" Giả định: ", " Assumed: ") + w.say(cmp.Or(a.AssumedVi, a.Assumed), a.Assumed) + "."
			}
		}
		notes = append(notes, note)
	}
	return notes
}
