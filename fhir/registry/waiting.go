package registry

import (
	"context"
	"slices"

	"github.com/lienthong/lienthong/fhir"
)

// Waiting is somebody for whom doses are due, as the rows have it: for rooms of ours, which are held to no fence.
type Waiting struct {
	Lead    fhir.ID
	Members []fhir.ID // all Patients of the person
	Clinics []fhir.ID
	Doses   []WaitingDose
}

// WaitingDose is a dose that is due or overdue.
type WaitingDose struct {
	Series      string
	Number      int
	State       string // due, overdue
	Recommended string // yyyy-MM-dd
}

// EachWaiting calls f for everybody for whom doses are due on the day that is counted, until it gives an error. ctx must
// have a fence that allows everything. Errors: those of f; "registry-building".
func (r *Registry) EachWaiting(ctx context.Context, f func(Waiting) error) error {
	as, err := r.Settle(ctx)
	if err != nil {
		return err
	}
	for rec, err := range r.Store.Records(ctx, Space, key("d"), end("d")) {
		if err != nil {
			return err
		}
		p := parts(rec.Key)
		if p[2] > as.Day {
			continue
		}
		w, err := r.WaitingOf(ctx, fhir.ID(p[3]))
		if err != nil {
			return err
		}
		if w == nil {
			continue
		}
		if err := f(*w); err != nil {
			return err
		}
	}
	return nil
}

// WaitingOf says what is due of the person of a Patient; nil if nothing is, or nobody is counted.
func (r *Registry) WaitingOf(ctx context.Context, patient fhir.ID) (*Waiting, error) {
	c := recounting{r: r}
	kept, err := c.old(ctx, patient)
	if err != nil || kept == nil || kept.Gone {
		return nil, err
	}
	w := &Waiting{Lead: kept.Lead, Members: slices.Clone(kept.Members), Clinics: kept.Clinics}
	for _, s := range kept.Series {
		if s.State == "due" || s.State == "overdue" {
			w.Doses = append(w.Doses, WaitingDose{s.Series, s.Number, s.State, s.Recommended})
		}
	}
	if w.Doses == nil {
		return nil, nil
	}
	return w, nil
}
