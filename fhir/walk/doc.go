// Package walk reads a document once, beside the definitions of its elements, and finds its structural faults.
//
//	{"resourceType":"Patient","name":[{"family":"Võ"}]}
//	 Start(Patient)             -> state 1
//	 Enter(1, name, {…})        -> state 7     once for each element of an array
//	 Enter(7, family, "Võ")     -> state 9
//
// Whoever wants something of every document (search entries, validation, references) is a Visitor of that one pass. A
// visitor carries one small number from parent to child, the State: the place in its own trie of what it looks for.
// State 0 means "nothing below concerns me", and costs nothing from there on.
//
// The pass makes no paths and allocates nothing; the path of a fault is computed when the fault is found.
//
// What it checks: unknown elements, JSON types, formats and ranges of primitives, array or single, required elements,
// two variants of one choice, companions (_birthDate), resourceType, and the type that a reference names against those that
// its element allows. What it does not check: value sets, invariants, profiles, and whether what is pointed at exists;
// those need terminology or other resources and belong to validate.
//
// It may import fhir, r4, resource and fhirpath. Start reading at Resource.
// Source: https://hl7.org/fhir/R4/json.html, https://hl7.org/fhir/R4/datatypes.html
package walk
