package interaction

import (
	"context"
	"errors"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// HistoryOptions say which part of a history is wanted.
type HistoryOptions struct {
	Since fhir.Instant // only versions at or after; 0 = all
	// Until and From are the ends of _at: the versions that were current at some time from From to Until; 0 = all. A
	// delete before From is not among them, since nothing was current then.
	From, Until fhir.Instant
	Count       int          // versions on a page, -1 = not said
	AsOf        fhir.T       // of the first page, for those after it; 0 = the head
	Place       HistoryPlace // where to go on; zero = from the newest
	Skip        int          // versions to pass over from there: how a page before is reached
}

// HistoryPlace is a place between two versions of a history: after the first Seen ones of commit T; or, of _at, among
// those that were current at its beginning, which come after all others.
type HistoryPlace struct {
	T       fhir.T
	Seen    int
	Current bool
	After   string // the order of the last one shown of those; "" = from the first
}

// HistoryPage is one page of a history, newest first, deletes included (COMPLETE).
type HistoryPage struct {
	AsOf     fhir.T
	Versions []store.Found
	Count    int
	Total    int          // of all pages; -1 = not known without reading them
	Next     HistoryPlace // zero = this is the last page
}

// History gives versions of one resource, of one type (key without ID), or of all (zero key). The history of a resource
// that never was is Kind NotFound.
func (s *Service) History(ctx context.Context, key fhir.Key, o HistoryOptions) (HistoryPage, error) {
	p := HistoryPage{AsOf: o.AsOf, Count: s.pageSize(o.Count), Total: -1}
	if p.AsOf == 0 {
		head, err := s.store.Head(ctx)
		if err != nil {
			return p, err
		}
		p.AsOf = head
	}
	if key.ID != "" {
		newest, err := s.newest(ctx, key, p.AsOf)
		if err != nil {
			return p, err
		}
		if o.Since == 0 && o.Until == 0 && store.FenceOf(ctx).Grant(key.Type, store.ActionRead).All {
			p.Total = int(newest) // versions count from 1 and none is ever left out
		}
	}
	if p.Count == 0 {
		return p, nil
	}
	if o.Until == 0 || key.ID != "" {
		return p, s.versions(ctx, key, o, &p)
	}
	return p, s.versionsAt(ctx, key, o, &p)
}

// versions fills the page.
func (s *Service) versions(ctx context.Context, key fhir.Key, o HistoryOptions, p *HistoryPage) error {
	h := store.History{Key: key, AsOf: p.AsOf, Since: o.Since, Until: o.Until}
	place := HistoryPlace{T: p.AsOf + 1}
	if o.Place.T != 0 {
		// From the newest write of that commit on; those of it that were shown are passed over.
		h.Before, place = store.Position{T: o.Place.T + 1}, HistoryPlace{T: o.Place.T}
	}
	skip := o.Skip
	for f, err := range s.store.History(ctx, h) {
		if err != nil {
			return err
		}
		if f.T != place.T {
			place = HistoryPlace{T: f.T}
		}
		if place.T == o.Place.T && place.Seen < o.Place.Seen {
			place.Seen++
			continue
		}
		// The version that was current at From; those before it were not current any more.
		last := o.From != 0 && f.At <= o.From && key.ID != ""
		if last && f.Deleted() {
			return nil
		}
		if skip > 0 {
			if last {
				return nil
			}
			skip--
			place.Seen++
			continue
		}
		if len(p.Versions) == p.Count {
			p.Next = place
			return nil
		}
		p.Versions = append(p.Versions, f)
		place.Seen++
		if last {
			return nil
		}
	}
	return nil
}

// newest gives the number of the newest version as of t, one that says deleted included.
func (s *Service) newest(ctx context.Context, key fhir.Key, t fhir.T) (fhir.Version, error) {
	f, err := s.store.Read(ctx, key, t)
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Kind == fhir.Gone {
		err = nil
	}
	return f.Version, err
}
