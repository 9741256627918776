// Package fhir is the vocabulary of the house: the words that every room uses and none explains again.
//
// It holds names (Type, ID, Key, Version, Commit number), time (Instant), links (Reference), and what can go wrong
// (Error, Issue). It imports the standard library only and knows neither JSON, nor HTTP, nor a store.
// Start reading at Key, then Error.
//
// Source of the terms: HL7 FHIR R4 (4.0.1), https://hl7.org/fhir/R4/.
package fhir
