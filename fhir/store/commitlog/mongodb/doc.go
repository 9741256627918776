// Package mongodb is the commit log of many servers: collections of a MongoDB replica set or sharded cluster.
//
//	commits  {_id: "0000000000000042", n: 3, g: <16 bytes>, z: 1, c: 0, k: <crc32c>, at: <date>, b: <bytes>}
//	chunks   {_id: "0000000000000042/<g in hex>/00000", b: <bytes>}
//	meta     {_id: "log", schema: 1, id: <hex>, made: <date>}
//	checkpoints, checkpoints.files, checkpoints.chunks: copies of engines for new servers (checkpoints.go)
//
// A document of commits is one append: a group of n commits, of which the first has the number that is its _id, 16 digits
// as text. The next document's _id is the number after its last one, so the unique key of _id is the compare-and-append,
// and a group is there whole or not at all without a transaction. b is the encoded commits (commitlog.AppendCommit, each
// after its length), compressed with zstd where z is 1. Where that is longer than one document may be, it lies in c chunks,
// which are written before the document that names them; g, the id of the first commit, tells apart those of several
// servers that wanted the same number. What a lost race or a dead server left of chunks is swept at the next start.
//
// Numbers are text since then every question of the steady state is the look-up of one _id: is there a group after the last
// one known? A linearizable read of one _id is what MongoDB gives its strongest promise for, and Mongo-wire servers with
// simple planners answer it from an index.
//
// An append whose outcome is not known (time-out, lost connection, no primary) is repeated: the same document under the same
// _id. It gets in, or meets itself (it was in), or meets another (it lost the race); the group id tells which. No more than
// that is needed for EXACT, and it needs no sessions. What holds (DURABLE, FRESH) is set here in code: majority and journal
// for writes, majority for reads, linearizable for the head. URIs that would weaken it are refused (uri.go).
//
// What others append is heard of by a change stream where the server has them, and polled for where not (wait.go); reads ask by
// themselves. Not used, so that any Mongo-wire server will do: transactions, $lookup, TTL and partial indexes.
//
// It may import mongo-driver and commitlog. Start reading at Open, then Log.Append.
package mongodb
