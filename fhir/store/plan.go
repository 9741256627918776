package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// Explainer is a Store that shows how it searches.
type Explainer interface {
	// Explain runs q as of t as a search for its first page of o.Limit would, and says how each condition was decided.
	// The figures are measured; Matches and Step.Actual are counted apart. Whose fence is not open is told these alone.
	Explain(ctx context.Context, q search.Query, t fhir.T, o SearchOptions) (Plan, error)
}

// Counter is a Store that counts some matches more cheaply than it shows them.
type Counter interface {
	// CountUpTo gives the number of matches of q as of t, or most if there are at least so many.
	CountUpTo(ctx context.Context, q search.Query, t fhir.T, most int) (int, error)
}

// Plan says how a search was run.
type Plan struct {
	Type    fhir.Type
	Steps   []Step
	Order   string        // how the order was made
	Matches int           // of all pages
	Shown   int           // of the first page
	Read    int           // rows of the index read or passed for the first page
	Took    time.Duration // for the first page
}

// Step is one condition of a plan.
type Step struct {
	Condition string        // as the caller wrote it where that is known
	Access    Access        // how it is decided
	Estimate  int           // resources that hold it, as weighed before; -1 = not weighed
	Actual    int           // resources of the type that hold it; -1 = that would cost too much to count
	Read      int           // rows of the index read or passed for it
	Took      time.Duration // time spent on it
}

// Access is how a condition is decided.
type Access string

const (
	AccessDriver   Access = "driver"      // its posting list gives the candidates
	AccessLeapfrog Access = "leapfrog"    // its posting list is sought through at each candidate
	AccessSet      Access = "set"         // all that hold it were collected first
	AccessCheck    Access = "check"       // decided on each candidate's values
	AccessWithout  Access = "without"     // candidates in its list are left out
	AccessAll      Access = "all-of-type" // every resource of the type is a candidate
	AccessFenced   Access = "fenced"      // not told: it depends on what the caller may not see
	AccessNever    Access = "never"       // the store has no resource of the type
)

// String shows a plan as lines of text.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d matches, %d shown, %d rows read in %s\n", p.Type, p.Matches, p.Shown, p.Read, p.Took.Round(time.Microsecond))
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "  %-11s %s: estimated %s, actual %s, %d rows read in %s\n", s.Access, s.Condition, figure(s.Estimate), figure(s.Actual), s.Read, s.Took.Round(time.Microsecond))
	}
	if p.Order != "" {
		fmt.Fprintf(&b, "  order       %s\n", p.Order)
	}
	return b.String()
}

func figure(n int) string {
	if n < 0 {
		return "unknown"
	}
	return fmt.Sprint(n)
}
