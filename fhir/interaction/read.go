package interaction

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// Read gives the current version. Errors: Kind NotFound; Kind Gone, with Found filled but for the document.
func (s *Service) Read(ctx context.Context, key fhir.Key) (store.Found, error) {
	t, err := s.store.Head(ctx)
	if err != nil {
		return store.Found{}, err
	}
	return s.store.Read(ctx, key, t)
}

// VRead gives one version. Errors: Kind NotFound; Kind Gone for a version that says: deleted.
func (s *Service) VRead(ctx context.Context, key fhir.Key, v fhir.Version) (store.Found, error) {
	return s.store.ReadVersion(ctx, key, v)
}
