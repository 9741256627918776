package interaction

import (
	"context"
	"errors"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// UpdateOptions refine an update.
type UpdateOptions struct {
	IfMatch        *fhir.Version // the version that must be current, else Kind Precondition, code "version-conflict"
	Accept         Accept        // in the place of IfMatch, for what is not one version
	IfNoneMatchAny bool          // If-None-Match: *, only if there is no current version, else Kind Precondition, code "id-exists"
	Trial          bool          // everything is decided and nothing is done: Result says what would have become of it
}

// Accept says whether a write may replace the current version (0 = there is none): If-Match with several tags, or with *.
// A version that it refuses is Kind Precondition, code "version-conflict"; nil accepts all.
type Accept func(current fhir.Version) bool

// Update stores doc as the new version of key, whose id the document must carry. A resource that is not there, or was
// deleted, is created with that id (Result.Created). A document that equals the current version makes no new one (Result.Same).
func (s *Service) Update(ctx context.Context, key fhir.Key, doc *resource.Document, o UpdateOptions) (Result, error) {
	v := doc.Root()
	if err := sameKey(v, key); err != nil {
		return Result{}, err
	}
	links := collectCriteria(v)
	res, err := s.decide(ctx, key.String(), len(s.hooks) > 0 || o.Accept != nil, func() (Result, error) {
		c := &change{key: key, value: v, method: store.MethodUpdate, ifMatch: o.IfMatch, accept: o.Accept, mustCreate: o.IfNoneMatchAny, trial: o.Trial}
		res, err := s.write(ctx, c, links, nil)
		return res, c.unseen(err)
	})
	return res, asPrecondition(err, o.IfNoneMatchAny)
}

// UpdateByCriteria is the conditional update PUT Type?criteria. One match: it is updated, and an id in the document must
// be that one's. More: Kind Precondition, code "criteria-many". No match: the document is created, with its id if it has
// one; it must then meet the criteria (Unprocessable, "criteria-unmet": the next such update would create another one),
// and the id must be free (Conflict, "criteria-id-taken": what has it does not meet the criteria).
func (s *Service) UpdateByCriteria(ctx context.Context, t fhir.Type, rawCriteria string, doc *resource.Document, o UpdateOptions) (Result, error) {
	v := doc.Root()
	if _, err := typeOf(v, t); err != nil {
		return Result{}, err
	}
	cond, err := s.bindCriteria(ctx, t, rawCriteria)
	if err != nil {
		return Result{}, err
	}
	own, err := ownID(v)
	if err != nil {
		return Result{}, err
	}
	fresh := s.newID()
	links := collectCriteria(v)
	res, err := s.decide(ctx, string(t)+"?"+rawCriteria, len(s.hooks) > 0 || o.Accept != nil, func() (Result, error) {
		c, guard, err := s.target(ctx, cond, own, fresh)
		if err != nil {
			return Result{}, err
		}
		c.value, c.method, c.ifMatch, c.accept = v, store.MethodUpdate, o.IfMatch, o.Accept
		c.mustCreate, c.trial = c.mustCreate || o.IfNoneMatchAny, o.Trial
		return s.write(ctx, c, links, []store.Precondition{guard})
	})
	return res, asPrecondition(err, o.IfNoneMatchAny)
}

// target decides which resource a conditional update writes; own is the document's id or "", fresh an unused one.
func (s *Service) target(ctx context.Context, cond *criteria, own, fresh fhir.ID) (*change, store.Precondition, error) {
	at, err := s.store.Head(ctx)
	if err != nil {
		return nil, nil, err
	}
	match, err := s.one(ctx, cond, at)
	switch {
	case err != nil:
		return nil, nil, err
	case match == nil:
		c, err := s.newByCriteria(ctx, cond, own, fresh, at)
		return c, store.NoMatch{Query: cond.query}, err
	case own != "" && own != match.Key.ID:
		return nil, nil, fhir.Errorf(fhir.Invalid, "criteria-other-id", "", string(own), match.Key.String())
	}
	return &change{key: match.Key}, store.OneMatch{Query: cond.query, Key: match.Key}, nil
}

// newByCriteria makes the change of a conditional update that matches nothing as of at.
func (s *Service) newByCriteria(ctx context.Context, cond *criteria, own, fresh fhir.ID, at fhir.T) (*change, error) {
	c := &change{key: fhir.Key{Type: cond.typ, ID: fresh}, mustCreate: true, meets: cond}
	if own == "" {
		return c, nil
	}
	c.key.ID = own
	_, err := s.store.Read(ctx, c.key, at)
	switch e, refused := errors.AsType[*fhir.Error](err); {
	case err == nil:
		return nil, fhir.Errorf(fhir.Conflict, "criteria-id-taken", "", c.key.String())
	case refused && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone):
		return c, nil
	}
	return nil, err
}

// sameKey checks that v is a document of key.Type and carries key.ID.
func sameKey(v resource.Value, key fhir.Key) error {
	if _, err := typeOf(v, key.Type); err != nil {
		return err
	}
	id, ok := v.ID()
	switch {
	case !ok:
		return fhir.Errorf(fhir.Invalid, "id-missing", v.Path(), string(key.ID))
	case id != string(key.ID):
		return fhir.Errorf(fhir.Invalid, "id-mismatch", v.Path()+".id", string(key.ID))
	}
	return nil
}

// ownID is the id that the document carries, "" if none.
func ownID(v resource.Value) (fhir.ID, error) {
	text, ok := v.ID()
	if !ok {
		return "", nil
	}
	return fhir.ParseID(text)
}

// asPrecondition turns the refusal of a MustCreate that stands for If-None-Match: * into what HTTP calls it.
func asPrecondition(err error, ifNoneMatchAny bool) error {
	if e, ok := errors.AsType[*fhir.Error](err); ok && ifNoneMatchAny && e.Code == codeIDExists {
		return &fhir.Error{Kind: fhir.Precondition, Code: codeIDExists, Args: e.Args, Err: err}
	}
	return err
}
