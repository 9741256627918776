// Package patientsummary is Patient/$summary: the International Patient Summary of a person, without HTTP. It is a Bundle of
// type document whose Composition has these sections:
//
//	medications   10160-0  required  MedicationStatement, MedicationRequest, those that are in use
//	allergies     48765-2  required  AllergyIntolerance, not refuted and not entered in error
//	problems      11450-4  required  Condition, those that are not over
//	immunizations 11369-6            Immunization: the leading record of each dose, with what it counts for
//	results       30954-2            Observation of a laboratory, imaging or procedure, DiagnosticReport, the newest first
//	procedures    47519-4            Procedure
//	past illness  11348-0            Condition, those that are over
//	plan of care  18776-5            what vaccinations are due, in words
//
// A required section without anything to show has an entry that says so (no-medication-info and its like): nothing here tells
// "there is none" from "there is none that you may see", so it is never said that somebody has no allergies.
//
// Everything is read as the caller, as of one commit, for all Patients that are linked as the person. Resources are as they are
// stored, but that they refer to the Patient in use. They are as true to the profiles of the IPS as whoever sent them was.
//
// It may import fhir/operation/vaccination and what that stands on. Start reading at Service.Document.
// Source: http://hl7.org/fhir/uv/ips/ (STU 1.1 and 2), https://hl7.org/fhir/R4/documents.html
package patientsummary
