package main

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"iter"
	"os"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// commitReader is a log that is read.
type commitReader interface {
	Head(context.Context) (fhir.T, error)
	Read(ctx context.Context, after fhir.T) iter.Seq2[commitlog.Commit, error]
}

// comparison is how far two logs were held against each other, commit by commit from the first one on. Commits never change, so
// what was compared while they were served need not be compared again when nothing serves them any more.
type comparison struct {
	To  string       `json:"to"` // identity of the second log
	T   fhir.T       `json:"t"`
	ID  commitlog.ID `json:"id"`  // of commit T
	Sum []byte       `json:"sum"` // state of the SHA-256 over all of them

	all hash.Hash
}

// newComparison begins at the first commit.
func newComparison(to string) *comparison { return &comparison{To: to, all: sha256.New()} }

// openComparison goes on with the one that a file remembers, if both logs still have the commit that it came to.
func openComparison(ctx context.Context, path, to string, a, b commitReader) (*comparison, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newComparison(to), nil
	}
	if err != nil {
		return nil, err
	}
	c := newComparison(to)
	if err := json.Unmarshal(raw, c); err != nil || c.To != to || c.T == 0 {
		return newComparison(to), nil // of another copy, or torn: comparing again does no harm
	}
	for _, l := range []commitReader{a, b} {
		if ends, err := l.Head(ctx); err != nil || ends < c.T {
			return newComparison(to), err
		}
		if id, err := commitAt(ctx, l, c.T); err != nil || id != c.ID {
			return newComparison(to), err
		}
	}
	if err := c.all.(encoding.BinaryUnmarshaler).UnmarshalBinary(c.Sum); err != nil {
		return newComparison(to), nil
	}
	return c, nil
}

// keep remembers it in a file.
func (c *comparison) keep(path string) (err error) {
	if c.Sum, err = c.all.(encoding.BinaryMarshaler).MarshalBinary(); err != nil {
		return err
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".part", raw, 0o600); err != nil {
		return errors.Join(err, os.Remove(path+".part"))
	}
	return os.Rename(path+".part", path)
}

// errOtherLog says that a log is no copy of the one that it should be a copy of.
var errOtherLog = errors.New("what is there is no copy of this log")

// advance compares the next commits of two logs, at most so many and none beyond a head that both have.
func (c *comparison) advance(ctx context.Context, a, b commitReader, head fhir.T, most int) error {
	right, stop := iter.Pull2(b.Read(ctx, c.T))
	defer stop()
	for x, err := range a.Read(ctx, c.T) {
		if err != nil {
			return err
		}
		y, err, ok := right()
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("a log ends before commit %d", x.T)
		}
		if commitHash(c.all, &x) != commitHash(sha256.New(), &y) {
			return fmt.Errorf("%w: commit %d is not the same on both sides", errOtherLog, x.T)
		}
		c.T, c.ID = x.T, x.ID
		if most--; c.T == head || most == 0 {
			break
		}
	}
	return nil
}

// finish compares all that is left of two logs that nobody appends to.
func (c *comparison) finish(ctx context.Context, a, b commitReader) (sum string, err error) {
	ends, err := a.Head(ctx)
	if err != nil {
		return "", err
	}
	other, err := b.Head(ctx)
	if err != nil {
		return "", err
	}
	if ends != other {
		return "", fmt.Errorf("one log ends after %d commits, the other one after %d", ends, other)
	}
	if c.T < ends {
		err = c.advance(ctx, a, b, ends, 0)
	}
	if err == nil && c.T != ends {
		err = fmt.Errorf("a log of %d commits could be read to commit %d", ends, c.T)
	}
	return hex.EncodeToString(c.all.Sum(nil)), err
}

// commitHash gives the hash of a commit, and adds the commit to a hash of many. What only a shared log says of its commits is not
// looked at.
func commitHash(all hash.Hash, c *commitlog.Commit) [sha256.Size]byte {
	c.Prev, c.Sum = commitlog.ID{}, commitlog.Sum{}
	raw := commitlog.AppendCommit(nil, c)
	_, _ = all.Write(raw)
	return sha256.Sum256(raw)
}
