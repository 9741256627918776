package immunization

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Age is a span in calendar units, as a schedule writes it. Its zero value is the day of birth itself.
// It is added in the order months (a year is 12 of them), then days (a week is 7).
type Age struct {
	Months int
	Days   int
}

// ParseAge reads d, w, m and y with a number before each and + between them: "0d", "2m", "1y+1w".
// Larger units come first, so that "1y+1w" is one week after the first birthday.
func ParseAge(s string) (Age, error) {
	var a Age
	for part := range strings.SplitSeq(s, "+") {
		if len(part) < 2 {
			return Age{}, fmt.Errorf("age %q: want a number and one of d, w, m, y", s)
		}
		n, err := strconv.ParseUint(part[:len(part)-1], 10, 16)
		if err != nil {
			return Age{}, fmt.Errorf("age %q: %w", s, err)
		}
		unit := part[len(part)-1]
		if (unit == 'm' || unit == 'y') && a.Days != 0 {
			return Age{}, fmt.Errorf("age %q: years and months come before weeks and days", s)
		}
		switch unit {
		case 'd':
			a.Days += int(n)
		case 'w':
			a.Days += 7 * int(n)
		case 'm':
			a.Months += int(n)
		case 'y':
			a.Months += 12 * int(n)
		default:
			return Age{}, fmt.Errorf("age %q: unknown unit %q", s, unit)
		}
	}
	return a, nil
}

// After gives the day on which somebody born on birth reaches the age. A day that the month does not have becomes the
// month's last: 31 January + 1m = 28 or 29 February, 29 February + 1y = 28 February.
func (a Age) After(birth time.Time) time.Time {
	year, month, day := birth.Date()
	month += time.Month(a.Months)
	if day > 28 { // the last day of a month is the one before the first of the next
		day = min(day, time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day())
	}
	return time.Date(year, month, day+a.Days, 0, 0, 0, 0, time.UTC)
}

// String writes the age as schedules do; ParseAge reads it back.
func (a Age) String() string {
	var parts []string
	add := func(n int, unit string) {
		if n != 0 {
			parts = append(parts, strconv.Itoa(n)+unit)
		}
	}
	add(a.Months/12, "y")
	add(a.Months%12, "m")
	add(a.Days/7, "w")
	add(a.Days%7, "d")
	if parts == nil {
		return "0d"
	}
	return strings.Join(parts, "+")
}

// Day gives the calendar day of t, in t's own zone, as midnight UTC: the form in which this package computes.
func Day(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}
