package interaction

import (
	"context"
	"errors"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// PatchOptions refine a patch.
type PatchOptions struct {
	IfMatch *fhir.Version // the version that must be current, else Kind Precondition, code "version-conflict"
	Accept  Accept        // in the place of IfMatch, for what is not one version
}

// Patcher is a change to a document that keeps what it does not touch: a JSONPatch, a PathPatch or a MetaChange. It is a
// closed set.
type Patcher interface {
	// apply gives the changed document; served is the one that is current, as it is served.
	apply(s *Service, t fhir.Type, served []byte) ([]byte, error)
}

// Patch applies p to the document as it is served and stores the result as any update. What p does not touch keeps its
// number literals and the order of its members; white space between tokens is not kept. Type and id cannot be changed.
// Errors: NotFound, Gone; Kind Unprocessable for an operation that does not fit the document: "patch-path" where it points
// at what is not there, "patch-test" where a test finds another value.
func (s *Service) Patch(ctx context.Context, key fhir.Key, p Patcher, o PatchOptions) (Result, error) {
	return s.decide(ctx, key.String(), true, func() (Result, error) { return s.patch(ctx, key, p, o, nil) })
}

// PatchByCriteria is the conditional patch PATCH Type?criteria. No match is Kind NotFound, more than one Kind Precondition.
func (s *Service) PatchByCriteria(ctx context.Context, t fhir.Type, rawCriteria string, p Patcher, o PatchOptions) (Result, error) {
	cond, err := s.bindCriteria(ctx, t, rawCriteria)
	if err != nil {
		return Result{}, err
	}
	return s.decide(ctx, string(t)+"?"+rawCriteria, true, func() (Result, error) {
		at, err := s.store.Head(ctx)
		if err != nil {
			return Result{}, err
		}
		match, err := s.one(ctx, cond, at)
		if err != nil {
			return Result{}, err
		}
		if match == nil {
			return Result{}, fhir.Errorf(fhir.NotFound, "criteria-none", "", string(t))
		}
		return s.patch(ctx, match.Key, p, o, []store.Precondition{store.OneMatch{Query: cond.query, Key: match.Key}})
	})
}

// patch reads, applies and commits once.
func (s *Service) patch(ctx context.Context, key fhir.Key, p Patcher, o PatchOptions, require []store.Precondition) (Result, error) {
	c, err := s.patched(ctx, key, p, o)
	if err != nil {
		return Result{}, err
	}
	return s.write(ctx, c, collectCriteria(c.value), require)
}

// patched makes the change that p is for the current version of key.
func (s *Service) patched(ctx context.Context, key fhir.Key, p Patcher, o PatchOptions) (*change, error) {
	at, err := s.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	before, err := s.store.Read(ctx, key, at)
	if err != nil {
		return nil, err
	}
	if o.IfMatch != nil && *o.IfMatch != before.Version || o.Accept != nil && !o.Accept(before.Version) {
		return nil, versionConflict(key, before.Version)
	}
	raw, err := p.apply(s, key.Type, before.Stored.Append(nil, before.Version, before.At))
	if err != nil {
		return nil, err
	}
	doc, err := resource.Parse(raw, resource.DefaultLimits)
	if err != nil {
		return nil, unprocessable(err)
	}
	if err := sameKey(doc.Root(), key); err != nil {
		return nil, unprocessable(err)
	}
	return &change{key: key, value: doc.Root(), method: store.MethodPatch, ifMatch: &before.Version, before: &before, beforeAt: at}, nil
}

// unprocessable says that the fault is in what the patch makes, not in what was sent.
func unprocessable(err error) error {
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Kind == fhir.Invalid {
		c := *e
		c.Kind = fhir.Unprocessable
		return &c
	}
	return err
}
