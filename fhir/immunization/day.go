package immunization

import "time"

// local is the time of Vietnam, which has no summer time: UTC+7. A fixed zone needs no zone files on the machine.
var local = time.FixedZone("+07", 7*60*60)

// LocalDay gives the day in Vietnam on which t is.
func LocalDay(t time.Time) time.Time { return Day(t.In(local)) }

// ParseSpan reads a FHIR date or dateTime as the days that it can mean: the first and the last of a year or a month, and twice
// the same day of what ParseDay can read. ok is false for what is no date.
func ParseSpan(s string) (first, last time.Time, ok bool) {
	switch len(s) {
	case len("2006"):
		first, ok = parseDate(s + "-01-01")
		last = first.AddDate(1, 0, -1)
	case len("2006-01"):
		first, ok = parseDate(s + "-01")
		last = first.AddDate(0, 1, -1)
	default:
		first, ok = ParseDay(s)
		last = first
	}
	if !ok {
		return time.Time{}, time.Time{}, false
	}
	return first, last, true
}

// ParseDay reads a FHIR date or dateTime as a day: that of its own writing for a date, that of Vietnam for a point in
// time. ok is false for a year, a month, and what is no date.
func ParseDay(s string) (day time.Time, ok bool) {
	if len(s) <= len(time.DateOnly) {
		return parseDate(s)
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1 {
		return time.Time{}, false
	}
	return LocalDay(t), true
}

// parseDate is time.Parse of a time.DateOnly from the year 1 on, for which a summary asks some hundred times.
func parseDate(s string) (time.Time, bool) {
	if len(s) != len(time.DateOnly) || s[4] != '-' || s[7] != '-' {
		return time.Time{}, false
	}
	year, month, day := 0, 0, 0
	for i, into := range [...]*int{&year, &year, &year, &year, nil, &month, &month, nil, &day, &day} {
		if into == nil {
			continue
		}
		if s[i] < '0' || s[i] > '9' {
			return time.Time{}, false
		}
		*into = 10**into + int(s[i]-'0')
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	// A day or a month that there is not becomes another one.
	return t, year > 0 && t.Day() == day && t.Month() == time.Month(month)
}
