package vaccination

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// mostObservations is how many Observations of reactions are looked at for one person.
const mostObservations = 50

// screen reads what contraindications can come from. It reads as the caller: what the caller may not see is not looked at, and
// the answer is as if it were not there. So an answer without a contraindication is no leave to vaccinate: who vaccinates
// has to ask and to examine all the same.
func (s *Service) screen(ctx context.Context, p Person, records []history.Record, pregnant bool) (history.Screening, error) {
	out := history.Screening{Records: records, Pregnant: pregnant}
	of := references(p.Keys())
	for _, part := range []struct {
		t     fhir.Type
		query string
		into  *[]resource.Value
	}{
		{"Condition", "patient=" + of, &out.Conditions},
		{"AllergyIntolerance", "patient=" + of, &out.Allergies},
		{"AdverseEvent", "subject=" + of + "&_sort=date,_id", &out.Adverse},
	} {
		if !store.FenceOf(ctx).Finds(part.t) {
			continue // to search for what one may never see is refused, and the doses are shown all the same
		}
		found, err := s.find(ctx, part.t, part.query, p.T, mostRecords)
		if err != nil {
			return out, err
		}
		for _, r := range found {
			*part.into = append(*part.into, r.Doc)
		}
	}
	return out, s.reactions(ctx, &out, p.T)
}
