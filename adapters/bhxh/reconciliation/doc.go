// Package reconciliation holds what we have against the lists of the assessment portal, and takes over what it paid.
//
//	for each facility and month:
//	  batches ─► records ─────► our versions        unknown here, state, version, file, amounts of each line
//	  settlement ─► payments ─► our decisions       paid twice, amounts; assessed -> settled
//	what we believe to be there and no list named ─► status query ─► missing there
//
// Before it reads lists it has the status queries made that are due, so that what is unknown or accepted is not taken for a difference.
//
// A difference is a Finding: a kind with its cause and what to do about it, what we hold, what the portal says. It is a row of a
// space and a DetectedIssue (status preliminary while it is open, final once a run finds it gone), written in one commit. A run
// that finds nothing new writes nothing. It closes what it did not find again, of the months it looked at; a run that
// could not read a list closes nothing.
//
//	reconciliation|51901/5f2c…              -> {"kind":"amounts-differ","maLK":"LK-1",…}
//	reconciliation-written|settlement-QT-…  -> SHA-256 of the document
//
// FHIR: a settlement run is a PaymentReconciliation, each payment in it a PaymentNotice that refers to the Claim, its ClaimResponse
// and the run; the Task's state becomes settled in the commit of the notice. A decision that was changed afterwards is a
// new version of the ClaimResponse.
//
// Which claims belong to a month is the portal's to say (NAM_QT, THANG_QT of the file).
//
// It may import fhir, delivery, scheduler, gateway, mapping. Start reading at Reconciler.Run.
package reconciliation
