package operation

import (
	"context"
	"encoding/binary"
	"sort"

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
	Types []fhir.Type  // only these types; nil = all
	Since fhir.Instant // only what was written at or after; 0 = all
	Start string       // only care at or after this date, as a search has it; "" = all. For a Patient
	End   string       // only care at or before this date; "" = all. For a Patient
	Count int          // resources on a page, -1 = as many as a page may have
	AsOf  fhir.T       // of the first page, for those after it; 0 = the head
	After string       // the place of the last resource shown before, as EverythingPage.Next has it; "" = none was
}

// EverythingPage is one page.
type EverythingPage struct {
	AsOf  fhir.T
	Found []Everything
	Total int    // resources of all pages that are not Supporting
	Next  string // where the next page goes on; "" = this is the last one
}

// Everything is one resource of a record.
type Everything struct {
	store.Found
	Supporting bool // not of the record itself: referred to by what is
}

// Everything gives a whole record as of one commit.
//
// Of a Patient: the patient; all that is in the patient's compartment; and what these refer to and is nobody's own
// (Practitioner, Organization, Location, Medication). Another patient's data is never followed into.
//
// Of an Encounter: the encounter; all that is in its compartment; and what these refer to: the patient, the patient's
// other resources such as a Condition, and what is nobody's own.
//
// The order is fixed, so that places in it page it, whatever is hidden meanwhile: the resource itself, its compartment by type,
// then what is referred to. The keys of the record are gathered anew for each page, documents are read for the page alone;
// references are followed for the pages that show what they lead to.
// Errors: NotFound, Gone for the resource itself; "operation-unknown" for a type that has no record.
// Source: https://hl7.org/fhir/R4/patient-operation-everything.html, https://hl7.org/fhir/R4/encounter-operation-everything.html
func (s *Service) Everything(ctx context.Context, of fhir.Key, o EverythingOptions) (EverythingPage, error) {
	p := EverythingPage{AsOf: o.AsOf}
	if of.Type != "Patient" && of.Type != "Encounter" {
		return p, fhir.Errorf(fhir.NotFound, "operation-unknown", "", string(of.Type)+"/$everything")
	}
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
	r := record{s: s, of: of, o: o, at: p.AsOf}
	if err := r.collect(ctx); err != nil {
		return p, err
	}
	p.Total = len(r.items)
	count := s.interactions.Limits().RecordCount
	if o.Count > 0 {
		count = min(o.Count, count)
	}
	if r.from()+count >= len(r.items) {
		if err := r.supporting(ctx); err != nil {
			return p, err
		}
	}
	from := r.from()
	to := min(from+count, len(r.items))
	if to < len(r.items) {
		p.Next = r.items[to-1].place()
	}
	return p, s.fetch(ctx, &p, r.items[from:to])
}

// fetch gets the documents of a page, but for what may not be seen any more.
func (s *Service) fetch(ctx context.Context, p *EverythingPage, items []item) error {
	matches := make([]store.Match, 0, len(items)) // of what was not read yet
	for i := range items {
		if items[i].found == nil {
			matches = append(matches, *items[i].match)
		}
	}
	found, err := s.store.FetchAll(ctx, matches)
	if err != nil {
		return err
	}
	p.Found = make([]Everything, 0, len(items))
	for i := range items {
		it := &items[i]
		if it.found == nil {
			it.found, found = &found[0], found[1:]
		}
		if it.found.Key.ID != "" {
			p.Found = append(p.Found, Everything{*it.found, it.supporting})
		}
	}
	return nil
}

// item is a resource of the record; found is filled in where it had to be read already.
type item struct {
	match      *store.Match
	supporting bool
	found      *store.Found
}

// place is where an item stands in the order of the record, in bytes that sort so: what it is there for, its type, its number.
// Types of a compartment come in the order of their names, as r4.Types has them.
func (i item) place() string {
	if i.found != nil && !i.supporting {
		return "0"
	}
	phase := "1"
	if i.supporting {
		phase = "2"
	}
	return string(binary.BigEndian.AppendUint64([]byte(phase+string(i.match.Key.Type)+"\x00"), i.match.Number))
}

// from gives the index of the first item that was not shown yet, as far as the items have been gathered.
func (r *record) from() int {
	return sort.Search(len(r.items), func(i int) bool { return r.items[i].place() > r.o.After })
}

// record gathers the resources of one record, without reading documents.
type record struct {
	s     *Service
	of    fhir.Key
	o     EverythingOptions
	at    fhir.T
	items []item
	// members are what belongs to the record, by type, whose references are followed.
	members []members
}

// members are resources of one type.
type members struct {
	typ   fhir.Type
	found []store.Match
}

// collect finds the resource itself and its compartment.
func (r *record) collect(ctx context.Context) error {
	self, err := r.s.store.Read(ctx, r.of, r.at)
	if err != nil {
		return err
	}
	if r.wants(r.of.Type) && self.At >= r.o.Since {
		r.items = append(r.items, item{found: &self})
	}
	q := search.Query{Type: r.of.Type, Where: []search.Condition{search.IDs{ID: []fhir.ID{r.of.ID}}}}
	if err := r.member(ctx, q, nil); err != nil {
		return err
	}
	for _, t := range r4.Types() {
		if !r.searches(t) {
			continue
		}
		if there, err := r.s.there(ctx, t, r.at); err != nil {
			return err
		} else if !there {
			continue
		}
		if err := r.compartment(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// there says whether there may be anything of a type. Of most there is nothing at all, which is known without a search;
// what the caller may see of one is not.
func (s *Service) there(ctx context.Context, t fhir.Type, at fhir.T) (bool, error) {
	f := store.FenceOf(ctx)
	if !f.Grant(t, store.ActionSearch).All || !f.Grant(t, store.ActionRead).All {
		return f.Finds(t), nil
	}
	n, err := s.store.Count(ctx, search.Query{Type: t}, at)
	return n > 0, err
}

// wants says whether resources of type t are to be shown.
func (r *record) wants(t fhir.Type) bool {
	if r.o.Types == nil {
		return true
	}
	for _, w := range r.o.Types {
		if w == t {
			return true
		}
	}
	return false
}

// searches says whether type t has to be looked at: to be shown, or because what it refers to is to be shown.
func (r *record) searches(t fhir.Type) bool {
	return t != r.of.Type && len(r4.CompartmentParams(r.of.Type, t)) > 0 && (r.wants(t) || r.wantsSupporting())
}

// compartment adds the resources of type t in the compartment, those outside the dates of care left out.
func (r *record) compartment(ctx context.Context, t fhir.Type) error {
	in, err := interaction.InCompartment(r.of, t)
	if err != nil {
		return nil //nolint:nilerr // a type that only has itself as member
	}
	q := search.Query{Type: t, Where: []search.Condition{in}}
	if err := r.s.interactions.FollowMerged(ctx, &q, r.at); err != nil {
		return err
	}
	if r.o.Since != 0 {
		q.Where = append(q.Where, search.Terms{Name: "_since", Any: []search.Term{{Param: search.ParamLastUpdated, Low: search.InstantValue(r.o.Since)}}})
	}
	out, err := r.outside(ctx, q)
	if err != nil {
		return err
	}
	return r.member(ctx, q, out)
}

// member adds the matches of q but for those in out. The resource itself is shown by collect.
func (r *record) member(ctx context.Context, q search.Query, out map[uint64]bool) error {
	of := members{typ: q.Type}
	for m, err := range r.s.store.Search(ctx, q, r.at, store.SearchOptions{}) {
		if err != nil {
			return err
		}
		if out[m.Number] {
			continue
		}
		of.found = append(of.found, m)
	}
	if r.wants(q.Type) && q.Type != r.of.Type {
		for i := range of.found {
			r.items = append(r.items, item{match: &of.found[i]})
		}
	}
	if len(of.found) > 0 {
		r.members = append(r.members, of)
	}
	return nil
}
