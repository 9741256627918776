// Package bhxh brings claims to the assessment system of the social insurance (BHXH) and their results back.
//
// It is some jobs for the scheduler, over what adapters/delivery says is due:
//
//	bhxh-sync     for each facility: FHIR --mapping--> hoso --pre-checks--> held, or the claim file
//	              -> delivery records sending -> gateway.Send -> delivery records what the reply proved
//	bhxh-status   sending without a living process -> unknown; unknown and accepted: gateway.Status -> what became of them
//
//	bhxh-checkin    Encounters in progress -> XML0 -> gateway.CheckIn, once each; again without an answer: nothing is paid by it
//	bhxh-deadlines  the clocks of delivery that ran out -> events, marks
//
// bhxh-sync is one job for each facility that has a plan, and one for the others.
//
// What a reply proves is decided in gateway, what it means for the claim in delivery; this package only brings them
// together. Sending is never repeated here: an item goes out again when delivery has it queued again. Calls that change
// nothing (log-in, status query) are repeated a few times with growing waits.
//
// Rooms within: hoso (the claim file), mapping (FHIR <-> hoso), gateway (client), wire (contract). Start reading at sync.go.
package bhxh
