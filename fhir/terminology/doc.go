// Package terminology is what the house knows of codes: code systems with their hierarchies, and value sets.
//
//	r := terminology.New(terminology.Options{Source: stored})
//	set, err := r.Expand(ctx, "http://hl7.org/fhir/ValueSet/observation-status")
//	set.Contains("http://hl7.org/fhir/observation-status", "final")                             // true
//	r.Below(ctx, "http://terminology.hl7.org/CodeSystem/v3-ActCode", "_ActMedicationDocumentCode") // itself and what is under it
//
// Two sources: HL7's content of R4 is built in (content_gen.zst, made by gen: some 1,060 code systems and 1,300 value sets,
// 20,000 concepts with their English displays, 316 kB); CodeSystem and ValueSet resources of this server come through Source
// and win over built-in ones of the same url. Built-in content is unpacked at the first question and each definition is read
// when it is first needed. What is stored is kept until a write of its type moved the source on, so an answer is never older
// than the last commit before the question (FRESH).
//
// A code system is a table without pointers, 40 to 60 bytes a concept plus its text: SNOMED CT (350,000 concepts) takes about
// 40 MB and is read once for each version. A Set is one bit for each concept of such a table, so that Contains is a hash and a
// bit. Limits bound what a definition may cost and how much is kept.
//
// Meaning, where the specification leaves room:
//   - Nested concepts, and the properties parent, subsumedBy and child, are subsumption unless hierarchyMeaning says otherwise.
//   - Codes that a value set lists are taken as they are: their code system need not be known.
//   - All of a system that is not here (LOINC, UCUM, MIME types, unless stored) is "open": Contains takes each of its codes.
//   - A filter on a system that is not here is an error (codesystem-unknown), not an empty set.
//   - A stored value set whose compose cannot be followed here is taken by its expansion, if that is whole.
//   - Imports that come back to the same value set are an error; a hierarchy that comes back to the same code is not: then
//     each subsumes the other.
//   - http://snomed.info/sct?fhir_vs, …?fhir_vs=isa/[code] and http://loinc.org/vs are understood without being stored.
//
// Left out: filters by regex, reference sets, designations and languages, supplements, lockedDate, the version of an include
// of built-in content.
//
// Source: https://hl7.org/fhir/R4/valueset.html#compositions, https://hl7.org/fhir/R4/codesystem.html
package terminology

//go:generate go run ./gen -definitions ../../../shared/data/fhir-r4 -out content_gen.zst
