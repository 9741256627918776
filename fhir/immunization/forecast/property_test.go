package forecast_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"pgregory.net/rapid"
)

// products are all codes that the schedule takes, and one that it does not.
func products() (all []string) {
	for _, s := range immunization.National().Series {
		all = append(append(all, s.CVX...), s.AlsoCounts...)
	}
	slices.Sort(all)
	return append(slices.Compact(all), "140")
}

// drawn is a random life: mostly plausible days, some before birth, some of no date.
func drawn(t *rapid.T) (forecast.Person, []forecast.Dose, time.Time) {
	birth := day("2015-01-01").AddDate(0, 0, rapid.IntRange(0, 4000).Draw(t, "birth"))
	all := products()
	doses := make([]forecast.Dose, rapid.IntRange(0, 20).Draw(t, "doses"))
	for i := range doses {
		doses[i] = forecast.Dose{ID: fmt.Sprint("d", i), On: birth.AddDate(0, 0, rapid.IntRange(-5, 3000).Draw(t, "on")), CVX: []string{rapid.SampledFrom(all).Draw(t, "cvx")}}
		switch rapid.IntRange(0, 30).Draw(t, "kind") {
		case 0:
			doses[i].NotDone, doses[i].Precaution = true, true
		case 1:
			doses[i].On = time.Time{}
		case 2:
			doses[i].Expiry = birth
		case 3:
			doses[i].Series = "Tetanus-pregnancy"
		case 4:
			doses[i].NotDone, doses[i].Immune = true, true
		}
	}
	return forecast.Person{Birth: birth}, doses, birth.AddDate(0, 0, rapid.IntRange(0, 4000).Draw(t, "assessed"))
}

func TestTheSameLifeGivesTheSameAnswerInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, doses, at := drawn(t)
		want := forecast.Run(immunization.Standard(), p, doses, at)
		if again := forecast.Run(immunization.Standard(), p, doses, at); !reflect.DeepEqual(want, again) {
			t.Fatal("asked twice, answered differently")
		}
		order := rapid.Permutation(indexes(len(doses))).Draw(t, "order")
		shuffled := make([]forecast.Dose, len(doses))
		for to, from := range order {
			shuffled[to] = doses[from]
		}
		got := forecast.Run(immunization.Standard(), p, shuffled, at)
		for to, from := range order {
			if !reflect.DeepEqual(got.Doses[to], want.Doses[from]) {
				t.Fatalf("dose %d: %+v in another order, %+v before", from, got.Doses[to], want.Doses[from])
			}
		}
		for i := range want.Series {
			a, b := want.Series[i], got.Series[i]
			for n, v := range b.Valid {
				b.Valid[n] = order[v]
			}
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("%s: %+v in another order, %+v before", a.Series.Name, b, a)
			}
		}
	})
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestNoDateIsBeforeBirthAndDatesAreInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, doses, at := drawn(t)
		r := forecast.Run(immunization.Standard(), p, doses, at)
		for _, f := range r.Series {
			for _, d := range []time.Time{f.Earliest, f.Recommended, f.Latest, f.Overdue} {
				if !d.IsZero() && d.Before(p.Birth) {
					t.Fatalf("%s: a date before birth (%s): %+v", f.Series.Name, p.Birth, f)
				}
			}
			if f.Number > 0 && (f.Earliest.After(f.Recommended) || !f.Overdue.IsZero() && f.Overdue.Before(f.Earliest)) {
				t.Fatalf("%s: dates out of order: %+v", f.Series.Name, f)
			}
			if (f.State == forecast.Complete) != (f.Number == 0) || len(f.Valid) > len(f.Series.Doses) {
				t.Fatalf("%s: %+v", f.Series.Name, f)
			}
		}
		for n, evaluations := range r.Doses {
			if len(evaluations) == 0 {
				t.Fatalf("dose %d has no evaluation", n)
			}
			for _, e := range evaluations {
				if (e.Status == forecast.Valid) != (len(e.Reasons) == 0) {
					t.Fatalf("dose %d: %v without a reason, or valid with one: %v", n, e.Status, e.Reasons)
				}
			}
		}
	})
}

// TestAnotherValidDoseNeverMakesASeriesLessComplete adds doses that keep nothing off: not live, or live and the last.
func TestAnotherValidDoseNeverMakesASeriesLessComplete(t *testing.T) {
	set := immunization.Standard()
	added := 0
	rapid.Check(t, func(t *rapid.T) {
		p, doses, at := drawn(t)
		for i := range doses {
			doses[i].NotDone, doses[i].Precaution, doses[i].Immune = false, false, false
		}
		before := forecast.Run(set, p, doses, at)
		more := forecast.Dose{ID: "more", On: p.Birth.AddDate(0, 0, rapid.IntRange(0, 3000).Draw(t, "more")), CVX: []string{rapid.SampledFrom(products()).Draw(t, "product")}}
		due := slices.DeleteFunc(slices.Clone(before.Series), func(f forecast.Forecast) bool { return f.Recommended.IsZero() })
		if len(due) > 0 && rapid.IntRange(0, 3).Draw(t, "as is due") > 0 { // few of the others are valid
			f := rapid.SampledFrom(due).Draw(t, "series")
			more.On, more.CVX = f.Recommended, f.Series.CVX[:1]
		}
		if set.Live(more.CVX[0]) {
			for _, d := range doses {
				if !d.On.Before(more.On) {
					more.On = d.On.AddDate(0, 0, 1)
				}
			}
		}
		after := forecast.Run(set, p, append(slices.Clone(doses), more), at)
		if !slices.ContainsFunc(after.Doses[len(doses)], func(e forecast.Evaluation) bool { return e.Status == forecast.Valid }) {
			return
		}
		added++
		for i, f := range before.Series {
			if g := after.Series[i]; len(g.Valid) < len(f.Valid) {
				t.Fatalf("%s had %d valid doses, and has %d with one more: %+v", f.Series.Name, len(f.Valid), len(g.Valid), more)
			}
		}
	})
	if added == 0 && !testing.Short() { // of a hundred lives a third, of twenty sometimes none
		t.Error("no dose that was added was valid: nothing was tried")
	}
}

func TestATimeOfDayIsADayInVietnam(t *testing.T) {
	for text, want := range map[string]string{
		"2025-03-01": "2025-03-01", "2025-02-28T17:00:00Z": "2025-03-01", "2025-02-28T16:59:59Z": "2025-02-28",
		"2025-03-01T00:30:00+07:00": "2025-03-01", "2024-02-28T20:00:00-05:00": "2024-02-29", "2025-03-01T08:00:00.123+07:00": "2025-03-01",
	} {
		if got, ok := immunization.ParseDay(text); !ok || !got.Equal(day(want)) {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "2025", "2025-03", "2025-02-29", "yesterday", "0000-01-01"} {
		if got, ok := immunization.ParseDay(text); ok {
			t.Errorf("%q is %s", text, got)
		}
	}
}
