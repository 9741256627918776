package forecast_test

import (
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
)

// Cases worked by hand from the schedule file (Thông tư 10/2024/TT-BYT, Điều 1, table of vaccines, ages and doses), each
// with the entry that it turns on.
func TestCasesWorkedByHand(t *testing.T) {
	given := func(cvx string, days ...string) (out []forecast.Dose) {
		for _, d := range days {
			out = append(out, forecast.Dose{ID: cvx + d, On: day(d), CVX: []string{cvx}})
		}
		return out
	}
	for _, c := range []struct {
		name, birth, at string
		doses           []forecast.Dose
		series          string
		state           forecast.State
		number          int
		earliest        string
	}{
		{"five in one at 2, 3 and 4 months is complete (DPT-VGB-Hib, 3 doses)", "2025-01-31", "2025-06-01",
			given("198", "2025-03-31", "2025-04-30", "2025-05-31"), "DTP-HepB-Hib", forecast.Complete, 0, ""},
		{"31 January + 3 months is 30 April, and a day before is too young (minAge 3m)", "2025-01-31", "2025-06-01",
			given("198", "2025-03-30", "2025-04-30", "2025-05-31"), "DTP-HepB-Hib", forecast.NotYetDue, 3, "2025-06-30"},
		{"a late series goes on where it stopped (lateStart: never restart)", "2024-01-10", "2025-12-01",
			given("198", "2024-03-10", "2025-11-20"), "DTP-HepB-Hib", forecast.NotYetDue, 3, "2025-12-20"},
		{"six in one counts (alsoCounts 146)", "2025-01-10", "2025-08-01",
			given("146", "2025-03-10", "2025-04-10", "2025-05-10"), "DTP-HepB-Hib", forecast.Complete, 0, ""},
		{"the booster waits for the third dose and six months (DPT nhắc lại, after DTP-HepB-Hib:3)", "2024-01-10", "2025-12-01",
			given("198", "2024-03-10", "2024-04-10", "2025-09-15"), "DTP-booster", forecast.NotYetDue, 1, "2026-03-15"},
		{"hepatitis B at birth is aged out after the seventh day (maxAge 7d)", "2025-01-01", "2025-01-09", nil,
			"HepB-birth", forecast.AgedOut, 1, "2025-01-01"},
		{"BCG is due in the first year (maxAge 1y)", "2024-06-01", "2024-06-10", nil, "BCG", forecast.Due, 1, "2024-06-01"},
		{"a child without any measles dose gets measles first, whatever the age (Sởi đơn before Sởi - Rubella)", "2023-01-01", "2025-06-01", nil,
			"MR", forecast.NotYetDue, 1, "2025-07-01"},
		{"measles-rubella as the first measles dose counts as that (cvx 04 in Measles-1)", "2023-01-01", "2025-07-02",
			given("04", "2025-06-01"), "MR", forecast.Due, 1, "2025-07-01"},
		{"29 February + 1 year is 28 February (VNNB, minAge 1y)", "2024-02-29", "2025-02-28", nil, "JE", forecast.Due, 1, "2025-02-28"},
		{"the third dose against Japanese encephalitis is a year after the second", "2023-03-01", "2025-06-01",
			given("39", "2024-05-10", "2024-05-20"), "JE", forecast.Due, 3, "2025-05-20"},
		{"Td is for seven-year-olds even without the booster, whose age has passed", "2016-01-01", "2024-09-01",
			given("198", "2016-03-01", "2016-04-01", "2016-05-01"), "Td-booster", forecast.Overdue, 1, "2023-01-01"},
		{"rota cannot be begun after six months (maxAge 6m)", "2025-01-01", "2025-07-02", nil, "Rota", forecast.AgedOut, 1, "2025-03-01"},
		{"an adult is not overdue for the infants' doses", "1990-01-01", "2025-07-02", nil, "OPV", forecast.AgedOut, 1, "1990-03-01"},
	} {
		r := forecast.Run(immunization.Standard(), forecast.Person{Birth: day(c.birth)}, c.doses, day(c.at))
		f := state(t, r, c.series)
		if f.State != c.state || f.Number != c.number || c.earliest != "" && !f.Earliest.Equal(day(c.earliest)) {
			t.Errorf("%s: %v, dose %d from %s; want %v, dose %d from %s", c.name, f.State, f.Number, f.Earliest.Format(time.DateOnly), c.state, c.number, c.earliest)
		}
	}
}

func TestTetanusInPregnancyIsForThePregnant(t *testing.T) {
	birth, at := day("1998-05-05"), day("2025-03-01")
	none := forecast.Run(immunization.Standard(), forecast.Person{Birth: birth}, nil, at)
	for _, f := range none.Series {
		if f.Series.Name == "Tetanus-pregnancy" {
			t.Error("a forecast for a population that the person is not of")
		}
	}
	r := forecast.Run(immunization.Standard(), forecast.Person{Birth: birth, Pregnant: true}, nil, at)
	if f := state(t, r, "Tetanus-pregnancy"); f.State != forecast.Due || !f.Recommended.Equal(at) {
		t.Errorf("first contact in pregnancy: %+v", f)
	}
	first := forecast.Dose{On: day("2025-02-10"), CVX: []string{"139"}, Series: "Tetanus-pregnancy"}
	r = forecast.Run(immunization.Standard(), forecast.Person{Birth: birth, Pregnant: true}, []forecast.Dose{first}, at)
	if f := state(t, r, "Tetanus-pregnancy"); f.State != forecast.NotYetDue || !f.Earliest.Equal(day("2025-03-10")) {
		t.Errorf("a month after the first: %+v", f)
	}
	if len(r.Doses[0]) != 1 {
		t.Errorf("a dose for the pregnancy counted elsewhere as well: %+v", r.Doses[0])
	}
}

func TestWhatKeepsADoseFromCounting(t *testing.T) {
	birth := day("2025-01-01")
	for _, c := range []struct {
		name string
		dose forecast.Dose
		want forecast.Reason
	}{
		{"before birth", forecast.Dose{On: day("2024-12-31"), CVX: []string{"19"}}, forecast.BeforeBirth},
		{"after the assessment", forecast.Dose{On: day("2025-06-02"), CVX: []string{"19"}}, forecast.AfterAssessment},
		{"no day", forecast.Dose{CVX: []string{"19"}}, forecast.DateIncomplete},
		{"a product of no series", forecast.Dose{On: day("2025-02-01"), CVX: []string{"140"}}, forecast.WrongProduct},
		{"no product", forecast.Dose{On: day("2025-02-01")}, forecast.WrongProduct},
		{"another product than the series named", forecast.Dose{On: day("2025-02-01"), CVX: []string{"140"}, Series: "BCG"}, forecast.WrongProduct},
		{"an expired lot", forecast.Dose{On: day("2025-02-01"), CVX: []string{"19"}, Expiry: day("2025-01-31")}, forecast.ExpiredLot},
		{"the last day of a lot", forecast.Dose{On: day("2025-02-01"), CVX: []string{"19"}, Expiry: day("2025-02-01")}, ""},
		{"a subpotent dose", forecast.Dose{On: day("2025-02-01"), CVX: []string{"19"}, Subpotent: true}, forecast.Subpotent},
		{"not done", forecast.Dose{On: day("2025-02-01"), CVX: []string{"19"}, NotDone: true}, forecast.NotDone},
		{"known as a duplicate", forecast.Dose{On: day("2025-02-01"), CVX: []string{"19"}, Duplicate: true}, forecast.Duplicate},
	} {
		r := forecast.Run(immunization.Standard(), forecast.Person{Birth: birth}, []forecast.Dose{c.dose}, day("2025-06-01"))
		e := r.Doses[0][0]
		if c.want == "" && e.Status != forecast.Valid || c.want != "" && (e.Status == forecast.Valid || e.Reasons[0] != c.want) {
			t.Errorf("%s: %v %v, want %q", c.name, e.Status, e.Reasons, c.want)
		}
		for _, why := range e.Reasons {
			if why.Vi() == "" || why.En() == "" {
				t.Errorf("%s has no text", why)
			}
		}
	}
	twice := []forecast.Dose{{ID: "a", On: day("2025-02-01"), CVX: []string{"19"}}, {ID: "b", On: day("2025-02-01"), CVX: []string{"19"}}, {ID: "c", On: day("2025-03-01"), CVX: []string{"19"}}}
	r := forecast.Run(immunization.Standard(), forecast.Person{Birth: birth}, twice, day("2025-06-01"))
	if e := r.Doses[1][0]; e.Reasons[0] != forecast.Duplicate {
		t.Errorf("the same day again: %+v", e)
	}
	if e := r.Doses[2][0]; e.Status != forecast.Extra || e.Reasons[0] != forecast.ExtraDose {
		t.Errorf("after the series was complete: %+v", e)
	}
}

func TestWhatIsNotDoneForAReasonIsSaid(t *testing.T) {
	birth, at := day("2025-01-01"), day("2025-10-25")
	run := func(doses ...forecast.Dose) forecast.Forecast {
		return state(t, forecast.Run(immunization.Standard(), forecast.Person{Birth: birth}, doses, at), "Measles-1")
	}
	precaution := forecast.Dose{ID: "p", On: day("2025-10-01"), CVX: []string{"05"}, NotDone: true, Precaution: true}
	if f := run(precaution); f.State != forecast.Contraindicated || f.Reasons[0] != forecast.Precaution {
		t.Errorf("a medical precaution: %+v", f)
	}
	if f := run(precaution, forecast.Dose{ID: "early", On: day("2025-09-30"), CVX: []string{"05"}}); f.State != forecast.Contraindicated {
		t.Errorf("a dose before the precaution lifts it: %+v", f)
	}
	if f := run(precaution, forecast.Dose{ID: "given", On: day("2025-10-20"), CVX: []string{"05"}}); f.State != forecast.Complete {
		t.Errorf("a dose after the precaution: %+v", f)
	}
	if f := run(forecast.Dose{On: day("2025-10-01"), CVX: []string{"05"}, NotDone: true}); f.State != forecast.Due {
		t.Errorf("refused without a medical reason, it stays due: %+v", f)
	}
	if f := run(forecast.Dose{On: day("2025-10-01"), CVX: []string{"05"}, NotDone: true, Immune: true}); f.State != forecast.Immune {
		t.Errorf("immune: %+v", f)
	}
}

// A campaign is a file: it counts doses of its own days alone, beside the national programme.
func TestACampaignCountsItsOwnDays(t *testing.T) {
	campaign, err := immunization.Parse([]byte(`{"id":"mr-2025","version":"1","title_vi":"Chiến dịch","source":"invented","effectiveFrom":"2025-03-01","effectiveTo":"2025-06-01",
"rules":{"liveVaccineMinIntervalDays":28,"overdueAfter":"2w"},"series":[{"series":"MR-campaign","disease_vi":"Sởi","disease_en":"Measles","vaccine_vi":"MR","cvx":["04"],"live":true,
"givenFrom":"2025-03-01","givenTo":"2025-05-31","doses":[{"dose":1,"minAge":"1y","recommendedAge":"1y","maxAge":"10y"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	set, err := immunization.NewSet(immunization.National(), campaign)
	if err != nil {
		t.Fatal(err)
	}
	p := forecast.Person{Birth: day("2022-01-01")}
	run := func(at string, days ...string) forecast.Forecast {
		var doses []forecast.Dose
		for _, d := range days {
			doses = append(doses, forecast.Dose{ID: d, On: day(d), CVX: []string{"04"}})
		}
		return state(t, forecast.Run(set, p, doses, day(at)), "MR-campaign")
	}
	for _, c := range []struct {
		at    string
		given []string
		want  forecast.State
	}{
		{"2025-03-01", nil, forecast.Due}, {"2025-03-14", nil, forecast.Due}, {"2025-03-15", nil, forecast.Overdue},
		{"2025-05-01", []string{"2025-02-28"}, forecast.Overdue}, {"2025-05-01", []string{"2025-03-01"}, forecast.Complete},
		{"2025-03-10", []string{"2025-02-28"}, forecast.NotYetDue}, // 28 days after a live vaccine
	} {
		if f := run(c.at, c.given...); f.State != c.want || !f.Latest.IsZero() && !f.Latest.Equal(day("2025-05-31")) {
			t.Errorf("on %s with %v: %v (%+v), want %v", c.at, c.given, f.State, f, c.want)
		}
	}
	for _, f := range forecast.Run(set, p, nil, day("2025-06-01")).Series {
		if f.Series.Name == "MR-campaign" {
			t.Error("the campaign is over, and forecast")
		}
	}
}
