package history

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"github.com/lienthong/lienthong/fhir/resource"
)

func value(t *testing.T, text string) resource.Value {
	t.Helper()
	d, err := resource.New([]byte(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return d.Root()
}

func onDay(text string) time.Time {
	d, ok := immunization.ParseDay(text)
	if !ok {
		panic(text)
	}
	return d
}

// infant is born so that everything of the national programme for infants is still wanted on the day of assessment.
const born, assessed = "2025-01-10", "2025-06-15"

// contraindicated assesses the infant and gives the series that are contraindicated, with the codes.
func contraindicated(t *testing.T, set *immunization.Set, s Screening, at string) map[string][]string {
	t.Helper()
	p := forecast.Person{Birth: onDay(born)}
	s.Of(&p, set, onDay(at))
	a := Assess(set, &p, s.Records, onDay(at))
	out := map[string][]string{}
	for _, f := range a.Result.Series {
		if f.State == forecast.Contraindicated {
			var codes []string
			for _, c := range f.Contraindications {
				codes = append(codes, c.Rule.Code+" "+c.Ref)
			}
			out[f.Series.Name] = codes
		}
	}
	return out
}

// suspected is the dose that adverse events of the cases suspect.
func suspected(t *testing.T) []Record {
	return []Record{read(t, "five1", "completed", "198", "2025-03-10", "")}
}

// sample is a resource that a criterion takes, with a code and severity, that began on a day.
func sample(t *testing.T, c *immunization.Criterion, code, severity, on string) (s Screening) {
	coding := fmt.Sprintf(`{"coding":[{"system":%q,"code":%q}]}`, c.System, code)
	if c.System == "" {
		coding = `{"text":"any"}`
	}
	s.Records = suspected(t)
	switch c.In {
	case "Condition":
		s.Conditions = []resource.Value{value(t, fmt.Sprintf(`{"resourceType":"Condition","id":"x","code":%s,"onsetDateTime":%q}`, coding, on))}
	case "AllergyIntolerance":
		criticality := "low"
		if severity == "severe" {
			criticality = "high"
		}
		s.Allergies = []resource.Value{value(t, fmt.Sprintf(`{"resourceType":"AllergyIntolerance","id":"x","code":%s,"criticality":%q,"recordedDate":%q}`, coding, criticality, on))}
	case "AdverseEvent":
		s.Adverse = []resource.Value{value(t, fmt.Sprintf(`{"resourceType":"AdverseEvent","id":"x","actuality":"actual","event":%s,"severity":{"coding":[{"code":%q}]},"date":%q,"suspectEntity":[{"instance":{"reference":"Immunization/five1"}}]}`, coding, severity, on))}
	case "Immunization":
		s.Records = append(s.Records, read(t, "x", "completed", code, on, ""))
	}
	return s
}

// Every code of every contraindication is against what its entry says and against nothing else, from the day on which it began
// to the last one on which it holds.
func TestEveryContraindicationHasTwoSides(t *testing.T) {
	set := immunization.Standard()
	cases := 0
	for _, rule := range set.Contraindications() {
		for i := range rule.When {
			c := &rule.When[i]
			codes, severity := c.Codes, ""
			if len(codes) == 0 {
				codes = []string{"198"} // a vaccine, where the criterion takes any
			}
			if len(c.Severity) > 0 {
				severity = c.Severity[len(c.Severity)-1] // severe alone is one of its own
			}
			for _, code := range codes {
				cases++
				s := sample(t, c, code, severity, "2025-06-10")
				where := fmt.Sprintf("%s by %s %s", rule.Code, c.In, code)
				found := contraindicated(t, set, s, assessed)
				for k := range immunization.National().Series {
					series := &immunization.National().Series[k]
					p := forecast.Person{Birth: onDay(born)}
					bare := Assess(set, &p, s.Records, onDay(assessed))
					want := false
					for _, f := range bare.Result.Series {
						// by the entry's own words, not by Set.Contraindicated
						wanted := f.State != forecast.Complete && f.State != forecast.AgedOut
						want = want || f.Series == series && wanted && against(rule, series)
					}
					codes, got := found[series.Name]
					if got != want {
						t.Errorf("%s: %s contraindicated: %v, want %v", where, series.Name, got, want)
					}
					if got && !strings.HasPrefix(strings.Join(codes, ","), rule.Code+" "+c.In+"/x") {
						t.Errorf("%s: %s says %q", where, series.Name, codes)
					}
				}
				if early := contraindicated(t, set, s, "2025-06-09"); len(early) > 0 && c.In != "Immunization" {
					t.Errorf("%s: it holds before it began: %v", where, early)
				}
				if rule.HoldsFor != "" {
					age, err := immunization.ParseAge(rule.HoldsFor)
					if err != nil {
						t.Fatal(err)
					}
					end := age.After(onDay("2025-06-10"))
					if last := contraindicated(t, set, s, end.AddDate(0, 0, -1).Format(time.DateOnly)); len(last) == 0 {
						t.Errorf("%s: it does not hold on its last day", where)
					}
					if after := contraindicated(t, set, s, end.Format(time.DateOnly)); len(after) > 0 {
						t.Errorf("%s: it holds after its last day: %v", where, after)
					}
				}
				if len(c.Codes) > 0 { // another code says nothing
					if other := contraindicated(t, set, sample(t, c, "Q99", severity, "2025-06-10"), assessed); len(other) > 0 {
						t.Errorf("%s: Q99 is taken as well: %v", where, other)
					}
				}
				if len(c.Severity) > 0 {
					if mild := contraindicated(t, set, sample(t, c, code, "mild", "2025-06-10"), assessed); len(mild) > 0 {
						t.Errorf("%s: a mild one is taken as well: %v", where, mild)
					}
				}
			}
		}
	}
	if cases < 120 {
		t.Errorf("only %d cases: the file was not read as it stands", cases)
	}
}

// against reads an entry of the file for the infant, who had the five in one vaccine.
func against(rule *immunization.Contraindication, series *immunization.Series) bool {
	has := func(diseases ...string) bool {
		for _, d := range diseases {
			if strings.Contains(strings.ToLower(series.DiseaseEn), d) {
				return true
			}
		}
		return false
	}
	a := rule.Against
	switch {
	case a.All:
		return true
	case a.Live == "all":
		return series.Live
	case a.Live == "parenteral":
		return series.Live && !series.Oral
	case a.SameAntigens:
		return has("diphtheria", "tetanus", "hepatitis b", "hib")
	}
	for _, antigen := range a.Antigens {
		if has(antigen) || antigen == "rubella" && has("rubella") {
			return true
		}
	}
	return false
}

func TestWhatIsOverOrRefutedIsNoContraindication(t *testing.T) {
	set := immunization.Standard()
	coded := func(code, more string) Screening {
		return Screening{Conditions: []resource.Value{value(t, fmt.Sprintf(`{"resourceType":"Condition","id":"x","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":%q}]}%s}`, code, more))}}
	}
	status := func(element, code string) string { return fmt.Sprintf(`,%q:{"coding":[{"code":%q}]}`, element, code) }
	for _, c := range []struct {
		name string
		s    Screening
		want bool
	}{
		{"an active one", coded("D81.1", status("clinicalStatus", "active")), true},
		{"one without a status", coded("D81.1", ""), true},
		{"one that is resolved", coded("D81.1", status("clinicalStatus", "resolved")), false},
		{"one that was refuted", coded("D81.1", status("verificationStatus", "refuted")), false},
		{"one that was entered in error", coded("D81.1", status("verificationStatus", "entered-in-error")), false},
		{"a history of intussusception", coded("K56.1", status("clinicalStatus", "resolved")+`,"abatementDateTime":"2025-04-01"`), true},
		{"a longer code that is another one", coded("K56.7", ""), false},
		{"pneumonia that ended the day before", coded("J18.9", `,"onsetDateTime":"2025-06-10","abatementDateTime":"2025-06-15"`), false},
		{"pneumonia that ends the day after", coded("J18.9", `,"onsetDateTime":"2025-06-10","abatementDateTime":"2025-06-16"`), true},
		{"pneumonia of another code system", Screening{Conditions: []resource.Value{value(t, `{"resourceType":"Condition","code":{"coding":[{"system":"urn:own","code":"J18.9"}]}}`)}}, false},
		{"an adverse event that only might have been", Screening{Records: suspected(t), Adverse: []resource.Value{value(t, `{"resourceType":"AdverseEvent","actuality":"potential","severity":{"coding":[{"code":"severe"}]},"suspectEntity":[{"instance":{"reference":"Immunization/five1"}}]}`)}}, false},
		{"an adverse event of something else", Screening{Records: suspected(t), Adverse: []resource.Value{value(t, `{"resourceType":"AdverseEvent","actuality":"actual","severity":{"coding":[{"code":"severe"}]},"suspectEntity":[{"instance":{"reference":"Medication/m"}}]}`)}}, false},
		{"a reaction in the dose itself", Screening{Records: []Record{read(t, "five1", "completed", "198", "2025-03-10", `,"contained":[{"resourceType":"Observation","id":"r","status":"final","code":{"coding":[{"system":"http://snomed.info/sct","code":"39579001"}]}}],"reaction":[{"detail":{"reference":"#r"}}]`)}}, true},
		{"a reaction that an Observation tells", Screening{Records: []Record{read(t, "five1", "completed", "198", "2025-03-10", `,"reaction":[{"detail":{"reference":"Observation/r"}}]`)},
			Observations: map[string]resource.Value{"Observation/r": value(t, `{"resourceType":"Observation","id":"r","status":"final","code":{"text":"reaction"},"valueCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"39579001"}]}}`)}}, true},
		{"a reaction of fever", Screening{Records: []Record{read(t, "five1", "completed", "198", "2025-03-10", `,"reaction":[{"detail":{"display":"Sốt"}}]`)}}, false},
		{"somebody says that the person is pregnant", Screening{Pregnant: true}, true},
	} {
		if found := contraindicated(t, set, c.s, assessed); len(found) > 0 != c.want {
			t.Errorf("%s: %v, want %v", c.name, found, c.want)
		}
	}
}

// A pregnancy that a Condition tells adds the doses against tetanus, from the day on which it is known.
func TestAPregnancyOnRecordIsKnownToTheForecast(t *testing.T) {
	set := immunization.Standard()
	p := forecast.Person{Birth: onDay("1998-05-05")}
	s := Screening{Conditions: []resource.Value{value(t, `{"resourceType":"Condition","id":"x","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"Z34.0"}]},"onsetDateTime":"2025-02-01"}`)}}
	s.Of(&p, set, onDay("2025-03-01"))
	if !p.Pregnant || !p.Since.Equal(onDay("2025-02-01")) {
		t.Errorf("%+v", p)
	}
	over := forecast.Person{Birth: p.Birth}
	s.Of(&over, set, onDay("2025-11-22")) // 42 weeks later
	if over.Pregnant {
		t.Error("pregnant after 42 weeks")
	}
}

// What was given counts, and a series that is complete stays so, whatever is found.
func TestAContraindicationTakesNothingAway(t *testing.T) {
	set := immunization.Standard()
	records := []Record{read(t, "a", "completed", "198", "2025-03-10", ""), read(t, "b", "completed", "198", "2025-04-10", ""), read(t, "c", "completed", "198", "2025-05-10", "")}
	s := Screening{Records: records, Conditions: []resource.Value{value(t, `{"resourceType":"Condition","id":"x","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"I50.0"}]}}`)}}
	p := forecast.Person{Birth: onDay(born)}
	s.Of(&p, set, onDay(assessed))
	for _, f := range Assess(set, &p, records, onDay(assessed)).Result.Series {
		want := forecast.Contraindicated
		switch f.Series.Name {
		case "DTP-HepB-Hib":
			want = forecast.Complete
		case "HepB-birth":
			want = forecast.AgedOut
		}
		if f.State != want {
			t.Errorf("%s: %v, want %v", f.Series.Name, f.State, want)
		}
	}
}
