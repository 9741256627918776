// Package history is a person's vaccinations as FHIR has them: it reads Immunization resources, folds the records of one
// dose that several senders sent, has the doses judged by fhir/immunization/forecast, and writes what came of it.
//
//	Read, Fold          Immunization -> Record -> Event: one dose that was given, or not given, with all its sources
//	Assess              events -> Assessment: the events with their evaluations, and the forecast of each series
//	Writer.ImmDS        ImmunizationEvaluation and ImmunizationRecommendation, as HL7 ImmDS has them
//	Writer.Parameters   the summary: doses in order with their sources, forecast, adverse events
//	Writer.Document     the same in the style of the International Patient Summary
//	Faults              the rules of a dose that is sent in
//
// Two records are one event if both were given (or both not), their products are of one vaccine group, and they are of the
// same day. Two such events a day apart are one if any of their records share a lot. The leading record is the one to show: primary source first, then the one
// with a lot, the earliest received, the smallest id. What another source says differently is kept beside it.
//
// It may import immunization, forecast and resource; it knows no store. Start reading at Assess.
package history
