package delivery

import (
	_ "embed"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/scheduler/cron"
)

// Calendar says which days are working days: Monday to Friday but for Off, and On besides. Days are yyyy-mm-dd in Zone.
type Calendar struct {
	Zone    *time.Location
	Off, On map[string]bool
}

// holidays are the public holidays, a line each: a date and its name; "+" before the date makes it a working day. The days of Tết and
// of the Hùng kings are fixed each year by the government's announcement: those of years ahead are assumed.
//
//go:embed holidays.txt
var holidays string

// DefaultCalendar has the holidays that are built in, in Vietnamese time.
func DefaultCalendar() Calendar {
	zone, err := time.LoadLocation(cron.DefaultZone)
	if err != nil {
		panic("delivery: the zone database is built in: " + err.Error())
	}
	c, err := Calendar{Zone: zone}.With(holidays)
	if err != nil {
		panic("delivery: the built-in holidays: " + err.Error())
	}
	return c
}

// With adds days in the form of the built-in ones, which these go before. Kind Invalid, code "delivery-holiday", names the line that
// cannot be read.
func (c Calendar) With(lines string) (Calendar, error) {
	n := Calendar{Zone: c.Zone, Off: map[string]bool{}, On: map[string]bool{}}
	for d := range c.Off {
		n.Off[d] = true
	}
	for d := range c.On {
		n.On[d] = true
	}
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		day, _, _ := strings.Cut(line, " ")
		day, works := strings.CutPrefix(day, "+")
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return c, fhir.Errorf(fhir.Invalid, "delivery-holiday", "", line)
		}
		delete(n.Off, day)
		delete(n.On, day)
		if works {
			n.On[day] = true
		} else {
			n.Off[day] = true
		}
	}
	return n, nil
}

// Works says whether the day of t is a working day.
func (c Calendar) Works(t time.Time) bool {
	t = t.In(c.Zone)
	day := t.Format(time.DateOnly)
	weekend := t.Weekday() == time.Saturday || t.Weekday() == time.Sunday
	return c.On[day] || !weekend && !c.Off[day]
}

// EndOf gives the end of the nth working day after the day of t.
func (c Calendar) EndOf(t time.Time, n int) time.Time {
	t = t.In(c.Zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, c.Zone)
	for n > 0 {
		if day = day.AddDate(0, 0, 1); c.Works(day) {
			n--
		}
	}
	return time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, c.Zone)
}
