package history

import (
	"strings"
	"time"
	"unicode"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
)

// Rules of a dose that is sent in. Errors refuse it; warnings let it in as it is, are told to the sender, and stand beside
// the dose in every summary. Nothing is repaired.
//
//	dose-status           error    completed, not-done and entered-in-error are all there is
//	dose-future           error    given after today in Vietnam, whatever day of a month or year it was
//	dose-before-birth     error    given before the first day on which the person can have been born
//	dose-date-incomplete  warning  not known to the day: it cannot be judged
//	dose-product          warning  the product is coded, in no code of a schedule here
//	dose-product-uncoded  warning  the product is named and not coded
//	dose-lot              warning  no lot number can look like that
//	dose-expired          warning  given after the product's expiration date
//
// What was entered in error is not looked at.

// Faults are the rules that an Immunization breaks. Birth is the first day that it can have been; zero is not known.
func Faults(set *immunization.Set, r *Record, birth, today time.Time) (issues []fhir.Issue) {
	add := func(s fhir.Severity, code, element string, args ...any) {
		issues = append(issues, fhir.Issue{Severity: s, Code: code, Path: r.Doc.Path() + "." + element, Args: args})
	}
	switch r.Status {
	case "completed", "not-done":
	case "entered-in-error":
		return nil
	default:
		add(fhir.SeverityError, "dose-status", "status", clip(r.Status))
	}
	first, last, dated := r.On, r.On, true
	if r.On.IsZero() {
		first, last, dated = immunization.ParseSpan(r.Doc.Get("occurrenceDateTime").Text())
	}
	switch {
	case dated && first.After(today) && r.Status == "completed":
		add(fhir.SeverityError, "dose-future", "occurrence")
	case dated && !birth.IsZero() && last.Before(birth):
		add(fhir.SeverityError, "dose-before-birth", "occurrence")
	case r.On.IsZero():
		add(fhir.SeverityWarning, "dose-date-incomplete", "occurrence")
	}
	known := false
	for _, c := range r.CVX {
		known = known || set.Known(c)
	}
	switch {
	case len(r.Codes) == 0:
		add(fhir.SeverityWarning, "dose-product-uncoded", "vaccineCode")
	case !known:
		add(fhir.SeverityWarning, "dose-product", "vaccineCode")
	}
	if lot := r.Doc.Get("lotNumber").Text(); lot != "" && !possibleLot(lot) {
		add(fhir.SeverityWarning, "dose-lot", "lotNumber")
	}
	if !r.Expiry.IsZero() && r.On.After(r.Expiry) && r.Status == "completed" {
		add(fhir.SeverityWarning, "dose-expired", "expirationDate")
	}
	return issues
}

// longestLot is more than any manufacturer prints.
const longestLot = 32

// possibleLot says whether a text can be a lot number: one that is printed on a vial has a digit, not only zeros, and is
// short. Words such as "không rõ" are none.
func possibleLot(lot string) bool {
	lot = strings.TrimSpace(lot)
	digit := false
	for _, c := range lot {
		if unicode.IsControl(c) {
			return false
		}
		digit = digit || c >= '1' && c <= '9'
	}
	return digit && len(lot) <= longestLot
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
