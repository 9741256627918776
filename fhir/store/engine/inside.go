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
			o.Tally.N = r.count(q, o.Tally.Most)
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
