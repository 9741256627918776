// Package embedded is the commit log of one server: rows in the Pebble database that also holds the engine's state.
//
//	l|t    -> header of commit t (commitlog.AppendHeader)
//	d|t|i  -> document of its write i (resource.Stored, encoded); no row for a delete
//
// t is 8 bytes and i 4 bytes, big endian. A document lies here once: the engine serves it from the same row. So does the value of
// a large record, which is served from the header.
//
// The engine stages a commit's rows into the very batch that applies it, so that log and state cannot come apart and one
// fsync makes both durable. Standing alone (Open), Append writes and syncs a batch of its own.
//
// A server whose log is elsewhere keeps these rows as its copy of that log.
//
// It may import pebble and commitlog. Start reading at Log.
package embedded
