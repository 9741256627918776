package forecast

import (
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
)

// What holds where the schedule does not say.
var (
	overdueAfter = immunization.Age{Days: 28}
	untilAge     = immunization.Age{Months: 18 * 12}
)

// next says in which state a series is and when its next dose can be given. It is decided once for a series.
func (r *run) next(s *immunization.Schedule, t *track) Forecast {
	if t.decided {
		return t.forecast
	}
	t.decided = true
	f := &t.forecast
	*f = Forecast{Schedule: s, Series: t.series, Valid: t.valid, State: Complete}
	if len(t.days) == len(t.series.Doses) {
		return *f
	}
	f.Number = len(t.days) + 1
	from, counted := t.from()
	waits := false
	if r.waitsFor(t, r.at) {
		if end, ok := r.finished(s, t); ok {
			from, counted, waits = later(from, end), true, true
		}
	}
	live := r.dates(f, from, counted)
	against := r.against(s, t.series)
	f.State = r.state(t, f, waits, len(against) > 0)
	switch {
	case f.State == Contraindicated:
		if f.Contraindications = against; t.withheld != "" {
			f.Reasons = []Reason{t.withheld}
		}
	case f.State == Immune:
		f.Reasons = []Reason{t.withheld}
	case f.State == AgedOut && f.Latest.IsZero():
		f.Reasons = []Reason{OutsideAge}
	case f.State == AgedOut:
		f.Reasons = []Reason{TooOld}
	case waits:
		f.Reasons = []Reason{PreviousMissing}
	case live && f.State == NotYetDue:
		f.Reasons = []Reason{AfterLive}
	}
	return *f
}

// finished is the day on which the series before could bring the dose that t follows, if the missing doses were given as
// early as can be, from the assessment date on; ok is false if it will be aged out by then.
func (r *run) finished(s *immunization.Schedule, t *track) (on time.Time, ok bool) {
	before := r.next(s, t.previous)
	if before.State == AgedOut {
		return on, false
	}
	on = later(before.Earliest, r.at)
	if !before.Latest.IsZero() && on.After(before.Latest) {
		return on, false
	}
	_, step := t.series.Previous()
	for _, d := range before.Series.Doses[before.Number:step] {
		if d.MinInterval != nil {
			on = d.MinInterval.After(on)
		}
		if d.MinAge != nil {
			on = later(on, d.MinAge.After(r.person.Birth))
		}
		if d.MaxAge != nil && on.After(d.MaxAge.After(r.person.Birth)) {
			return on, false
		}
	}
	return on, true
}

// dates sets those of the next dose. from is the day from which its interval counts, if counted. It tells whether a live
// vaccine that was given keeps the dose off.
func (r *run) dates(f *Forecast, from time.Time, counted bool) (live bool) {
	dose, birth := f.Next(), r.person.Birth
	earliest, recommended := birth, birth
	if dose.MinAge != nil {
		earliest = dose.MinAge.After(birth)
	}
	if counted {
		earliest = later(earliest, from)
		if dose.MinInterval != nil {
			earliest = later(earliest, dose.MinInterval.After(from))
		}
	}
	switch wait, worded := afterDose(dose.RecommendedText); {
	case dose.Recommended != nil:
		recommended = dose.Recommended.After(birth)
	case counted && worded:
		recommended = wait.After(from)
	case !counted && r.person.Pregnant && !r.person.Since.IsZero():
		earliest = later(earliest, r.person.Since)
	case !counted:
		earliest = later(earliest, r.at)
	}
	earliest = later(earliest, limit(f.Series.GivenFrom))
	overdue := overdueOf(f.Schedule, dose).After(later(recommended, earliest))
	if gap := time.Duration(f.Schedule.Rules.LiveVaccineMinIntervalDays) * day; f.Series.Live && !f.Series.Oral {
		for _, other := range r.live {
			if on := later(earliest, r.at); on.After(other) && on.Before(other.Add(gap)) {
				earliest, live = other.Add(gap), true
			}
		}
	}
	f.Earliest, f.Recommended, f.Overdue = earliest, later(recommended, earliest), later(overdue, earliest)
	if dose.MaxAge != nil {
		f.Latest = dose.MaxAge.After(birth)
	}
	if end := limit(f.Series.GivenTo); !end.IsZero() && (f.Latest.IsZero() || end.Before(f.Latest)) {
		f.Latest = later(end, birth)
	}
	if !f.Latest.IsZero() && f.Overdue.After(f.Latest) {
		f.Overdue = time.Time{} // it goes from due to aged out
	}
	return live
}

// against gives the contraindications of the person that hold for a series on the assessment date.
func (r *run) against(s *immunization.Schedule, series *immunization.Series) (all []*Contraindication) {
	for i := range r.person.Contraindications {
		if c := &r.person.Contraindications[i]; c.holds(r.at) && r.set.Contraindicated(c.Rule, s, series, c.Products) {
			all = append(all, c)
		}
	}
	return all
}

// state decides by the dates. waits says that another dose must be given before.
func (r *run) state(t *track, f *Forecast, waits, contraindicated bool) State {
	switch {
	case t.withheld == IsImmune:
		return Immune
	case !f.Latest.IsZero() && (r.at.After(f.Latest) || f.Earliest.After(f.Latest)):
		return AgedOut
	case f.Latest.IsZero() && f.Series.Population == "" && !r.at.Before(untilAgeOf(f.Schedule).After(r.person.Birth)):
		return AgedOut
	case t.withheld == Precaution, contraindicated:
		return Contraindicated
	case waits || r.at.Before(f.Recommended):
		return NotYetDue
	case !f.Overdue.IsZero() && !r.at.Before(f.Overdue):
		return Overdue
	}
	return Due
}

// afterDose reads "1m after dose 1" and "6m after dose 2 or next pregnancy": the wait that a recommendation is worded with.
// The next pregnancy is no date that is known here.
func afterDose(text string) (immunization.Age, bool) {
	wait, _, ok := strings.Cut(text, " after dose ")
	if !ok {
		return immunization.Age{}, false
	}
	a, err := immunization.ParseAge(wait)
	return a, err == nil
}

func overdueOf(s *immunization.Schedule, dose *immunization.Dose) immunization.Age {
	if dose.OverdueAfter != nil {
		return *dose.OverdueAfter
	}
	return ageOr(s.Rules.OverdueAfter, overdueAfter)
}

// OverdueByAge is the day on which a dose is overdue for somebody who had all before it in time; ok is false for a dose whose
// recommendation hangs on something else than age.
func OverdueByAge(s *immunization.Schedule, dose *immunization.Dose, birth time.Time) (on time.Time, ok bool) {
	if dose.Recommended == nil {
		return on, false
	}
	return overdueOf(s, dose).After(dose.Recommended.After(birth)), true
}

// UntilAge is the day from which series without a maximum age are no longer forecast.
func UntilAge(s *immunization.Schedule, birth time.Time) time.Time { return untilAgeOf(s).After(birth) }

func untilAgeOf(s *immunization.Schedule) immunization.Age { return ageOr(s.Rules.UntilAge, untilAge) }

// ageOr reads an age that Parse has checked; without one it is standard.
func ageOr(text string, standard immunization.Age) immunization.Age {
	if text == "" {
		return standard
	}
	a, _ := immunization.ParseAge(text)
	return a
}

// limit reads a date that Parse has checked; zero if there is none.
func limit(date string) time.Time {
	if date == "" {
		return time.Time{}
	}
	t, _ := time.Parse(time.DateOnly, date)
	return t
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
