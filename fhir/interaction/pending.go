package interaction

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Criteria within a transaction ask about the state that the entry sees: the store as it was, less what the transaction
// deletes or writes over, and what it has written by then. The store answers the first part, as of one commit, and its
// answer is a precondition of ours (stored). The second is answered here, by the entries for the index of the documents
// that are about to be written.

// pendingDocs are the documents of one type among the entries, with what a search finds them by.
type pendingDocs struct {
	entries []int                   // of the bundle
	found   map[int][]search.Entry  // by entry
	rows    map[search.ParamID]rows // made when a parameter is first asked for
}

// rows are the values of one parameter, sorted.
type rows []row

type row struct {
	value []byte
	entry int
}

// of gives the rows of a parameter.
func (p *pendingDocs) of(param search.ParamID) rows {
	if r, ok := p.rows[param]; ok {
		return r
	}
	var r rows
	for _, i := range p.entries {
		list := p.found[i]
		at, _ := slices.BinarySearchFunc(list, param, func(e search.Entry, p search.ParamID) int { return int(e.Param) - int(p) })
		for ; at < len(list) && list[at].Param == param; at++ {
			r = append(r, row{list[at].Value, i})
		}
	}
	slices.SortStableFunc(r, func(a, b row) int { return bytes.Compare(a.value, b.value) })
	p.rows[param] = r
	return r
}

// candidates calls f with the entries that q may find until it says no: those in the ranges of its narrowest condition,
// else all.
func (p *pendingDocs) candidates(q search.Query, f func(i int) bool) {
	terms, some := narrowest(q)
	if !some {
		for _, i := range p.entries {
			if !f(i) {
				return
			}
		}
		return
	}
	for _, t := range terms.Any {
		r := p.of(t.Param)
		at, _ := slices.BinarySearchFunc(r, t.Low, func(r row, low []byte) int { return bytes.Compare(r.value, low) })
		for ; at < len(r); at++ {
			v := r[at].value
			if t.Exact && !bytes.Equal(v, t.Low) || t.High != nil && bytes.Compare(v, t.High) >= 0 {
				break
			}
			if !f(r[at].entry) {
				return
			}
		}
	}
}

// narrowest gives the condition to look up by: one of exact values if there is any.
func narrowest(q search.Query) (best search.Terms, some bool) {
	for _, c := range q.Where {
		t, ok := c.(search.Terms)
		if !ok || undecided(c) {
			continue
		}
		if !slices.ContainsFunc(t.Any, func(t search.Term) bool { return !t.Exact }) {
			return t, true
		}
		if !some {
			best, some = t, true
		}
	}
	return best, some
}

// comparisons bounds what the criteria of one transaction may cost beyond the store's own searches.
const comparisons = 20_000_000

// docs gives the documents of type t: those of creates and updates as they came, those of patches as this decision makes
// them. References by fullUrl or by criteria in them have no final text yet; see recheck.
func (tx *transaction) docs(ctx context.Context, t fhir.Type) (*pendingDocs, error) {
	if p := tx.pending[t]; p != nil {
		return p, nil
	}
	p := &pendingDocs{found: map[int][]search.Entry{}, rows: map[search.ParamID]rows{}}
	var todo []int
	for i, e := range tx.entries {
		switch {
		case e.key.Type != t || e.verb != Post && e.verb != Put && e.verb != Patch:
		case e.verb == Patch && (tx.changes[i] == nil || tx.changes[i].method == 0):
		default:
			p.entries = append(p.entries, i)
			if _, known := tx.indexed[i]; !known || e.verb == Patch {
				todo = append(todo, i)
			}
		}
	}
	d, err := tx.s.definitions(ctx)
	if err != nil {
		return nil, err
	}
	lists := make([][]search.Entry, len(todo))
	faults := make([]error, len(todo))
	if err := tx.each(ctx, len(todo), func(n int) {
		v := tx.entries[todo[n]].resource
		if tx.entries[todo[n]].verb == Patch {
			v = tx.changes[todo[n]].value
		}
		faults[n] = guarded(func() error {
			lists[n], _ = d.index.Resource(v, 1) // its faults are told when it is prepared
			return nil
		})
	}); err != nil {
		return nil, err
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	for n, i := range todo {
		tx.indexed[i] = lists[n]
	}
	for _, i := range p.entries {
		p.found[i] = tx.indexed[i]
	}
	tx.pending[t] = p
	return p, nil
}

// meeting gives at most two entries among those that sees accepts whose documents meet the criteria.
func (tx *transaction) meeting(ctx context.Context, cond *criteria, sees func(i int) bool) ([]int, error) {
	if slices.ContainsFunc(cond.query.Where, undecided) {
		return nil, tx.untouched(cond, sees)
	}
	p, err := tx.docs(ctx, cond.typ)
	if err != nil || len(p.entries) == 0 {
		return nil, err
	}
	found, err := tx.among(p, cond, sees)
	if err == nil && cond.refers() {
		tx.doubtful = append(tx.doubtful, doubt{cond, sees, found})
	}
	return found, err
}

// among looks the criteria up in p.
func (tx *transaction) among(p *pendingDocs, cond *criteria, sees func(i int) bool) (found []int, err error) {
	p.candidates(cond.query, func(i int) bool {
		if tx.compared++; tx.compared > comparisons {
			err = fhir.Errorf(fhir.TooCostly, "criteria-too-costly", "")
			return false
		}
		c := tx.changes[i]
		if c == nil || !sees(i) || slices.Contains(found, i) || !search.Matches(cond.query, c.key, p.found[i], nil) {
			return true
		}
		found = append(found, i)
		return len(found) < 2
	})
	return found, err
}

// untouched refuses criteria that only a commit can decide, such as chains, when this very transaction writes what they ask
// about.
func (tx *transaction) untouched(cond *criteria, sees func(i int) bool) error {
	asks := map[fhir.Type]bool{}
	asked(cond.query.Where, asks)
	for i, e := range tx.entries {
		if e.writes() && (asks[e.key.Type] || e.key.Type == cond.typ && (e.verb == Delete || sees(i))) {
			return fhir.Errorf(fhir.Unprocessable, "criteria-undecided", cond.path, cond.conditions())
		}
	}
	return nil
}

// doubt is an answer that was given before references had their final text.
type doubt struct {
	cond  *criteria
	sees  func(i int) bool
	found []int
}

// recheck asks the criteria that look at references once more, now that the documents are as they will be stored. Where the
// answer differs nobody can tell which one the sender meant.
func (tx *transaction) recheck(context.Context) error {
	if len(tx.doubtful) == 0 {
		return nil
	}
	final := map[fhir.Type]*pendingDocs{}
	for i, c := range tx.changes {
		if c == nil || c.isDelete() {
			continue
		}
		p := final[c.key.Type]
		if p == nil {
			p = &pendingDocs{found: map[int][]search.Entry{}, rows: map[search.ParamID]rows{}}
			final[c.key.Type] = p
		}
		p.entries = append(p.entries, i)
		p.found[i] = c.put.Entries
	}
	for _, d := range tx.doubtful {
		p := final[d.cond.typ]
		if p == nil {
			continue
		}
		found, err := tx.among(p, d.cond, d.sees)
		if err != nil {
			return err
		}
		if !slices.Equal(found, d.found) {
			return fhir.Errorf(fhir.Unprocessable, "criteria-undecided", d.cond.path, d.cond.conditions())
		}
	}
	return nil
}

// stored gives the one match in the state before the transaction and demands that it stays so until the commit.
func (tx *transaction) stored(ctx context.Context, cond *criteria) (*store.Match, error) {
	if m, ok := tx.matches[cond.text]; ok {
		return m.only, m.err
	}
	found, err := tx.s.atMostTwo(ctx, cond, tx.at)
	var m match
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		tx.require = append(tx.require, store.NoMatch{Query: cond.query})
	case len(found) > 1:
		m.err = fhir.Errorf(fhir.Precondition, codeCriteriaMany, "", string(cond.typ))
	default:
		m.only = &found[0]
		tx.require = append(tx.require, store.OneMatch{Query: cond.query, Key: found[0].Key})
	}
	tx.matches[cond.text] = m
	return m.only, m.err
}

// match is the store's answer to criteria.
type match struct {
	only *store.Match
	err  error
}

// matching gives what the criteria find for an entry that sees the given ones: an entry of the bundle (else -1), or a
// resource of the store (else nil). More than one is "criteria-many".
func (tx *transaction) matching(ctx context.Context, cond *criteria, sees func(i int) bool) (entry int, m *store.Match, err error) {
	if m, err = tx.stored(ctx, cond); err != nil {
		return -1, nil, err
	}
	if m != nil {
		if by, written := tx.writer[m.Key]; tx.deleted[m.Key] || written && sees(by) {
			m = nil // the entry's own document answers
		}
	}
	found, err := tx.meeting(ctx, cond, sees)
	switch {
	case err != nil:
		return -1, nil, err
	case len(found) > 1, len(found) == 1 && m != nil:
		return -1, nil, fhir.Errorf(fhir.Precondition, codeCriteriaMany, "", string(cond.typ))
	case len(found) == 1:
		return found[0], nil, nil
	}
	return -1, m, nil
}
