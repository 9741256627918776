package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/store"
)

// Places of the audit trail in the folder of the store.
const (
	auditFolder = "audit"
	auditKey    = "audit.key"
)

// trail is the audit trail of this server: its journal and what feeds it.
type trail struct {
	store   *audit.Store
	journal *audit.Journal
	follow  *audit.Follower
	mask    audit.Masker
	// unwatched says that nothing is kept: what a server without a trail is measured with.
	unwatched bool
}

func openTrail(ctx context.Context, st audit.Watched, c config.Server, log *slog.Logger) (*trail, error) {
	ctx = ours(ctx)
	secret, err := store.Secret(ctx, st, "audit-secret", "mask")
	if err != nil {
		return nil, err
	}
	t := &trail{mask: audit.NewMasker(secret), unwatched: c.Unwatched}
	key := c.AuditKey
	if key == "" {
		key = filepath.Join(c.Data, auditKey)
	}
	signer, err := audit.LoadSigner(key, journalName(c))
	if err != nil {
		return nil, err
	}
	if t.journal, err = audit.Open(filepath.Join(c.Data, auditFolder), audit.Options{Signer: signer, Log: log}); err != nil {
		return nil, err
	}
	t.store = audit.Watch(st, t.mask)
	t.follow = &audit.Follower{Store: t.store, Journal: t.journal}
	return t, nil
}

// over is the store that the rooms above get to know.
func (t *trail) over(st store.Store) store.Store {
	if t.unwatched {
		return st
	}
	return t.store
}

// run takes over what commits tell, until ctx ends.
func (t *trail) run(ctx context.Context) error {
	if t.unwatched {
		return nil
	}
	return t.follow.Run(ctx)
}

// handler puts the trail before everything that is answered but for health and what is public anyway.
func (t *trail) handler(next http.Handler, base string) http.Handler {
	if t.unwatched {
		return next
	}
	return &audit.Handler{Next: next, Journal: t.journal, Mask: t.mask, Base: base, Subjects: t.subjects, Skip: func(path string) bool {
		return path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/.well-known/")
	}}
}

// subjects gives the Patients whom a resource is about, for the trail.
func (t *trail) subjects(ctx context.Context, key fhir.Key) []fhir.ID {
	f, err := t.store.Watched.Read(ours(ctx), key, 0)
	if err != nil {
		return nil // there is none, or it is deleted
	}
	return f.Subjects
}

// beside takes over what commits tell while a command writes that does not serve, until end is called: else closing had all
// of it to take over at once, which is more than it waits for after a large import.
func (t *trail) beside(ctx context.Context) (end func() error) {
	ctx, cancel := context.WithCancel(ours(ctx))
	ended := make(chan error, 1)
	go func() { ended <- t.run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// closePatience is how long closing takes over what is left, and how long it tries to commit the checkpoint.
const closePatience = 10 * time.Second

// close commits a last checkpoint, as far as the store still takes it, and closes the journal.
func (t *trail) close() error {
	if t == nil {
		return nil
	}
	return errors.Join(t.finish(closePatience), t.journal.Close())
}

// finish takes over what is left and commits a last checkpoint. What it has no time or no room for is no error: the entries stay with
// their commits, and the next start takes them over.
func (t *trail) finish(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ours(context.Background()), patience)
	defer cancel()
	if err := t.follow.Now(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) && !fhir.Transient(err) {
		return err
	}
	ctx, cancel = context.WithTimeout(ours(context.Background()), closePatience)
	defer cancel()
	if err := t.follow.Checkpoint(ctx, time.Now()); !fhir.Transient(err) {
		return err
	}
	return nil
}
