package interaction

import (
	"context"
	"errors"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// CreateOptions refine a create.
type CreateOptions struct {
	Type        fhir.Type // that the document must have; "" = any
	IfNoneExist *string   // search criteria, which must not be empty: only if nothing matches them; nil = always
	Trial       bool      // everything is decided and nothing is done: Result says what would have become of it
}

// Create stores doc under a new id; an id in the document is replaced. With IfNoneExist it stores nothing when exactly one
// resource matches and gives that one (Result.Same); more than one match is Kind Precondition, code "criteria-many".
func (s *Service) Create(ctx context.Context, doc *resource.Document, o CreateOptions) (Result, error) {
	v := doc.Root()
	t, err := typeOf(v, o.Type)
	if err != nil {
		return Result{}, err
	}
	links := collectCriteria(v)
	var cond *criteria
	about := string(t)
	if o.IfNoneExist != nil {
		if cond, err = s.bindCriteria(ctx, t, *o.IfNoneExist); err != nil {
			return Result{}, err
		}
		about = cond.text
	}
	key := fhir.Key{Type: t, ID: s.newID()}
	return s.decide(ctx, about, len(s.hooks) > 0, func() (Result, error) {
		var require []store.Precondition
		if cond != nil {
			at, err := s.store.Head(ctx)
			if err != nil {
				return Result{}, err
			}
			match, err := s.one(ctx, cond, at)
			if err != nil {
				return Result{}, err
			}
			if match != nil {
				return s.found(ctx, *match, at)
			}
			require = append(require, store.NoMatch{Query: cond.query})
		}
		return s.write(ctx, &change{key: key, value: v, method: store.MethodCreate, mustCreate: true, trial: o.Trial}, links, require)
	})
}

// write resolves the references of c's document, prepares it and commits it with require.
func (s *Service) write(ctx context.Context, c *change, links []link, require []store.Precondition) (Result, error) {
	guards, introduced, err := s.resolve(ctx, links)
	if err != nil {
		return Result{}, err
	}
	c.introduced = introduced
	d, err := s.definitions(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := s.prepare(ctx, c, d); err != nil {
		return Result{}, err
	}
	if c.unchanged() && len(require) == 0 && store.FenceOf(ctx).Open() { // else the commit says first whether the caller may
		return resultOfFound(*c.before, c.beforeAt), nil
	}
	rec, err := s.commit(ctx, []*change{c}, append(require, guards...), nil)
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Code == codeUniqueTaken {
		err = within(string(c.key.Type)+".identifier", err)
	}
	if err != nil {
		return Result{}, err
	}
	return resultOf(c, rec, rec.Puts[0]), nil
}

// found gives the result of a conditional create whose work was done before.
func (s *Service) found(ctx context.Context, m store.Match, at fhir.T) (Result, error) {
	f, err := s.store.Fetch(ctx, m)
	if err != nil {
		return Result{}, err
	}
	return resultOfFound(f, at), nil
}

// typeOf is the type of the document v, which must be want unless that is "".
func typeOf(v resource.Value, want fhir.Type) (fhir.Type, error) {
	t := v.ResourceType()
	switch {
	case t == "":
		return "", fhir.Errorf(fhir.Invalid, "type-missing", v.Path())
	case want != "" && t != want:
		return "", fhir.Errorf(fhir.Invalid, "type-mismatch", v.Path(), string(t), string(want))
	}
	return t, nil
}
