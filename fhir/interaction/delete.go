package interaction

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// DeleteOptions refine a delete.
type DeleteOptions struct {
	IfMatch *fhir.Version // the version that must be current, else Kind Precondition, code "version-conflict"
	Accept  Accept        // in the place of IfMatch, for what is not one version
	Trial   bool          // everything is decided and nothing is done: Result says what would have become of it
}

// Delete writes a version that says: deleted. Deleting what is not there is no error: Result.Deleted is then false and
// Version 0. References to the resource elsewhere are left as they are.
func (s *Service) Delete(ctx context.Context, key fhir.Key, o DeleteOptions) (Result, error) {
	return s.decide(ctx, key.String(), len(s.hooks) > 0 || o.Accept != nil, func() (Result, error) {
		return s.remove(ctx, &change{key: key, method: store.MethodDelete, ifMatch: o.IfMatch, accept: o.Accept, trial: o.Trial}, nil)
	})
}

// DeleteByCriteria is the conditional delete DELETE Type?criteria of at most one resource. More than one match is Kind
// Precondition, code "criteria-many": deleting several at once is not offered.
func (s *Service) DeleteByCriteria(ctx context.Context, t fhir.Type, rawCriteria string, o DeleteOptions) (Result, error) {
	cond, err := s.bindCriteria(ctx, t, rawCriteria)
	if err != nil {
		return Result{}, err
	}
	return s.decide(ctx, string(t)+"?"+rawCriteria, len(s.hooks) > 0 || o.Accept != nil, func() (Result, error) {
		at, err := s.store.Head(ctx)
		if err != nil {
			return Result{}, err
		}
		match, err := s.one(ctx, cond, at)
		if err != nil {
			return Result{}, err
		}
		if match == nil {
			return Result{Key: fhir.Key{Type: t}, T: at}, nil
		}
		guard := store.OneMatch{Query: cond.query, Key: match.Key}
		return s.remove(ctx, &change{key: match.Key, method: store.MethodDelete, ifMatch: o.IfMatch, accept: o.Accept, trial: o.Trial}, []store.Precondition{guard})
	})
}

// remove prepares and commits a delete.
func (s *Service) remove(ctx context.Context, c *change, require []store.Precondition) (Result, error) {
	d, err := s.definitions(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := s.prepare(ctx, c, d); err != nil {
		return Result{}, err
	}
	rec, err := s.commit(ctx, []*change{c}, require, nil)
	if err != nil {
		return Result{}, err
	}
	w := rec.Deletes[0]
	return Result{Key: c.key, Version: w.Version, At: w.At, T: rec.T, Deleted: w.Version != 0}, nil
}
