package operation

import (
	"context"
	"net/url"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// notCare are date parameters that do not say when care was given: dates of persons, of values, and of paperwork.
var notCare = map[string]bool{
	"birthdate": true, "death-date": true, "value-date": true, "payment-date": true, "entered-date": true, "issued": true,
}

// careDates are the parameters that say when the care was given that a resource of type t is about; nil if there are none.
// A resource is within start and end if the time of one of them touches that time; a resource without any is too, since it
// is about no time: a Coverage, a RelatedPerson, an Observation that does not say when.
func careDates(t fhir.Type) []*r4.SearchParam {
	var out []*r4.SearchParam
	for _, p := range r4.Params(t) {
		if p.Type == r4.ParamDate && p.Base == t && !notCare[p.Code] {
			out = append(out, p)
		}
	}
	return out
}

// outside gives the numbers of the matches of q that are about care outside of start and end.
func (r *record) outside(ctx context.Context, q search.Query) (map[uint64]bool, error) {
	params := careDates(q.Type)
	if r.o.Start == "" && r.o.End == "" || len(params) == 0 {
		return nil, nil
	}
	dated := search.Terms{Name: "dated"}
	for _, p := range params {
		dated.Any = append(dated.Any, search.Term{Param: search.ParamID(p.ID)})
	}
	out := map[uint64]bool{}
	if err := r.each(ctx, q, []search.Condition{dated}, func(n uint64) { out[n] = true }); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, nil
	}
	for _, p := range params {
		within, err := r.within(q.Type, p)
		if err != nil {
			return nil, err
		}
		if err := r.each(ctx, q, within, func(n uint64) { delete(out, n) }); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// within makes the conditions that a date is not before start and not after end.
func (r *record) within(t fhir.Type, p *r4.SearchParam) ([]search.Condition, error) {
	var raw string
	if r.o.Start != "" {
		raw = p.Code + "=ge" + url.QueryEscape(r.o.Start)
	}
	if r.o.End != "" {
		raw += "&" + p.Code + "=le" + url.QueryEscape(r.o.End)
	}
	q, err := search.BindCriteria(t, raw, search.Options{})
	return q.Where, err
}

// each calls add with the numbers of the matches of q that meet the further conditions.
func (r *record) each(ctx context.Context, q search.Query, further []search.Condition, add func(uint64)) error {
	q.Where = append(q.Where[:len(q.Where):len(q.Where)], further...)
	for m, err := range r.s.store.Search(ctx, q, r.at, store.SearchOptions{}) {
		if err != nil {
			return err
		}
		add(m.Number)
	}
	return nil
}
