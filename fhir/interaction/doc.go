// Package interaction has the verbs of FHIR's RESTful interface without HTTP: create, read, vread, update, patch, delete,
// history, search, batch and transaction. REST, HL7 v2, CSV and the rooms that write on their own enter by this one
// door, so that writing always means the same:
//
//	document -> references resolved (references.go) -> one walk: structure checked, entries for the index (prepare.go)
//	         -> hooks add what belongs to the same commit -> store.Commit -> Result made from the receipt
//
// Nothing is read back and nothing is serialised again. What depends on the store's state (does it exist, what matches
// these criteria, which version is current) is read, decided on, and then demanded again as a precondition of the commit
// (EXACT). When a commit fails because the state moved in between, the decision is made anew, a bounded number of times
// (retry.go); a caller's own If-Match is never retried.
//
//	                      read                     precondition of the commit
//	create                -                        MustCreate
//	conditional create    matches of the criteria  NoMatch
//	update                current version*         IfVersion (the caller's If-Match, or ours*)
//	conditional update    matches of the criteria  NoMatch or OneMatch; MustCreate with NoMatch
//	patch                 current version          IfVersion
//	conditional reference matches of the criteria  OneMatch
//
// * only when there are hooks: they are told the version that the write will get.
//
// A SearchParameter that is written is in force from its commit on (register.go); commits with documents demand the parameters
// that these were indexed by (definitions.go).
//
// Within a transaction criteria also see what its entries delete and write (pending.go). A read of a transaction that finds
// a resource by its id demands OneMatch for it (rehearse.go).
//
// It may import fhir, r4, resource, fhirpath, walk, search, store. Start reading at Service, then Service.Create.
// Source: https://hl7.org/fhir/R4/http.html
package interaction
