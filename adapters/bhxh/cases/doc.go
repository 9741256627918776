// Package cases shows claims to those who audit them: a list by state, hospital, period, reason, amount and age; one case
// line by line, claimed against assessed, with what it cites and every attempt to send it; a sample that anybody can draw
// again; and what a review came to.
//
//	outbox (newest version of each claim) ──► filter ──► Claim, ClaimResponse ──► filter ──► Row ──► page, sample
//	                                                     read under the caller's fence
//
// A Row is a pure function of the claim's item, the version of the Claim that it stands for, and the ClaimResponse. Nothing is kept
// beside them, so that a list cannot disagree with the case. The price: a list with conditions on amounts, periods or
// reasons of the assessment opens the documents of each claim that the others leave; a page ends early after
// some thousands of them and says where to go on.
//
// Fence and mask of the caller hold for all of it: what may not be read is not there and not counted. What was looked at to
// find out is not told to the trail, what is shown is.
//
// Samples: see sample.go for the method, which is written so that it can be done again without this program.
//
// FHIR: a review is a Task with code claim-review whose basedOn is the Claim; it is no part of the claim's own Task.
//
// It may import fhir, delivery, mapping, audit. Start reading at Row, then Service.List.
package cases
