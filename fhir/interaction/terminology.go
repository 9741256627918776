package interaction

import (
	"context"
	"errors"
	"net/url"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// codes gives the terminology the code systems and value sets that are stored here; they win over those of R4. They are
// read with an open fence: what a code means does not depend on who asks, and the answers are kept for all.
type codes struct{ s *Service }

// ValueSet gives the newest stored value set with this url (and version, unless ""), or the one that "ValueSet/[id]" names.
func (c codes) ValueSet(ctx context.Context, canonical, version string) (*resource.Document, error) {
	return c.find(ctx, "ValueSet", canonical, version)
}

// CodeSystem gives the newest stored code system with this url (and version, unless "").
func (c codes) CodeSystem(ctx context.Context, canonical, version string) (*resource.Document, error) {
	return c.find(ctx, "CodeSystem", canonical, version)
}

// Changed gives the commit of the newest version of any resource of type t, deletes included; 0 = there never was one.
func (c codes) Changed(ctx context.Context, t fhir.Type) (fhir.T, error) {
	ctx = asOurselves(ctx)
	for f, err := range c.s.store.History(ctx, store.History{Key: fhir.Key{Type: t}}) {
		return f.T, err
	}
	return 0, nil
}

// find returns nil, nil when there is none.
func (c codes) find(ctx context.Context, t fhir.Type, canonical, version string) (*resource.Document, error) {
	ctx = asOurselves(ctx)
	if r := fhir.ParseReference(canonical); r.Base == "" && r.Key.Type == t && r.Key.ID != "" {
		f, err := c.s.store.Read(ctx, r.Key, 0)
		if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone) {
			return nil, nil
		}
		return served(f, err)
	}
	query := "url=" + url.QueryEscape(search.EscapeValue(canonical))
	if version != "" {
		query += "&version=" + url.QueryEscape(search.EscapeValue(version))
	}
	params, err := search.Parse(query + "&_sort=-_lastUpdated")
	if err != nil {
		return nil, err
	}
	req, err := search.Bind(t, params, search.Options{Base: c.s.base, Also: c.s.also, FoldSystem: c.s.fold, Now: c.s.now()})
	if err != nil {
		return nil, err
	}
	for m, err := range c.s.store.Search(ctx, req.Query, 0, store.SearchOptions{Limit: 1}) {
		if err != nil {
			return nil, err
		}
		return served(c.s.store.Fetch(ctx, m))
	}
	return nil, nil
}

// served parses a stored document.
func served(f store.Found, err error) (*resource.Document, error) {
	if err != nil {
		return nil, err
	}
	return resource.New(f.Stored.Append(nil, f.Version, f.At))
}
