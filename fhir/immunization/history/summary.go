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

// AppendParameters writes the summary: first whose, then each dose in order, then each series.
//
//	patient, merged*, assessmentDate, schedule*
//	dose*      date status vaccine lot* expiration manufacturer site route quantity performer* statusReason source*
//	           evaluation*(series doseNumber status reason*) reaction* adverseEvent* warning*
//	forecast*  series disease status doseNumber earliest recommended latest overdue reason* warning*
//	           contraindication*(reason lasting until source)
//	adverseEvent* of doses that are not among these, enteredInError, warning*
func (w Writer) AppendParameters(b []byte, s *Summary) []byte {
	p := &parameters{b: append(b, `{"resourceType":"Parameters","parameter":[`...)}
	p.reference("patient", w.Patient, "")
	for _, m := range s.Merged {
		p.reference("merged", m, "")
	}
	p.date("assessmentDate", s.At)
	for _, c := range s.Result.Schedules {
		p.text("schedule", "valueCanonical", scheduleBase+c.Canonical())
	}
	told := map[string]bool{}
	for i := range s.Doses {
		p.parts("dose", func() { w.dose(p, s, &s.Doses[i], told) })
	}
	for i := range s.Result.Series {
		p.parts("forecast", func() { w.forecast(p, s, &s.Result.Series[i]) })
	}
	for i := range s.Adverse {
		if a := &s.Adverse[i]; !told[a.Ref] {
			p.parts("adverseEvent", func() { a.write(p) })
		}
	}
	if s.Retracted > 0 {
		p.integer("enteredInError", s.Retracted)
	}
	if !s.Known {
		p.text("warning", "valueString", outcome.Text("immds-birth-date", w.Language))
	}
	return append(p.b, "]}"...)
}

func (w Writer) dose(p *parameters, s *Summary, d *Dose, told map[string]bool) {
	r := d.Leading()
	if r.On.IsZero() {
		p.text("date", "valueString", occurrence(r.Doc))
	} else {
		p.date("date", r.On)
	}
	p.text("status", "valueCode", r.Status)
	p.object("vaccine", "valueCodeableConcept", func() {
		p.codings(r.Doc.Get("vaccineCode"))
		p.member("text", w.Vaccine(s.Schedules, r)) // named by the schedule where the sender has only a code
	})
	p.text("statusReason", "valueString", textOf(r.Doc.Get("statusReason")))
	lots := d.Lots()
	for _, lot := range lots {
		p.text("lot", "valueString", lot)
	}
	if !r.Expiry.IsZero() {
		p.text("expiration", "valueDate", r.Doc.Get("expirationDate").Text()) // a month or a year as it was sent
	}
	p.text("manufacturer", "valueString", actorOf(r.Doc.Get("manufacturer")))
	p.text("site", "valueString", textOf(r.Doc.Get("site")))
	p.text("route", "valueString", textOf(r.Doc.Get("route")))
	if q := r.Doc.Get("doseQuantity"); q.Get("value").Text() != "" {
		p.text("quantity", "valueString", q.Get("value").Text()+" "+q.Get("unit").Text())
	}
	for f := range r.Doc.Get("performer").Elements() {
		p.text("performer", "valueString", actorOf(f.Get("actor")))
	}
	for i := range d.Sources {
		p.reference("source", d.Sources[i].Ref, d.Sources[i].sender())
	}
	for _, e := range d.Evaluations {
		p.parts("evaluation", func() { w.evaluated(p, e) })
	}
	for i := range d.Sources {
		for reaction := range d.Sources[i].Doc.Get("reaction").Elements() {
			p.text("reaction", "valueString", reactionOf(reaction))
		}
	}
	for i := range s.Adverse {
		if a := &s.Adverse[i]; a.suspects(d) {
			told[a.Ref] = true
			p.parts("adverseEvent", func() { a.write(p) })
		}
	}
	for _, i := range Faults(s.Schedules, r, s.Person.Birth, s.Today) {
		p.text("warning", "valueString", outcome.Text(i.Code, w.Language, i.Args...))
	}
	if len(lots) > 1 {
		p.text("warning", "valueString", outcome.Text("dose-lots-differ", w.Language))
	}
}

func occurrence(doc resource.Value) string {
	if t := doc.Get("occurrenceDateTime").Text(); t != "" {
		return t
	}
	return doc.Get("occurrenceString").Text()
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

// sender names who sent the record.
func (r *Record) sender() string {
	if origin := textOf(r.Doc.Get("reportOrigin")); origin != "" {
		return origin
	}
	return actorOf(r.Doc.Get("performer").At(0).Get("actor"))
}

func reactionOf(v resource.Value) string {
	text := actorOf(v.Get("detail"))
	if on := v.Get("date").Text(); on != "" {
		text = on + " " + text
	}
	return text
}

func (w Writer) evaluated(p *parameters, e forecast.Evaluation) {
	if e.Series != nil {
		p.text("series", "valueString", e.Series.Name)
	}
	if e.Number > 0 {
		p.integer("doseNumber", e.Number)
	}
	p.text("status", "valueCode", e.Status.String())
	for _, why := range e.Reasons {
		p.tree("reason", "valueCodeableConcept", w.reason(why))
	}
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

func (a *Adverse) write(p *parameters) {
	p.text("event", "valueString", a.Event)
	p.text("date", "valueString", a.On)
	p.text("severity", "valueCode", a.Severity)
	p.text("seriousness", "valueCode", a.Seriousness)
	p.text("outcome", "valueCode", a.Outcome)
	p.text("reportStatus", "valueCode", a.Report)
	p.reference("source", a.Ref, "")
}

func (w Writer) forecast(p *parameters, s *Summary, f *forecast.Forecast) {
	p.text("series", "valueString", f.Series.Name)
	p.text("disease", "valueString", w.say(f.Series.DiseaseVi, f.Series.DiseaseEn))
	p.tree("status", "valueCodeableConcept", w.state(f.State))
	if f.Number > 0 {
		p.integer("doseNumber", f.Number)
	}
	if f.State == forecast.Due || f.State == forecast.Overdue || f.State == forecast.NotYetDue {
		p.date("earliest", f.Earliest)
		p.date("recommended", f.Recommended)
		p.date("latest", f.Latest)
		p.date("overdue", f.Overdue)
	}
	for _, why := range f.Reasons {
		p.tree("reason", "valueCodeableConcept", w.reason(why))
	}
	for _, c := range f.Contraindications {
		p.parts("contraindication", func() {
			p.tree("reason", "valueCodeableConcept", w.contraindication(c.Rule))
			p.boolean("lasting", c.Rule.Lasting)
			p.date("until", c.Until)
			p.reference("source", c.Ref, c.Display)
		})
	}
	for _, note := range append(w.notes(&s.Assessment, f.Schedule, f.Series, f.Next()), w.contraindicated(f)...) {
		p.text("warning", "valueString", note)
	}
}
