package forecast_test

import (
	"testing"
	"time"

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
		if last = earliest(birth, last, d); s.GivenFrom != "" && last.Before(day(s.GivenFrom)) {
			last = day(s.GivenFrom)
		}
		doses = append(doses, dose(s, last))
	}
	return doses, last
}

// earliest is the first day that age and interval let pass.
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
