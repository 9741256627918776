package commitlog

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/lienthong/lienthong/fhir"
)

// Log is an ordered sequence of commits 1, 2, 3, … All methods are safe for concurrent use.
type Log interface {
	// Append makes commits durable as after+1, after+2, … and returns the number of the last one. All or none of them
	// are appended. ErrMoved means that something was appended after t before: nothing was written, read it and decide
	// again. ErrUnreachable: nothing was written either. After any other error the commits may or may not be in the log:
	// Read tells, by their ID.
	Append(ctx context.Context, after fhir.T, commits []Commit) (fhir.T, error)

	// Read yields the commits beyond after in order, up to the head of the moment. The bytes belong to the caller.
	Read(ctx context.Context, after fhir.T) iter.Seq2[Commit, error]

	// Head is the number of the newest durable commit; 0 for an empty log.
	Head(ctx context.Context) (fhir.T, error)

	io.Closer
}

// ErrUnreachable says that a log could not be asked, and that nothing was written: what was to be done may be done again.
var ErrUnreachable = errors.New("commitlog: the log is out of reach")

// ErrRefused, of what is ErrUnreachable too, says that a log could be asked and takes no commits: it is full, or may only be read.
var ErrRefused = errors.New("commitlog: the log takes no commits")

// What of ErrUnreachable and ErrRefused is known to be the reason; each comes with one of them.
var (
	// ErrLeaderless says that servers of the log answer, and none of them may write: a majority of them is missing, or is electing.
	ErrLeaderless = errors.New("commitlog: the servers of the log have no primary")
	// ErrDenied says that the log does not accept the account that asks, or that this account has not the right.
	ErrDenied = errors.New("commitlog: the log denies it")
	// ErrFull says that the log has no room.
	ErrFull = errors.New("commitlog: the log has no room")
)

// ErrBehind says that a log ends before what was read from it: it was put back to an older state.
var ErrBehind = errors.New("commitlog: the log ends before what was read from it")

// ErrMoved says that the log's head is beyond the commit after which one wanted to append.
var ErrMoved = errors.New("commitlog: the head has moved")

// ID is the random identity (UUID) of a commit, by which its writer finds out whether it got in after a time-out.
type ID [16]byte

// Commit is one commit as decided.
type Commit struct {
	ID ID
	T  fhir.T       // set by Append
	At fhir.Instant // never less than that of the commit before

	// Of a log that several servers append to; zero in one that has a single writer.
	Prev    ID  // of the commit before: a log that was put back to an older state and went on from there shows by it
	Sum     Sum // of the state that the writer came to
	Writes  []Write
	Records []Record
}

// Sum tells whether two servers come to the same state by one commit.
type Sum struct {
	Definition uint32 // of the index; sums under different ones say nothing about each other. 0 = not told
	Rows       uint64 // of a sample of the rows that the commit changes
}

// Waiter is a Log that can tell when there is more.
type Waiter interface {
	// Wait returns when something may have been appended after t, or with ctx's error.
	Wait(ctx context.Context, after fhir.T) error
}

// Write is a new version of one resource.
type Write struct {
	Key      fhir.Key
	Version  fhir.Version
	Method   uint8    // store.Method
	Sender   string   // on whose behalf the resource was created (store.Fence); "" = nobody's
	Unique   []string // what this version holds against all others
	Document []byte   // resource.Stored, encoded; empty for a delete
}

// Record is a row of a space as the commit leaves it; a nil Value removes it.
type Record struct {
	Space, Key string
	Value      []byte
}
