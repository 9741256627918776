package search

import (
	"context"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/terminology"
)

// Options of Bind.
type Options struct {
	Lenient    bool                // Prefer: handling=lenient: parameters that are not supported are dropped and reported
	Base       string              // this server's base url; absolute references with it are local; "" = none are
	Also       Bases               // further base urls of this server. The index must have the same
	FoldSystem func(string) string // canonical form of an identifier system; nil = as it is. The index must use the same
	Now        time.Time           // for ap on dates; zero = the clock
	Pass       []string            // names that belong to the caller, such as that of the paging cursor: passed over

	// Apart keeps chains out of contained resources (Chain.Within): for policies.
	Apart bool

	NoText bool // the index has no words of narratives: _text is refused

	Context     context.Context // for Terminology; nil = context.Background()
	Terminology Terminology     // nil = :in, :not-in, :above and :below of tokens are refused
	Limits      Limits
	Registry    *r4.Registry // the search parameters in force; nil = those of R4

	// Percent tells how far the index of a parameter is that is not ready, by its number; nil = not known.
	Percent func(number uint16) int
}

// Terminology answers what :in, :not-in, :above and :below need to know; terminology.Resolver does.
type Terminology interface {
	// Expand gives the codes of a value set, by its canonical url or by ValueSet/id.
	Expand(ctx context.Context, valueSet string) (terminology.Set, error)
	// BelowSet gives the code and all that it subsumes, Above the code and all that subsume it.
	BelowSet(ctx context.Context, system, code string) (terminology.Set, error)
	Above(ctx context.Context, system, code string) ([]string, error)
}

// Limits bound what one search may ask for; beyond, Bind fails with Kind TooCostly and code search-limit, which names the
// limit. 0 = the default.
type Limits struct {
	ChainDepth int // references that a condition may follow, in chains and _has together; default 6
	Values     int // alternatives of one parameter; default 1,000
	Conditions int // conditions in all, those of chains and of _filter included; default 300
	SortKeys   int // parameters that the result is sorted by; default 30
}

func (l Limits) withDefaults() Limits {
	if l.ChainDepth == 0 {
		l.ChainDepth = 6
	}
	if l.Values == 0 {
		l.Values = 1000
	}
	if l.Conditions == 0 {
		l.Conditions = 300
	}
	if l.SortKeys == 0 {
		l.SortKeys = 30
	}
	return l
}

// Request is a search as it was asked for: the query, and how its result is to be shown.
type Request struct {
	Query    Query
	Inside   *Query // of _contained=both: what is found contained in others, besides; else nil
	Count    int    // matches on a page; -1 = not given. 0 asks for the number alone: Summary is then SummaryCount
	Most     int    // _maxresults: matches in all, over all pages; 0 = no bound
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
