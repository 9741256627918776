package audit

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Records of this room:
//
//	space "~audit"            in the log only; value: line of the journal for the commit that wrote the record
//	space "audit"             the same in the logs of earlier versions, where it was a row by a time-ordered UUID
//	space "audit-secret"      key: mask; value: of the Masker (store.Secret)
//	space "audit-checkpoint"  key: origin|size (20 digits); value: signed note
const (
	entrySpace      store.Space = "~audit"
	entryRowSpace   store.Space = "audit"
	checkpointSpace store.Space = "audit-checkpoint"
)

// isEntry says whether a record of a commit is its entry.
func isEntry(s store.Space) bool { return s == entrySpace || s == entryRowSpace }

// Watched is what a Store must be able to do so that nothing is lost by watching it.
type Watched interface {
	store.Store
	store.Explainer
	store.Counter
	store.ParamBuilder
}

// Store watches another one: what is read through it is noted in the Trail of the context, and what is committed gets
// the entry of its interaction into the same commit. Rooms above know no other store, so there is no second way.
type Store struct {
	Watched
	mask Masker
}

// Watch makes a Store.
func Watch(s Watched, m Masker) *Store { return &Store{s, m} }

// readingTrail is the trail that takes note of reads: none of what the server reads for itself.
func readingTrail(ctx context.Context) *Trail {
	if store.IsOurselves(ctx) {
		return nil
	}
	return TrailOf(ctx)
}

// Read implements store.Store.
func (s *Store) Read(ctx context.Context, key fhir.Key, t fhir.T) (store.Found, error) {
	f, err := s.Watched.Read(ctx, key, t)
	if err == nil {
		readingTrail(ctx).gives(f)
	}
	return f, err
}

// ReadVersion implements store.Store.
func (s *Store) ReadVersion(ctx context.Context, key fhir.Key, v fhir.Version) (store.Found, error) {
	f, err := s.Watched.ReadVersion(ctx, key, v)
	if err == nil {
		readingTrail(ctx).gives(f)
	}
	return f, err
}

// Fetch implements store.Store.
func (s *Store) Fetch(ctx context.Context, m store.Match) (store.Found, error) {
	f, err := s.Watched.Fetch(ctx, m)
	if err == nil {
		readingTrail(ctx).gives(f)
	}
	return f, err
}

// FetchAll implements store.Store.
func (s *Store) FetchAll(ctx context.Context, page []store.Match) ([]store.Found, error) {
	all, err := s.Watched.FetchAll(ctx, page)
	if err == nil {
		readingTrail(ctx).gives(all...)
	}
	return all, err
}

// History implements store.Store.
func (s *Store) History(ctx context.Context, h store.History) iter.Seq2[store.Found, error] {
	t := readingTrail(ctx)
	if t == nil {
		return s.Watched.History(ctx, h)
	}
	return func(yield func(store.Found, error) bool) {
		for f, err := range s.Watched.History(ctx, h) {
			if err == nil {
				t.gives(f)
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// Count implements store.Store.
func (s *Store) Count(ctx context.Context, q search.Query, t fhir.T) (int, error) {
	n, err := s.Watched.Count(ctx, q, t)
	if err == nil {
		err = s.counted(ctx, q, t, n)
	}
	return n, err
}

// CountUpTo implements store.Counter.
func (s *Store) CountUpTo(ctx context.Context, q search.Query, t fhir.T, most int) (int, error) {
	n, err := s.Watched.CountUpTo(ctx, q, t, most)
	if err == nil {
		err = s.counted(ctx, q, t, n)
	}
	return n, err
}

// countedFew is how many may be counted so that each of them was told of: what a person has is known by a number as well.
const countedFew = 16

// counted notes of whom the number of matches of q tells: of all where they are few, and of one whose alone they are. A larger number
// of several persons' tells of none of them.
func (s *Store) counted(ctx context.Context, q search.Query, t fhir.T, n int) error {
	trail := readingTrail(ctx)
	if trail == nil || n == 0 {
		return nil
	}
	var people []fhir.ID
	for m, err := range s.Watched.Search(ctx, q, t, store.SearchOptions{Limit: countedFew}) {
		if err != nil {
			return err
		}
		for _, id := range m.Subjects {
			if !slices.Contains(people, id) {
				people = append(people, id)
			}
		}
		if n > countedFew && len(people) > 1 {
			return nil
		}
	}
	trail.counts(people)
	return nil
}

// Commit implements store.Store.
func (s *Store) Commit(ctx context.Context, c store.Changes) (store.Receipt, error) {
	if len(c.Puts)+len(c.Deletes) == 0 {
		return s.Watched.Commit(ctx, c)
	}
	line, err := s.entry(ctx)
	if err != nil {
		return store.Receipt{}, err
	}
	c.Records = append(c.Records[:len(c.Records):len(c.Records)], store.Record{Space: entrySpace, Value: line})
	rec, err := s.Watched.Commit(ctx, c)
	if err == nil {
		TrailOf(ctx).writes()
	}
	return rec, err
}

// entry is the line of a commit; what it wrote is in the commit itself.
func (s *Store) entry(ctx context.Context) ([]byte, error) {
	e := Entry{Do: "update", Agent: Agent{Role: string(access.RoleService)}}
	if t := TrailOf(ctx); t != nil {
		e = t.written()
	} else if who := access.Calling(ctx); who != nil {
		e.Agent = AgentOf(who, s.mask)
	}
	if e.At.IsZero() {
		e.At = time.Now().UTC()
	}
	return e.appendLine(make([]byte, 0, 384))
}

var _ store.Store = (*Store)(nil)
