package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// Bounds of one append, and of what is copied before it is compared.
const (
	migrateCommits = 256
	migrateBytes   = 8 << 20
	copyRound      = 16 * migrateCommits
)

// comparisonFile, in the folder of a store, says how far its log and a copy of it were compared.
const comparisonFile = "migrate.state"

// ownLog is the log in the folder of a store that is served.
type ownLog struct{ *engine.Engine }

// Read implements commitReader.
func (l ownLog) Read(ctx context.Context, after fhir.T) iter.Seq2[commitlog.Commit, error] {
	return l.ReadLog(ctx, after)
}

// logCopy copies the log of a store to MongoDB while it is served, so that little is left to do when it is stopped to be moved
// there. It holds up nothing: what cannot be copied is tried again.
type logCopy struct {
	st     *engine.Engine
	uri    string
	single bool
	path   string // of the comparison
	log    *slog.Logger

	copied atomic.Uint64 // commits there, and compared
}

// openLogCopy gives the copy that is to be made; nil for none.
func openLogCopy(c config.Server, st *engine.Engine, log *slog.Logger) (*logCopy, error) {
	uri, err := c.LogCopy.Address()
	if err != nil || uri == "" {
		return nil, err
	}
	if _, err := mongodb.CheckURI(uri); err != nil {
		return nil, err
	}
	return &logCopy{st: st, uri: uri, single: c.Log.Single, path: filepath.Join(c.Data, comparisonFile), log: log}, nil
}

// run copies until ctx ends, or until it turns out that what is there is something else.
func (c *logCopy) run(ctx context.Context) {
	if c == nil {
		return
	}
	said := ""
	for ctx.Err() == nil {
		err := c.follow(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errOtherLog):
			c.log.Error("the log is not copied: what is there is no copy of it", "to", mongodb.Redacted(c.uri), "error", err)
			return
		case err.Error() != said:
			said = err.Error()
			c.log.Warn("the log could not be copied and is tried again", "to", mongodb.Redacted(c.uri), "error", err)
		}
		fhir.Pause(ctx, 5*time.Second)
	}
}

// follow copies and compares, and then goes on with what comes; it ends with an error.
func (c *logCopy) follow(ctx context.Context) error {
	to, err := mongodb.Open(ctx, mongodb.Config{URI: c.uri, Single: c.single, Logger: c.log})
	if err != nil {
		return err
	}
	defer to.Close()
	from := ownLog{c.st}
	done, err := openComparison(ctx, c.path, to.ID(), from, to)
	if err != nil {
		return err
	}
	told, current := time.Now(), false
	for {
		at, err := appendTo(ctx, to, from, copyRound)
		if err != nil {
			return err
		}
		for done.T < at {
			if err := done.advance(ctx, from, to, at, copyRound); err != nil {
				return err
			}
		}
		c.copied.Store(uint64(done.T))
		if err := done.keep(c.path); err != nil {
			return err
		}
		head, err := from.Head(ctx)
		switch {
		case err != nil:
			return err
		case at+migrateCommits < head: // who writes all the time is always a little ahead
			if time.Since(told) > 10*time.Second {
				told = time.Now()
				c.log.Info("the log is being copied", "commit", at, "of", head)
			}
			continue
		case !current:
			current = true
			c.log.Info("the copy of the log is whole and is kept up; stop the server and say 'lienthong migrate' to move there", "commit", at)
		}
		if _, err := from.WaitHead(ctx, at); err != nil {
			return err
		}
		fhir.Pause(ctx, time.Second) // more comes into one append
	}
}

// figure is the source of lag; nil without a copy.
func (c *logCopy) figure() func(context.Context) (uint64, error) {
	if c == nil {
		return nil
	}
	return c.lag
}

// lag is how many commits are not copied yet.
func (c *logCopy) lag(ctx context.Context) (uint64, error) {
	head, err := c.st.Head(ctx)
	return uint64(head) - min(c.copied.Load(), uint64(head)), err
}

// appendTo appends what of from is not there yet, at most about so many commits (0 = all), and gives where to ends then.
func appendTo(ctx context.Context, to commitlog.Log, from commitReader, most int) (fhir.T, error) {
	head, err := to.Head(ctx)
	if err != nil {
		return 0, err
	}
	last, err := commonEnd(ctx, to, from, head)
	if err != nil {
		return 0, err
	}
	var group []commitlog.Commit
	size, all := 0, 0
	flush := func() error {
		if len(group) == 0 {
			return nil
		}
		t, err := to.Append(ctx, head, group)
		if err != nil {
			return fmt.Errorf("append after commit %d: %w", head, err)
		}
		head, group, size = t, group[:0], 0
		return nil
	}
	for c, err := range from.Read(ctx, head) {
		if err != nil {
			return head, err
		}
		c.Prev, last = last, c.ID
		group = append(group, c)
		all++
		for i := range c.Writes {
			size += len(c.Writes[i].Document)
		}
		if len(group) == migrateCommits || size >= migrateBytes {
			if err := flush(); err != nil {
				return head, err
			}
			if most > 0 && all >= most {
				return head, nil
			}
		}
	}
	return head, flush()
}

// commonEnd gives the id of commit head, at which to ends, if from has the same one there.
func commonEnd(ctx context.Context, to, from commitReader, head fhir.T) (commitlog.ID, error) {
	if head == 0 {
		return commitlog.ID{}, nil
	}
	if ends, err := from.Head(ctx); err != nil || ends < head {
		return commitlog.ID{}, errors.Join(err, fmt.Errorf("%w: it has %d commits, this one %d", errOtherLog, head, ends))
	}
	here, err := commitAt(ctx, from, head)
	if err != nil {
		return here, err
	}
	there, err := commitAt(ctx, to, head)
	if err == nil && here != there {
		err = fmt.Errorf("%w, nor the beginning of one: commit %d is another one", errOtherLog, head)
	}
	return here, err
}

func commitAt(ctx context.Context, l commitReader, t fhir.T) (commitlog.ID, error) {
	for c, err := range l.Read(ctx, t-1) {
		return c.ID, err
	}
	return commitlog.ID{}, fmt.Errorf("a log ends before commit %d", t)
}
