package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/sealed"
)

type migrateCmd struct {
	From          string `required:"" placeholder:"DIR|URI" help:"Where the log is: folder of a store that is not being served, or mongodb://HOSTS/DATABASE."`
	To            string `required:"" placeholder:"DIR|URI" help:"Where it goes. What is there must be the beginning of the same log: a copy that was broken off is gone on with."`
	Single        bool   `name:"log-single" help:"Take a MongoDB server that is no replica set."`
	EncryptionKey string `name:"encryption-key" type:"path" env:"LIENTHONG_ENCRYPTION_KEY" placeholder:"FILE" help:"Key file of the folder."`
}

// Bounds of one append.
const (
	migrateCommits = 256
	migrateBytes   = 8 << 20
)

// Run copies a log and holds both against each other. Into a folder it is replayed, so that the folder is a whole store.
func (c *migrateCmd) Run(ctx context.Context, s streams) error {
	into := mongodb.IsURI(c.To)
	if into == mongodb.IsURI(c.From) {
		return &exitError{exitUsage, errors.New("one of --from and --to is a folder, the other one a mongodb:// address")}
	}
	if err := config.KeyApart(c.EncryptionKey, c.folder()); err != nil {
		return &exitError{exitUsage, err}
	}
	disk, err := sealed.Disk(c.EncryptionKey, nil)
	if err != nil {
		return err
	}
	shared, err := mongodb.Open(ctx, mongodb.Config{URI: c.uri(), Single: c.Single})
	if err != nil {
		return err
	}
	defer shared.Close()
	o := engine.Options{FS: disk}
	if !into {
		if err := replayInto(c.To, shared, o); err != nil {
			return err
		}
	}
	folder, err := engine.OpenLog(c.folder(), o)
	if err != nil {
		return err
	}
	defer folder.Close()
	if into {
		if err := appendTo(ctx, shared, folder, s.out); err != nil {
			return err
		}
	}
	n, sum, err := sameCommits(folder.Read(ctx, 0), shared.Read(ctx, 0))
	if err != nil {
		return err
	}
	if err := folder.SetShared(into); err != nil {
		return err
	}
	next := "lienthong serve --data " + c.folder()
	if into {
		next += " --log " + mongodb.Redacted(c.To)
	}
	_, err = fmt.Fprintf(s.out, "%d commits are the same on both sides, SHA-256 %s. Go on with: %s\n", n, sum, next)
	return err
}

func (c *migrateCmd) folder() string {
	if mongodb.IsURI(c.To) {
		return c.From
	}
	return c.To
}

func (c *migrateCmd) uri() string {
	if mongodb.IsURI(c.To) {
		return c.To
	}
	return c.From
}

// replayInto makes a store in dir of a log, or goes on with one. Its index is made anew by the first server that opens it.
func replayInto(dir string, from commitlog.Log, o engine.Options) error {
	plain := index.Options{}
	o.Log, o.Definition = from, "migrated"
	o.Index, o.IndexWith = indexFunc(plain, nil), func(reg *r4.Registry) engine.IndexFunc { return indexFunc(plain, reg) }
	e, err := engine.Open(dir, o) // it catches up
	if err != nil {
		return err
	}
	return e.Close()
}

// appendTo appends what of from is not there yet.
func appendTo(ctx context.Context, to commitlog.Log, from *engine.FolderLog, out io.Writer) error {
	head, err := to.Head(ctx)
	if err != nil {
		return err
	}
	last, err := commonEnd(ctx, to, from, head)
	if err != nil {
		return err
	}
	if head > 0 {
		if _, err := fmt.Fprintf(out, "%d commits are there already\n", head); err != nil {
			return err
		}
	}
	var group []commitlog.Commit
	size := 0
	flush := func() error {
		t, err := to.Append(ctx, head, group)
		if err != nil {
			return fmt.Errorf("append after commit %d: %w; say the same command again to go on", head, err)
		}
		head, group, size = t, group[:0], 0
		return nil
	}
	for c, err := range from.Read(ctx, head) {
		if err != nil {
			return err
		}
		c.Prev, last = last, c.ID
		group = append(group, c)
		for i := range c.Writes {
			size += len(c.Writes[i].Document)
		}
		if len(group) == migrateCommits || size >= migrateBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(group) == 0 {
		return nil
	}
	return flush()
}

// commonEnd gives the id of commit head, at which to ends, if from has the same one there.
func commonEnd(ctx context.Context, to commitlog.Log, from *engine.FolderLog, head fhir.T) (commitlog.ID, error) {
	if head == 0 {
		return commitlog.ID{}, nil
	}
	here, err := commitAt(ctx, from, head)
	if err != nil {
		return here, err
	}
	there, err := commitAt(ctx, to, head)
	if err == nil && here != there {
		err = fmt.Errorf("what is there is no beginning of this log: commit %d is another one", head)
	}
	return here, err
}

func commitAt(ctx context.Context, l commitlog.Log, t fhir.T) (commitlog.ID, error) {
	for c, err := range l.Read(ctx, t-1) {
		return c.ID, err
	}
	return commitlog.ID{}, fmt.Errorf("a log ends before commit %d", t)
}

// sameCommits goes through two logs side by side and gives their common hash. What only a shared log says of its commits is
// not looked at.
func sameCommits(a, b iter.Seq2[commitlog.Commit, error]) (n int, sum string, err error) {
	left, stopLeft := iter.Pull2(a)
	defer stopLeft()
	right, stopRight := iter.Pull2(b)
	defer stopRight()
	all := sha256.New()
	for {
		x, errX, okX := left()
		y, errY, okY := right()
		if err := errors.Join(errX, errY); err != nil {
			return n, "", err
		}
		if okX != okY {
			return n, "", fmt.Errorf("one log ends after %d commits, the other one goes on", n)
		}
		if !okX {
			return n, hex.EncodeToString(all.Sum(nil)), nil
		}
		hx, hy := commitHash(all, &x), commitHash(sha256.New(), &y)
		if hx != hy {
			return n, "", fmt.Errorf("commit %d is not the same on both sides", x.T)
		}
		n++
	}
}

// commitHash gives the hash of a commit, and adds the commit to a hash of many.
func commitHash(all hash.Hash, c *commitlog.Commit) [sha256.Size]byte {
	c.Prev, c.Sum = commitlog.ID{}, commitlog.Sum{}
	raw := commitlog.AppendCommit(nil, c)
	_, _ = all.Write(raw)
	return sha256.Sum256(raw)
}
