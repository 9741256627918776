package operation

import (
	"cmp"
	"context"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Service performs operations. It is safe for concurrent use.
type Service struct {
	interactions *interaction.Service
	store        store.Store
}

// New makes a Service.
func New(s *interaction.Service) *Service { return &Service{interactions: s, store: s.Store()} }

// EverythingOptions say which part of everything is wanted.
type EverythingOptions struct {
	Types  []fhir.Type  // only these types; nil = all
	Since  fhir.Instant // only what was written at or after; 0 = all
	Count  int          // resources on a page, -1 = as many as a page may have
	AsOf   fhir.T       // of the first page, for those after it; 0 = the head
	Offset int          // resources shown before
}

// EverythingPage is one page.
type EverythingPage struct {
	AsOf  fhir.T
	Found []Everything
	Total int
	Next  int // offset of the next page; 0 = this is the last one
}

// Everything is one resource of a record.
type Everything struct {
	store.Found
	Supporting bool // not the patient's own: referred to by what is
}

// Everything gives a patient's whole record as of one commit: the patient; all that is in the patient's compartment; and
// what these refer to and is nobody's own (Practitioner, Organization, Location, Medication). Another patient's data is
// never followed into. The order is fixed, so that offsets page it. Errors: NotFound, Gone for the patient.
// Source: https://hl7.org/fhir/R4/operation-patient-everything.html
func (s *Service) Everything(ctx context.Context, patient fhir.Key, o EverythingOptions) (EverythingPage, error) {
	p := EverythingPage{AsOf: o.AsOf}
	for _, t := range o.Types {
		if !r4.IsResource(t) {
			return p, fhir.Errorf(fhir.Invalid, "type-unknown", "", string(t))
		}
	}
	if p.AsOf == 0 {
		head, err := s.store.Head(ctx)
		if err != nil {
			return p, err
		}
		p.AsOf = head
	}
	r := record{s: s, patient: patient, o: o, at: p.AsOf}
	if err := r.collect(ctx); err != nil {
		return p, err
	}
	p.Total = len(r.items)
	count := s.interactions.Limits().MaxCount
	if o.Count > 0 {
		count = min(o.Count, count)
	}
	from := min(o.Offset, p.Total)
	to := min(from+count, p.Total)
	if to < p.Total {
		p.Next = to
	}
	for _, item := range r.items[from:to] {
		f, err := s.fetch(ctx, item)
		if err != nil {
			return p, err
		}
		p.Found = append(p.Found, Everything{f, item.supporting})
	}
	return p, nil
}

// item is a resource of the record; found is filled in where it had to be read already.
type item struct {
	match      store.Match
	supporting bool
	found      *store.Found
}

func (s *Service) fetch(ctx context.Context, i item) (store.Found, error) {
	if i.found != nil {
		return *i.found, nil
	}
	return s.store.Fetch(ctx, i.match)
}

// record gathers the resources of one patient, without reading documents.
type record struct {
	s       *Service
	patient fhir.Key
	o       EverythingOptions
	at      fhir.T
	items   []item
	support map[fhir.Key]store.Match
}

func (r *record) collect(ctx context.Context) error {
	self, err := r.s.store.Read(ctx, r.patient, r.at)
	if err != nil {
		return err
	}
	if r.wants(r.patient.Type) && self.At >= r.o.Since {
		r.items = append(r.items, item{found: &self})
	}
	r.support = map[fhir.Key]store.Match{}
	if err := r.followSelf(ctx); err != nil {
		return err
	}
	for _, t := range r4.Types() {
		if !r.searches(t) {
			continue
		}
		if err := r.compartment(ctx, t); err != nil {
			return err
		}
	}
	return r.supporting(ctx)
}

// wants says whether resources of type t are to be shown.
func (r *record) wants(t fhir.Type) bool { return r.o.Types == nil || slices.Contains(r.o.Types, t) }

// owned says whether resources of type t belong to patients.
func owned(t fhir.Type) bool { return t == "Patient" || len(r4.CompartmentParams("Patient", t)) > 0 }

// searches says whether type t has to be looked at: to be shown, or because what it refers to is to be shown.
func (r *record) searches(t fhir.Type) bool {
	return owned(t) && t != r.patient.Type && (r.wants(t) || r.wantsSupporting())
}

func (r *record) wantsSupporting() bool {
	return r.o.Types == nil || slices.ContainsFunc(r.o.Types, func(t fhir.Type) bool { return !owned(t) })
}

// compartment adds the resources of type t in the patient's compartment.
func (r *record) compartment(ctx context.Context, t fhir.Type) error {
	in, err := interaction.InCompartment(r.patient, t)
	if err != nil {
		return nil //nolint:nilerr // a type that only has itself as member
	}
	q := search.Query{Type: t, Where: []search.Condition{in}}
	if r.o.Since != 0 {
		q.Where = append(q.Where, search.Terms{Name: "_since", Any: []search.Term{{Param: search.ParamLastUpdated, Low: search.InstantValue(r.o.Since)}}})
	}
	var found []store.Match
	for m, err := range r.s.store.Search(ctx, q, r.at, store.SearchOptions{}) {
		if err != nil {
			return err
		}
		found = append(found, m)
		if r.wants(t) {
			r.items = append(r.items, item{match: m})
		}
	}
	return r.follow(ctx, t, found)
}

// followSelf notes what the patient refers to, such as the practice.
func (r *record) followSelf(ctx context.Context) error {
	q := search.Query{Type: r.patient.Type, Where: []search.Condition{search.IDs{ID: []fhir.ID{r.patient.ID}}}}
	var self []store.Match
	for m, err := range r.s.store.Search(ctx, q, r.at, store.SearchOptions{}) {
		if err != nil {
			return err
		}
		self = append(self, m)
	}
	return r.follow(ctx, r.patient.Type, self)
}

// follow notes what matches of type t refer to and is nobody's own.
func (r *record) follow(ctx context.Context, t fhir.Type, found []store.Match) error {
	if len(found) == 0 || !r.wantsSupporting() {
		return nil
	}
	q := search.Query{Type: t}
	for _, p := range r4.Params(t) {
		if p.Type == r4.ParamReference && (p.Targets == nil || slices.ContainsFunc(p.Targets, func(t fhir.Type) bool { return !owned(t) })) {
			q.Include = append(q.Include, search.Include{Source: t, Param: search.ParamID(p.ID)})
		}
	}
	if len(q.Include) == 0 {
		return nil
	}
	for m, err := range r.s.store.Included(ctx, q, found, r.at) {
		if err != nil {
			return err
		}
		if !owned(m.Key.Type) && r.wants(m.Key.Type) {
			r.support[m.Key] = m
		}
	}
	return nil
}

// supporting adds what was noted, by type and then in the order of creation.
func (r *record) supporting(ctx context.Context) error {
	list := make([]store.Match, 0, len(r.support))
	for _, m := range r.support {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b store.Match) int {
		return cmp.Or(cmp.Compare(a.Key.Type, b.Key.Type), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Key.ID, b.Key.ID))
	})
	for _, m := range list {
		it := item{match: m, supporting: true}
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
		r.items = append(r.items, it)
	}
	return nil
}
