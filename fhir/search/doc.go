// Package search is the language of search: from the query string of a URL to a Query, whose conditions are ranges of
// index values that the engine can look up without knowing FHIR.
//
//	Immunization?patient.identifier=S|V&_sort=-date
//	  parse  -> parameters by name, modifier, values       (parse.go)
//	  bind   -> Request: Query, page size, self link       (bind.go; spans in one file for each parameter type)
//	  engine -> keys in order, by postings alone           (fhir/store/engine)
//
// The other half, search/index, visits a document and emits the Entries that these ranges find. Both use the same value
// encodings (value.go), so what is written and what is looked for cannot drift apart.
//
// Caveats. Dates that name no zone are of +07:00, on both sides. Codes and uris are compared as they are; strings folded.
// system| reads all values of a parameter, since tokens are kept by code. A resource matches each condition by any of its
// values, so ne finds what has at least one other value.
//
// It may import fhir, r4, resource, fhirpath, terminology and walk. Start reading at Query.
// Source: https://hl7.org/fhir/R4/search.html
package search

//go:generate go run ./gen -definitions ../../../shared/data/fhir-r4 -out .
