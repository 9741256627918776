package interaction

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// By is one way in which resources refer to others: a type and its reference parameter, such as Immunization and patient.
type By struct {
	Type  fhir.Type
	Param string
	Sort  string // a parameter to sort by, and then by id; "" = in the order in which they came
}

// Referring gives for each of by the resources that refer to any of keys as of t (0 = the head): what
// Search finds by Type?Param=key,key&_sort=Sort,_id, merged identities followed. The parts of a person's record are asked for together and
// by rooms of ours, so no words are taken apart, no definitions looked up and no pages made. Of a type with more than most there
// are most + 1.
func (s *Service) Referring(ctx context.Context, keys []fhir.Key, t fhir.T, most int, by ...By) ([][]store.Found, error) {
	merged, err := s.anyMerged(ctx)
	if err != nil {
		return nil, err
	}
	out := make([][]store.Found, len(by))
	for i, b := range by {
		p := r4.Param(b.Type, b.Param)
		if p == nil || p.Type != r4.ParamReference {
			return nil, fhir.Errorf(fhir.Invalid, "search-param-unknown", "", b.Param, string(b.Type), "")
		}
		terms := search.Terms{Name: b.Param, Any: make([]search.Term, len(keys))}
		for k, key := range keys {
			terms.Any[k] = search.Term{Param: search.ParamID(p.ID), Low: search.ReferenceValue(key), Exact: true}
		}
		q := search.Query{Type: b.Type, Where: []search.Condition{terms}}
		if sort := r4.Param(b.Type, b.Sort); sort != nil {
			q.Sort = []search.SortKey{{Param: search.ParamID(sort.ID), Marked: search.Marks(sort)}, {ByID: true}}
		}
		if merged {
			if q.Where, err = s.followAll(ctx, q.Where, t); err != nil {
				return nil, err
			}
		}
		if out[i], err = s.upTo(ctx, q, t, most+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// upTo gives the first matches of q with their documents.
func (s *Service) upTo(ctx context.Context, q search.Query, t fhir.T, limit int) ([]store.Found, error) {
	var matches []store.Match
	for m, err := range s.store.Search(ctx, q, t, store.SearchOptions{Limit: limit}) {
		if err != nil {
			return nil, err
		}
		matches = append(roomFor(matches, limit), m)
	}
	found, err := s.store.FetchAll(ctx, matches)
	return inSight(found), err
}

// roomFor reserves room for matches when there is one: most searches of a person's record find nothing, or few.
func roomFor(matches []store.Match, most int) []store.Match {
	if matches == nil {
		return make([]store.Match, 0, min(most, 24))
	}
	return matches
}
