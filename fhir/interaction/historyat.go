package interaction

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// _at of the history of a type or of all: first the versions that were written after its beginning, newest first, then
// those that were current at its beginning. The latter are a search as of the commit that was the newest then, so neither
// reads what was written before.

// versionsAt fills the page.
func (s *Service) versionsAt(ctx context.Context, key fhir.Key, o HistoryOptions, p *HistoryPage) error {
	from, since := o.From, o.Since
	if !o.Place.Current {
		skipped := 0
		o.Since = max(since, from+1)
		if err := s.versions(ctx, key, o, p); err != nil || p.Next != (HistoryPlace{}) {
			return err
		}
		if len(p.Versions) == 0 && o.Skip > 0 {
			n, err := s.written(ctx, key, o, p.AsOf)
			if err != nil {
				return err
			}
			skipped = n
		} else {
			skipped = o.Skip
		}
		o.Skip -= skipped
	}
	if since > from {
		return nil
	}
	return s.current(ctx, key, from, since, o, p)
}

// written counts the versions of the first part.
func (s *Service) written(ctx context.Context, key fhir.Key, o HistoryOptions, asOf fhir.T) (n int, err error) {
	for _, err := range s.store.History(ctx, store.History{Key: key, AsOf: asOf, Since: o.Since, Until: o.Until}) {
		if err != nil {
			return 0, err
		}
		if n++; n >= o.Skip {
			break
		}
	}
	return n, nil
}

// current adds the versions that were current at an instant, the newest first, as far as the page has room for them.
func (s *Service) current(ctx context.Context, key fhir.Key, at, since fhir.Instant, o HistoryOptions, p *HistoryPage) error {
	var t fhir.T
	for f, err := range s.store.History(ctx, store.History{AsOf: p.AsOf, Until: at}) {
		if err != nil {
			return err
		}
		t = f.T
		break
	}
	if t == 0 {
		return nil
	}
	types := r4.Types()
	if key.Type != "" {
		types = []fhir.Type{key.Type}
	}
	var legs []leg
	for _, typ := range types {
		q := search.Query{Type: typ, Sort: []search.SortKey{{Param: search.ParamLastUpdated, Descending: true}}}
		if since != 0 {
			low := search.InstantValue(since)
			q.Where = []search.Condition{search.Terms{Name: "_since", Any: []search.Term{{Param: search.ParamLastUpdated, Low: low}}}}
		}
		legs = append(legs, leg{query: q})
	}
	room := p.Count - len(p.Versions)
	page := Page{AsOf: t, Count: max(room, 1)}
	matches, err := s.mergeLegs(ctx, legs, &page, SearchOptions{After: []byte(o.Place.After), Skip: o.Skip})
	if err != nil {
		return err
	}
	if room == 0 {
		if len(matches) > 0 {
			p.Next = HistoryPlace{Current: true}
		}
		return nil
	}
	found, err := s.store.FetchAll(ctx, matches)
	if err != nil {
		return err
	}
	p.Versions = append(p.Versions, inSight(found)...)
	if page.Next != nil {
		p.Next = HistoryPlace{Current: true, After: string(page.Next)}
	}
	return nil
}
