package hoso

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// fields calls look for each field of each row that is not empty.
func (c *checker) fields(look func(r at, f *Field, v string)) {
	c.every(func(r at) {
		for i := range r.layout.Fields {
			if v := r.values[i]; v != "" {
				look(r, &r.layout.Fields[i], v)
			}
		}
	})
}

// required is FLD-01; who performed a service and when is REF-03.
func required(c *checker) {
	c.every(func(r at) {
		for i := range r.layout.Fields {
			f := &r.layout.Fields[i]
			if r.values[i] == "" && (f.Required || f.When != nil && !isPerformance(r, f) && f.When.Holds(r.Row)) {
				r.fail(f.Name)
			}
		}
	})
}

func isPerformance(r at, f *Field) bool {
	return r.id() == XML3 && (f.Name == "NGUOI_THUC_HIEN" || f.Name == "NGAY_TH_YL")
}

// performerGiven is REF-03.
func performerGiven(c *checker) {
	c.every(func(r at) {
		for i := range r.layout.Fields {
			if f := &r.layout.Fields[i]; r.values[i] == "" && isPerformance(r, f) && f.When != nil && f.When.Holds(r.Row) {
				r.fail(f.Name)
			}
		}
	}, XML3)
}

// lengths is FLD-02.
func lengths(c *checker) {
	c.fields(func(r at, f *Field, v string) {
		if f.MaxLength > 0 && len(v) > f.MaxLength && utf8.RuneCountInString(v) > f.MaxLength {
			r.fail(f.Name)
		}
	})
}

// numbers is FLD-03.
func numbers(c *checker) {
	c.fields(func(r at, f *Field, v string) {
		if f.Type == Number && f.Format == NoFormat && !isNumber(v) {
			r.fail(f.Name)
		}
	})
}

// dates is FLD-04.
func dates(c *checker) {
	c.fields(func(r at, f *Field, v string) {
		if f.Format != NoFormat && !dated(f, v) {
			r.fail(f.Name)
		}
	})
}

// dated says whether a text is what a field of dates can hold.
func dated(f *Field, v string) bool {
	switch f.Name {
	case "NGAY_SINH":
		return birth(v)
	case "NGAY_MIEN_CCT": // by its definition a day where the certificate was given, a minute where it was not yet
		return day(v) || minute(v)
	case "GT_THE_TU", "GT_THE_DEN", "NGAY_TAI_KHAM": // lists
		return !slices.ContainsFunc(several(v), func(d string) bool { return !day(d) })
	}
	if f.Format == Day {
		return day(v)
	}
	return minute(v)
}

// birth says whether v is a birth date: yyyyMMddHHmm, where month-day may be 0000 (then so is the time).
func birth(v string) bool {
	if len(v) == 12 && v[4:8] == "0000" {
		return v[8:] == "0000" && day(v[:4]+"0101")
	}
	return minute(v)
}

func day(v string) bool {
	_, ok := parseDay(v)
	return ok
}

func parseDay(v string) (time.Time, bool) {
	if len(v) != 8 || !isNumber(v) {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation("20060102", v, wire.Zone)
	return t, err == nil && t.Year() >= 1850
}

func minute(v string) bool {
	_, ok := parseMinute(v)
	return ok
}

func parseMinute(v string) (time.Time, bool) {
	if len(v) != 12 || !isNumber(v) {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation("200601021504", v, wire.Zone)
	return t, err == nil && t.Year() >= 1850
}

func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, wire.Zone)
}
