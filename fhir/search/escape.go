package search

import "strings"

var separators = strings.NewReplacer(`\`, `\\`, ",", `\,`, "|", `\|`, "$", `\$`)

// EscapeValue makes a text a single value of a query string, before it is escaped for an address: FHIR's separators in it
// are taken as they stand.
// Source: https://hl7.org/fhir/R4/search.html#escaping
func EscapeValue(s string) string { return separators.Replace(s) }
