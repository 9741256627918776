package cases

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
)

// Filter says which claims are wanted; the zero Filter wants all. Of several states, facilities or reasons one must hold, of
// conditions on ordered values all.
type Filter struct {
	States   []delivery.State
	Granted  []delivery.Assessment
	Facility []string // MA_CSKCB
	Reasons  []string // why it is in its state, rules that hold it, codes of lines that were cut
	Period   []bound  // day of discharge
	Amounts  []bound  // of an amount by its name
	Age      []bound  // days in this state
}

// bound is one condition on an ordered value.
type bound struct {
	name  string // of the parameter
	op    string // eq, ne, gt, ge, lt, le
	value string
}

// Names of the conditions.
const (
	paramState      = "state"
	paramAssessment = "assessment"
	paramFacility   = "facility"
	paramReason     = "reason"
	paramPeriod     = "period"
	paramAge        = "age"
)

// amounts are the amounts that can be asked by.
var amounts = map[string]func(Row) string{
	"submitted": func(r Row) string { return r.Submitted },
	"requested": func(r Row) string { return r.Requested },
	"paid":      func(r Row) string { return r.Paid },
	"reduced":   func(r Row) string { return r.Reduced },
}

// maxValues bounds the values of a filter.
const maxValues = 100

// ParseFilter reads a filter from a query, and leaves out of it what it has read:
//
//	state=assessed,settled  assessment=partly  facility=51901  reason=GD01,AMT-06  period=2026-03  period=ge2026-01-01
//	requested=ge1000000  submitted= paid= reduced=  age=ge7
//
// A period is a day, a month or a year; ordered values have FHIR's prefixes eq (or none), ne, gt, ge, lt, le. Age is whole days.
// Kind Invalid, code "case-parameter", says which cannot be read.
func ParseFilter(q url.Values) (f Filter, err error) {
	bad := func(name string) error { return fhir.Errorf(fhir.Invalid, "case-parameter", "http."+name, name) }
	for name, values := range q {
		var list []string
		for _, v := range values {
			list = append(list, strings.Split(v, ",")...)
		}
		if len(list) > maxValues || slices.Contains(list, "") {
			return f, bad(name)
		}
		switch name {
		case paramState:
			for _, v := range list {
				if !slices.Contains(delivery.States, delivery.State(v)) {
					return f, bad(name)
				}
				f.States = append(f.States, delivery.State(v))
			}
		case paramAssessment:
			for _, v := range list {
				if !slices.Contains(delivery.Assessments, delivery.Assessment(v)) {
					return f, bad(name)
				}
				f.Granted = append(f.Granted, delivery.Assessment(v))
			}
		case paramFacility:
			f.Facility = list
		case paramReason:
			f.Reasons = list
		case paramPeriod, paramAge, "submitted", "requested", "paid", "reduced":
			for _, v := range list {
				b := bound{name: name, op: "eq", value: v}
				if len(v) > 2 && slices.Contains([]string{"eq", "ne", "gt", "ge", "lt", "le"}, v[:2]) {
					b.op, b.value = v[:2], v[2:]
				}
				switch name {
				case paramPeriod:
					if !isPeriod(b.value) {
						return f, bad(name)
					}
					f.Period = append(f.Period, b)
				case paramAge:
					if n, err := strconv.Atoi(b.value); err != nil || n < 0 {
						return f, bad(name)
					}
					f.Age = append(f.Age, b)
				default:
					if _, ok := amount(b.value); !ok {
						return f, bad(name)
					}
					f.Amounts = append(f.Amounts, b)
				}
			}
		default:
			continue
		}
		delete(q, name)
	}
	return f, nil
}

func isPeriod(s string) bool {
	for _, layout := range [...]string{time.DateOnly, "2006-01", "2006"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// holds says whether a comparison has the outcome that the bound wants.
func (b bound) holds(cmp int) bool {
	switch b.op {
	case "ne":
		return cmp != 0
	case "gt":
		return cmp > 0
	case "ge":
		return cmp >= 0
	case "lt":
		return cmp < 0
	case "le":
		return cmp <= 0
	}
	return cmp == 0
}

// item decides what can be told of the item alone.
func (f Filter) item(it delivery.Item, now time.Time) bool {
	if len(f.States) > 0 && !slices.Contains(f.States, it.State) ||
		len(f.Granted) > 0 && !slices.Contains(f.Granted, it.Assessment) ||
		len(f.Facility) > 0 && !slices.Contains(f.Facility, it.Facility) {
		return false
	}
	for _, b := range f.Age {
		n, _ := strconv.Atoi(b.value)
		if days := int(now.Sub(it.Since.Time()) / (24 * time.Hour)); !b.holds(days - n) {
			return false
		}
	}
	return true
}

// row decides the rest.
func (f Filter) row(r Row) bool {
	if len(f.Reasons) > 0 {
		has := append(slices.Clone(r.Findings), r.Cuts...)
		if r.Reason != nil {
			has = append(has, r.Reason.Code)
		}
		if !slices.ContainsFunc(f.Reasons, func(code string) bool { return slices.Contains(has, code) }) {
			return false
		}
	}
	for _, b := range f.Period {
		if r.Discharged == "" {
			return false
		}
		// 2026-03 is the days that begin with it; as a bound of an order it is its first or last day.
		if day := r.Discharged[:min(len(b.value), len(r.Discharged))]; !b.holds(strings.Compare(day, b.value)) {
			return false
		}
	}
	for _, b := range f.Amounts {
		has, ok := amount(amounts[b.name](r))
		want, _ := amount(b.value)
		if !ok || !b.holds(has.Cmp(&want)) {
			return false
		}
	}
	return true
}
