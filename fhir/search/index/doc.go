// Package index finds what a document can be found by: it rides in the walk of a document and emits its search entries.
//
// The expressions of all search parameters of a type are resolved once into a trie of elements. Entering an element of
// the document is a step in the trie; where parameters end, its value is encoded (search/value.go).
//
//	Observation ─ code ─────────── token: code, combo-code
//	            ├ subject ──────── reference: subject; if it is a Patient: patient
//	            ├ valueQuantity ── quantity: value-quantity, combo-value-quantity
//	            └ component ────── composite: component-code-value-quantity, …
//	                └ code ─────── token: component-code, combo-code
//
// Parts that a trie cannot follow (conditions in the middle of a path, entry[0], composites) start at the element where
// the trie ends and look below it directly.
//
// _id and _lastUpdated have no entries: the store knows both. Of special parameters near has.
//
// What is taken of each data type is the table of https://hl7.org/fhir/R4/search.html#table; choices of ours:
//   - Range gives both its ends to quantity and number, SampledData its least and greatest value.
//   - Money has its currency as code in urn:iso:std:iso:4217.
//   - Timing is the interval from its first event or start of bounds to the last; without either it has no entry.
//   - ContactPoint has its system (phone, email) as the system of the token.
//   - A canonical with a version is also found without it; one that is Type/id is a reference to this server.
//   - The words of text.div, without tags, are entries of _text. With search.ContentParam in the registry each word of the
//     document is an entry of _content.
//   - An element that has no value to be found by has an entry that says it is there, for :missing.
//
// It may import search and what that may import. Start reading at Index.
package index
