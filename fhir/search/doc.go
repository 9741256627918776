// Package search is the language of search: from the query string of a URL to a Query, whose conditions are ranges of
// index values that the engine can look up without knowing FHIR.
//
//	Immunization?patient.identifier=S|V&_sort=-date
//	  parse  -> parameters by name, modifier, values       (parse.go)
//	  bind   -> Request: Query, page size, self link       (bind.go; spans in one file for each parameter type)
//	  engine -> keys in order, by postings alone           (fhir/store/engine)
//
// What is a language of its own has its own file: modifier.go, chain.go (also _has), filter.go and filterbind.go, include.go,
// concept.go (what needs terminology), words.go (_text, _content), ucum.go (units), system.go (several types at once).
//
// The other half, search/index, visits a document and emits the Entries that these ranges find. Both use the same value
// encodings (value.go), so what is written and what is looked for cannot drift apart. search/searchtest makes random
// searches and knows by reading documents what each must find.
//
// Caveats.
//   - Dates that name no zone are of +07:00, on both sides. Codes and uris are compared as they are; strings folded.
//   - A resource matches each condition by any of its values, so a prefix ne finds what has at least one other value; ne of
//     _filter and :not find what has no such value, or none.
//   - A name matches if each word asked for begins a word of one name, in any order; other strings from their beginning.
//   - :text matches if each word asked for begins a word of one text of the token.
//   - :missing counts an element that is there without a value to search by (a reference with a display alone).
//   - A quantity with a comparator is all that it may be: "<5" is less than 6, and equal to nothing. It sorts after all others.
//   - Units of UCUM are compared through their bases (ucum.go) if the query names UCUM; 5.4||mg is literal. In composites that
//     reads all values with the first code.
//   - These read all values of their parameter: system|, :contains, :text, :in of large value sets, ew and co of _filter.
//     :contains looks for at most 100 bytes, in the first 60,000 of a string.
//   - _contained asks of contained resources what is asked of others, each by itself (contained.go). _has, _list and includes go
//     over references, and no reference from elsewhere leads to them. A chain goes to those that the same document contains.
//   - Refused in words: _query, functional lists, _score, _include:recurse, _revinclude=*.
//
// It may import fhir, r4, resource, fhirpath, terminology and walk. Start reading at Query.
// Source: https://hl7.org/fhir/R4/search.html
package search

//go:generate go run ./gen -definitions ../../../shared/data/fhir-r4 -out .
