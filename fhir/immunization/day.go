package immunization

import "time"

// local is the time of Vietnam, which has no summer time: UTC+7. A fixed zone needs no zone files on the machine.
var local = time.FixedZone("+07", 7*60*60)

// LocalDay gives the day in Vietnam on which t is.
func LocalDay(t time.Time) time.Time { return Day(t.In(local)) }

// ParseSpan reads a FHIR date or dateTime as the days that it can mean: the first and the last of a year or a month, and twice
// the same day of what ParseDay can read. ok is false for what is no date.
func ParseSpan(s string) (first, last time.Time, ok bool) {
	if day, ok := ParseDay(s); ok {
		return day, day, true
	}
	for layout, step := range map[string]struct{ years, months int }{"2006": {1, 0}, "2006-01": {0, 1}} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 0 {
			return t, t.AddDate(step.years, step.months, -1), true
		}
	}
	return time.Time{}, time.Time{}, false
}

// ParseDay reads a FHIR date or dateTime as a day: that of its own writing for a date, that of Vietnam for a point in
// time. ok is false for a year, a month, and what is no date.
func ParseDay(s string) (day time.Time, ok bool) {
	if len(s) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, s)
		return t, err == nil && t.Year() > 0
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1 {
		return time.Time{}, false
	}
	return LocalDay(t), true
}
