package operation

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// owned says whether resources of type t belong to patients.
func owned(t fhir.Type) bool { return t == "Patient" || len(r4.CompartmentParams("Patient", t)) > 0 }

// wantsSupporting says whether anything is to be shown that only references lead to.
func (r *record) wantsSupporting() bool {
	return r.o.Types == nil || slices.ContainsFunc(r.o.Types, r.supports)
}

// supports says whether resources of type t can be shown because of a reference to them.
func (r *record) supports(t fhir.Type) bool { return r.of.Type == "Encounter" || !owned(t) }

// supporting adds what the members of the record refer to, by type and then in the order of creation.
func (r *record) supporting(ctx context.Context) error {
	if !r.wantsSupporting() {
		return nil
	}
	support := map[fhir.Key]store.Match{}
	for _, m := range r.members {
		if err := r.follow(ctx, m, support); err != nil {
			return err
		}
	}
	for _, m := range r.members {
		for _, match := range m.found {
			delete(support, match.Key)
		}
	}
	if err := r.samePatient(ctx, support); err != nil {
		return err
	}
	list := slices.SortedFunc(maps.Values(support), func(a, b store.Match) int {
		return cmp.Or(cmp.Compare(a.Key.Type, b.Key.Type), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Key.ID, b.Key.ID))
	})
	for _, m := range list {
		it := item{match: &m, supporting: true}
		if r.o.Since != 0 {
			f, err := r.s.store.Fetch(ctx, m)
			if err != nil {
				return err
			}
			if f.At < r.o.Since {
				continue
			}
			it.found = &f
		}
		if r.wants(m.Key.Type) {
			r.items = append(r.items, it)
		}
	}
	return nil
}

// follow notes what members of one type refer to.
func (r *record) follow(ctx context.Context, m members, support map[fhir.Key]store.Match) error {
	q := search.Query{Type: m.typ, Includes: r.supports}
	for _, p := range r4.Params(m.typ) {
		if p.Type == r4.ParamReference && (p.Targets == nil || slices.ContainsFunc(p.Targets, r.supports)) {
			q.Include = append(q.Include, search.Include{Source: m.typ, Param: search.ParamID(p.ID)})
		}
	}
	if len(q.Include) == 0 {
		return nil
	}
	for found, err := range r.s.store.Included(ctx, q, m.found, r.at) {
		if err != nil {
			return err
		}
		support[found.Key] = found
	}
	return nil
}

// samePatient takes out what belongs to another patient than that of the encounter.
func (r *record) samePatient(ctx context.Context, support map[fhir.Key]store.Match) error {
	if r.of.Type != "Encounter" {
		return nil // nothing that belongs to a patient was noted
	}
	patient, err := r.patient(ctx)
	if err != nil {
		return err
	}
	byType := map[fhir.Type][]fhir.ID{}
	for key := range support {
		if owned(key.Type) && key != patient {
			byType[key.Type] = append(byType[key.Type], key.ID)
		}
	}
	for t, ids := range byType {
		same := map[fhir.Key]bool{}
		if in, err := interaction.InCompartment(patient, t); err == nil && patient.ID != "" && t != "Patient" && store.FenceOf(ctx).Finds(t) {
			q := search.Query{Type: t, Where: []search.Condition{search.IDs{ID: ids}, in}}
			if err := r.s.interactions.FollowMerged(ctx, &q, r.at); err != nil {
				return err
			}
			for m, err := range r.s.store.Search(ctx, q, r.at, store.SearchOptions{}) {
				if err != nil {
					return err
				}
				same[m.Key] = true
			}
		}
		for _, id := range ids {
			if key := (fhir.Key{Type: t, ID: id}); !same[key] {
				delete(support, key)
			}
		}
	}
	return nil
}

// patient gives the subject of the encounter, the zero Key if it is none of this server's patients.
func (r *record) patient(ctx context.Context) (fhir.Key, error) {
	p := r4.Param("Encounter", "patient")
	for _, m := range r.members {
		if m.typ != "Encounter" {
			continue
		}
		q := search.Query{Type: "Encounter", Include: []search.Include{{Source: "Encounter", Param: search.ParamID(p.ID), Target: "Patient"}}}
		for found, err := range r.s.store.Included(ctx, q, m.found, r.at) {
			return found.Key, err
		}
	}
	return fhir.Key{}, nil
}
