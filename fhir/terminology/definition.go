package terminology

// definition is a value set as it is defined: its compose, or the expansion that it came with.
type definition struct {
	url, version     string
	activeOnly       bool
	composed         bool // has a compose
	include, exclude []include
	expansion        []include // systems with their codes; nil if there is none that is whole
}

// include is one set of codes: those of a system that are listed or pass all filters, or all of it, and that are in each of
// the imports.
type include struct {
	system, version string
	concepts        []listed
	filters         []filter
	imports         []string // canonicals of value sets
}

type listed struct{ code, display string }

// filter picks concepts by a property. https://hl7.org/fhir/R4/valueset.html#4.9.5
type filter struct{ property, op, value string }
