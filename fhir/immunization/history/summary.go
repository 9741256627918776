package history

import (
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Summary is all that is known of a person's vaccinations.
type Summary struct {
	Assessment
	Schedules *immunization.Set
	Today     time.Time // in Vietnam; doses after it are in the future, whatever the assessment date
	Merged    []string  // references to the other Patients of the person
	Adverse   []Adverse
}

// Parameters writes the summary: first whose, then each dose in order, then each series.
//
//	patient, merged*, assessmentDate, schedule*
//	dose*      date status vaccine lot* expiration manufacturer site route quantity performer* statusReason source*
//	           evaluation*(series doseNumber status reason*) reaction* adverseEvent* warning*
//	forecast*  series disease status doseNumber earliest recommended latest overdue reason* warning*
//	           contraindication*(reason lasting until source)
//	adverseEvent* of doses that are not among these, enteredInError, warning*
func (w Writer) Parameters(s *Summary) resource.ObjectOf {
	var p parameters
	p.add("patient", "valueReference", resource.ObjectOf{"reference", w.Patient})
	for _, m := range s.Merged {
		p.add("merged", "valueReference", resource.ObjectOf{"reference", m})
	}
	p.date("assessmentDate", s.At)
	for _, c := range s.Result.Schedules {
		p.add("schedule", "valueCanonical", scheduleBase+c.Canonical())
	}
	told := map[string]bool{}
	for i := range s.Doses {
		p.parts("dose", w.dose(s, &s.Doses[i], told))
	}
	for i := range s.Result.Series {
		p.parts("forecast", w.forecast(s, &s.Result.Series[i]))
	}
	for i := range s.Adverse {
		if a := &s.Adverse[i]; !told[a.Ref] {
			p.parts("adverseEvent", w.adverse(a))
		}
	}
	if s.Retracted > 0 {
		p.add("enteredInError", "valueInteger", s.Retracted)
	}
	if !s.Known {
		p.add("warning", "valueString", outcome.Text("immds-birth-date", w.Language))
	}
	return resource.ObjectOf{"resourceType", "Parameters", "parameter", resource.ListOf(p)}
}

// parameters is a list of them on its way. What has no value is left out.
type parameters resource.ListOf

func (p *parameters) add(name, element string, value any) {
	if !resource.Empty(value) {
		*p = append(*p, resource.ObjectOf{"name", name, element, value})
	}
}

func (p *parameters) parts(name string, parts parameters) {
	*p = append(*p, resource.ObjectOf{"name", name, "part", resource.ListOf(parts)})
}

func (p *parameters) date(name string, on time.Time) {
	if !on.IsZero() {
		p.add(name, "valueDate", on.Format(time.DateOnly))
	}
}

func (w Writer) dose(s *Summary, d *Dose, told map[string]bool) parameters {
	var p parameters
	r := d.Leading()
	if r.On.IsZero() {
		p.add("date", "valueString", occurrence(r.Doc))
	} else {
		p.date("date", r.On)
	}
	p.add("status", "valueCode", r.Status)
	p.add("vaccine", "valueCodeableConcept", w.vaccine(s, r))
	p.add("statusReason", "valueString", textOf(r.Doc.Get("statusReason")))
	for _, lot := range d.Lots() {
		p.add("lot", "valueString", lot)
	}
	if !r.Expiry.IsZero() {
		p.add("expiration", "valueDate", r.Doc.Get("expirationDate").Text()) // a month or a year as it was sent
	}
	p.add("manufacturer", "valueString", actorOf(r.Doc.Get("manufacturer")))
	p.add("site", "valueString", textOf(r.Doc.Get("site")))
	p.add("route", "valueString", textOf(r.Doc.Get("route")))
	if q := r.Doc.Get("doseQuantity"); q.Get("value").Text() != "" {
		p.add("quantity", "valueString", q.Get("value").Text()+" "+q.Get("unit").Text())
	}
	for f := range r.Doc.Get("performer").Elements() {
		p.add("performer", "valueString", actorOf(f.Get("actor")))
	}
	for i := range d.Sources {
		p.add("source", "valueReference", source(&d.Sources[i]))
	}
	for _, e := range d.Evaluations {
		p.parts("evaluation", w.evaluated(e))
	}
	for i := range d.Sources {
		for reaction := range d.Sources[i].Doc.Get("reaction").Elements() {
			p.add("reaction", "valueString", reactionOf(reaction))
		}
	}
	for i := range s.Adverse {
		if a := &s.Adverse[i]; a.suspects(d) {
			told[a.Ref] = true
			p.parts("adverseEvent", w.adverse(a))
		}
	}
	for _, i := range Faults(s.Schedules, r, s.Person.Birth, s.Today) {
		p.add("warning", "valueString", outcome.Text(i.Code, w.Language, i.Args...))
	}
	if len(d.Lots()) > 1 {
		p.add("warning", "valueString", outcome.Text("dose-lots-differ", w.Language))
	}
	return p
}

func occurrence(doc resource.Value) string {
	if t := doc.Get("occurrenceDateTime").Text(); t != "" {
		return t
	}
	return doc.Get("occurrenceString").Text()
}

// vaccine is the product as it was sent, named by the schedule where the sender has only a code.
func (w Writer) vaccine(s *Summary, r *Record) resource.ObjectOf {
	var codings resource.ListOf
	for c := range r.Doc.Get("vaccineCode").Get("coding").Elements() {
		codings = append(codings, resource.ObjectOf{"system", c.Get("system").Text(), "code", c.Get("code").Text(), "display", c.Get("display").Text()})
	}
	return resource.ObjectOf{"coding", codings, "text", w.Vaccine(s.Schedules, r)}
}

// Vaccine names the product of a record: as it was sent, or where the sender has only a code, by the series whose own vaccine
// it is. What a series accepts besides is another product: then it is named by the disease and its code.
func (w Writer) Vaccine(set *immunization.Set, r *Record) string {
	if len(r.Codes) == 0 || r.Text != r.Codes[0] || len(r.CVX) == 0 {
		return r.Text
	}
	name := r.Text
	for _, schedule := range set.All() {
		for i := range schedule.Series {
			series := &schedule.Series[i]
			if len(series.CVX) > 0 && series.CVX[0] == r.CVX[0] {
				return w.vaccineOf(series)
			}
			if name == r.Text && series.Accepts(r.CVX[0]) {
				name = w.say(series.DiseaseVi, series.DiseaseEn) + " (CVX " + r.CVX[0] + ")"
			}
		}
	}
	return name
}

// source refers to a record and names who sent it.
func source(r *Record) resource.ObjectOf {
	by := actorOf(r.Doc.Get("performer").At(0).Get("actor"))
	if origin := textOf(r.Doc.Get("reportOrigin")); origin != "" {
		by = origin
	}
	return resource.ObjectOf{"reference", r.Ref, "display", by}
}

func reactionOf(v resource.Value) string {
	text := actorOf(v.Get("detail"))
	if on := v.Get("date").Text(); on != "" {
		text = on + " " + text
	}
	return text
}

func (w Writer) evaluated(e forecast.Evaluation) parameters {
	var p parameters
	if e.Series != nil {
		p.add("series", "valueString", e.Series.Name)
	}
	if e.Number > 0 {
		p.add("doseNumber", "valueInteger", e.Number)
	}
	p.add("status", "valueCode", e.Status.String())
	for _, why := range e.Reasons {
		p.add("reason", "valueCodeableConcept", w.reason(why))
	}
	return p
}

func (a *Adverse) suspects(d *Dose) bool {
	for _, ref := range a.Suspects {
		for i := range d.Sources {
			if d.Sources[i].Ref == ref {
				return true
			}
		}
	}
	return false
}

func (w Writer) adverse(a *Adverse) parameters {
	var p parameters
	p.add("event", "valueString", a.Event)
	p.add("date", "valueString", a.On)
	p.add("severity", "valueCode", a.Severity)
	p.add("seriousness", "valueCode", a.Seriousness)
	p.add("outcome", "valueCode", a.Outcome)
	p.add("reportStatus", "valueCode", a.Report)
	p.add("source", "valueReference", resource.ObjectOf{"reference", a.Ref})
	return p
}

func (w Writer) forecast(s *Summary, f *forecast.Forecast) parameters {
	var p parameters
	p.add("series", "valueString", f.Series.Name)
	p.add("disease", "valueString", w.say(f.Series.DiseaseVi, f.Series.DiseaseEn))
	p.add("status", "valueCodeableConcept", w.state(f.State))
	if f.Number > 0 {
		p.add("doseNumber", "valueInteger", f.Number)
	}
	if f.State == forecast.Due || f.State == forecast.Overdue || f.State == forecast.NotYetDue {
		p.date("earliest", f.Earliest)
		p.date("recommended", f.Recommended)
		p.date("latest", f.Latest)
		p.date("overdue", f.Overdue)
	}
	for _, why := range f.Reasons {
		p.add("reason", "valueCodeableConcept", w.reason(why))
	}
	for _, c := range f.Contraindications {
		var of parameters
		of.add("reason", "valueCodeableConcept", w.contraindication(c.Rule))
		of.add("lasting", "valueBoolean", c.Rule.Lasting)
		of.date("until", c.Until)
		if r := foundIn(c); r != nil {
			of.add("source", "valueReference", r)
		}
		p.parts("contraindication", of)
	}
	for _, note := range append(w.notes(&s.Assessment, f.Schedule, f.Series, f.Next()), w.contraindicated(f)...) {
		p.add("warning", "valueString", note)
	}
	return p
}
