package store

import (
	"context"
	"io"
	"iter"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// Store is one server's view of the log: documents with all their versions, their index, and records.
// All methods are safe for concurrent use. Bytes given out belong to the caller.
//
// Where a read takes a t, 0 stands for the head, and a t beyond the head is Invalid "as-of-unknown".
// Reads and writes are held to the fence of their context (Fence). What it does not allow is not there: NotFound, no match,
// not counted. A type with which an action is never allowed, and a write that is not, is Denied "access-denied". Records,
// the feed and figures for operators are not held to it: they are for rooms of ours.
// After Close every method gives Unavailable "store-closed".
type Store interface {
	// Commit applies all of c or none of it and returns when it is on disk (ATOMIC, DURABLE).
	// A precondition that does not hold gives a fhir.Error (Conflict, Precondition) or a *MatchError and leaves no
	// trace (EXACT); so does a resource that c writes twice (Invalid "write-twice").
	// Where c changes nothing there is no new commit: Receipt.T is the one that it was decided on.
	// When ctx ends while the commit waits, it does not happen and the error wraps ctx's; once it is being decided,
	// Commit gives the true outcome. Kind Busy means that the queue was full and it did not happen.
	Commit(ctx context.Context, c Changes) (Receipt, error)

	// Head is the newest commit that is on disk: reads as of it see everything acknowledged (FRESH).
	Head(ctx context.Context) (fhir.T, error)

	// Read gives the version of key that is current as of t. Errors: NotFound, Gone (Found is then filled but for Stored).
	Read(ctx context.Context, key fhir.Key, t fhir.T) (Found, error)

	// ReadVersion gives one version, deleted ones as Gone. Errors: NotFound.
	ReadVersion(ctx context.Context, key fhir.Key, v fhir.Version) (Found, error)

	// History yields versions newest first, deletes included (COMPLETE). A resource that never was gives NotFound.
	History(ctx context.Context, h History) iter.Seq2[Found, error]

	// Search yields the matches of q as of t in q's order; nothing but postings is read to decide (AS-OF).
	// Documents are fetched apart, with FetchAll, for the page that is shown. Errors come as the last element.
	Search(ctx context.Context, q search.Query, t fhir.T, o SearchOptions) iter.Seq2[Match, error]

	// Count gives the number of matches of q as of t.
	Count(ctx context.Context, q search.Query, t fhir.T) (int, error)

	// Included yields what q.Include adds to the matches of one page, each resource once, none of the matches.
	Included(ctx context.Context, q search.Query, page []Match, t fhir.T) iter.Seq2[Match, error]

	// Fetch gives the document of a match.
	Fetch(ctx context.Context, m Match) (Found, error)

	// FetchAll gives the documents of a page of matches, each in the place of its match; the Found of one that may not be
	// seen any more, of which Fetch would say NotFound, is zero. It costs less than a Fetch for each.
	FetchAll(ctx context.Context, page []Match) ([]Found, error)

	// Record gives the row of a space as of now; found is false if there is none. What is not on disk is not shown.
	Record(ctx context.Context, space Space, key string) (value []byte, found bool, err error)

	// Records yields the rows of a space with from <= key < to ("" = no bound), in the order of their keys, all as of
	// one moment.
	Records(ctx context.Context, space Space, from, to string) iter.Seq2[Record, error]

	// RecordsChanged gives the commit, as of now, that changed records of a space last, or a later one where that is not known: what
	// Record and Records gave since then is what they give now.
	RecordsChanged(ctx context.Context, space Space) (fhir.T, error)

	// Feed yields the commits after t in order, up to the head of now (FEED). WaitHead tells when there are more.
	Feed(ctx context.Context, after fhir.T) iter.Seq2[Commit, error]

	// Outlines yields what Feed does without the documents: the Stored of each write is empty. It costs much less, so it is for those
	// who follow that something happened and not what was written. The caller must not change what it is given.
	Outlines(ctx context.Context, after fhir.T) iter.Seq2[Commit, error]

	// WaitHead returns when the head is beyond t, or with ctx's error.
	WaitHead(ctx context.Context, beyond fhir.T) (fhir.T, error)

	// Stats gives figures for operators: resources by type, commits, bytes on disk.
	Stats(ctx context.Context) (Stats, error)

	// Checkpoint writes a consistent copy of the store into dir, which must not exist, while it serves.
	Checkpoint(ctx context.Context, dir string) error

	io.Closer
}

// Changes is what one commit asks for.
type Changes struct {
	Require []Precondition
	Puts    []Put
	Deletes []Delete
	Records []Record

	// Trial decides all of it like any commit and then leaves everything as it is: the receipt says what would have been
	// written, its T is what that was decided on.
	Trial bool
}

// Put writes a new version of Key.
type Put struct {
	Key     fhir.Key
	Doc     resource.Stored // with the id set, without versionId and lastUpdated
	Entries []search.Entry  // of the document, sorted; without ParamExists and ParamLastUpdated
	// Contained are the entries of what the document contains: search.Query.Inside finds by them.
	Contained []search.Contained
	Unique    []UniqueKey // values that no other resource may hold after the commit
	Method    Method      // MethodCreate, MethodUpdate or MethodPatch: for history's entry.request

	// IfVersion, when set, must be the current version (0 = there is none, or it is deleted); else Precondition "version-conflict".
	IfVersion *fhir.Version
	// MustCreate refuses with Conflict "id-exists" if the resource has a current version (server-assigned ids, create).
	MustCreate bool
	// Ours marks a document that the server adds on its own account to what a caller asks for: it is not held to the fence.
	// Its sender is the caller's all the same.
	Ours bool

	// SkipIfEqual leaves the current version as it is when its bytes equal Doc's: an update without a change makes no version.
	SkipIfEqual bool
}

// Delete writes a version that says: deleted. Deleting what is not there is no error and makes no version.
type Delete struct {
	Key       fhir.Key
	IfVersion *fhir.Version
}

// UniqueKey is a value that at most one current resource may hold, such as "cccd|051085000011".
// A commit that would give it to a second one fails with Conflict "unique-taken"; Args: the key of the holder, if
// the fence lets it be read, else its type.
type UniqueKey string

// Precondition is a demand on the state right before the commit, checked in commit order, within the pipeline.
// It is a closed set: NoMatch, OneMatch, RecordIs.
type Precondition interface{ isPrecondition() }

// NoMatch demands that no resource matches (conditional create).
// Otherwise the commit fails with *MatchError, which says what there is.
type NoMatch struct {
	Query search.Query
	Ours  bool // decided on all there is, not on what the fence lets be found
}

// OneMatch demands that exactly the resource Key matches (conditional update, reference, delete decided on it).
type OneMatch struct {
	Query search.Query
	Key   fhir.Key
	Ours  bool // as in NoMatch
}

// RecordIs demands that the row has exactly this value; Value nil: that there is no such row.
// Slots, leases with fencing tokens and state transitions are made of it. Else Precondition "record-changed".
type RecordIs struct {
	Space Space
	Key   string
	Value []byte
}

func (NoMatch) isPrecondition()  {}
func (OneMatch) isPrecondition() {}
func (RecordIs) isPrecondition() {}

// MatchError says that criteria matched something else than demanded at the moment of the commit: the caller decides again.
type MatchError struct {
	Index int        // of the precondition in Changes.Require
	Found []fhir.Key // at most 2
}

func (e *MatchError) Error() string { return "criteria match other resources than when they were read" }

// Space names a set of records; each belongs to one room above, which documents its keys and values. It is not empty
// and has no byte 0.
type Space string

// LogOnly says that the records of a space lie in the log alone, where the feed has them: Record and Records do not find them, and
// they cost no row. The names of such spaces begin with a tilde.
func (s Space) LogOnly() bool { return strings.HasPrefix(string(s), "~") }

// Record is a row of a space. In Changes a nil Value removes it; of a row given twice the last value stands.
type Record struct {
	Space Space
	Key   string
	Value []byte
}

// Method is how a version came about: Bundle.entry.request.method of a history.
type Method uint8

const (
	MethodCreate Method = iota + 1
	MethodUpdate
	MethodPatch
	MethodDelete
)

// Receipt is the proof of a commit: its number, its time, and what each Put and Delete became.
type Receipt struct {
	T       fhir.T
	At      fhir.Instant
	Puts    []Written
	Deletes []Written // Version 0: there was nothing to delete
}

// Written is the outcome of one Put or Delete.
type Written struct {
	Version fhir.Version
	Created bool         // there was no current version before
	Same    bool         // SkipIfEqual: nothing was written; Version and At are those of the version that stands
	At      fhir.Instant // lastUpdated of Version
}

// Found is one version of one resource.
type Found struct {
	Key     fhir.Key
	Version fhir.Version
	At      fhir.Instant
	T       fhir.T
	Method  Method
	Stored  resource.Stored // empty Body for deletes
	// Subjects are the ids of the Patients to whose records this version belongs (compartments); of a delete: none.
	Subjects []fhir.ID
}

// Deleted says whether this version is a delete.
func (f Found) Deleted() bool { return f.Method == MethodDelete }

// History asks for versions: of one resource (Key.ID set), of one type (only Key.Type), of all (zero Key).
type History struct {
	Key    fhir.Key
	AsOf   fhir.T       // 0 = the head
	Since  fhir.Instant // only versions at or after; 0 = all
	Until  fhir.Instant // only versions at or before (_at takes the last one before); 0 = all
	Before Position     // continue after this place; zero = from the newest
}

// Position is a place in a history: commit and index of the write within it.
type Position struct {
	T     fhir.T
	Index uint32
}

// Match is one resource found by a search, as the version that was current as of the search's t.
type Match struct {
	Key     fhir.Key
	Version fhir.Version
	Number  uint64 // the engine's own number of the resource, the tie-breaker of every order

	// Contained, of search.ContainedThemselves, is the place of what was found in the element contained of the version,
	// from 1 on; Key is that of the resource around it. Else 0.
	Contained int

	Order []byte // its place in the order of the search; give the last one of a page as SearchOptions.After
	Place Place  // how the version came about; zero = not known, Fetch then looks for it
	// Subjects are those of Found; Fetch takes them over where it takes Place over.
	Subjects []fhir.ID

	Sight Sight // for whom it was found
}

// Place is the write that made a version.
type Place struct {
	Position
	At     fhir.Instant
	Method Method
}

// SearchOptions bound a search.
type SearchOptions struct {
	After []byte // Order of the last match already shown; nil = from the start
	Limit int    // at most so many are yielded; 0 = all. One more than a page says whether there is a next one

	// MaxWork is how many rows of the index the search may read or pass; beyond, it ends with Kind TooCostly
	// "search-too-costly" (Args: the limit). 0 = what the store is configured with.
	MaxWork int

	// Tally, when set, is filled after the last match was yielded, if the consumer took them all: a page and its total
	// cost less together than apart, and some totals nothing.
	Tally *Tally
}

// Tally counts all matches of a search, also those before After and beyond Limit.
type Tally struct {
	Most int  // counting ends here; 0 = no bound
	Free bool // nothing is read for it: N is -1 unless the search itself finds out
	N    int  // how many there are, or Most if there are at least so many
}

// Commit is one commit as the feed shows it.
type Commit struct {
	T       fhir.T
	At      fhir.Instant
	Writes  []Found // in the order of Changes: puts, then deletes that deleted something
	Records []Record
}

// Stats are figures for operators.
type Stats struct {
	Head      fhir.T
	Resources map[fhir.Type]int // current, not deleted
	Versions  int               // all versions ever written, deletes included
	DiskBytes int64
}
