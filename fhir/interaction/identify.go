package interaction

import (
	"context"
	"errors"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// identify finds the resource of each entry. What each kind of entry sees follows the order of processing, so that the
// order of the entries does not count: deletes see the state before; conditional creates see that less the deletes, and
// what other entries create; conditional updates and patches must not mean what any other entry writes.
func (tx *transaction) identify(ctx context.Context) error {
	for _, pass := range []func(context.Context, int, *entry) error{
		tx.identifyDelete, tx.identifyPlain, tx.identifyCreate, tx.identifyUpdate,
	} {
		for i, e := range tx.entries {
			if err := pass(ctx, i, e); err != nil {
				return within(e.path(""), err)
			}
		}
	}
	if err := tx.distinct(); err != nil {
		return err
	}
	if tx.patches {
		tx.pending = map[fhir.Type]*pendingDocs{} // now with what conditional patches make
	}
	return tx.apart(ctx)
}

func (tx *transaction) identifyDelete(ctx context.Context, i int, e *entry) error {
	if e.verb != Delete {
		return nil
	}
	key := e.key
	if cond := tx.urlCriteria[i]; cond != nil {
		match, err := tx.stored(ctx, cond)
		if err != nil || match == nil {
			return err
		}
		key = match.Key
	}
	tx.changes[i] = &change{key: key, method: store.MethodDelete, ifMatch: e.ifMatch}
	tx.deleted[key] = true
	return nil
}

// identifyPlain takes the entries that say themselves what they write.
func (tx *transaction) identifyPlain(ctx context.Context, i int, e *entry) (err error) {
	switch {
	case e.verb == Post && tx.ifNoneExist[i] == nil:
		tx.changes[i] = tx.creation(i)
	case e.verb == Put && tx.urlCriteria[i] == nil:
		tx.changes[i] = tx.update(i, &change{key: e.key})
	case e.verb == Patch && tx.urlCriteria[i] == nil:
		tx.changes[i], err = tx.patched(ctx, e, e.key)
	}
	return err
}

// creation is the change of a create.
func (tx *transaction) creation(i int) *change {
	e := tx.entries[i]
	return &change{key: fhir.Key{Type: e.key.Type, ID: tx.fresh[i]}, value: e.resource, method: store.MethodCreate, mustCreate: true}
}

// update fills in the change of an update.
func (tx *transaction) update(i int, c *change) *change {
	e := tx.entries[i]
	c.value, c.method, c.ifMatch, c.pin = e.resource, store.MethodUpdate, e.ifMatch, tx.patches
	c.mustCreate = c.mustCreate || e.ifNoneMatchAny
	return c
}

// identifyCreate decides whether a conditional create creates. One that does not is answered by its match: at once if that
// is stored, else by the entry that creates it (aliases).
func (tx *transaction) identifyCreate(ctx context.Context, i int, e *entry) error {
	cond := tx.ifNoneExist[i]
	if cond == nil {
		return nil
	}
	if first, again := tx.firsts[cond.text]; again {
		tx.alias[i] = first
		return nil
	}
	tx.firsts[cond.text] = i
	entry, match, err := tx.matching(ctx, cond, func(j int) bool { return j != i && tx.entries[j].verb == Post })
	switch {
	case err != nil:
		return err
	case entry >= 0:
		tx.alias[i] = entry
	case match != nil:
		tx.answers[i].Result, err = tx.s.found(ctx, *match, tx.at)
	default:
		tx.changes[i] = tx.creation(i)
	}
	return err
}

// identifyUpdate takes conditional updates and patches, by the state before; apart compares them with the other entries.
func (tx *transaction) identifyUpdate(ctx context.Context, i int, e *entry) error {
	cond := tx.urlCriteria[i]
	if cond == nil || e.verb == Delete {
		return nil
	}
	match, err := tx.stored(ctx, cond)
	if err != nil {
		return err
	}
	if match != nil && tx.deleted[match.Key] {
		match = nil
	}
	if e.verb == Put {
		return tx.identifyPut(ctx, i, e, match)
	}
	if match == nil {
		return fhir.Errorf(fhir.NotFound, "criteria-none", "", string(cond.typ))
	}
	tx.changes[i], err = tx.patched(ctx, e, match.Key)
	return err
}

// patched applies a patch. A path within the resource that is patched would not say which entry is at fault.
func (tx *transaction) patched(ctx context.Context, e *entry, key fhir.Key) (*change, error) {
	c, err := tx.s.patched(ctx, key, e.patch, PatchOptions{IfMatch: e.ifMatch})
	if fault, ok := errors.AsType[*fhir.Error](err); ok {
		at := *fault
		at.Path = e.path(".resource")
		return nil, &at
	}
	return c, err
}

func (tx *transaction) identifyPut(ctx context.Context, i int, e *entry, match *store.Match) error {
	own, err := ownID(e.resource)
	if err != nil {
		return err
	}
	c := &change{}
	switch {
	case match == nil:
		if c, err = tx.s.newByCriteria(ctx, tx.urlCriteria[i], own, tx.fresh[i], tx.at); err != nil {
			return err
		}
	case own != "" && own != match.Key.ID:
		return fhir.Errorf(fhir.Invalid, "criteria-other-id", e.path(".resource.id"), string(own), match.Key.String())
	default:
		c.key = match.Key
	}
	tx.changes[i] = tx.update(i, c)
	return nil
}

// distinct refuses two entries that write the same resource.
func (tx *transaction) distinct() error {
	for i, c := range tx.changes {
		if c == nil {
			continue
		}
		if first, twice := tx.writer[c.key]; twice {
			return fhir.Errorf(fhir.Invalid, "entry-same-resource", tx.entries[i].path(""), c.key.String(), first)
		}
		tx.writer[c.key] = i
	}
	return nil
}

// apart refuses a conditional update or patch whose criteria mean what another entry writes: the two would be one resource,
// or the criteria would match several right after the commit.
// Source: https://hl7.org/fhir/R4/http.html#trules
func (tx *transaction) apart(ctx context.Context) error {
	for i, e := range tx.entries {
		cond := tx.urlCriteria[i]
		if cond == nil || e.verb == Delete {
			continue
		}
		others, err := tx.meeting(ctx, cond, func(j int) bool { return j != i })
		if err != nil {
			return within(e.path(""), err)
		}
		if len(others) > 0 {
			return fhir.Errorf(fhir.Invalid, "entry-same-criteria", e.path(".request.url"), others[0], string(cond.typ))
		}
	}
	return nil
}

// aliases answers the conditional creates that stand for what another entry creates or found.
func (tx *transaction) aliases() {
	for i := range tx.entries {
		if to := tx.root(i); to != i {
			r := tx.answers[to].Result
			r.Created, r.Same = false, true
			tx.answers[i].Result = r
		}
	}
}

// root is the entry that entry i stands for, mostly i itself.
func (tx *transaction) root(i int) int {
	for {
		to, ok := tx.alias[i]
		if !ok {
			return i
		}
		i = to
	}
}

// keyOf is the resource that entry i stands for, once identified.
func (tx *transaction) keyOf(i int) (fhir.Key, bool) {
	i = tx.root(i)
	if c := tx.changes[i]; c != nil {
		return c.key, true
	}
	key := tx.answers[i].Result.Key
	return key, key.ID != ""
}
