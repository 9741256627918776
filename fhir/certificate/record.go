package certificate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir/resource"
)

// snomed is the code system of target diseases.
const snomed = "http://snomed.info/sct"

// setPerson takes from a Patient what a certificate says of a person: one name, the one in use, and the birth date.
func (c *Card) setPerson(patient resource.Value) {
	name, best := resource.Value{}, -1
	for n := range patient.Get("name").Elements() {
		rank := map[string]int{"official": 3, "usual": 2, "": 1, "maiden": 0, "old": 0}[n.Get("use").Text()]
		if rank > best {
			name, best = n, rank
		}
	}
	c.Family, c.Given = "", nil
	if best >= 0 {
		c.Family = name.Get("family").Text()
		for g := range name.Get("given").Elements() {
			c.Given = append(c.Given, g.Text())
		}
		if c.Family == "" && len(c.Given) == 0 {
			c.Family = name.Get("text").Text()
		}
	}
	c.BirthDate = patient.Get("birthDate").Text()
}

// doseOf reads an Immunization.
func doseOf(i resource.Value) Dose {
	d := Dose{Lot: i.Get("lotNumber").Text(), Text: i.Get("vaccineCode").Get("text").Text(), Maker: i.Get("manufacturer").Get("display").Text()}
	for c := range i.Get("vaccineCode").Get("coding").Elements() {
		system, code := c.Get("system").Text(), c.Get("code").Text()
		if code == "" || d.Code != "" && system != cvx {
			continue
		}
		d.System, d.Code = system, code
		d.Text = or(d.Text, c.Get("display").Text())
	}
	d.Date, _, _ = strings.Cut(i.Get("occurrenceDateTime").Text(), "T")
	for p := range i.Get("performer").Elements() {
		actor := p.Get("actor")
		// Who held the needle is nobody's business but the facility's.
		if strings.Contains(actor.Get("reference").Text(), "Practitioner") || actor.Get("type").Text() == "Practitioner" {
			continue
		}
		if d.Performer = or(d.Performer, actor.Get("display").Text()); d.Performer != "" {
			break
		}
	}
	d.Performer = or(d.Performer, i.Get("location").Get("display").Text())
	for p := range i.Get("performer").Elements() {
		d.by = append(d.by, p.Get("actor").Get("reference").Text())
	}
	d.by = append(d.by, i.Get("location").Get("reference").Text())
	for p := range i.Get("protocolApplied").Elements() {
		for disease := range p.Get("targetDisease").Elements() {
			for c := range disease.Get("coding").Elements() {
				if code := c.Get("code").Text(); c.Get("system").Text() == snomed && !slices.Contains(d.Diseases, code) {
					d.Diseases = append(d.Diseases, code)
				}
			}
		}
		if d.Number == 0 {
			d.Number = count(p.Get("doseNumberPositiveInt"))
			d.Of = count(p.Get("seriesDosesPositiveInt"))
		}
	}
	return d
}

// count reads a positive integer; 0 = there is none.
func count(v resource.Value) int {
	if v.Kind() != resource.Number {
		return 0
	}
	n, err := strconv.Atoi(string(v.Raw()))
	if err != nil || n < 0 {
		return 0
	}
	return n
}
