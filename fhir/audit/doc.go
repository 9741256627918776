// Package audit keeps the trail of who did what (TRACED).
//
// An interaction leaves one entry. That of a write is a record of its own commit, so that neither is there without the
// other. That of a read goes to the journal of the server that answers, and is on disk before the first byte of the
// answer leaves. The entries of commits are taken over into the journal as well, so that it tells everything in one row.
//
//	request ─► Handler: a Trail in the context ──────────────► answer held back until the trail is on disk: by its connection
//	              │ noted by Store (a store.Store that watches)        ▲  (Hold), or by the goroutine of the request
//	              │   reads: keys and versions given out ─► Journal ───┘
//	              └►  writes: a record in the commit ─► Follow ─► Journal
//
// Whom it is about stands in an entry: of what was given out or written, of a number that tells of few or of one (Store.Count), and of
// what was asked for and refused, by the request itself or by an entry of a bundle (Trail.Tried).
//
// The journal is a list of lines, each the leaf of a Merkle tree (RFC 6962). Its checkpoints are signed notes in the form
// of https://c2sp.org/tlog-checkpoint: number of lines and root hash. They are kept beside the journal and committed to the
// log, so that a line that was changed, moved or taken away shows (Verify), also to somebody who has the files alone.
// What was written after the last checkpoint is held by nothing but the disk.
//
// Citizen IDs, names and other values of queries stand in no line: Masker puts keyed hashes in their place.
//
// It may import fhir, r4, resource, search, store, access, outcome. Start reading at Entry, then Journal.
package audit
