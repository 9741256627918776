// Package outcome turns any error into what the caller may know: an HTTP status and an OperationOutcome with text in
// English or Vietnamese, by Accept-Language.
//
//	fhir.Kind                 -> status
//	fhir.Error.Code, Issue    -> row of the catalogue: FHIR issue type, text in en and vi with {0}, {1}, … for Args
//	anything else             -> 500 "internal" with a random reference; the error itself is for the log
//
// The catalogue is catalogue/*.tsv, a file for each room, a line for each code:
//
//	code <TAB> issue type <TAB> English text <TAB> Vietnamese text
//
// A code without a row is found by this package's tests, which read the sources of all rooms; should one be met while
// serving, the caller still gets the status, a general text and the code. The same catalogue serves HL7 v2 ERR segments,
// CSV reports and the gateway's codes: they take its texts by Text.
//
// Source: https://hl7.org/fhir/R4/operationoutcome.html. It may import resource. Start reading at Of.
package outcome
