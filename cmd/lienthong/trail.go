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

// close commits a last checkpoint, as far as the store still takes it, and closes the journal.
func (t *trail) close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ours(context.Background()), 10*time.Second)
	defer cancel()
	err := t.follow.Now(ctx)
	if err == nil {
		err = t.follow.Checkpoint(ctx, time.Now())
	}
	return errors.Join(err, t.journal.Close())
}
