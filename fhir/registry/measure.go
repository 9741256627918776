package registry

import (
	"fmt"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

const (
	own        = "https://lienthong.example/fhir/"
	hl7        = "http://terminology.hl7.org/CodeSystem/"
	population = hl7 + "measure-population"
)

// MeasureReport writes the coverage as one of type summary: a group for each dose with denominator and numerator over all
// that was asked for, stratified by commune, by cohort or by both; then one for each drop-out.
// What is not told is a count with the extension data-absent-reason "masked".
// Source: https://hl7.org/fhir/R4/measurereport.html
func (c *Coverage) MeasureReport(l outcome.Language, at time.Time) resource.ObjectOf {
	out := resource.ObjectOf{
		"resourceType", "MeasureReport", "language", string(l),
		"extension", resource.ListOf{
			resource.ObjectOf{"url", own + "StructureDefinition/counts-exact", "valueBoolean", c.Exact},
			resource.ObjectOf{"url", own + "StructureDefinition/counts-behind", "valueBoolean", c.Behind},
		},
		"status", "complete", "type", "summary", "measure", own + "Measure/immunization-coverage",
		"date", at.UTC().Format(time.RFC3339),
		"period", resource.ObjectOf{"start", fmt.Sprintf("%04d-01-01", c.From), "end", c.Day},
	}
	var groups resource.ListOf
	if len(c.Groups) > 0 {
		for i := range c.Groups[0].Doses {
			var all []stratum
			for j := range c.Groups {
				g := &c.Groups[j]
				d := &g.Doses[i]
				s := stratum{g, g.People, d.Given, []more{{"timely", d.Timely}}}
				if d.Last {
					s.more = append(s.more, more{"due", d.Due}, more{"overdue", d.Overdue}, more{"contraindicated", d.Contraindicated}, more{"immune", d.Immune})
				}
				all = append(all, s)
			}
			d := &c.Groups[0].Doses[i]
			groups = append(groups, c.measured(l, doseCode(l, d.Series, fmt.Sprintf("%s:%d", d.Series.Name, d.Number)), all))
		}
		for i := range c.Groups[0].DropOuts {
			var all []stratum
			for j := range c.Groups {
				d := &c.Groups[j].DropOuts[i]
				all = append(all, stratum{&c.Groups[j], d.Had, d.Kept, nil})
			}
			d := &c.Groups[0].DropOuts[i]
			groups = append(groups, c.measured(l, doseCode(l, d.Series, fmt.Sprintf("drop-out %s:%d %s:%d", d.Series.Name, d.From, d.Then.Name, d.To)), all))
		}
	}
	return append(out, "group", groups)
}

type stratum struct {
	group     *Group
	of, given Number
	more      []more
}

type more struct {
	code string
	n    Number
}

func doseCode(l outcome.Language, s *immunization.Series, code string) resource.ObjectOf {
	return resource.ObjectOf{
		"coding", resource.ListOf{resource.ObjectOf{"system", own + "CodeSystem/immunization-coverage", "code", code}},
		"text", l.Pick(s.DiseaseVi, s.DiseaseEn),
	}
}

// measured writes a group of the report with its strata; a single sum has none.
func (c *Coverage) measured(l outcome.Language, code resource.ObjectOf, all []stratum) resource.ObjectOf {
	out := resource.ObjectOf{"code", code}
	if len(all) == 1 && all[0].group.Commune == "" && all[0].group.Cohort == "" {
		return append(out, all[0].counted("population")...)
	}
	var strata resource.ListOf
	for _, s := range all {
		var parts resource.ListOf
		part := func(code, value, text string) {
			parts = append(parts, resource.ObjectOf{"code", resource.ObjectOf{"text", code}, "value", resource.ObjectOf{
				"coding", resource.ListOf{resource.ObjectOf{"system", own + "CodeSystem/" + code, "code", value}}, "text", text}})
		}
		if s.group.Commune != "" || s.group.Cohort == "" {
			part("commune", orUnknown(s.group.Commune), s.group.called(l))
		}
		if s.group.Cohort != "" {
			part("cohort", s.group.Cohort, s.group.Cohort)
		}
		strata = append(strata, append(resource.ObjectOf{"component", parts}, s.counted("population")...))
	}
	return append(out, "stratifier", resource.ListOf{resource.ObjectOf{"stratum", strata}})
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// called names the commune of a group.
func (g *Group) called(l outcome.Language) string {
	switch {
	case g.Name != "":
		return g.Name
	case g.Commune != "":
		return g.Commune
	}
	return l.Pick("Không rõ xã, phường", "Commune not known")
}

func (s *stratum) counted(name string) resource.ObjectOf {
	counts := resource.ListOf{counted(population, "denominator", s.of), counted(population, "numerator", s.given)}
	for _, m := range s.more {
		counts = append(counts, counted(own+"CodeSystem/immunization-coverage", m.code, m.n))
	}
	out := resource.ObjectOf{name, counts}
	if p := s.given.Percent(s.of); p != "" {
		out = append(out, "measureScore", resource.ObjectOf{"value", resource.Literal(p), "unit", "%", "system", "http://unitsofmeasure.org", "code", "%"})
	}
	return out
}

func counted(system, code string, n Number) resource.ObjectOf {
	out := resource.ObjectOf{"code", resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", system, "code", code}}}}
	if n.Hidden {
		return append(out, "_count", resource.ObjectOf{"extension", resource.ListOf{resource.ObjectOf{
			"url", "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode", "masked"}}})
	}
	return append(out, "count", n.N)
}
