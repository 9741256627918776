package vaccination

import (
	"context"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// mostObservations is how many Observations of reactions are looked at for one person.
const mostObservations = 50

// screen reads the doses of a person and what contraindications can come from. It reads as the caller: what the caller may not see
// is not looked at, and the answer is as if it were not there. So an answer without a contraindication is no leave to vaccinate:
// who vaccinates has to ask and to examine all the same.
func (s *Service) screen(ctx context.Context, p Person, pregnant bool) (history.Screening, error) {
	out := history.Screening{Pregnant: pregnant}
	by := inSight(ctx, ofPerson[:])
	found, err := s.referring(ctx, p.Keys(), p.T, mostRecords, by...)
	if err != nil {
		return out, err
	}
	out.Records = recordsOf(found[0])
	for i, b := range by[1:] {
		for _, r := range found[i+1] {
			add(&out, b.Type, r.Doc)
		}
	}
	return out, s.reactions(ctx, &out, p.T)
}

// inSight leaves out the types that the caller may never see: to search for them is refused, and the doses are shown all the same.
func inSight(ctx context.Context, by []interaction.By) []interaction.By {
	return slices.DeleteFunc(slices.Clone(by), func(b interaction.By) bool { return b.Type != "Immunization" && !store.FenceOf(ctx).Finds(b.Type) })
}

// add puts a resource where contraindications are looked for in its type.
func add(to *history.Screening, t fhir.Type, doc resource.Value) {
	switch t {
	case "Condition":
		to.Conditions = append(to.Conditions, doc)
	case "AllergyIntolerance":
		to.Allergies = append(to.Allergies, doc)
	case "AdverseEvent":
		to.Adverse = append(to.Adverse, doc)
	}
}
