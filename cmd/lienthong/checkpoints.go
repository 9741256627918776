package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// checkpointed is a log beside which checkpoints of engines are kept.
type checkpointed interface {
	KeepCheckpoint(ctx context.Context, dir string, t fhir.T, now time.Time) error
	FetchCheckpoint(ctx context.Context, dir string, usable func(dir string) error) (fhir.T, error)
	CheckpointAge(ctx context.Context, now time.Time) (time.Duration, bool, error)
}

// fetchCheckpoint has a new server start from a checkpoint that is kept beside the log, if there is one that it can read: its files
// may be in clear, or encrypted with keys that are not this server's.
func fetchCheckpoint(ctx context.Context, shared commitlog.Log, c config.Server, usable func(dir string) error, log *slog.Logger) error {
	kept, ok := shared.(checkpointed)
	if !ok {
		return nil
	}
	began := time.Now()
	next, err := kept.FetchCheckpoint(ctx, c.Data, usable)
	switch {
	case errors.Is(err, commitlog.ErrUnreachable) && c.Log.Stale:
		return nil // the engine says what comes of it
	case err == nil && next > 0:
		log.Info("the store begins with a checkpoint", "next-commit", next, "took", time.Since(began))
	}
	return err
}

// keepCheckpoints keeps a copy of the store beside the log from time to time: one for all servers, whoever comes first.
func keepCheckpoints(ctx context.Context, shared commitlog.Log, st store.Store, c config.Server, log *slog.Logger) {
	kept, ok := shared.(checkpointed)
	every := c.Log.CheckpointEvery
	if !ok || every <= 0 {
		return
	}
	for {
		if age, known, err := kept.CheckpointAge(ctx, time.Now()); err == nil && (!known || age >= every) {
			if err := keepCheckpoint(ctx, kept, st, filepath.Join(c.Data, "checkpoint.writing")); err != nil && ctx.Err() == nil {
				log.Warn("no checkpoint was kept", "error", err)
			}
		}
		if !fhir.Pause(ctx, min(every, time.Minute)) {
			return
		}
	}
}

func keepCheckpoint(ctx context.Context, kept checkpointed, st store.Store, dir string) (err error) {
	if err := os.RemoveAll(dir); err != nil { // of a server that was killed
		return err
	}
	t, err := st.Head(ctx)
	if err != nil || t == 0 {
		return err
	}
	if err := st.Checkpoint(ctx, dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return kept.KeepCheckpoint(ctx, dir, t, time.Now())
}
