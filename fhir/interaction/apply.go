package interaction

import (
	"context"
	"errors"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// WriteSet is a commit that a room above makes by itself: documents with records and preconditions of its own spaces.
type WriteSet struct {
	Docs      []*resource.Document      // each a put of the type and id that it carries
	Own       []*resource.Document      // as Docs, of what this room alone writes, and each time to say something new: as with Additions.Puts no hook is asked, and what stands there is not looked at
	IfVersion map[fhir.Key]fhir.Version // 0 = there must be no current version; keys without an entry are written over whatever stands
	Deletes   []fhir.Key
	Records   []store.Record
	Require   []store.Precondition
}

// Apply checks and indexes the documents like any write, asks the hooks, and commits all or nothing. Receipt.Puts and
// Deletes begin with those of w, in w's order, Docs before Own. A precondition of w that does not hold is the caller's to judge: Kind
// Precondition, or *store.MatchError with its index in w.Require. It is done with an open fence, whatever that of ctx: what
// a caller wants written goes through the verbs.
func (s *Service) Apply(ctx context.Context, w WriteSet) (store.Receipt, error) {
	ctx = asOurselves(ctx)
	changes := make([]*change, 0, len(w.Docs)+len(w.Own)+len(w.Deletes))
	var links []link
	for i, doc := range slices.Concat(w.Docs, w.Own) {
		v := doc.Root()
		t, err := typeOf(v, "")
		if err != nil {
			return store.Receipt{}, err
		}
		id, err := requiredID(v)
		if err != nil {
			return store.Receipt{}, err
		}
		links = append(links, collectCriteria(v)...)
		c := w.change(fhir.Key{Type: t, ID: id}, v, store.MethodUpdate)
		c.own = i >= len(w.Docs)
		changes = append(changes, c)
	}
	for _, key := range w.Deletes {
		changes = append(changes, w.change(key, resource.Value{}, store.MethodDelete))
	}
	var rec store.Receipt
	err := s.settle(ctx, "apply", w.ours(len(s.hooks) > 0), func() (err error) {
		rec, err = s.applyOnce(ctx, w, changes, links)
		return err
	})
	return rec, err
}

// applyOnce decides what is ours to decide and commits.
func (s *Service) applyOnce(ctx context.Context, w WriteSet, changes []*change, links []link) (store.Receipt, error) {
	guards, introduced, err := s.resolve(ctx, links)
	if err != nil {
		return store.Receipt{}, err
	}
	d, err := s.definitions(ctx)
	if err != nil {
		return store.Receipt{}, err
	}
	beside := map[fhir.Key]*change{}
	for _, c := range changes {
		if !c.isDelete() {
			beside[c.key] = c
		}
	}
	for _, c := range changes {
		c.introduced, c.beside = introduced, beside
		if err := s.prepare(ctx, c, d); err != nil {
			return store.Receipt{}, err
		}
	}
	// The caller's preconditions come first, so that MatchError.Index counts them as w does.
	return s.commit(ctx, changes, append(slices.Clone(w.Require), guards...), w.Records)
}

// ours tells the refusals of what we demanded from those of what w does. With hooks, a version that w names was compared
// when ours was read (pin), so that a version that moved by the time of the commit is decided anew.
func (w WriteSet) ours(hooks bool) func(error) bool {
	return func(err error) bool {
		if definitionsChanged(err) {
			return true
		}
		if m, ok := errors.AsType[*store.MatchError](err); ok {
			return m.Index >= len(w.Require)
		}
		e, ok := errors.AsType[*fhir.Error](err)
		return ok && hooks && (e.Code == codeVersionConflict || e.Code == codeRecordChanged && !w.hasRecordIs())
	}
}

func (w WriteSet) hasRecordIs() bool {
	return slices.ContainsFunc(w.Require, func(p store.Precondition) bool { _, ok := p.(store.RecordIs); return ok })
}

// change makes the change of one document or delete of w.
func (w WriteSet) change(key fhir.Key, v resource.Value, m store.Method) *change {
	c := &change{key: key, value: v, method: m}
	if version, ok := w.IfVersion[key]; ok {
		c.ifMatch = &version
	}
	return c
}
