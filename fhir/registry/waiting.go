package registry

import (
	"context"
	"errors"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"github.com/lienthong/lienthong/fhir/immunization/history"
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

// Advisable gives those of the doses that nothing on record speaks against. ctx must have a fence that allows everything: that
// nobody is reminded tells nobody why.
func (r *Registry) Advisable(ctx context.Context, w *Waiting, doses []WaitingDose) ([]WaitingDose, error) {
	who, err := r.Given.Whole(ctx, fhir.Key{Type: "Patient", ID: w.Lead}, 0)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone || e.Kind == fhir.TooCostly) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	p, err := history.PersonOf(who.Person.Lead.Doc, r.today())
	if err != nil {
		return nil, nil
	}
	who.Contraindicate(&p, r.today())
	against := map[string]bool{}
	for _, f := range history.Assess(r.Schedules, &p, who.Records, r.today()).Result.Series {
		against[f.Series.Name] = f.State == forecast.Contraindicated
	}
	return slices.DeleteFunc(slices.Clone(doses), func(d WaitingDose) bool { return against[d.Series] }), nil
}
