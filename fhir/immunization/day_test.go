package immunization

import (
	"fmt"
	"testing"
	"time"
)

// TestDatesAreReadAsTheStandardLibraryReadsThem tries every day of leap and other years, days and months that there are not, and
// what is written otherwise.
func TestDatesAreReadAsTheStandardLibraryReadsThem(t *testing.T) {
	var all []string
	for _, year := range []int{0, 1, 1899, 1900, 2000, 2023, 2024, 9999} {
		for month := range 14 {
			for day := range 33 {
				all = append(all, fmt.Sprintf("%04d-%02d-%02d", year, month, day))
			}
		}
	}
	for i := range "2024-02-29" {
		for _, c := range "0-/x9 " {
			all = append(all, "2024-02-29"[:i]+string(c)+"2024-02-29"[i+1:], "2024-02-29"[:i]+string(c)+"2024-02-29"[i:])
		}
		all = append(all, "2024-02-29"[:i])
	}
	for _, s := range all {
		want, err := time.Parse(time.DateOnly, s)
		wanted := err == nil && want.Year() > 0
		if got, ok := ParseDay(s); ok != wanted || ok && !got.Equal(want) {
			t.Fatalf("%q is %v, %v, not %v, %v", s, got, ok, want, wanted)
		}
	}
}

// TestAgesAreReachedByTheCalendar holds After to the words of its comment, from every day of four years on.
func TestAgesAreReachedByTheCalendar(t *testing.T) {
	for birth := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC); birth.Year() < 2027; birth = birth.AddDate(0, 0, 1) {
		for _, a := range []Age{{}, {Months: 1}, {Months: 2}, {Months: 11, Days: 3}, {Months: 12}, {Months: 216}, {Days: 28}, {Months: 1, Days: 40}} {
			first := time.Date(birth.Year(), birth.Month()+time.Month(a.Months), 1, 0, 0, 0, 0, time.UTC)
			want := first.AddDate(0, 0, min(birth.Day(), first.AddDate(0, 1, -1).Day())-1+a.Days)
			if got := a.After(birth); !got.Equal(want) {
				t.Fatalf("%s from %s is %s, not %s", a, birth.Format(time.DateOnly), got.Format(time.DateOnly), want.Format(time.DateOnly))
			}
		}
	}
}
