package forecast_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// births are birth dates that calendars make hard.
var births = []time.Time{day("2024-02-29"), day("2024-08-31"), day("2023-12-31"), day("2025-01-01"), day("2025-06-15")}

// history gives the earliest valid doses that must come before dose n of a series, by the schedule alone and not by Run.
func history(birth time.Time, s *immunization.Series, n int) (doses []forecast.Dose, last time.Time) {
	last = birth
	if before, step := s.Previous(); before != nil {
		doses, last = history(birth, before, step+1)
	}
	for _, d := range s.Doses[:n-1] {
		last = earliest(birth, last, d)
		doses = append(doses, dose(s, last))
	}
	return doses, last
}

func earliest(birth, last time.Time, d immunization.Dose) time.Time {
	on := last
	if d.MinAge != nil && d.MinAge.After(birth).After(on) {
		on = d.MinAge.After(birth)
	}
	if d.MinInterval != nil && d.MinInterval.After(last).After(on) {
		on = d.MinInterval.After(last)
	}
	return on
}

// dose is one of the product that only this series of its chain takes, if there is such a product.
func dose(s *immunization.Series, on time.Time) forecast.Dose {
	return forecast.Dose{On: on, CVX: s.CVX[:1], Series: s.Name}
}

func judged(t *testing.T, r forecast.Result, n int, series string) forecast.Evaluation {
	t.Helper()
	for _, e := range r.Doses[n] {
		if e.Series != nil && e.Series.Name == series {
			return e
		}
	}
	t.Fatalf("dose %d was not judged in %s: %+v", n, series, r.Doses[n])
	return forecast.Evaluation{}
}

func state(t *testing.T, r forecast.Result, series string) forecast.Forecast {
	t.Helper()
	for _, f := range r.Series {
		if f.Series.Name == series {
			return f
		}
	}
	t.Fatalf("no forecast of %s", series)
	return forecast.Forecast{}
}

// far is an assessment date after every dose of these tests.
var far = day("2040-01-01")

// TestEveryBoundOfTheScheduleHasTwoSides puts a dose on the day of each minimum age, maximum age and interval that the
// field's own file has, and on the day beyond it.
func TestEveryBoundOfTheScheduleHasTwoSides(t *testing.T) {
	if cases := bothSides(t, fhirtest.Data(t, "domain", "vaccination", "epi-schedule.json")); cases < 200 {
		t.Errorf("only %d cases: the schedule was not read as it stands", cases)
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "docs", "examples", "schedules", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("there are no further schedules", err)
	}
	for _, f := range files {
		if cases := bothSides(t, f); cases < 20 {
			t.Errorf("%s: only %d cases", f, cases)
		}
	}
}

// bothSides makes the cases of a schedule file and runs them; it gives how many there were.
func bothSides(t *testing.T, file string) (cases int) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := immunization.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	set, err := immunization.NewSet(schedule)
	if err != nil {
		t.Fatal(err)
	}
	for i := range schedule.Series {
		s := &schedule.Series[i]
		for n, d := range s.Doses {
			for _, birth := range births {
				before, last := history(birth, s, n+1)
				check := func(bound string, on time.Time, want forecast.Reason) {
					t.Helper()
					cases++
					r := forecast.Run(set, forecast.Person{Birth: birth}, append(slices.Clone(before), dose(s, on)), far)
					e := judged(t, r, len(before), s.Name)
					if valid := e.Status == forecast.Valid; valid != (want == "") || want != "" && !slices.Contains(e.Reasons, want) || e.Number != n+1 && !on.Before(last) {
						t.Errorf("%s dose %d, born %s, %s, given %s: %v %v as dose %d, want %q", s.Name, n+1, birth.Format(time.DateOnly), bound, on.Format(time.DateOnly), e.Status, e.Reasons, e.Number, want)
					}
				}
				least := earliest(birth, last, d)
				check("the earliest day", least, "")
				if d.MinAge != nil && d.MinAge.After(birth).After(birth) {
					check("a day before the minimum age", d.MinAge.After(birth).AddDate(0, 0, -1), forecast.TooYoung)
				}
				if d.MinInterval != nil {
					check("a day before the interval has passed", d.MinInterval.After(last).AddDate(0, 0, -1), forecast.IntervalTooShort)
				}
				if d.MaxAge != nil {
					check("the day of the maximum age", d.MaxAge.After(birth), "")
					check("a day after the maximum age", d.MaxAge.After(birth).AddDate(0, 0, 1), forecast.TooOld)
				}
			}
		}
	}
	return cases
}

// TestForecastTurnsOnTheDayItSays looks at each series' next dose on the day before and on each of its dates.
func TestForecastTurnsOnTheDayItSays(t *testing.T) {
	set := immunization.Standard()
	for i := range immunization.National().Series {
		s := &immunization.National().Series[i]
		for n, d := range s.Doses {
			if d.Recommended == nil {
				continue
			}
			for _, birth := range births {
				doses, _ := history(birth, s, n+1)
				on := func(at time.Time) forecast.Forecast {
					return state(t, forecast.Run(set, forecast.Person{Birth: birth}, doses, at), s.Name)
				}
				at := birth
				if len(doses) > 0 {
					at = doses[len(doses)-1].On
				}
				f := on(at)
				where := fmt.Sprintf("%s dose %d, born %s", s.Name, n+1, birth.Format(time.DateOnly))
				if f.Number != n+1 || f.Earliest.After(f.Recommended) || f.Earliest.Before(birth) {
					t.Fatalf("%s: %+v", where, f)
				}
				want := func(at time.Time, want forecast.State) {
					t.Helper()
					if at.Before(birth) || len(doses) > 0 && at.Before(doses[len(doses)-1].On) {
						return
					}
					if got := on(at); got.State != want {
						t.Errorf("%s on %s: %v, want %v (%+v)", where, at.Format(time.DateOnly), got.State, want, got)
					}
				}
				want(f.Recommended.AddDate(0, 0, -1), forecast.NotYetDue)
				want(f.Recommended, forecast.Due)
				if !f.Overdue.IsZero() {
					if got := f.Overdue.Sub(f.Recommended).Hours() / 24; got != 28 {
						t.Errorf("%s is overdue %v days after the recommended date", where, got)
					}
					want(f.Overdue.AddDate(0, 0, -1), forecast.Due)
					want(f.Overdue, forecast.Overdue)
				}
				if !f.Latest.IsZero() {
					before := forecast.Due
					if !f.Overdue.IsZero() {
						before = forecast.Overdue
					}
					want(f.Latest, before)
					want(f.Latest.AddDate(0, 0, 1), forecast.AgedOut)
				}
			}
		}
	}
}

func TestLiveVaccinesKeepTheirDistance(t *testing.T) {
	birth, bcg := day("2025-01-10"), day("2025-09-20")
	for _, c := range []struct {
		after int
		want  forecast.Reason
	}{{0, ""}, {20, forecast.LiveConflict}, {27, forecast.LiveConflict}, {28, ""}} {
		measles := bcg.AddDate(0, 0, c.after)
		if measles.Before(day("2025-10-10")) {
			measles, bcg = measles.AddDate(0, 1, 0), bcg.AddDate(0, 1, 0)
		}
		r := forecast.Run(immunization.Standard(), forecast.Person{Birth: birth}, []forecast.Dose{
			{ID: "bcg", On: bcg, CVX: []string{"19"}}, {ID: "measles", On: measles, CVX: []string{"05"}},
			{ID: "opv", On: measles.AddDate(0, 0, -1), CVX: []string{"178"}}, // oral: no distance
		}, far)
		if e := judged(t, r, 1, "Measles-1"); (e.Status == forecast.Valid) != (c.want == "") || c.want != "" && e.Reasons[0] != c.want {
			t.Errorf("%d days apart: %v %v", c.after, e.Status, e.Reasons)
		}
		bcg = day("2025-09-20")
	}
	r := forecast.Run(immunization.Standard(), forecast.Person{Birth: birth}, []forecast.Dose{{On: day("2025-10-09"), CVX: []string{"19"}}}, day("2025-10-12"))
	if f := state(t, r, "Measles-1"); f.State != forecast.NotYetDue || !f.Earliest.Equal(day("2025-11-06")) || f.Reasons[0] != forecast.AfterLive {
		t.Errorf("the forecast does not wait for BCG: %+v", f)
	}
	r = forecast.Run(immunization.Standard(), forecast.Person{Birth: birth}, []forecast.Dose{{On: day("2025-10-12"), CVX: []string{"19"}}}, day("2025-10-12"))
	if f := state(t, r, "Measles-1"); f.State != forecast.Due {
		t.Errorf("on the same day it could be given: %+v", f)
	}
}
