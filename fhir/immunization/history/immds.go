package history

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Systems of codes. Ours say what HL7's have no code for; where HL7's have one, both are given.
const (
	ownBase        = "https://lienthong.example/fhir/"
	reasonSystem   = ownBase + "CodeSystem/immunization-evaluation-reason"
	stateSystem    = ownBase + "CodeSystem/immunization-forecast-status"
	seriesSystem   = ownBase + "CodeSystem/immunization-series"
	scheduleBase   = ownBase + "PlanDefinition/"
	scheduleURL    = ownBase + "StructureDefinition/immunization-schedule"
	hl7            = "http://terminology.hl7.org/CodeSystem/"
	doseSystem     = hl7 + "immunization-evaluation-dose-status"
	doseReasons    = hl7 + "immunization-evaluation-dose-status-reason"
	recommendation = hl7 + "immunization-recommendation-status"
	contraSystem   = ownBase + "CodeSystem/immunization-contraindication"
)

// Writer writes assessments as FHIR, with texts in a language.
type Writer struct {
	Language outcome.Language
	Patient  string // reference to the person
}

// ImmDS gives the evaluations, in the order of the doses and of their sources, and the recommendation; nil if nothing
// could be judged. Source: HL7 ImmDS, ImmunizationEvaluation and ImmunizationRecommendation of R4.
func (w Writer) ImmDS(a *Assessment) (evaluations []resource.ObjectOf, recommended resource.ObjectOf) {
	if !a.Known {
		return nil, nil
	}
	for i := range a.Doses {
		d := &a.Doses[i]
		for _, e := range d.Evaluations {
			evaluations = append(evaluations, w.evaluation(a, d.Leading(), e))
		}
		for n := range d.Sources[1:] {
			first := d.Evaluations[0]
			again := forecast.Evaluation{Schedule: first.Schedule, Series: first.Series, Status: forecast.NotValid, Reasons: []forecast.Reason{forecast.Duplicate}}
			evaluations = append(evaluations, w.evaluation(a, &d.Sources[n+1], again))
		}
	}
	return evaluations, w.Recommendation(a)
}

// Recommendation is that of ImmDS alone: a list of many persons has no use for their evaluations.
func (w Writer) Recommendation(a *Assessment) resource.ObjectOf {
	if !a.Known {
		return nil
	}
	return w.recommendation(a)
}

func (w Writer) evaluation(a *Assessment, r *Record, e forecast.Evaluation) resource.ObjectOf {
	status := "notvalid"
	if e.Status == forecast.Valid {
		status = "valid"
	}
	var reasons resource.ListOf
	for _, why := range e.Reasons {
		reasons = append(reasons, w.reason(why))
	}
	out := resource.ObjectOf{"resourceType", "ImmunizationEvaluation"}
	if e.Schedule != nil {
		out = append(out, "extension", schedule(e.Schedule))
	}
	out = append(out,
		"status", "completed",
		"patient", resource.ObjectOf{"reference", w.Patient},
		"date", a.At.Format(time.DateOnly),
		"authority", authority(e.Schedule),
		"targetDisease", w.disease(e.Series, r),
		"immunizationEvent", event(r),
		"doseStatus", resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", doseSystem, "code", status}}},
		"doseStatusReason", reasons,
	)
	if e.Series != nil {
		var dose *immunization.Dose
		if e.Number > 0 {
			dose = &e.Series.Doses[e.Number-1]
		}
		out = append(out, "description", strings.Join(w.notes(a, e.Schedule, e.Series, dose), " "), "series", e.Series.Name)
		if e.Number > 0 {
			out = append(out, "doseNumberPositiveInt", e.Number)
		}
		out = append(out, "seriesDosesPositiveInt", len(e.Series.Doses))
	}
	return out
}

// event refers to the Immunization, by its place where it has no id.
func event(r *Record) resource.ObjectOf {
	if r.Ref != "" {
		return resource.ObjectOf{"reference", r.Ref}
	}
	return resource.ObjectOf{"type", "Immunization", "display", r.Doc.Path()}
}

func schedule(s *immunization.Schedule) resource.ListOf {
	return resource.ListOf{resource.ObjectOf{"url", scheduleURL, "valueCanonical", scheduleBase + s.Canonical()}}
}

func authority(s *immunization.Schedule) resource.ObjectOf {
	if s == nil {
		return nil
	}
	return resource.ObjectOf{"display", s.TitleVi}
}

// disease is the target of the series, or what the sender says of a product that no series takes.
func (w Writer) disease(s *immunization.Series, r *Record) resource.ObjectOf {
	if s == nil {
		for p := range r.Doc.Get("protocolApplied").Elements() {
			for d := range p.Get("targetDisease").Elements() {
				text := d.Get("text").Text()
				if text == "" {
					text = d.Get("coding").At(0).Get("display").Text()
				}
				if text != "" {
					return resource.ObjectOf{"text", text}
				}
			}
		}
		return resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", hl7 + "data-absent-reason", "code", "unknown"}}, "text", r.Text}
	}
	return resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", seriesSystem, "code", s.Name}}, "text", w.say(s.DiseaseVi, s.DiseaseEn)}
}

// say chooses by the language; without a text in English the Vietnamese one stands.
func (w Writer) say(vi, en string) string {
	if w.Language == outcome.Vietnamese || en == "" {
		return vi
	}
	return en
}

// vaccineOf names the product of a series.
func (w Writer) vaccineOf(s *immunization.Series) string { return w.say(s.VaccineVi, s.VaccineEn) }

// reason gives ours, and HL7's where that has one.
func (w Writer) reason(why forecast.Reason) resource.ObjectOf {
	text := w.say(why.Vi(), why.En())
	codes := resource.ListOf{resource.ObjectOf{"system", reasonSystem, "code", string(why), "display", text}}
	switch why {
	case forecast.ExpiredLot:
		codes = append(codes, resource.ObjectOf{"system", doseReasons, "code", "explot"})
	case forecast.TooYoung, forecast.TooOld, forecast.IntervalTooShort, forecast.LiveConflict:
		codes = append(codes, resource.ObjectOf{"system", doseReasons, "code", "outsidesched"})
	}
	return resource.ObjectOf{"coding", codes, "text", text}
}

// notes are the warnings about what the answer rests on: entries marked verify, and schedules that are not in force yet.
func (w Writer) notes(a *Assessment, s *immunization.Schedule, series *immunization.Series, dose *immunization.Dose) (notes []string) {
	add := func(vi, en string) {
		if strings.Contains(en, "verify") {
			notes = append(notes, w.say("Lưu ý, cần kiểm chứng: "+cmp.Or(vi, en), "To be verified: "+en)+".")
		}
	}
	add(series.NoteVi, series.Note)
	if dose != nil {
		add(dose.NoteVi, dose.Note)
	}
	for _, early := range a.Result.Early {
		if early == s {
			notes = append(notes, fmt.Sprintf(w.say("Lịch %s chỉ có hiệu lực từ %s.", "The schedule %s is in force only from %s."), s.Canonical(), s.EffectiveFrom))
		}
	}
	return notes
}

func (w Writer) recommendation(a *Assessment) resource.ObjectOf {
	var list resource.ListOf
	for i := range a.Result.Series {
		list = append(list, w.recommended(a, &a.Result.Series[i]))
	}
	if len(list) == 0 {
		return nil
	}
	return resource.ObjectOf{
		"resourceType", "ImmunizationRecommendation",
		"patient", resource.ObjectOf{"reference", w.Patient},
		"date", a.At.Format(time.DateOnly),
		"authority", authority(a.Result.Schedules[0]),
		"recommendation", list,
	}
}

func (w Writer) recommended(a *Assessment, f *forecast.Forecast) resource.ObjectOf {
	s := f.Series
	vaccine := resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", CVX, "code", s.CVX[0]}}, "text", w.vaccineOf(s)}
	out := resource.ObjectOf{"extension", schedule(f.Schedule), "vaccineCode", resource.ListOf{vaccine}, "targetDisease", w.disease(s, nil)}
	if f.State == forecast.Contraindicated {
		out = append(out, "contraindicatedVaccineCode", resource.ListOf{vaccine})
	}
	out = append(out, "forecastStatus", w.state(f.State))
	var reasons resource.ListOf
	for _, why := range f.Reasons {
		reasons = append(reasons, w.reason(why))
	}
	var from resource.ListOf
	for _, c := range f.Contraindications {
		reasons = append(reasons, w.contraindication(c.Rule))
		if r := foundIn(c); r != nil {
			from = append(from, r)
		}
	}
	out = append(out, "forecastReason", reasons)
	var dates resource.ListOf
	if f.State == forecast.Due || f.State == forecast.Overdue || f.State == forecast.NotYetDue {
		for _, d := range []struct {
			code, display string
			on            time.Time
		}{
			{"30981-5", "Earliest date to give", f.Earliest}, {"30980-7", "Date vaccine due", f.Recommended},
			{"59777-3", "Latest date to give immunization", f.Latest}, {"59778-1", "Date when overdue for immunization", f.Overdue},
		} {
			if !d.on.IsZero() {
				dates = append(dates, resource.ObjectOf{
					"code", resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", "http://loinc.org", "code", d.code, "display", d.display}}},
					"value", d.on.Format(time.DateOnly),
				})
			}
		}
	}
	out = append(out, "dateCriterion", dates)
	out = append(out, "description", strings.Join(append(w.notes(a, f.Schedule, s, f.Next()), w.contraindicated(f)...), " "), "series", s.Name)
	if f.Number > 0 {
		out = append(out, "doseNumberPositiveInt", f.Number)
	}
	out = append(out, "seriesDosesPositiveInt", len(s.Doses))
	var support resource.ListOf
	for _, n := range f.Valid {
		if r := a.Doses[n].Leading(); r.Ref != "" {
			support = append(support, resource.ObjectOf{"reference", r.Ref})
		}
	}
	return append(out, "supportingImmunization", support, "supportingPatientInformation", from)
}

var stateTexts = map[forecast.State][2]string{
	forecast.Complete:        {"Đã hoàn thành", "Complete"},
	forecast.Due:             {"Đến hạn", "Due"},
	forecast.Overdue:         {"Quá hạn", "Overdue"},
	forecast.NotYetDue:       {"Chưa đến hạn", "Not yet due"},
	forecast.AgedOut:         {"Quá tuổi", "Aged out"},
	forecast.Contraindicated: {"Chống chỉ định", "Contraindicated"},
	forecast.Immune:          {"Đã có miễn dịch", "Immune"},
}

// state is HL7's code where there is one, and ours, which says it of every state.
func (w Writer) state(s forecast.State) resource.Literal { return states()[w.say("vi", "en")][s] }

// states are the concepts of all states as JSON by language, since every answer has one for each series.
var states = sync.OnceValue(func() map[string]map[forecast.State]resource.Literal {
	all := map[string]map[forecast.State]resource.Literal{"vi": {}, "en": {}}
	for s, texts := range stateTexts {
		for i, language := range []string{"vi", "en"} {
			own := resource.ObjectOf{"system", stateSystem, "code", s.String(), "display", texts[i]}
			codings := resource.ListOf{resource.ObjectOf{"system", recommendation, "code", s.String()}, own}
			if s == forecast.NotYetDue || s == forecast.AgedOut {
				codings = resource.ListOf{own}
			}
			all[language][s] = resource.Literal(resource.AppendJSON(nil, resource.ObjectOf{"coding", codings, "text", texts[i]}))
		}
	}
	return all
})
