// Package intake takes doses as tables: CSV or XLSX with a row for each dose, whose columns are data (fields.json).
//
//	file -> tabular.Table -> Fields.Match: which column is which field
//	     -> one row: values, faults -> Patient and Immunization
//	     -> who it is: by citizen ID, card, passport or record number; a person who is not here yet is added
//	     -> conditional creates of the person and of the dose: the same dose twice is one dose (EXACT)
//	     -> Row: added, there already, or refused, each with reasons, column, and words in both languages
//
// A dry run does all but the creates. What is written is held to the caller's fence and to the rules of doses, as if it
// had come as FHIR. A row that says of a known number another name or another birth year is refused: whose number it is, a
// person has to decide. What a row says besides about a person who is here already is not taken over.
//
// It may import registry, identity, interaction and tabular. Start reading at Intake.Take.
package intake
