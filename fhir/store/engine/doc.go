// Package engine is the store of one server: the state derived from the commit log, on Pebble, and the pipeline that
// decides what comes into the log. The same log always gives the same rows, whoever replays it.
//
// Rows, with | between the parts of a key for reading only (n = number of a resource, given at its first creation;
// t = commit number; ^ = inverted, so that the newest comes first):
//
//	i|type|id            -> n, version, t, at, write, method: where the newest version is
//	v|n|^version         -> t, at, write, method, type, id, unique keys, links, entries: one version, what it can be found by
//	h|type|t|write       -> (empty): the order of a type's history
//	x|param|type|value|n -> t1 t2 t3 …: the value was opened by t1, closed by t2, opened again by t3, …
//	u|key                -> n: who holds a unique key
//	r|space|key          -> t, value: a record; 0, t if the value is large: it is in l|t (record.go)
//	c|type               -> count of current resources
//	y|code               -> name of a type: keys hold two bytes for it
//	m|head               -> t, at, next number, number of versions; m|format, m|definition, m|rebuild
//	m|shared             -> (one byte) the log is not in this folder: l and d are a copy of it
//	m|build              -> what of the index of added parameters is built, and where the builder is (building.go)
//	l|t, d|t|write       -> the log's own rows (commitlog/embedded): header of a commit, its documents
//
// For example, commit 7 creates Patient/p1, the first resource, born in 1990; commit 9 corrects the year to 1991:
//
//	i|Patient|p1                      -> 1, 2, 9, …
//	v|1|^2, v|1|^1
//	h|Patient|7|0, h|Patient|9|0
//	x|exists|Patient||1               -> 7
//	x|birthdate|Patient|1990…|1       -> 7 9
//	x|birthdate|Patient|1991…|1       -> 9
//
// Numbers and versions are 5 bytes in keys (a trillion), values are escaped (00 becomes 00 FF) and end in 00 01, so that
// keys sort by value, then by number, whatever bytes a value has. Postings of one value are therefore a list sorted by
// number: AND is a merge of such lists. A posting's events are merged, not read and rewritten: an update appends its
// commit number to what it opens and closes and touches nothing that it leaves alone.
//
// Contained resources have numbers, postings and version rows of their own, under types of their own (contained.go), and
// are searched like all others (inside.go).
//
// AS-OF: a row holds at t if an odd number of its events is <= t. Nothing is overwritten but the rows i, c, u, r and m,
// and where those are younger than t the versions answer. So a reader needs neither snapshot nor lock: it sees the state
// at t, never half of a commit, however many commits land meanwhile.
//
// Added search parameters: the builder (builder.go) writes rows v and x of what was there before, through the sequencer.
//
// A search (plan.go) is a stream of numbers: the smallest posting list drives, the others are sought through, what a Not
// names is left out, and what has no list that is cheap to read becomes a set or a check on each candidate. Sorted
// searches (sort.go) sort few matches or walk the index of the first sort key. All loops count what they read (run.tick):
// a search ends with its context or with TooCostly. Explain (explain.go) shows what was chosen and what it cost.
//
// The pipeline, one goroutine each (pipeline.go):
//
//	Commit (many callers)        sequencer                            syncer
//	prepare: encode, sort   ──►  take what waits, in order       ──►  wait for the fsync of the batch
//	(in parallel)                check preconditions on the state     publish the new head
//	                             give t and instant                   answer the caller
//	                             apply one Pebble batch, no wait
//
// Pebble joins the syncs that are waiting (group commit). What is applied but not yet on disk is seen by the sequencer,
// so that a precondition is decided against all commits before it, and by nobody else: readers stop at the published
// head. Refusals pass the syncer too: what was refused because of a commit is answered when that commit is on disk.
//
// Over a log that other servers append to (Options.Log) the pipeline is that of shared.go: a group is decided on a fork of
// the state, appended, and applied when it is in; what others wrote is applied by catchUp (catchup.go), several commits in a
// batch (gather.go), sorted and without a write-ahead log where a start has much to read (bulk.go). Reads of now ask the
// log's head first (head.go). Each commit carries a hash of rows that it led to (sum.go).
//
// It may import store, commitlog and what these stand on; it knows nothing of FHIR's contents: parameters are numbers,
// values are bytes. Start reading at Engine, then Engine.Commit, then run (run.go, plan.go).
package engine
