package engine

import (
	"bytes"
	"iter"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Searches for contained resources: those of contained.go, by the plans of all others.

// inside gives q with the type under which its contained resources have their rows.
func inside(q search.Query) search.Query {
	if q.Inside != search.OnTheirOwn && !isWithin(q.Type) {
		q.Type = within(q.Type)
	}
	return q
}

// queryWithin gives a query of search.Chain.Within as it is asked of the rows of contained resources.
func queryWithin(q search.Query) search.Query {
	q.Type = within(q.Type)
	return q
}

// besides gives what the document of v contains; v may be one of these. around is for the document then.
func (r *run) besides(v *versionRow, around *versions) []number {
	packed := v.links
	if r.types.contained(v.typ) {
		_, row, _, ok := around.around(v)
		if !ok {
			return nil
		}
		packed = row.links
	}
	links, err := unpackNumbers(packed)
	r.fail(err)
	return links
}

// followWithin hands the resources of typ whose reference leads to a match of q in the same document to add; it gives what is
// left of the budget, and false if that ran out. The version rows say all: a document contains few.
func (r *run) followWithin(c search.Chain, q search.Query, typ typeCode, budget int, add func(number)) (left int, within bool) {
	limited := budget >= 0
	matches := r.inner(queryWithin(q), budget, innerCost)
	var rows, docs *versions
	for n, ok := matches.next(); ok; n, ok = matches.next() {
		if rows == nil {
			rows, docs = r.newVersions(), r.newVersions()
		}
		if budget -= innerCost; limited && budget < 0 {
			return 0, false
		}
		v, _, found := rows.at(n)
		if !found {
			continue
		}
		m, doc, _, ok := docs.around(&v)
		if !ok {
			continue
		}
		links, err := unpackNumbers(doc.links)
		if r.fail(err); err != nil {
			break
		}
		place := slices.Index(links, n)
		if doc.typ == typ && doc.pointsWithin(c.Param, place) {
			add(m)
		}
		if !r.types.contained(typ) {
			continue
		}
		for _, other := range links {
			if budget--; limited && budget < 0 {
				return 0, false
			}
			if row, _, there := rows.at(other); r.tick() && there && row.typ == typ && row.pointsWithin(c.Param, place) {
				add(other)
			}
		}
	}
	return max(budget, 0), !matches.gaveUp
}

// pointsWithin says whether v refers by a parameter to the contained resource at a place of its document.
func (v *versionRow) pointsWithin(p search.ParamID, place int) (yes bool) {
	v.values(p|search.ParamDetail, func(value []byte) bool {
		at, ok := search.PlaceWithin(value)
		yes = ok && at == place
		return !yes
	})
	return yes
}

// around gives the resource that a contained one is in, and its version as of the run's t. v is the row of the contained one as of
// the same t.
func (c *versions) around(v *versionRow) (n number, row versionRow, version fhir.Version, ok bool) {
	links, err := unpackNumbers(v.links)
	if err == nil && len(links) != 1 {
		err = damaged("a contained resource with %d links", len(links))
	}
	if err != nil {
		c.r.fail(err)
		return 0, row, 0, false
	}
	row, version, ok = c.at(links[0])
	return links[0], row, version, ok && row.alive()
}

// outer gives the cursor for the resources around contained ones.
func (r *run) outer() *versions {
	if r.outside == nil {
		r.outside = r.newVersions()
	}
	return r.outside
}

// matchWithin is matchOf for a contained resource: the match is the one around it.
func (r *run) matchWithin(n number, v *versionRow, version fhir.Version, order []byte) store.Match {
	_, row, _, ok := r.outer().around(v)
	if !ok {
		r.fail(damaged("nothing is around contained resource %d", n))
		return store.Match{}
	}
	m := r.matchOf(n, &row, version, order)
	links, err := unpackNumbers(row.links)
	r.fail(err)
	m.Contained = 1 + slices.Index(links, n)
	return m
}

// findsAround says whether the fence lets the resource around v be found.
func (g *guard) findsAround(v *versionRow) bool {
	if g.containers == nil {
		g.containers = g.owner.newVersions()
	}
	_, row, _, ok := g.containers.around(v)
	if !ok {
		return false
	}
	key := g.owner.keyOf(&row)
	c := granted(g.fence, key.Type)
	return len(c) == 0 && g.owner.err == nil || len(c) > 0 && g.sees(search.All{Of: c}, key, &row)
}

// containers yields the resources around the matches of a ContainedIn.
func (r *run) containers(q search.Query, o store.SearchOptions) iter.Seq[store.Match] {
	each := q
	each.Inside, each.Besides = search.ContainedThemselves, nil
	return func(yield func(store.Match) bool) {
		n, stopped := 0, false
		f := r.firsts(q)
		for m := range r.search(each, store.SearchOptions{After: o.After}) {
			if !f.first(m) {
				continue
			}
			m.Contained = 0
			if n++; !yield(m) {
				stopped = true
				break
			}
			if o.Limit > 0 && n == o.Limit {
				break
			}
		}
		if o.Tally != nil && !stopped && r.err == nil {
			if o.Tally.N = -1; !o.Tally.Free {
				o.Tally.N = r.count(q, o.Tally.Most)
			}
		}
	}
}

// countContainers counts up to most of them, 0 = all.
func (r *run) countContainers(q search.Query, most int) int {
	seen := map[number]struct{}{}
	f := r.firsts(q)
	s := r.plan(q, 0, 0)
	for n, ok := s.next(); ok && (most == 0 || len(seen) < most); n, ok = s.next() {
		v, _, found := r.versions().at(n)
		if !found {
			continue
		}
		if m, row, _, ok := r.outer().around(&v); ok && !f.besides(&row) {
			seen[m] = struct{}{}
		}
	}
	return len(seen)
}

// firsts tells the first of several matches that one resource contains.
type firsts struct {
	r      *run
	q      search.Query
	checks allCheck
	inner  *versions
	except check // of typ; nil: nothing is left out
	typ    typeCode
}

func (r *run) firsts(q search.Query) *firsts {
	f := &firsts{r: r, q: q, checks: r.checks(q.Where), inner: r.newVersions()}
	if q.Besides != nil {
		f.typ = r.types.code[q.Besides.Type]
		f.except = allCheck(r.checks(q.Besides.Where))
	}
	return f
}

// besides says whether a resource is one of those to be left out.
func (f *firsts) besides(row *versionRow) bool {
	return f.except != nil && row.typ == f.typ && f.except.holds(row)
}

// first says whether no other match in the same resource has its place before m, and the resource is not left out.
func (f *firsts) first(m store.Match) bool {
	v, _, found := f.inner.at(number(m.Number))
	if !found {
		return false
	}
	_, row, _, ok := f.r.outer().around(&v)
	if !ok || f.besides(&row) {
		return false
	}
	links, err := unpackNumbers(row.links)
	f.r.fail(err)
	w := walk{keys: f.q.Sort, down: len(f.q.Sort) > 0 && f.q.Sort[0].Descending}
	for _, n := range links {
		if n == number(m.Number) {
			continue
		}
		other, _, found := f.inner.at(n)
		if !f.r.tick() || !found || !other.alive() || other.typ != v.typ {
			continue
		}
		if bytes.Compare(w.order(&other, n), m.Order) < 0 && f.checks.holds(&other) {
			return false
		}
	}
	return f.r.err == nil
}
