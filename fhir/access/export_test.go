package access

// ContentRows are for tests.
var ContentRows = contentRows

func (r contentRow) Dates() []string { return r.dates }

func (r contentRow) Codes() []string { return r.codes }
