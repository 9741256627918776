package synthetic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
)

// Dose is one vaccination that was given.
type Dose struct {
	Series   *immunization.Series
	Number   int
	On       time.Time
	Facility string // MA_CSKCB
	Lot      string
	Expiry   time.Time
}

// rotaSince is when the province's children began to get rotavirus vaccine: the roll-out of late 2024.
var rotaSince = time.Date(2024, time.October, 1, 0, 0, 0, 0, time.UTC)

// vaccinate gives what the schedule asks for up to today, as it goes in life: never before the minimum age or interval,
// some days late, a few doses missed and with them those that hang on them.
func (p *Population) vaccinate(c *Citizen, rng *rand.Rand) []Dose {
	if c.Mother == nil {
		return p.pregnancyDoses(c, rng)
	}
	given := map[string]time.Time{} // "OPV:2" -> day
	var live []time.Time            // parenteral live vaccines
	var doses []Dose
	for i := range p.schedule.Series {
		s := &p.schedule.Series[i]
		if s.Population != "" || s.Name == "Rota" && c.Birth.Before(rotaSince) {
			continue
		}
		for _, d := range s.Doses {
			on, ok := p.dayOf(c, s, d, given, rng)
			if s.Live && !s.Oral && ok {
				on = p.apart(on, live)
			}
			if !ok || on.After(p.cfg.Today) || d.MaxAge != nil && on.After(d.MaxAge.After(c.Birth)) || rng.IntN(40) == 0 {
				break
			}
			if s.Live && !s.Oral {
				live = append(live, on)
			}
			given[fmt.Sprintf("%s:%d", s.Name, d.Number)] = on
			doses = append(doses, p.dose(s, d.Number, on, facilityOf(c, on)))
		}
	}
	slices.SortStableFunc(doses, func(a, b Dose) int { return a.On.Compare(b.On) })
	return doses
}

// dayOf is the day on which the dose would be given; ok is false if one that it hangs on is missing.
func (p *Population) dayOf(c *Citizen, s *immunization.Series, d immunization.Dose, given map[string]time.Time, rng *rand.Rand) (on time.Time, ok bool) {
	if d.Recommended == nil {
		return on, false
	}
	on = d.Recommended.After(c.Birth)
	before := s.After
	if d.Number > 1 {
		before = fmt.Sprintf("%s:%d", s.Name, d.Number-1)
	} else if s.Name == "MR" {
		before = "Measles-1:1" // its interval is counted from there, as the schedule's note says
	}
	if before != "" {
		last, was := given[before]
		if !was {
			return on, false
		}
		if d.MinInterval != nil {
			if due := d.MinInterval.After(last); due.After(on) {
				on = due
			}
		}
	}
	if on.After(c.Birth) { // at birth it is the maternity ward that gives it, on the day
		on = days(on, rng.IntN(15))
	}
	return on, true
}

// apart moves a parenteral live vaccine until it is on the same day as each other one or far enough from it.
func (p *Population) apart(on time.Time, live []time.Time) time.Time {
	for _, other := range live {
		if gap := int(on.Sub(other).Hours() / 24); gap > 0 && gap < p.schedule.Rules.LiveVaccineMinIntervalDays {
			on = days(other, p.schedule.Rules.LiveVaccineMinIntervalDays)
		}
	}
	return on
}

// pregnancyDoses gives a mother her two doses against tetanus before the youngest child.
func (p *Population) pregnancyDoses(c *Citizen, rng *rand.Rand) []Dose {
	s := p.schedule.Find("Tetanus-pregnancy")
	if c.Expecting.IsZero() || s == nil || rng.IntN(5) == 0 {
		return nil
	}
	first := days(c.Expecting, -150+rng.IntN(20))
	second := days(s.Doses[1].MinInterval.After(first), rng.IntN(10))
	return []Dose{p.dose(s, 1, first, c.Home.station), p.dose(s, 2, second, c.Home.station)}
}

// dose fills in lot and expiry: a lot serves the province for a quarter.
func (p *Population) dose(s *immunization.Series, number int, on time.Time, facility string) Dose {
	quarter := (int(on.Month()) - 1) / 3
	return Dose{
		Series: s, Number: number, On: on, Facility: facility,
		Lot:    fmt.Sprintf("GD-%s-%d%c", strings.ToUpper(s.Name[:2]), on.Year()%100, 'A'+rune(quarter)),
		Expiry: time.Date(on.Year()+2, time.Month(3*quarter+4), 0, 0, 0, 0, 0, time.UTC),
	}
}

// facilityOf says who gives the dose: the hospital on the day of birth, the station of the commune later.
func facilityOf(c *Citizen, on time.Time) string {
	if on.Equal(c.Birth) {
		return "51901"
	}
	return c.Home.station
}
