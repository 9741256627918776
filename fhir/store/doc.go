// Package store is the waist of the house: what rooms above ask for (Store, Changes, Query) and what rooms below give.
//
// A Store is one ordered history of commits. All that is in it came by Commit, and each read names the commit number
// up to which it looks. fhir/store/engine implements it over a log (fhir/store/commitlog); fhir/store/storetest proves
// its promises by name: ATOMIC DURABLE LOSSLESS EXACT FRESH AS-OF COMPLETE FEED.
//
// Besides documents it keeps records: small rows in named spaces (outbox, attempts, slots, leases), written in the same
// commits and guarded by the same preconditions, so that a claim and its outbox entry cannot come apart.
//
// It may import fhir and search. Start reading at Store.
package store
