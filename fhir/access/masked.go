package access

import (
	"context"
	"iter"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Masked gives a Store that shows documents as the fence of the context wants them, and refuses searches that would tell
// what it hides. Rooms that answer callers work on it: there is no second way to a document.
func Masked(s store.Store) store.Store { return masked{s} }

type masked struct{ store.Store }

var (
	_ store.Explainer    = masked{}
	_ store.Counter      = masked{}
	_ store.ParamBuilder = masked{}
)

// BuildsParams implements store.ParamBuilder, as far as the store behind it does; so do the next two.
func (m masked) BuildsParams() bool {
	b, ok := m.Store.(store.ParamBuilder)
	return ok && b.BuildsParams()
}

// BuiltParams implements store.ParamBuilder.
func (m masked) BuiltParams() []uint16 { return m.Store.(store.ParamBuilder).BuiltParams() }

// ParamProgress implements store.ParamBuilder.
func (m masked) ParamProgress(number uint16) store.BuildProgress {
	return m.Store.(store.ParamBuilder).ParamProgress(number)
}

func hiderOf(ctx context.Context) store.Hider { return store.FenceOf(ctx).Hider() }

func allowed(ctx context.Context, q search.Query) error {
	if h := hiderOf(ctx); h != nil {
		return h.Searches(q)
	}
	return nil
}

// hiding gives what shows the versions of one answer; nil if nothing is hidden from the caller.
func (m masked) hiding(ctx context.Context) func(store.Found) (store.Found, error) {
	if h := hiderOf(ctx); h != nil {
		return h.Hiding(ctx, m.Store)
	}
	return nil
}

func (m masked) shown(ctx context.Context, f store.Found, err error) (store.Found, error) {
	if hide := m.hiding(ctx); hide != nil {
		return shownBy(hide, f, err)
	}
	return f, err
}

// shownBy hides what was found; errors of the store go first: what is Gone has been found too.
func shownBy(hide func(store.Found) (store.Found, error), f store.Found, err error) (store.Found, error) {
	f, hidden := hide(f)
	if err == nil {
		err = hidden
	}
	return f, err
}

// Commit implements store.Store: criteria of preconditions are searches too.
func (m masked) Commit(ctx context.Context, c store.Changes) (store.Receipt, error) {
	for _, p := range c.Require {
		var err error
		switch p := p.(type) {
		case store.NoMatch:
			err = allowed(ctx, p.Query)
		case store.OneMatch:
			err = allowed(ctx, p.Query)
		}
		if err != nil {
			return store.Receipt{}, err
		}
	}
	return m.Store.Commit(ctx, c)
}

// Read implements store.Store.
func (m masked) Read(ctx context.Context, key fhir.Key, t fhir.T) (store.Found, error) {
	f, err := m.Store.Read(ctx, key, t)
	return m.shown(ctx, f, err)
}

// ReadVersion implements store.Store.
func (m masked) ReadVersion(ctx context.Context, key fhir.Key, v fhir.Version) (store.Found, error) {
	f, err := m.Store.ReadVersion(ctx, key, v)
	return m.shown(ctx, f, err)
}

// Fetch implements store.Store.
func (m masked) Fetch(ctx context.Context, match store.Match) (store.Found, error) {
	f, err := m.Store.Fetch(ctx, match)
	return m.shown(ctx, f, err)
}

// FetchAll implements store.Store.
func (m masked) FetchAll(ctx context.Context, page []store.Match) ([]store.Found, error) {
	all, err := m.Store.FetchAll(ctx, page)
	hide := m.hiding(ctx)
	if hide == nil || err != nil {
		return all, err
	}
	for i := range all {
		if all[i].Key.ID == "" {
			continue
		}
		if all[i], err = hide(all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// History implements store.Store.
func (m masked) History(ctx context.Context, h store.History) iter.Seq2[store.Found, error] {
	hide := m.hiding(ctx)
	if hide == nil {
		return m.Store.History(ctx, h)
	}
	return func(yield func(store.Found, error) bool) {
		for f, err := range m.Store.History(ctx, h) {
			if f, err = shownBy(hide, f, err); !yield(f, err) {
				return
			}
		}
	}
}

// Feed implements store.Store.
func (m masked) Feed(ctx context.Context, after fhir.T) iter.Seq2[store.Commit, error] {
	hide := m.hiding(ctx)
	if hide == nil {
		return m.Store.Feed(ctx, after)
	}
	return func(yield func(store.Commit, error) bool) {
		for c, err := range m.Store.Feed(ctx, after) {
			for i := range c.Writes {
				c.Writes[i], err = shownBy(hide, c.Writes[i], err)
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// Search implements store.Store.
func (m masked) Search(ctx context.Context, q search.Query, t fhir.T, o store.SearchOptions) iter.Seq2[store.Match, error] {
	if err := allowed(ctx, q); err != nil {
		return refused(err)
	}
	return m.Store.Search(ctx, q, t, o)
}

// Included implements store.Store.
func (m masked) Included(ctx context.Context, q search.Query, page []store.Match, t fhir.T) iter.Seq2[store.Match, error] {
	if err := allowed(ctx, q); err != nil {
		return refused(err)
	}
	return m.Store.Included(ctx, q, page, t)
}

func refused(err error) iter.Seq2[store.Match, error] {
	return func(yield func(store.Match, error) bool) { yield(store.Match{}, err) }
}

// Count implements store.Store.
func (m masked) Count(ctx context.Context, q search.Query, t fhir.T) (int, error) {
	if err := allowed(ctx, q); err != nil {
		return 0, err
	}
	return m.Store.Count(ctx, q, t)
}

// CountUpTo implements store.Counter.
func (m masked) CountUpTo(ctx context.Context, q search.Query, t fhir.T, most int) (int, error) {
	if err := allowed(ctx, q); err != nil {
		return 0, err
	}
	if c, ok := m.Store.(store.Counter); ok {
		return c.CountUpTo(ctx, q, t, most)
	}
	n, err := m.Store.Count(ctx, q, t)
	return min(n, most), err
}

// Explain implements store.Explainer.
func (m masked) Explain(ctx context.Context, q search.Query, t fhir.T, o store.SearchOptions) (store.Plan, error) {
	if err := allowed(ctx, q); err != nil {
		return store.Plan{}, err
	}
	if e, ok := m.Store.(store.Explainer); ok {
		return e.Explain(ctx, q, t, o)
	}
	return store.Plan{}, fhir.Errorf(fhir.Invalid, "search-plan-none", "http.Prefer")
}
