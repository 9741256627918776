package immunization

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"
)

//go:generate go run ./gen -in ../../../shared/domain/vaccination/epi-schedule.json -out schedules/vn-epi.json

//go:embed schedules/vn-epi.json
var national []byte

// National gives the national schedule. The value is shared: read it, do not change it.
var National = sync.OnceValue(func() *Schedule {
	s, err := Parse(national)
	if err != nil {
		panic("immunization: the committed schedule cannot be read: " + err.Error())
	}
	return s
})

// Schedule is a vaccination programme as of a version.
type Schedule struct {
	ID            string   `json:"id"`
	Version       string   `json:"version"`
	TitleVi       string   `json:"title_vi"`
	Source        string   `json:"source"`        // the circular, and which entries are not from it
	EffectiveFrom string   `json:"effectiveFrom"` // yyyy-MM-dd
	EffectiveTo   string   `json:"effectiveTo"`   // yyyy-MM-dd, exclusive; "" = still in force
	Rules         Rules    `json:"rules"`
	Series        []Series `json:"series"`
}

// Rules hold for the whole schedule.
type Rules struct {
	GracePeriodDays            int    `json:"gracePeriodDays"`
	LiveVaccineMinIntervalDays int    `json:"liveVaccineMinIntervalDays"` // between two parenteral live vaccines that are not given on one day
	LiveVaccineNote            string `json:"liveVaccineNote"`
	IntervalsInCalendarMonths  bool   `json:"intervalsInCalendarMonths"`
	LateStart                  string `json:"lateStart"`
}

// Series is a row of doses against one disease or group of them.
type Series struct {
	Name       string   `json:"series"` // such as "OPV"
	DiseaseVi  string   `json:"disease_vi"`
	DiseaseEn  string   `json:"disease_en"`
	VaccineVi  string   `json:"vaccine_vi"`
	CVX        []string `json:"cvx"`        // http://hl7.org/fhir/sid/cvx; the first is the programme's usual product
	AlsoCounts []string `json:"alsoCounts"` // CVX of products outside the programme that count for it
	Live       bool     `json:"live"`
	Oral       bool     `json:"oral"`       // exempt from the interval between live vaccines
	After      string   `json:"after"`      // "DTP-HepB-Hib:3": the dose that must have been given before; "" = none
	Population string   `json:"population"` // whom it is for, in words; "" = every child
	Doses      []Dose   `json:"doses"`
	Note       string   `json:"note"`
}

// Dose is one dose of a series. Nil means that the schedule sets no such bound.
type Dose struct {
	Number      int    `json:"dose"` // from 1
	MinAge      *Age   `json:"-"`
	Recommended *Age   `json:"-"` // nil also where it hangs on something else than age, see RecommendedText
	MaxAge      *Age   `json:"-"`
	MinInterval *Age   `json:"-"` // from the dose before, or from that of Series.After
	Note        string `json:"note"`

	RecommendedText string `json:"recommendedAge"` // as the schedule words it: "2m", "first contact in pregnancy"
}

// UnmarshalJSON reads a dose of the schedule file and turns its ages into Age.
func (d *Dose) UnmarshalJSON(raw []byte) error {
	type plain Dose
	in := struct {
		*plain
		MinAge      *string `json:"minAge"`
		MaxAge      *string `json:"maxAge"`
		MinInterval *string `json:"minIntervalFromPrevious"`
	}{plain: (*plain)(d)}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	for _, f := range []struct {
		text *string
		into **Age
	}{{in.MinAge, &d.MinAge}, {in.MaxAge, &d.MaxAge}, {in.MinInterval, &d.MinInterval}} {
		if f.text == nil {
			continue
		}
		a, err := ParseAge(*f.text)
		if err != nil {
			return err
		}
		*f.into = &a
	}
	if a, err := ParseAge(d.RecommendedText); err == nil {
		d.Recommended = &a
	}
	return nil
}

// Parse reads a schedule file and checks that it can be worked with: named, with doses numbered from 1, each series once.
func Parse(raw []byte) (*Schedule, error) {
	var s Schedule
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	if s.ID == "" || s.Version == "" || len(s.Series) == 0 {
		return nil, fmt.Errorf("schedule %q: id, version and series are needed", s.ID)
	}
	seen := map[string]bool{}
	for _, series := range s.Series {
		if series.Name == "" || len(series.CVX) == 0 || len(series.Doses) == 0 || seen[series.Name] {
			return nil, fmt.Errorf("schedule %s: series %q is not named once, or has no vaccine code or dose", s.ID, series.Name)
		}
		seen[series.Name] = true
		for i, d := range series.Doses {
			if d.Number != i+1 {
				return nil, fmt.Errorf("schedule %s: series %s: dose %d stands at place %d", s.ID, series.Name, d.Number, i+1)
			}
		}
	}
	return &s, nil
}

// Find gives the series of that name, nil if there is none.
func (s *Schedule) Find(name string) *Series {
	for i := range s.Series {
		if s.Series[i].Name == name {
			return &s.Series[i]
		}
	}
	return nil
}
