package engine

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// Options are what an Engine is told at Open. The zero value works.
type Options struct {
	// Now is the clock of commits; nil = time.Now. It may go back: instants of commits do not.
	Now func() time.Time

	// Definition names the index definition: the tables and encodings that Entries are made with. A folder that was
	// written with another one is reindexed at Open, by Index.
	Definition string

	// Index computes the entries of a document anew, as they were given to Commit. It serves Verify and reindexing,
	// which fail without it if there are any documents.
	Index IndexFunc

	// IndexWith gives the function that does what Index does, with search parameters that were added to those of R4. It
	// must not keep what it is given for longer than the call. nil = no parameters can be added.
	IndexWith func(*r4.Registry) IndexFunc

	// Log is the log where other servers append too; nil = one within the folder, which nobody else has. It stays its
	// caller's to close, after the engine.
	Log commitlog.Log

	// StaleReads: while Log is out of reach, reads answer as of the last known commit instead of failing, and say so in
	// the store.Reading of their context.
	StaleReads bool

	// Poll is how often Log is asked for what others appended, unless it can tell (commitlog.Waiter). Reads ask by
	// themselves. 0 = 200 ms.
	Poll time.Duration

	// MaxWaiting and MaxWaitingBytes bound the commits that wait for the sequencer; beyond, Commit gives Kind Busy.
	// 0 = 1,024 and 256 MiB.
	MaxWaiting      int
	MaxWaitingBytes int64

	// CacheBytes is for uncompressed blocks, MemTableBytes for each of up to three tables of what is not yet in sorted
	// files; 0 = DefaultCacheBytes and 16 MiB.
	CacheBytes    int64
	MemTableBytes int64

	// MaxWork is how many rows of the index one search or count may read or pass, some 5 million a second; beyond, it
	// ends with Kind TooCostly. 0 = 50 million. Memory needs no bound of its own: a set that is collected takes one bit
	// for each resource ever created at most, a page what is on it.
	MaxWork int

	// Room watches the disk of the folder; FS must be built on its FS. nil = a full disk is met when it is full, and then the
	// store takes no more commits until it is opened anew.
	Room *Room

	// FS is where the folder is; nil = the machine's. That of sealed encrypts all that is written; tests give one that
	// can lose power.
	FS vfs.FS

	Logger *slog.Logger // nil = slog.Default
}

// DefaultCacheBytes is Options.CacheBytes where it is 0.
const DefaultCacheBytes = 64 << 20

func (o *Options) setDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Poll == 0 {
		o.Poll = 200 * time.Millisecond
	}
	if o.MaxWaiting == 0 {
		o.MaxWaiting = 1024
	}
	if o.MaxWaitingBytes == 0 {
		o.MaxWaitingBytes = 256 << 20
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = 16 << 20
	}
	if o.MaxWork == 0 {
		o.MaxWork = 50_000_000
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
}
