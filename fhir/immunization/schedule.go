package immunization

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
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

	// Antigens and Contraindications are what the file adds to those that hold for every schedule, for its own series.
	Antigens          map[string][]string `json:"antigens"`
	Contraindications []Contraindication  `json:"contraindications"`
}

// Canonical names the schedule and its version, such as vn-epi|2024-06-13: what an evaluation says that it used.
func (s *Schedule) Canonical() string { return s.ID + "|" + s.Version }

// InForce says whether the schedule holds on a day.
func (s *Schedule) InForce(on time.Time) bool {
	day := on.Format(time.DateOnly)
	return s.EffectiveFrom <= day && (s.EffectiveTo == "" || day < s.EffectiveTo)
}

// Rules hold for the whole schedule.
type Rules struct {
	GracePeriodDays            int    `json:"gracePeriodDays"`            // taken off minimum ages and intervals when a dose is judged
	LiveVaccineMinIntervalDays int    `json:"liveVaccineMinIntervalDays"` // between two parenteral live vaccines that are not given on one day
	LiveVaccineNote            string `json:"liveVaccineNote"`
	IntervalsInCalendarMonths  bool   `json:"intervalsInCalendarMonths"`
	LateStart                  string `json:"lateStart"`

	// OverdueAfter is counted from the recommended date; "" = 28d.
	OverdueAfter string `json:"overdueAfter"`
	// UntilAge is the age up to which series without a maximum age are forecast; "" = 18y. It is judgement, not the circular:
	// without it every adult would be overdue for the infants' doses.
	UntilAge string `json:"forecastUntilAge"`
}

// Series is a row of doses against one disease or group of them.
type Series struct {
	Name       string   `json:"series"` // such as "OPV"
	DiseaseVi  string   `json:"disease_vi"`
	DiseaseEn  string   `json:"disease_en"`
	VaccineVi  string   `json:"vaccine_vi"`
	VaccineEn  string   `json:"vaccine_en"` // "" = as VaccineVi
	CVX        []string `json:"cvx"`        // http://hl7.org/fhir/sid/cvx; the first is the programme's usual product
	AlsoCounts []string `json:"alsoCounts"` // CVX of products outside the programme that count for it
	Live       bool     `json:"live"`
	Oral       bool     `json:"oral"`       // exempt from the interval between live vaccines
	After      string   `json:"after"`      // "DTP-HepB-Hib:3": the dose that must have been given before; "" = none, but see Previous
	Population string   `json:"population"` // whom it is for, in words; "" = every child
	GivenFrom  string   `json:"givenFrom"`  // yyyy-MM-dd: doses before it do not count, as in a campaign; "" = all do
	GivenTo    string   `json:"givenTo"`    // yyyy-MM-dd, inclusive; "" = no end
	Doses      []Dose   `json:"doses"`
	Note       string   `json:"note"`
	NoteVi     string   `json:"note_vi"` // "" = as Note

	previous *Series
	step     int
	root     *Series
	depth    int
}

// Chain gives the series with which a chain begins, s itself where it follows none, and how many come before s in it. A dose
// counts in one series of a chain only.
func (s *Series) Chain() (root *Series, depth int) { return s.root, s.depth }

// Previous is the dose of another series that this one follows: that of After, or that which the note of a first dose with
// an interval names ("interval from Measles-1" is its dose 1). nil, 0 = the series stands alone.
func (s *Series) Previous() (series *Series, dose int) { return s.previous, s.step }

// Accepts says whether a product counts for the series.
func (s *Series) Accepts(cvx string) bool {
	for _, list := range [][]string{s.CVX, s.AlsoCounts} {
		for _, c := range list {
			if c == cvx {
				return true
			}
		}
	}
	return false
}

// Counts says whether a dose of this day can count, by GivenFrom and GivenTo.
func (s *Series) Counts(on time.Time) bool {
	if s.GivenFrom == "" && s.GivenTo == "" {
		return true
	}
	day := on.Format(time.DateOnly)
	return s.GivenFrom <= day && (s.GivenTo == "" || day <= s.GivenTo)
}

// Dose is one dose of a series. Nil means that the schedule sets no such bound.
type Dose struct {
	Number       int    `json:"dose"` // from 1
	MinAge       *Age   `json:"-"`
	Recommended  *Age   `json:"-"` // nil also where it hangs on something else than age, see RecommendedText
	MaxAge       *Age   `json:"-"` // the day on which it is reached is the last one
	MinInterval  *Age   `json:"-"` // from the dose before, or from that of Series.Previous
	OverdueAfter *Age   `json:"-"` // from the recommended date; nil = by Rules
	Note         string `json:"note"`
	NoteVi       string `json:"note_vi"` // "" = as Note

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
		Overdue     *string `json:"overdueAfter"`
	}{plain: (*plain)(d)}
	decoder := json.NewDecoder(bytes.NewReader(raw)) // which the caller's strictness does not reach
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return err
	}
	for _, f := range []struct {
		text *string
		into **Age
	}{{in.MinAge, &d.MinAge}, {in.MaxAge, &d.MaxAge}, {in.MinInterval, &d.MinInterval}, {in.Overdue, &d.OverdueAfter}} {
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

// Parse reads a schedule file and checks that it can be worked with: named, in force on known days, each series once, with
// doses numbered from 1, and none that follows itself. A member that it does not know is refused: misspelt it would be a
// bound that silently does not hold.
func Parse(raw []byte) (*Schedule, error) {
	var s Schedule
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	if s.ID == "" || s.Version == "" || len(s.Series) == 0 {
		return nil, fmt.Errorf("schedule %q: id, version and series are needed", s.ID)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("schedule %s: %w", s.ID, err)
	}
	return &s, nil
}

// mostDoses and mostSeries bound what one forecast may cost.
const (
	mostSeries = 200
	mostDoses  = 50
)

func (s *Schedule) check() error {
	if s.EffectiveFrom == "" {
		return fmt.Errorf("effectiveFrom is needed")
	}
	for _, d := range []string{s.EffectiveFrom, s.EffectiveTo} {
		if _, err := time.Parse(time.DateOnly, d); d != "" && err != nil {
			return fmt.Errorf("%q is no date: %w", d, err)
		}
	}
	for _, text := range []string{s.Rules.OverdueAfter, s.Rules.UntilAge} {
		if _, err := ParseAge(text); text != "" && err != nil {
			return err
		}
	}
	if r := s.Rules; r.GracePeriodDays < 0 || r.GracePeriodDays > 60 || r.LiveVaccineMinIntervalDays < 0 || r.LiveVaccineMinIntervalDays > 366 {
		return fmt.Errorf("grace of %d days, live interval of %d days", r.GracePeriodDays, r.LiveVaccineMinIntervalDays)
	}
	if len(s.Series) > mostSeries {
		return fmt.Errorf("more than %d series", mostSeries)
	}
	if err := checkContraindications(s.Contraindications); err != nil {
		return err
	}
	for i := range s.Contraindications {
		s.Contraindications[i].of = s
		for _, name := range s.Contraindications[i].Against.Series {
			if s.Find(name) == nil {
				return fmt.Errorf("contraindication %s is against %q, which is not there", s.Contraindications[i].Code, name)
			}
		}
	}
	seen := map[string]bool{}
	for i := range s.Series {
		series := &s.Series[i]
		if series.Name == "" || len(series.CVX) == 0 || len(series.Doses) == 0 || len(series.Doses) > mostDoses || seen[series.Name] {
			return fmt.Errorf("series %q is not named once, or has no vaccine code, no dose or too many", series.Name)
		}
		seen[series.Name] = true
		if err := series.check(); err != nil {
			return fmt.Errorf("series %s: %w", series.Name, err)
		}
	}
	return s.link()
}

func (s *Series) check() error {
	for _, d := range []string{s.GivenFrom, s.GivenTo} {
		if _, err := time.Parse(time.DateOnly, d); d != "" && err != nil {
			return fmt.Errorf("%q is no date: %w", d, err)
		}
	}
	for i, d := range s.Doses {
		if d.Number != i+1 {
			return fmt.Errorf("dose %d stands at place %d", d.Number, i+1)
		}
	}
	return nil
}

// noteInterval is how a note says what the interval of a first dose is counted from.
var noteInterval = regexp.MustCompile(`^interval from ([A-Za-z0-9-]+)$`)

// link finds what each series follows, and refuses a circle.
func (s *Schedule) link() error {
	for i := range s.Series {
		series := &s.Series[i]
		name, step, given := strings.Cut(series.After, ":")
		if m := noteInterval.FindStringSubmatch(series.Doses[0].Note); m != nil && series.After == "" && series.Doses[0].MinInterval != nil {
			name, step, given = m[1], "1", true
		}
		if name == "" && !given {
			continue
		}
		if series.previous = s.Find(name); series.previous == nil {
			return fmt.Errorf("series %s comes after %q, which is not there", series.Name, name)
		}
		for n := range series.previous.Doses {
			if step == fmt.Sprint(n+1) {
				series.step = n + 1
			}
		}
		if series.step == 0 {
			return fmt.Errorf("series %s comes after %q: %s has no such dose", series.Name, series.After, name)
		}
	}
	for i := range s.Series {
		series := &s.Series[i]
		for series.root = series; series.root.previous != nil; series.root = series.root.previous {
			if series.depth++; series.depth > len(s.Series) {
				return fmt.Errorf("series %s comes after itself", series.Name)
			}
		}
	}
	return nil
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
