// Package importing sends files of FHIR data and claim files to a server: the engine of `lienthong import`.
//
// What it takes: JSON and NDJSON, plain, .gz or .bz2 (told by content, not by name); files, folders and patterns.
//
//	Bundle transaction, batch      posted as it is
//	any other Bundle               its entries as batches of PUT, conditional on nothing
//	NDJSON, single resources       the same; a resource without id gets one made of its content. A line that cannot be
//	                               taken costs only itself, and the report names it
//	claim files (XML)              each episode as a transaction of its own (mapping.Episode), found again by MA_LK: the
//	                               same file twice is one episode, a changed one a new version. An episode with a table
//	                               that cannot be read is refused whole. Check-in files (XML0) make Encounters
//
// Order: FHIR data in files whose name contains "hospital", then those with "practitioner", then the rest, then claim files. Each of the
// groups is finished before the next begins, since bundles refer to hospitals and practitioners that must be there (as Synthea
// writes them). Within a group several senders work at once and the order is open, but for the parcels of one episode of claim files:
// they go out one after the other, in the order of the files as they were named (those of a folder by their names), so that a
// corrected file counts and not the one that it corrects (turns.go).
//
// It can be stopped and run again: marks in a state file (see marks.go) say what was acknowledged, and that is not sent
// twice. The one gap is a crash, or a lost connection, between the server's commit and the mark. PUT entries and
// conditional creates do no harm there. For a transaction with plain POST entries the server is asked before the repeat
// whether resources with the identifiers of the bundle exist (see doubt.go): since a transaction lands whole, that
// settles it. Where no entry has an identifier, or in a batch, the repeat may double such entries; the report says so.
package importing
