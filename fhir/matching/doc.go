// Package matching answers whether two Patients are the same person, and keeps what a person decided about it.
//
// Compare is a pure function over two Persons: it adds up what agrees and what contradicts, by a table of weights, and says
// why. $match searches for those who may be the person that is asked for and compares each. $merge lets one Patient stand
// for another: both stay, linked as replaces and replaced-by, with a Provenance that says who, when and why; $unmerge takes
// it back. Nothing is ever merged without a person's decision.
//
// It may import identity and interaction. Start reading at Compare, then Service.
// Sources: https://hl7.org/fhir/R4/patient-operation-match.html; $merge is R5's operation of this name, cut to R4.
package matching
