package interaction

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// change is one write on its way into a commit: first what is asked for, then what prepare made of it.
type change struct {
	key        fhir.Key
	value      resource.Value // zero for a delete
	method     store.Method
	ifMatch    *fhir.Version // the caller's; a patch's is the version it was applied to
	accept     Accept        // the caller's
	mustCreate bool
	trial      bool      // to be decided and not done
	meets      *criteria // that the document must meet, nil = none
	pin        bool      // look at the current version also when no hook asks for it
	own        bool      // see WriteSet.Own

	before      *store.Found // current version when it was looked at; nil = none, deleted, or not looked at; always set for a patch
	beforeAt    fhir.T       // as of when
	blind       bool         // the caller may not read before
	introduced  map[fhir.Key]bool
	beside      map[fhir.Key]*change // what the same request writes; nil = this alone
	definitions *definitions         // that put was indexed by
	put         store.Put
	del         store.Delete
	more        Additions
	puts        []store.Put // of more.Puts
}

// isDelete says which of put and del counts.
func (c *change) isDelete() bool { return c.method == store.MethodDelete }

// unchanged says that the document equals the current version, as far as that was looked at. A write that demands that
// there be none is never one without a change.
func (c *change) unchanged() bool {
	return !c.isDelete() && !c.mustCreate && !c.blind && c.before != nil && c.before.Stored.Equal(c.put.Doc)
}

// prepare checks and indexes c's document by d in one walk and lets the hooks add to it. It may run for many changes at once.
func (s *Service) prepare(ctx context.Context, c *change, d *definitions) error {
	if c.isDelete() {
		c.del = store.Delete{Key: c.key, IfVersion: c.ifMatch}
	} else {
		c.definitions = d
		put, err := s.put(d, c.value, c.key.ID)
		if err != nil {
			return err
		}
		if c.meets != nil && !c.meets.met(c.key, put.Entries) {
			return fhir.Errorf(fhir.Unprocessable, "criteria-unmet", "", string(c.key.Type))
		}
		put.Method, put.IfVersion, put.MustCreate, put.SkipIfEqual = c.method, c.ifMatch, c.mustCreate, !c.mustCreate && !c.own
		c.put = put
	}
	if c.own || len(s.hooks) == 0 && !c.pin && c.accept == nil {
		return nil
	}
	c.definitions = d // also of a delete, to which hooks may add documents
	next, err := s.pin(ctx, c)
	if err != nil || len(s.hooks) == 0 || c.unchanged() {
		return err
	}
	return s.askHooks(ctx, c, next)
}

// put makes the put of a document: the one walk, and the form in which it is stored.
func (s *Service) put(d *definitions, v resource.Value, id fhir.ID) (store.Put, error) {
	found, issues := d.index.Document(v, s.limits.Issues)
	if len(issues) > 0 {
		return store.Put{}, &fhir.Error{Kind: fhir.Unprocessable, Code: "resource-invalid", Issues: issues}
	}
	key := fhir.Key{Type: v.ResourceType(), ID: id}
	return store.Put{Key: key, Doc: v.Store(id), Entries: found.Entries, Contained: found.Contained, Method: store.MethodUpdate}, nil
}

// pin looks the current version up, demands in the commit that it stays so, and gives the version that comes next.
// The caller's If-Match is compared here already, since it and our own demand are one field of the commit.
func (s *Service) pin(ctx context.Context, c *change) (next fhir.Version, err error) {
	switch {
	case c.mustCreate && c.method == store.MethodCreate:
		return 1, nil // an id that we made: nothing can be there, and MustCreate holds that
	case c.method == store.MethodPatch:
		return c.before.Version + 1, nil // looked up to be patched, and demanded already
	}
	if fence := store.FenceOf(ctx); c.isDelete() && fence.Grant(c.key.Type, store.ActionDelete).None() { // told so, and not that it may not be read
		return 0, fhir.Errorf(fhir.Denied, "access-denied", "", string(c.key.Type), store.ActionDelete.Word())
	}
	at, err := s.store.Head(ctx)
	if err != nil {
		return 0, err
	}
	found, err := s.store.Read(ctx, c.key, at)
	if c.blind = false; !c.isDelete() && !store.FenceOf(ctx).Open() && hiddenOrAbsent(err) {
		// The caller may be allowed to write over what they may not read: the commit decides that. What is there is for the
		// hooks and for the commit to hold on to, and never told.
		if found, err = s.store.Read(asOurselves(ctx), c.key, at); err == nil {
			c.blind = true
		}
	}
	e, refused := errors.AsType[*fhir.Error](err)
	var current fhir.Version
	switch {
	case err == nil:
		c.before, c.beforeAt, current, next = &found, at, found.Version, found.Version+1
	case refused && e.Kind == fhir.NotFound:
		c.before, next = nil, 1
	case refused && e.Kind == fhir.Gone:
		c.before, next = nil, found.Version+1
	default:
		return 0, err
	}
	if c.blind && c.ifMatch != nil {
		current = *c.ifMatch
	} else if c.ifMatch != nil && *c.ifMatch != current || c.accept != nil && !c.accept(current) {
		if c.blind {
			current = 0
		}
		return 0, versionConflict(c.key, current)
	}
	if c.isDelete() {
		c.del.IfVersion = &current
		if current == 0 {
			next = 0
		}
	} else if !c.mustCreate {
		c.put.IfVersion = &current
	}
	return next, nil
}

// hiddenOrAbsent says whether a read found nothing that the caller may see.
func hiddenOrAbsent(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Denied)
}

// isBeside is Write.Beside.
func (c *change) isBeside(k fhir.Key) bool { return c.beside[k] != nil }

// with is Write.With.
func (c *change) with(k fhir.Key) (doc resource.Value, ok bool) {
	if other := c.beside[k]; other != nil {
		return other.value, !other.isDelete()
	}
	return doc, false
}

// askHooks collects what the hooks add.
func (s *Service) askHooks(ctx context.Context, c *change, next fhir.Version) error {
	c.more, c.puts = Additions{}, nil
	w := Write{Key: c.key, Doc: c.value, Method: c.method, Version: next, Before: c.before, Blind: c.blind, Ours: store.FenceOf(ctx).Open(), Introduced: c.introduced, Beside: c.isBeside, With: c.with}
	own := asOurselves(ctx)
	for _, hook := range s.hooks {
		a, err := hook(own, w)
		if err != nil {
			return err
		}
		c.more.Unique = append(c.more.Unique, a.Unique...)
		c.more.Records = append(c.more.Records, a.Records...)
		c.more.Require = append(c.more.Require, onOurAccount(a.Require)...)
		c.more.Issues = append(c.more.Issues, a.Issues...)
		for _, doc := range a.Puts {
			id, err := requiredID(doc.Root())
			if err != nil {
				return err
			}
			put, err := s.put(c.definitions, doc.Root(), id)
			if err != nil {
				return err
			}
			put.Ours = true
			c.puts = append(c.puts, put)
		}
	}
	c.put.Unique = c.more.Unique
	return nil
}

// onOurAccount gives preconditions that look at all there is, not at what the caller may find.
func onOurAccount(require []store.Precondition) []store.Precondition {
	out := slices.Clone(require)
	for i, p := range out {
		switch p := p.(type) {
		case store.NoMatch:
			p.Ours = true
			out[i] = p
		case store.OneMatch:
			p.Ours = true
			out[i] = p
		}
	}
	return out
}

// requiredID is the id of a document that must carry one.
func requiredID(v resource.Value) (fhir.ID, error) {
	if _, ok := v.ID(); !ok {
		return "", fhir.Errorf(fhir.Invalid, "id-required", v.Path())
	}
	return ownID(v)
}

// commit hands the changes to the store: the puts of changes in their order, then those of hooks; deletes likewise.
// What the store refuses is a *refusal.
func (s *Service) commit(ctx context.Context, changes []*change, require []store.Precondition, records []store.Record) (store.Receipt, error) {
	c := store.Changes{Require: require, Records: records, Puts: make([]store.Put, 0, len(changes))}
	for _, ch := range changes {
		if ch.isDelete() {
			c.Deletes = append(c.Deletes, ch.del)
		} else {
			c.Puts = append(c.Puts, ch.put)
		}
		c.Records = append(c.Records, ch.more.Records...)
		c.Require = append(c.Require, ch.more.Require...)
		c.Trial = c.Trial || ch.trial
	}
	for _, ch := range changes {
		c.Puts = append(c.Puts, ch.puts...)
	}
	if err := s.register(ctx, changes, &c); err != nil {
		return store.Receipt{}, err
	}
	rec, err := s.store.Commit(ctx, c)
	if err != nil {
		return rec, &refusal{err}
	}
	return rec, nil
}

// within says where in a document the fault is, unless err knows that better. A parameter of the query (http.name) is not a
// place within a document.
func within(path string, err error) error {
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok || e.Path != "" && !strings.HasPrefix(e.Path, "http.") || len(e.Issues) > 0 {
		return err
	}
	c := *e
	c.Path = path
	return &c
}
