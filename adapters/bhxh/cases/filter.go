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

// Filter says which claims are wanted; the zero Filter wants all. Each member is what must hold all together, each of it as values of
// which one must hold.
type Filter struct {
	States   [][]delivery.State
	Granted  [][]delivery.Assessment
	Facility [][]string // MA_CSKCB
	Reasons  [][]string // why it is in its state, rules that hold it, codes of lines that were cut
	Period   [][]bound  // day of discharge
	Amounts  [][]bound  // of an amount by its name
	Age      [][]bound  // days in this state
}

// states are those that a claim which is wanted may be in; none: all.
func (f Filter) states() []delivery.State {
	if len(f.States) == 0 {
		return nil
	}
	return f.States[0]
}

// holds says whether one value of each of the groups is as it must be.
func holds[T any](groups [][]T, is func(T) bool) bool {
	for _, g := range groups {
		if !slices.ContainsFunc(g, is) {
			return false
		}
	}
	return true
}

// allowed are the parameters with what they can be, for whoever gave something else.
var allowed = map[string]string{
	paramState: joined(delivery.States), paramAssessment: joined(delivery.Assessments), paramPeriod: "2026, 2026-03, 2026-03-15, ge2026-01, lt2026-04",
	paramAge: "7, ge7, lt30", "submitted": anAmount, "requested": anAmount, "paid": anAmount, "reduced": anAmount,
	paramFacility: "51901", paramReason: "GD01, AMT-06", paramSort: "age, submitted, requested, paid, reduced, -age, -reduced",
	"by": joined(Dimensions), "seed": "2026-Q2", "size": "1…" + strconv.Itoa(MaxSample), "members": "true, false",
}

const anAmount = "1000000, ge1000000, lt250000.50"

func joined[T ~string](all []T) string {
	var texts []string
	for _, one := range all {
		texts = append(texts, string(one))
	}
	return strings.Join(texts, ", ")
}

// unread is the error for a parameter with a value that it cannot have, or without one.
func unread(name string) error {
	return fhir.Errorf(fhir.Invalid, "case-value", "http."+name, name, allowed[name])
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
// A period is a day, a month or a year; ordered values have FHIR's prefixes eq (or none), ne, gt, ge, lt, le. Age is whole days. Of values
// separated by commas one must hold, of a parameter that is given several times each. Kind Invalid, code "case-value", says which cannot
// be read.
func ParseFilter(q url.Values) (f Filter, err error) {
	for name, values := range q {
		if _, ours := conditions[name]; !ours {
			continue
		}
		n := 0
		for _, v := range values {
			list := strings.Split(v, ",")
			if n += len(list); n > maxValues || slices.Contains(list, "") || !conditions[name](&f, name, list) {
				return f, unread(name)
			}
		}
		delete(q, name)
	}
	return f, nil
}

// conditions take the values of which one must hold into a filter; false if one of them cannot be read.
var conditions = map[string]func(f *Filter, name string, list []string) bool{
	paramState:      func(f *Filter, _ string, list []string) bool { return known(&f.States, delivery.States, list) },
	paramAssessment: func(f *Filter, _ string, list []string) bool { return known(&f.Granted, delivery.Assessments, list) },
	paramFacility: func(f *Filter, _ string, list []string) bool {
		f.Facility = append(f.Facility, list)
		return true
	},
	paramReason: func(f *Filter, _ string, list []string) bool {
		f.Reasons = append(f.Reasons, list)
		return true
	},
	paramPeriod: func(f *Filter, name string, list []string) bool { return bounds(&f.Period, name, list, isPeriod) },
	paramAge: func(f *Filter, name string, list []string) bool {
		return bounds(&f.Age, name, list, func(v string) bool {
			n, err := strconv.Atoi(v)
			return err == nil && n >= 0
		})
	},
	"submitted": byAmount, "requested": byAmount, "paid": byAmount, "reduced": byAmount,
}

func byAmount(f *Filter, name string, list []string) bool {
	return bounds(&f.Amounts, name, list, func(v string) bool {
		_, ok := amount(v)
		return ok
	})
}

// known adds values that are among all.
func known[T ~string](to *[][]T, all []T, list []string) bool {
	var group []T
	for _, v := range list {
		group = append(group, T(v))
	}
	*to = append(*to, group)
	return !slices.ContainsFunc(group, func(v T) bool { return !slices.Contains(all, v) })
}

// bounds adds conditions on an ordered value.
func bounds(to *[][]bound, name string, list []string, reads func(string) bool) bool {
	var group []bound
	for _, v := range list {
		b := bound{name: name, op: "eq", value: v}
		if len(v) > 2 && slices.Contains([]string{"eq", "ne", "gt", "ge", "lt", "le"}, v[:2]) {
			b.op, b.value = v[:2], v[2:]
		}
		if !reads(b.value) {
			return false
		}
		group = append(group, b)
	}
	*to = append(*to, group)
	return true
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
	return holds(f.States, func(v delivery.State) bool { return v == it.State }) &&
		holds(f.Granted, func(v delivery.Assessment) bool { return v == it.Assessment }) &&
		holds(f.Facility, func(v string) bool { return v == it.Facility }) &&
		holds(f.Age, func(b bound) bool {
			n, _ := strconv.Atoi(b.value)
			return b.holds(int(now.Sub(it.Since.Time())/(24*time.Hour)) - n)
		})
}

// row decides the rest.
func (f Filter) row(r Row) bool {
	has := append(slices.Clone(r.Findings), r.Cuts...)
	if r.Reason != nil {
		has = append(has, r.Reason.Code)
	}
	return holds(f.Reasons, func(code string) bool { return slices.Contains(has, code) }) &&
		holds(f.Period, func(b bound) bool {
			// 2026-03 is the days that begin with it; as a bound of an order it is its first or last day.
			day := r.Discharged[:min(len(b.value), len(r.Discharged))]
			return day != "" && b.holds(strings.Compare(day, b.value))
		}) &&
		holds(f.Amounts, func(b bound) bool {
			has, ok := amount(amounts[b.name](r))
			want, _ := amount(b.value)
			return ok && b.holds(has.Cmp(&want))
		})
}
