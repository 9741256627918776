package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
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
	CompareAll    bool   `name:"compare-all" help:"Compare all commits, those too that were compared while the folder was served (serve --log-copy)."`
	Single        bool   `name:"log-single" env:"LIENTHONG_LOG_SINGLE" help:"Take a MongoDB server that is no replica set."`
	EncryptionKey string `name:"encryption-key" type:"path" env:"LIENTHONG_ENCRYPTION_KEY" placeholder:"FILE" help:"Key file of the folder."`
}

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
	if errors.Is(err, engine.ErrNoStore) {
		return &exitError{exitUsage, elsewhere(c.folder(), err)}
	}
	if err != nil {
		return err
	}
	defer folder.Close()
	compared, done := filepath.Join(c.folder(), comparisonFile), newComparison(shared.ID())
	if into {
		head, err := shared.Head(ctx)
		if err != nil {
			return err
		}
		if head > 0 {
			if _, err := fmt.Fprintf(s.out, "%d commits are there already\n", head); err != nil {
				return err
			}
		}
		if _, err := appendTo(ctx, shared, folder, 0); err != nil {
			return fmt.Errorf("%w; say the same command again to go on", err)
		}
		if !c.CompareAll {
			if done, err = openComparison(ctx, compared, shared.ID(), folder, shared); err != nil {
				return err
			}
		}
	}
	if done.T > 0 {
		if _, err := fmt.Fprintf(s.out, "%d commits were compared while the folder was served\n", done.T); err != nil {
			return err
		}
	}
	sum, err := done.finish(ctx, folder, shared)
	if err != nil {
		return err
	}
	if err := folder.SetShared(into); err != nil {
		return err
	}
	_ = os.Remove(compared) // it has done its work, or is not there
	next := "lienthong serve --data " + c.folder()
	if into {
		next += " --log " + mongodb.Redacted(c.To)
		if c.Single {
			next += " --log-single"
		}
	}
	_, err = fmt.Fprintf(s.out, "%d commits are the same on both sides, SHA-256 %s. Go on with: %s\n", done.T, sum, next)
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

// elsewhere adds to err, that there is no store in dir, where there is one: that of a demo lies a folder deeper.
func elsewhere(dir string, err error) error {
	deeper := filepath.Join(dir, demoStore)
	if info, found := os.Stat(deeper); found == nil && info.IsDir() {
		return fmt.Errorf("%w; did you mean %s?", err, deeper)
	}
	return err
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
