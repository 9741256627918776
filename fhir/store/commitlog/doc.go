// Package commitlog is the one ordered, durable history from which everything else is derived.
//
// A Log takes commits with compare-and-append: "append these after t" succeeds only if nothing was appended after t, so
// that two servers can share a log without another lock. A commit holds what was decided, not what was asked:
//
//	Commit 7, 2026-03-01T08:00:00.000Z, id 6f1c…
//	  write 0: Patient/p1  version 2, update, unique [cccd|051085000011], document
//	  write 1: Patient/p9  version 4, delete
//	  record : outbox, episode/123 = …
//
// Index entries are not in it: they follow from the documents by the index definition of the day.
// Documents are opaque bytes here (resource.Stored, encoded).
//
// An engine whose log is its own database stages a commit's rows into the batch that applies it (embedded.Log.Stage).
// One whose log is elsewhere decides a group of commits on an indexed batch, appends the group after its own head, and
// applies the batch when that succeeded; after ErrMoved it drops the batch, applies what others wrote and decides again.
// Either way it keeps header and documents in the rows of embedded, so that reading is the same.
//
// Implementations: embedded (rows in the engine's own Pebble database: one fsync for log and state), mongodb (collections
// that many servers append to). logtest is the suite that any Log passes. It may import only fhir. Start reading at Log, then Commit.
package commitlog
