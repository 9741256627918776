package interaction

import (
	"context"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Records of Patients that are one person:
//
//	space "same-patient"  key: id|id, both ways  value: Sameness
const sameSpace store.Space = "same-patient"

// Sameness says why two Patients are held to be one person.
type Sameness string

const (
	NotSame Sameness = ""
	Claimed Sameness = "1" // a Patient says so itself, as whoever wrote it had it: enough to find by, not to be let in by
	Decided Sameness = "2" // somebody who may say so did ($merge)
)

// SameRecords are the records that say that two Patients are one person, or no longer.
func SameRecords(a, b fhir.ID, how Sameness) []store.Record {
	var value []byte
	if how != NotSame {
		value = []byte(how)
	}
	return []store.Record{
		{Space: sameSpace, Key: string(a) + "|" + string(b), Value: value},
		{Space: sameSpace, Key: string(b) + "|" + string(a), Value: value},
	}
}

// sameMost bounds the Patients that are taken for one person; nobody was ever entered that often.
const sameMost = 200

// Same gives the Patients that are the same person as id, by merges that hold now; id comes first.
func (s *Service) Same(ctx context.Context, id fhir.ID) ([]fhir.ID, error) {
	return s.same(ctx, id, Claimed)
}

// Person gives the Patients whose records are those of the person that id is: as Same, but by merges alone that somebody
// decided on. What a Patient claims of itself would let whoever writes one into the record of another.
func (s *Service) Person(ctx context.Context, id fhir.ID) ([]fhir.ID, error) {
	return s.same(ctx, id, Decided)
}

func (s *Service) same(ctx context.Context, id fhir.ID, least Sameness) ([]fhir.ID, error) {
	all := []fhir.ID{id}
	for i := 0; i < len(all) && len(all) < sameMost; i++ {
		from := string(all[i]) + "|"
		for r, err := range s.store.Records(ctx, sameSpace, from, from+"~") {
			if err != nil {
				return nil, err
			}
			if _, other, _ := strings.Cut(r.Key, "|"); Sameness(r.Value) >= least && !slices.Contains(all, fhir.ID(other)) {
				all = append(all, fhir.ID(other))
			}
		}
	}
	return all, nil
}

// anyMerged says whether there is any merge at all: where there is none, nothing has to be followed.
func (s *Service) anyMerged(ctx context.Context) (bool, error) {
	return s.merged.get(ctx, s.store, sameSpace, func() (bool, error) {
		for _, err := range s.store.Records(ctx, sameSpace, "", "") {
			return err == nil, err
		}
		return false, nil
	})
}

// FollowMerged makes conditions that ask for what refers to a Patient find what refers to the same person under another id
// too: references, and chains by the Patient's identifiers. q is changed in place where it has such; conditions are replaced, never
// edited, since they may be shared.
func (s *Service) FollowMerged(ctx context.Context, q *search.Query, t fhir.T) error {
	if !refersToPatients(q.Where) {
		return nil
	}
	if any, err := s.anyMerged(ctx); err != nil || !any {
		return err
	}
	where, err := s.followAll(ctx, q.Where, t)
	q.Where = where
	return err
}

func refersToPatients(where []search.Condition) (yes bool) {
	eachCondition(where, func(c search.Condition) {
		switch c := c.(type) {
		case search.Terms:
			for i := range c.Any {
				yes = yes || patientOf(&c.Any[i]) != ""
			}
		case search.Chain:
			yes = yes || slices.ContainsFunc(c.Targets, byIdentifier)
		}
	})
	return yes
}

// patientOf gives the Patient of a term that asks for a reference to one.
func patientOf(t *search.Term) fhir.ID {
	if !t.Exact {
		return ""
	}
	if key, ok := search.ReferenceKey(t.Low); ok && key.Type == "Patient" {
		return key.ID
	}
	return ""
}

// byIdentifier says whether q finds Patients by an identifier: who that is, is one person.
func byIdentifier(q search.Query) bool {
	return q.Type == "Patient" && slices.ContainsFunc(q.Where, func(c search.Condition) bool {
		t, ok := c.(search.Terms)
		return ok && strings.HasSuffix(t.Name, "identifier")
	})
}

func (s *Service) followAll(ctx context.Context, where []search.Condition, t fhir.T) ([]search.Condition, error) {
	out := make([]search.Condition, len(where))
	for i, c := range where {
		var err error
		if out[i], err = s.follow(ctx, c, t); err != nil {
			return where, err
		}
	}
	return out, nil
}

func (s *Service) follow(ctx context.Context, c search.Condition, t fhir.T) (search.Condition, error) {
	switch c := c.(type) {
	case search.Terms:
		more := slices.Clip(c.Any)
		for i := range c.Any {
			id := patientOf(&c.Any[i])
			if id == "" {
				continue
			}
			same, err := s.Same(ctx, id)
			if err != nil {
				return c, err
			}
			for _, other := range same[1:] {
				term := c.Any[i]
				term.Low = search.ReferenceValue(fhir.Key{Type: "Patient", ID: other})
				more = append(more, term)
			}
		}
		c.Any = more
		return c, nil
	case search.Chain:
		return s.followChain(ctx, c, t)
	case search.Not:
		of, err := s.follow(ctx, c.Condition, t)
		return search.Not{Condition: of}, err
	case search.All:
		of, err := s.followAll(ctx, c.Of, t)
		return search.All{Of: of}, err
	case search.Either:
		of, err := s.followAll(ctx, c.Of, t)
		return search.Either{Of: of}, err
	}
	return c, nil
}

// followChain adds to a chain by identifier the Patients that are the same person under another id.
func (s *Service) followChain(ctx context.Context, c search.Chain, t fhir.T) (search.Condition, error) {
	also := search.Terms{Name: c.Name}
	for _, q := range c.Targets {
		if !byIdentifier(q) {
			continue
		}
		for m, err := range s.store.Search(ctx, q, t, store.SearchOptions{Limit: sameMost}) {
			if err != nil {
				return c, err
			}
			same, err := s.Same(ctx, m.Key.ID)
			if err != nil {
				return c, err
			}
			for _, other := range same[1:] {
				value := search.ReferenceValue(fhir.Key{Type: "Patient", ID: other})
				also.Any = append(also.Any, search.Term{Param: c.Param, Low: value, Exact: true})
			}
		}
	}
	if len(also.Any) == 0 {
		return c, nil
	}
	return search.Either{Of: []search.Condition{c, also}}, nil
}
