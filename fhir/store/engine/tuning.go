package engine

// tune holds where one way to answer a query gives way to another. All ways give the same answer, which the property
// test shows by running with these and with tiny values.
var tune = tuning{
	unionMax:    8,
	listsMax:    128,
	fewForPage:  256,
	fewForAll:   8192,
	checkAtOnce: 4096,
	fewAsked:    16,
	minBudget:   4096,
	patience:    1000,
	fewToSort:   4000,
	listMax:     4096,
	nearby:      8,
	chunk:       64,
}

type tuning struct {
	unionMax    int // exact values of one parameter that are read side by side; more are collected
	listsMax    int // lists of references that a chain leads to and that are merged for a page; more are collected
	fewForPage  int // candidates counted before ranges and chains are planned, when a page is wanted …
	fewForAll   int // … and when all matches are
	checkAtOnce int // what checking all candidates of a page may cost without asking for a better way
	fewAsked    int // candidates of whom is asked what is kept of lists (keptlist.go); of more, one iterator passes over all lists
	minBudget   int // rows that a range may at least cost
	patience    int // candidates that may at least fail the checks before these are turned into sources
	fewToSort   int // matches that are collected and sorted; more are met in the order of an index
	listMax     int // members at which a list becomes a bitmap: below, sorting is cheaper than clearing and scanning bits
	chunk       int // resources that the builder reads and the sequencer indexes at once
	nearby      int // rows stepped over before a seek pays: a step costs about a tenth of it
}
