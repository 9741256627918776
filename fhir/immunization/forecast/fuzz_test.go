package forecast_test

import (
	"os"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
)

// FuzzSchedule reads foreign schedule files: what Parse takes can be forecast by, on any day, and no date is before birth.
func FuzzSchedule(f *testing.F) {
	raw, err := os.ReadFile(fhirtest.Data(f, "domain", "vaccination", "epi-schedule.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(raw))
	f.Add(`{"id":"x","version":"1","effectiveFrom":"2024-01-01","series":[{"series":"A","cvx":["1"],"after":"B:1","doses":[{"dose":1,"minIntervalFromPrevious":"65535y"}]},{"series":"B","cvx":["1"],"after":"A:1","doses":[{"dose":1}]}]}`)
	f.Add(`{"id":"x","version":"1","effectiveFrom":"2024-01-01","rules":{"overdueAfter":"1w","forecastUntilAge":"5y"},"series":[{"series":"A","cvx":["1"],"givenFrom":"2025-01-01","givenTo":"2025-02-01","live":true,"doses":[{"dose":1,"maxAge":"0d","minAge":"2y"}]}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := immunization.Parse([]byte(raw))
		if err != nil {
			return
		}
		set, err := immunization.NewSet(s)
		if err != nil {
			t.Fatalf("a schedule that was read makes no set: %v", err)
		}
		birth := day("2024-02-29")
		var doses []forecast.Dose
		for i := range s.Series {
			for n := range s.Series[i].Doses {
				doses = append(doses, forecast.Dose{On: birth.AddDate(0, n, i), CVX: s.Series[i].CVX, Series: s.Series[i].Name})
			}
		}
		for _, at := range []string{"2024-02-29", "2025-01-15", "2060-01-01"} {
			r := forecast.Run(set, forecast.Person{Birth: birth, Pregnant: true}, doses, day(at))
			for _, f := range r.Series {
				if f.Number > 0 && (f.Earliest.Before(birth) || f.Recommended.Before(f.Earliest)) {
					t.Fatalf("%s: %+v", f.Series.Name, f)
				}
			}
		}
	})
}

func BenchmarkRun(b *testing.B) {
	birth := day("2023-02-01")
	var doses []forecast.Dose
	for i := range immunization.National().Series {
		s := &immunization.National().Series[i]
		if s.Population != "" {
			continue
		}
		all, last := history(birth, s, len(s.Doses))
		doses = append(append(doses, all[max(0, len(all)-len(s.Doses)+1):]...), dose(s, earliest(birth, last, s.Doses[len(s.Doses)-1])))
	}
	b.ReportAllocs()
	for b.Loop() {
		forecast.Run(immunization.Standard(), forecast.Person{Birth: birth}, doses, day("2026-01-01"))
	}
}
