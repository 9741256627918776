package vaccination

import (
	"context"
	"errors"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Gathered is one of several persons, with what is on record.
type Gathered struct {
	Person  Person
	Records []history.Record

	screening history.Screening
	schedules *Service
}

// Contraindicate adds the contraindications that the caller may see to p.
func (g *Gathered) Contraindicate(p *forecast.Person, at time.Time) {
	g.screening.Pregnant = p.Pregnant
	g.screening.Of(p, g.schedules.schedules, at)
}

// MostAtOnce is how many persons Several takes.
const MostAtOnce = 40

// Several gives persons of one Patient each, who have no links, with all records of doses as of t (0 = the head): four searches for
// all of them in place of four for each. Those whom the caller may not see are not in it. ok is false if together they have too
// much, or not every type can be looked for in this way: then each has to be gathered alone.
func (s *Service) Several(ctx context.Context, keys []fhir.Key, t fhir.T) (all map[fhir.Key]*Gathered, ok bool, err error) {
	if t == 0 {
		if t, err = s.interactions.Store().Head(ctx); err != nil {
			return nil, false, err
		}
	}
	all = map[fhir.Key]*Gathered{}
	for _, key := range keys {
		f, err := s.interactions.Store().Read(ctx, key, t)
		if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone) {
			continue
		} else if err != nil {
			return nil, false, err
		}
		r, err := parsed(f)
		if err != nil {
			return nil, false, err
		}
		all[key] = &Gathered{Person: Person{Lead: r, T: t}, schedules: s}
	}
	by := inSight(ctx, ofPerson[:])
	lists, err := s.referring(ctx, keys, t, mostRecords, by...)
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Kind == fhir.TooCostly {
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	for i, b := range by {
		for _, r := range lists[i] {
			of := r.Doc.Get("patient")
			if of.Kind() == resource.None {
				of = r.Doc.Get("subject")
			}
			g := all[s.interactions.Here(of.Get("reference").Text())]
			switch {
			case g == nil:
				return nil, false, nil // of somebody else: a Patient that was merged meanwhile, or one who is named in another way
			case b.Type == "Immunization":
				g.Records = append(g.Records, record(r))
			default:
				add(&g.screening, b.Type, r.Doc)
			}
		}
	}
	for _, g := range all {
		g.screening.Records = g.Records
		if err := s.reactions(ctx, &g.screening, t); err != nil {
			return nil, false, err
		}
	}
	return all, true, nil
}

// reactions reads the Observations that reactions of the records refer to.
func (s *Service) reactions(ctx context.Context, out *history.Screening, t fhir.T) error {
	for i, ref := range history.ReactionObservations(out.Records) {
		if i == mostObservations {
			break
		}
		f, err := s.interactions.Store().Read(ctx, fhir.ParseReference(ref).Key, t)
		if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone || e.Kind == fhir.Denied) {
			continue
		} else if err != nil {
			return err
		}
		r, err := parsed(f)
		if err != nil {
			return err
		}
		if out.Observations == nil {
			out.Observations = map[string]resource.Value{}
		}
		out.Observations[ref] = r.Doc
	}
	return nil
}
