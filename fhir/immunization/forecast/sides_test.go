package forecast_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
)

// boundsOf lists the bounds that a schedule file has, read from its JSON and not by Parse: each age, interval, wait and date of
// its doses, series and rules. A member that is new to it and looks like a bound is one as well, so that it needs cases.
func boundsOf(t *testing.T, raw []byte) (all []string) {
	t.Helper()
	var file struct {
		Rules  map[string]any
		Series []struct {
			Series             string
			GivenFrom, GivenTo string
			Doses              []map[string]any
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	add := func(where string, members map[string]any) {
		for name, v := range members {
			text, worded := v.(string)
			number, counted := v.(float64)
			_, err := immunization.ParseAge(text)
			if counted && number > 0 && name != "dose" || worded && (err == nil || name == "recommendedAge") {
				all = append(all, where+" "+name)
			}
		}
	}
	add("rules", file.Rules)
	for _, s := range file.Series {
		for name, v := range map[string]string{"givenFrom": s.GivenFrom, "givenTo": s.GivenTo} {
			if v != "" {
				all = append(all, s.Series+" "+name)
			}
		}
		for _, d := range s.Doses {
			add(fmt.Sprint(s.Series, " ", d["dose"]), d)
		}
	}
	slices.Sort(all)
	return all
}

// sides counts the cases on the near side of each bound, where it holds, and on the far one.
type sides struct {
	*testing.T
	set       *immunization.Set
	schedule  *immunization.Schedule
	near, far map[string]int
}

// is counts a case and complains of one that went wrong.
func (s *sides) is(bound string, beyond, ok bool, what string, args ...any) {
	s.Helper()
	if beyond {
		s.far[bound]++
	} else {
		s.near[bound]++
	}
	if !ok {
		s.Errorf("%s: %s", bound, fmt.Sprintf(what, args...))
	}
}

// TestEveryBoundHasCasesOnBothSides runs cases on each bound that a schedule file has, and on the day beyond it, and fails for
// a bound that has none. Those of which no case can be, since another bound always goes before, are named here.
func TestEveryBoundHasCasesOnBothSides(t *testing.T) {
	implied := map[string][]string{
		"epi-schedule.json": {
			// nobody is there the day before birth
			"BCG 1 recommendedAge", "HepB-birth 1 recommendedAge",
			// the dose before is as late as that already
			"JE 2 minAge",
		},
		"covid-19.json": {
			"COVID-19 2 minAge",                // as JE
			"rules liveVaccineMinIntervalDays", // nothing in it is live
		},
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "docs", "examples", "schedules", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("there are no further schedules", err)
	}
	files = append(files, fhirtest.Data(t, "domain", "vaccination", "epi-schedule.json"), filepath.Join("testdata", "campaign.json"))
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			schedule, err := immunization.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			all := []*immunization.Schedule{schedule}
			if schedule.ID != immunization.National().ID {
				all = append(all, immunization.National())
			}
			set, err := immunization.NewSet(all...)
			if err != nil {
				t.Fatal(err)
			}
			s := &sides{t, set, schedule, map[string]int{}, map[string]int{}}
			for i := range schedule.Series {
				s.series(&schedule.Series[i])
			}
			bounds := boundsOf(t, raw)
			for _, b := range bounds {
				if has := s.near[b] > 0 && s.far[b] > 0; has == slices.Contains(implied[name], b) {
					t.Errorf("%s has %d cases that it lets pass and %d that it does not", b, s.near[b], s.far[b])
				}
			}
			for _, counted := range []map[string]int{s.near, s.far} {
				for b := range maps.Keys(counted) {
					if !slices.Contains(bounds, b) {
						t.Errorf("there are cases for %s, which the file does not have", b)
					}
				}
			}
			near, far := 0, 0
			for _, b := range bounds {
				near, far = near+s.near[b], far+s.far[b]
			}
			t.Logf("%d bounds, %d cases within, %d beyond; implied %d", len(bounds), near, far, len(implied[name]))
		})
	}
}

// series runs the cases of one series with births that calendars make hard, and for one with a window such that its doses fall
// on both ends of it.
func (s *sides) series(series *immunization.Series) {
	at := births
	if series.GivenFrom != "" {
		least, most := series.Doses[0].MinAge.Months, series.Doses[0].MaxAge.Months
		from, to := day(series.GivenFrom), day(series.GivenTo)
		at = []time.Time{from.AddDate(0, -least-3, 0), from.AddDate(0, -least, 20), to.AddDate(0, -most, -10), day("2024-02-29")}
		s.window(series, at[0], from, to)
	}
	for _, birth := range at {
		for n := range series.Doses {
			s.judgedAt(series, n, birth)
			s.forecastAt(series, n, birth)
		}
		s.untilAge(series, birth)
		s.live(series, birth)
	}
}

// window: a dose counts on the first and on the last day, and not a day before or after; then the series is over.
func (s *sides) window(series *immunization.Series, birth, from, to time.Time) {
	for _, c := range []struct {
		bound  string
		on     time.Time
		beyond bool
	}{{"givenFrom", from, false}, {"givenFrom", from.AddDate(0, 0, -1), true}, {"givenTo", to, false}, {"givenTo", to.AddDate(0, 0, 1), true}} {
		given := forecast.Dose{ID: "x", On: c.on, CVX: series.CVX[:1]}
		r := forecast.Run(s.set, forecast.Person{Birth: birth}, []forecast.Dose{given}, to.AddDate(0, 0, 1))
		valid := slices.ContainsFunc(r.Doses[0], func(e forecast.Evaluation) bool {
			return e.Series.Name == series.Name && e.Status == forecast.Valid
		})
		s.is(series.Name+" "+c.bound, c.beyond, valid != c.beyond, "given %s: valid %v", c.on.Format(time.DateOnly), valid)
	}
	open, over := s.state(series, birth, nil, to), s.state(series, birth, nil, to.AddDate(0, 0, 1))
	s.is(series.Name+" givenTo", false, open.State == forecast.Overdue && open.Latest.Equal(to), "on the last day %+v", open)
	s.is(series.Name+" givenTo", true, over.State == forecast.AgedOut, "on the day after %+v", over)
	early := s.state(series, birth, nil, from.AddDate(0, 0, -1))
	s.is(series.Name+" givenFrom", true, early.State == forecast.NotYetDue && early.Earliest.Equal(from), "the day before %+v", early)
	first := s.state(series, birth, nil, from)
	s.is(series.Name+" givenFrom", false, first.State == forecast.Due, "on the first day %+v", first)
}

// forecasts says whether the schedule is used on a day.
func (s *sides) forecasts(on time.Time) bool {
	in, _ := s.set.On(on)
	return slices.Contains(in, s.schedule)
}

// end is an assessment date after every dose, on which the schedule is used.
func (s *sides) end() time.Time {
	if s.schedule.EffectiveTo != "" {
		return day(s.schedule.EffectiveTo).AddDate(0, 0, -1)
	}
	return far
}

func (s *sides) state(series *immunization.Series, birth time.Time, doses []forecast.Dose, at time.Time) forecast.Forecast {
	s.Helper()
	return state(s.T, forecast.Run(s.set, forecast.Person{Birth: birth, Pregnant: series.Population != ""}, doses, at), series.Name)
}

// judgedAt gives dose n on each of its bounds, and on the day beyond. What other bounds say of that day does not matter.
func (s *sides) judgedAt(series *immunization.Series, n int, birth time.Time) {
	d, where := series.Doses[n], fmt.Sprint(series.Name, " ", n+1, " ")
	before, last := history(birth, series, n+1)
	grace := s.schedule.Rules.GracePeriodDays
	reasons := func(on time.Time) ([]forecast.Reason, bool) {
		if len(before) > 0 && !on.After(last) || !series.Counts(on) {
			return nil, false // it would be another dose than this one
		}
		r := forecast.Run(s.set, forecast.Person{Birth: birth}, append(slices.Clone(before), dose(series, on)), s.end())
		e := judged(s.T, r, len(before), series.Name)
		if e.Number != n+1 && !slices.Contains(e.Reasons, forecast.BeforeBirth) {
			s.Errorf("%sborn %s, given %s was judged as dose %d", where, birth.Format(time.DateOnly), on.Format(time.DateOnly), e.Number)
		}
		return e.Reasons, true
	}
	// turn looks at the last day that a bound lets pass, and at the one beyond it.
	turn := func(bound string, within, beyond time.Time, want ...forecast.Reason) {
		inside, ok := reasons(within)
		outside, other := reasons(beyond)
		if !ok || !other {
			return
		}
		has := func(all []forecast.Reason) bool {
			return slices.ContainsFunc(want, func(r forecast.Reason) bool { return slices.Contains(all, r) })
		}
		s.is(bound, false, !has(inside), "born %s, given %s: %v", birth.Format(time.DateOnly), within.Format(time.DateOnly), inside)
		s.is(bound, true, has(outside), "born %s, given %s: %v", birth.Format(time.DateOnly), beyond.Format(time.DateOnly), outside)
		if grace > 0 && bound != where+"maxAge" {
			s.near["rules gracePeriodDays"]++
			s.far["rules gracePeriodDays"]++
		}
	}
	if d.MinAge != nil {
		on := d.MinAge.After(birth).AddDate(0, 0, -grace)
		turn(where+"minAge", on, on.AddDate(0, 0, -1), forecast.TooYoung, forecast.BeforeBirth)
	}
	if d.MinInterval != nil {
		on := d.MinInterval.After(last).AddDate(0, 0, -grace)
		turn(where+"minIntervalFromPrevious", on, on.AddDate(0, 0, -1), forecast.IntervalTooShort)
	}
	if d.MaxAge != nil {
		on := d.MaxAge.After(birth)
		turn(where+"maxAge", on, on.AddDate(0, 0, 1), forecast.TooOld)
	}
	if least := earliest(birth, last, d); series.Counts(least) && grace == 0 {
		if why, ok := reasons(least); ok && len(why) > 0 {
			s.Errorf("%sborn %s is not valid on the first day that all bounds let pass, %s: %v", where, birth.Format(time.DateOnly), least.Format(time.DateOnly), why)
		}
	}
}

// forecastAt looks at the forecast of dose n on the day before and on each of its dates.
func (s *sides) forecastAt(series *immunization.Series, n int, birth time.Time) {
	d, where := series.Doses[n], fmt.Sprint(series.Name, " ", n+1, " ")
	doses, last := history(birth, series, n+1)
	if slices.ContainsFunc(doses, func(d forecast.Dose) bool { return !series.Counts(d.On) && d.Series == series.Name }) {
		return
	}
	least := earliest(birth, last, d)
	if series.GivenFrom != "" && least.Before(day(series.GivenFrom)) {
		least = day(series.GivenFrom)
	}
	at := last
	if !s.forecasts(at) {
		at = day(s.schedule.EffectiveFrom)
	}
	f := s.state(series, birth, doses, at)
	if f.State == forecast.AgedOut {
		return
	}
	if f.Number != n+1 || !f.Earliest.Equal(least) && (d.Recommended != nil || n > 0) || f.Recommended.Before(f.Earliest) {
		s.Fatalf("%sborn %s, from %s: %+v", where, birth.Format(time.DateOnly), least.Format(time.DateOnly), f)
	}
	if d.Recommended != nil {
		want := d.Recommended.After(birth)
		if want.Before(least) {
			want = least
		}
		if !f.Recommended.Equal(want) {
			s.Errorf("%sborn %s is recommended on %s, not %s", where, birth.Format(time.DateOnly), f.Recommended.Format(time.DateOnly), want.Format(time.DateOnly))
		}
	}
	turn := func(bound string, before, on time.Time, then, now forecast.State) {
		if before.Before(birth) || before.Before(last) || !s.forecasts(before) || !s.forecasts(on) {
			return // nobody is forecast then
		}
		was, is := s.state(series, birth, doses, before), s.state(series, birth, doses, on)
		s.is(bound, false, is.State == now, "born %s, on %s: %v, want %v (%+v)", birth.Format(time.DateOnly), on.Format(time.DateOnly), is.State, now, is)
		s.is(bound, true, was.State == then, "born %s, on %s: %v, want %v (%+v)", birth.Format(time.DateOnly), before.Format(time.DateOnly), was.State, then, was)
	}
	if series.Population != "" && n == 0 { // at the first contact, whenever that is: due on the day, overdue never by itself
		first := s.state(series, birth, nil, far)
		others := slices.ContainsFunc(forecast.Run(s.set, forecast.Person{Birth: birth}, nil, far).Series, func(f forecast.Forecast) bool { return f.Series.Name == series.Name })
		s.is(where+"recommendedAge", false, first.State == forecast.Due && first.Recommended.Equal(far), "%+v", first)
		s.is(where+"recommendedAge", true, !others, "it is forecast for who is not of the population")
		return
	}
	turn(where+"recommendedAge", f.Recommended.AddDate(0, 0, -1), f.Recommended, forecast.NotYetDue, forecast.Due)
	if !f.Overdue.IsZero() {
		bound, after := "rules overdueAfter", s.schedule.Rules.OverdueAfter
		if d.OverdueAfter != nil {
			bound, after = where+"overdueAfter", d.OverdueAfter.String()
		}
		wait, err := immunization.ParseAge(after)
		if after == "" {
			wait, err = immunization.Age{Days: 28}, nil
		}
		if err != nil || !f.Overdue.Equal(wait.After(f.Recommended)) {
			s.Errorf("%sborn %s, recommended %s, is overdue on %s (%v)", where, birth.Format(time.DateOnly), f.Recommended.Format(time.DateOnly), f.Overdue.Format(time.DateOnly), err)
		}
		if after != "" {
			turn(bound, f.Overdue.AddDate(0, 0, -1), f.Overdue, forecast.Due, forecast.Overdue)
		}
	}
	if d.MaxAge != nil && f.Latest.Equal(d.MaxAge.After(birth)) {
		before := forecast.Due
		if !f.Overdue.IsZero() {
			before = forecast.Overdue
		}
		turn(where+"maxAge", f.Latest, f.Latest.AddDate(0, 0, 1), before, forecast.AgedOut)
	}
}

// untilAge: a series without a maximum age is forecast until the age that the rules have.
func (s *sides) untilAge(series *immunization.Series, birth time.Time) {
	if s.schedule.Rules.UntilAge == "" || series.Doses[0].MaxAge != nil || series.GivenTo != "" || series.Population != "" {
		return
	}
	age, err := immunization.ParseAge(s.schedule.Rules.UntilAge)
	if err != nil {
		s.Fatal(err)
	}
	end := age.After(birth)
	if !s.forecasts(end) {
		birth = day(s.schedule.EffectiveFrom).AddDate(0, 3-age.Months, 0)
		end = age.After(birth)
	}
	last := s.state(series, birth, nil, end.AddDate(0, 0, -1))
	s.is("rules forecastUntilAge", false, last.State == forecast.Overdue, "%+v", last)
	over := s.state(series, birth, nil, end)
	s.is("rules forecastUntilAge", true, over.State == forecast.AgedOut, "%+v", over)
}

// live: another live vaccine by injection keeps the dose off for as many days as the rules say, and not one longer.
func (s *sides) live(series *immunization.Series, birth time.Time) {
	gap := s.schedule.Rules.LiveVaccineMinIntervalDays
	if !series.Live || series.Oral || gap == 0 {
		return
	}
	other := "19" // BCG
	if series.Accepts(other) {
		other = "05"
	}
	before, last := history(birth, series, 1)
	on := earliest(birth, last, series.Doses[0]).AddDate(0, 3, 0)
	if series.GivenFrom != "" {
		on = day(series.GivenFrom).AddDate(0, 3, 0)
	}
	for _, c := range []struct {
		days   int
		beyond bool
	}{{gap, false}, {gap - 1, true}} {
		doses := append(slices.Clone(before), forecast.Dose{ID: "other", On: on.AddDate(0, 0, -c.days), CVX: []string{other}}, dose(series, on))
		e := judged(s.T, forecast.Run(s.set, forecast.Person{Birth: birth}, doses, s.end()), len(before)+1, series.Name)
		s.is("rules liveVaccineMinIntervalDays", c.beyond, slices.Contains(e.Reasons, forecast.LiveConflict) == c.beyond, "%s %d days after another live vaccine: %v", series.Name, c.days, e.Reasons)
	}
}
