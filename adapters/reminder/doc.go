// Package reminder reminds people of vaccinations that are due: by e-mail or text message, once for each occasion.
//
//	registry (who waits) -> Plan: consent, address -> CommunicationRequest + outbox row + occasions, in one commit
//	                     -> Deliver: still due? still agreed? -> row "sending" on disk -> Sender -> outcome on disk
//
// Rows of the space "reminders", with | between the parts of a key (in the keys it is the byte 1F):
//
//	o|patient|series|dose|due or overdue -> id of the CommunicationRequest: an occasion has one, whatever becomes of it
//	q|id                                 -> outbox: how far it is
//
// What becomes of a CommunicationRequest:
//
//	active     it waits in the outbox
//	completed  the sender took it; a Communication says when
//	on-hold    it could not be sent: refused for good, or too often
//	revoked    it is no longer due, or no longer agreed to
//	unknown    nobody knows: the server died while it was sent, or the line was cut before the answer. It is not sent again.
//
// Consent: by default only who has agreed is reminded (opt in), by an active Consent of the scope Scope that permits; the
// newest of a person decides. With OptOut all are but those who have denied it. A Consent that keeps the clinic from the
// Patient keeps it from reminding as well, in either case: what the clinic may not see it cannot use.
//
// Nobody is reminded of a dose that something on record speaks against (vaccination contraindications); it is a new occasion
// once that is over.
//
// It may import fhir/registry, fhir/access and scheduler. Start reading at Reminders.Plan.
package reminder
