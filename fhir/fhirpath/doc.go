// Package fhirpath is the part of FHIRPath that search parameters need: paths, unions, types, conditions.
//
//	Observation.value.as(Quantity) | (Observation.value as Range)
//	Patient.telecom.where(system='email')
//	Account.subject.where(resolve() is Patient)
//	Patient.deceased.exists() and Patient.deceased != false
//	Bundle.entry[0].resource
//
// An expression is parsed once and then used in one of two ways, which give the same answer:
//
//   - Evaluate looks for its values in a document. It is plain, and the oracle of tests.
//   - Paths resolves it against the element definitions of a type into chains of JSON properties, so that all
//     parameters of a type can be extracted in one pass over a document (fhir/search/index).
//
// What is understood: names, "|", "as", "is", "=", "!=", "and", "or", parentheses, [n], string, number and boolean
// literals, %resource, %context, $this, and the functions as, is, ofType, where, exists, empty, not, first, resolve and
// extension. Anything else is an error of Parse, never a wrong answer.
//
// Caveats. Types match exactly, as in the reference implementations: "as uri" takes no canonical. resolve() fetches
// nothing and only answers "is": it knows the type of the target from the reference's text, from the contained resource, or
// from Reference.type. Conditions see the value they are about and what is below it, not %resource, so that the time of an
// evaluation is bounded by length of the expression times size of the document times its depth.
// Values that are null in JSON (an array of primitives with extensions) are skipped. The extensions of primitive elements
// ("_birthDate") are out of reach.
//
// Source: http://hl7.org/fhirpath/N1/ and https://hl7.org/fhir/R4/fhirpath.html. Start reading at Expr, then Item.
package fhirpath
