package interaction

import (
	"context"
	"errors"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// rehearse finds out before the commit whether the reads of the transaction will succeed: all entries do, or none is
// performed. A read is tried in the state before; one of a resource that the transaction writes or deletes is judged by
// that; and what was found by its id is demanded to be there at the commit.
// Source: https://hl7.org/fhir/R4/http.html#trules
func (tx *transaction) rehearse(ctx context.Context) error {
	for _, e := range tx.entries {
		if e.verb != Get && e.verb != Head {
			continue
		}
		key, whole, history := readsKey(e.read.URL)
		by, written := tx.writer[key]
		written = written && !tx.changes[by].isDelete()
		_, err := tx.options.Read(ctx, e.read, tx.at)
		refused, ok := errors.AsType[*fhir.Error](err)
		switch {
		case err == nil && whole && tx.deleted[key]:
			return fhir.Errorf(fhir.Gone, "gone", e.path(".request.url"), key.String())
		case err == nil && whole && !written:
			q := search.Query{Type: key.Type, Where: []search.Condition{search.IDs{ID: []fhir.ID{key.ID}}}}
			tx.require = append(tx.require, store.OneMatch{Query: q, Key: key, Ours: true}) // it was read: whether it can be found does not count
		case ok && written && (whole || history) && (refused.Kind == fhir.NotFound || refused.Kind == fhir.Gone):
		case err != nil:
			return within(e.path(".request.url"), err)
		}
	}
	return nil
}

// readsKey gives the resource that a url names; whole says that the read needs its current version, history that it needs
// any.
func readsKey(url string) (key fhir.Key, whole, history bool) {
	path, _, _ := strings.Cut(url, "?")
	parts := strings.Split(path, "/")
	if len(parts) < 2 {
		return key, false, false
	}
	id, err := fhir.ParseID(parts[1])
	if err != nil {
		return key, false, false
	}
	key = fhir.Key{Type: fhir.Type(parts[0]), ID: id}
	return key, len(parts) == 2 || len(parts) == 3 && (parts[2] == "$everything" || parts[2] == "$meta"), len(parts) == 3 && parts[2] == "_history"
}

// read answers the reads, as of the commit. They were rehearsed: one that fails now is a fault of ours and is told in its
// own place, since the writes have landed.
func (tx *transaction) read(ctx context.Context) {
	for i, e := range tx.entries {
		if e.verb == Get || e.verb == Head {
			a := &tx.answers[i]
			a.Read, a.Err = tx.options.Read(ctx, e.read, tx.at)
		}
	}
}
