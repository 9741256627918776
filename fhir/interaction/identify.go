package interaction

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// identify finds the resource of each entry: deletes first, since criteria do not see what the bundle deletes.
func (tx *transaction) identify(ctx context.Context) error {
	for _, pass := range []func(context.Context, int, *entry) error{tx.identifyDelete, tx.identifyPost, tx.identifyPut} {
		for i, e := range tx.entries {
			if err := pass(ctx, i, e); err != nil {
				return within(e.path(""), err)
			}
		}
	}
	return tx.distinct()
}

func (tx *transaction) identifyDelete(ctx context.Context, i int, e *entry) error {
	if e.verb != Delete {
		return nil
	}
	key := e.key
	if cond := tx.urlCriteria[i]; cond != nil {
		match, err := tx.s.one(ctx, cond, tx.at)
		if err != nil || match == nil {
			return err
		}
		key = match.Key
		tx.require = append(tx.require, store.OneMatch{Query: cond.query, Key: key})
	}
	tx.changes[i] = &change{key: key, method: store.MethodDelete, ifMatch: e.ifMatch}
	tx.deleted[key] = true
	return nil
}

// identifyPost decides whether a conditional create creates; the match of one that does not is an answer already.
func (tx *transaction) identifyPost(ctx context.Context, i int, e *entry) error {
	if e.verb != Post {
		return nil
	}
	c := &change{key: fhir.Key{Type: e.key.Type, ID: tx.fresh[i]}, value: e.resource, method: store.MethodCreate, mustCreate: true}
	cond := tx.ifNoneExist[i]
	if cond == nil {
		tx.changes[i] = c
		return nil
	}
	if first := tx.firstWith(e); first != i {
		return nil // answered by aliases
	}
	match, err := tx.surviving(ctx, cond)
	if err != nil {
		return err
	}
	if match == nil {
		tx.changes[i] = c
		return nil
	}
	tx.answers[i].Result, err = tx.s.found(ctx, *match, tx.at)
	return err
}

func (tx *transaction) identifyPut(ctx context.Context, i int, e *entry) error {
	var err error
	switch {
	case e.verb == Patch:
		err = tx.identifyPatch(ctx, i, e)
	case e.verb != Put:
	case tx.urlCriteria[i] == nil:
		tx.changes[i] = &change{key: e.key}
	default:
		err = tx.identifyConditionalPut(ctx, i, e)
	}
	if c := tx.changes[i]; err == nil && e.verb == Put {
		c.value, c.method, c.ifMatch, c.pin = e.resource, store.MethodUpdate, e.ifMatch, tx.patches
		c.mustCreate = c.mustCreate || e.ifNoneMatchAny
	}
	return err
}

func (tx *transaction) identifyConditionalPut(ctx context.Context, i int, e *entry) error {
	own, err := ownID(e.resource)
	if err != nil {
		return err
	}
	match, err := tx.surviving(ctx, tx.urlCriteria[i])
	switch {
	case err != nil:
		return err
	case match != nil && own != "" && own != match.Key.ID:
		return fhir.Errorf(fhir.Invalid, "criteria-other-id", e.path(".resource.id"), string(own), match.Key.String())
	case match != nil:
		tx.changes[i] = &change{key: match.Key}
	case own != "":
		tx.changes[i] = &change{key: fhir.Key{Type: e.key.Type, ID: own}}
	default:
		tx.changes[i] = &change{key: fhir.Key{Type: e.key.Type, ID: tx.fresh[i]}, mustCreate: true}
	}
	return nil
}

func (tx *transaction) identifyPatch(ctx context.Context, i int, e *entry) error {
	key := e.key
	if cond := tx.urlCriteria[i]; cond != nil {
		match, err := tx.surviving(ctx, cond)
		if err != nil {
			return err
		}
		if match == nil {
			return fhir.Errorf(fhir.NotFound, "criteria-none", "", string(cond.typ))
		}
		key = match.Key
	}
	c, err := tx.s.patched(ctx, key, e.patch, e.ifMatch)
	if err != nil {
		return err
	}
	tx.changes[i] = c
	return nil
}

// surviving gives the one match that the bundle does not delete, and demands that the state before the bundle stays so.
func (tx *transaction) surviving(ctx context.Context, cond *criteria) (*store.Match, error) {
	found, err := tx.s.atMostTwo(ctx, cond, tx.at)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		tx.require = append(tx.require, store.NoMatch{Query: cond.query})
		return nil, nil
	case len(found) > 1:
		return nil, fhir.Errorf(fhir.Precondition, "criteria-many", "", string(cond.typ))
	}
	tx.require = append(tx.require, store.OneMatch{Query: cond.query, Key: found[0].Key})
	if tx.deleted[found[0].Key] {
		return nil, nil
	}
	return &found[0], nil
}

// conditionalCreates gives the first entry with each criteria text, as a conditional reference would write it.
func (tx *transaction) conditionalCreates() map[string]int {
	if tx.firsts == nil {
		tx.firsts = map[string]int{}
		for i, e := range tx.entries {
			if e.ifNoneExist == "" {
				continue
			}
			text := e.criteriaText()
			if _, ok := tx.firsts[text]; !ok {
				tx.firsts[text] = i
			}
		}
	}
	return tx.firsts
}

// firstWith gives the index of the first conditional create with the type and criteria of e, which is one.
func (tx *transaction) firstWith(e *entry) int { return tx.conditionalCreates()[e.criteriaText()] }

// criteriaText is a conditional create's type and criteria in the form of a conditional reference.
func (e *entry) criteriaText() string {
	return string(e.key.Type) + "?" + trimCriteria(e.key.Type, e.ifNoneExist)
}

// aliases answers the conditional creates whose criteria an earlier entry has: by then its resource is there.
func (tx *transaction) aliases() {
	for i, e := range tx.entries {
		if e.ifNoneExist == "" {
			continue
		}
		if first := tx.firstWith(e); first != i {
			r := tx.answers[first].Result
			r.Created, r.Same = false, true
			tx.answers[i].Result = r
		}
	}
}

// keyOf is the resource that entry i stands for, once identified.
func (tx *transaction) keyOf(i int) (fhir.Key, bool) {
	if e := tx.entries[i]; e.ifNoneExist != "" {
		i = tx.firstWith(e)
	}
	if c := tx.changes[i]; c != nil {
		return c.key, true
	}
	key := tx.answers[i].Result.Key
	return key, key.ID != ""
}

// distinct refuses two entries that write the same resource.
func (tx *transaction) distinct() error {
	seen := make(map[fhir.Key]int, len(tx.changes))
	for i, c := range tx.changes {
		if c == nil {
			continue
		}
		if first, twice := seen[c.key]; twice {
			return fhir.Errorf(fhir.Invalid, "entry-same-resource", tx.entries[i].path(""), c.key.String(), first)
		}
		seen[c.key] = i
	}
	return nil
}
