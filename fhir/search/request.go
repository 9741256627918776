package search

import (
	"time"

	"github.com/lienthong/lienthong/fhir"
)

// Options of Bind.
type Options struct {
	Lenient    bool                // Prefer: handling=lenient: parameters that are not supported are dropped and reported
	Base       string              // this server's base url; absolute references with it are local; "" = none are
	Also       Bases               // further base urls of this server. The index must have the same
	FoldSystem func(string) string // canonical form of an identifier system; nil = as it is. The index must use the same
	Now        time.Time           // for ap on dates; zero = the clock
	Pass       []string            // names that belong to the caller, such as that of the paging cursor: passed over
}

// Request is a search as it was asked for: the query, and how its result is to be shown.
type Request struct {
	Query    Query
	Count    int // matches on a page; -1 = not given. 0 asks for the number alone: Summary is then SummaryCount
	Total    Total
	Summary  Summary
	Elements []string // _elements: names of elements of the root

	// Applied is the query string of what was used, in the order of the request and without Options.Pass: the self link.
	Applied string
	// Ignored is what was dropped, if Options.Lenient allowed it.
	Ignored []Ignored
}

// Ignored is a parameter that was not used, with the error that a strict request would have got.
type Ignored struct {
	Name string
	Err  *fhir.Error
}

// Total is the value of _total.
type Total uint8

const (
	TotalDefault Total = iota // not given
	TotalNone
	TotalEstimate
	TotalAccurate
)

// Summary is the value of _summary.
type Summary uint8

const (
	SummaryDefault Summary = iota // not given
	SummaryFalse
	SummaryTrue
	SummaryText
	SummaryData
	SummaryCount
)

var totals = map[string]Total{"none": TotalNone, "estimate": TotalEstimate, "accurate": TotalAccurate}

var summaries = map[string]Summary{
	"false": SummaryFalse, "true": SummaryTrue, "text": SummaryText, "data": SummaryData, "count": SummaryCount,
}
