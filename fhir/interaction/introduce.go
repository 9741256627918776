package interaction

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// introduced gives the one resource that criteria mean among all there are, as of t, where Config.Introduce lets them; ok is
// false where it does not, where there is none, and where there are several: the caller is told nothing of the difference.
func (s *Service) introduced(ctx context.Context, c *criteria, t fhir.T) (key fhir.Key, guard store.Precondition, ok bool, err error) {
	if s.introduce == nil {
		return key, nil, false, nil
	}
	if may, err := s.introduce(ctx, c.typ, trimCriteria(c.typ, c.text)); err != nil || !may {
		return key, nil, false, err
	}
	found, err := s.atMostTwo(asOurselves(ctx), c, t)
	if err == nil && len(found) != 1 && s.missed != nil {
		err = s.missed(ctx)
	}
	if err != nil || len(found) != 1 {
		return key, nil, false, err
	}
	return found[0].Key, store.OneMatch{Query: c.query, Key: found[0].Key, Ours: true}, true, nil
}
