package engine

import (
	"math"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// cheap gives a condition as a set that is read from posting lists as far as it is sought, without collecting anything;
// nil if there is no such way.
func (r *run) cheap(c search.Condition, typ typeCode, name fhir.Type) numbers {
	switch c := c.(type) {
	case search.IDs:
		return r.byID(typ, c)
	case search.Terms:
		return r.postings(c, typ)
	case search.All:
		return r.intersection(c, typ, name)
	case search.Either:
		if len(c.Of) > tune.unionMax {
			return nil
		}
		u := make(union, 0, len(c.Of))
		for _, one := range c.Of {
			set := r.cheap(one, typ, name)
			if set == nil {
				return nil
			}
			u = append(u, set)
		}
		return u
	}
	return nil
}

// intersection gives an All whose parts are cheap, at least one of them no Not.
func (r *run) intersection(c search.All, typ typeCode, name fhir.Type) numbers {
	s := &stream{r: r, typ: typ, name: name, most: -1, patience: math.MaxInt}
	for _, one := range conjuncts(nil, c.Of) {
		list := &s.sources
		if not, ok := one.(search.Not); ok {
			one, list = not.Condition, &s.without
		}
		set := r.cheap(one, typ, name)
		if set == nil {
			return nil
		}
		*list = append(*list, set)
	}
	if len(s.sources) == 0 {
		return nil
	}
	s.arrange()
	return s
}

// postings gives a condition as the union of the postings of its values; nil if these are many.
func (r *run) postings(c search.Terms, typ typeCode) numbers {
	if len(c.Any) > tune.unionMax {
		return nil
	}
	u := make(union, 0, len(c.Any))
	for i := range c.Any {
		t := &c.Any[i]
		if t.Exact {
			if t.Accept == nil || t.Accept(t.Low) {
				u = append(u, r.posting(t.Param, typ, t.Low))
			}
			continue
		}
		values := r.valuesWithin(t, typ, tune.unionMax-len(u))
		if values == nil {
			return nil
		}
		for _, v := range values {
			u = append(u, r.posting(t.Param, typ, v))
		}
	}
	if len(u) == 1 {
		return u[0]
	}
	return u
}

// valuesWithin gives the values that have ever been within a range, up to limit; nil if there are more.
func (r *run) valuesWithin(t *search.Term, typ typeCode, limit int) [][]byte {
	low, high := bounds(t, typ)
	values := [][]byte{}
	it := r.iter(low, high)
	if it == nil {
		return values
	}
	looked := 0
	for ok := it.First(); ok && r.tick(); {
		if looked++; looked > 2*limit || len(values) >= limit {
			return nil
		}
		key := it.Key()
		value, rest := unescape(nil, key[paramKeyLen:])
		if t.Accept == nil || t.Accept(value) {
			values = append(values, value)
		}
		ok = it.SeekGE(after(key[:len(key)-len(rest)]))
	}
	r.done(it)
	return values
}

// byID looks the ids up.
func (r *run) byID(typ typeCode, c search.IDs) numbers {
	var found collector
	var v *versions
	for _, id := range c.ID {
		if n, ok := r.numberOf(typ, id, &v); ok {
			found.add(n)
		}
		if !r.tick() {
			break
		}
	}
	return found.set()
}

// numberOf gives the number of a resource that exists as of the run's t. v is made when it is needed.
func (r *run) numberOf(typ typeCode, id fhir.ID, v **versions) (number, bool) {
	s := r.state(typ, id)
	if s.number == 0 || s.t <= r.t {
		return s.number, s.alive()
	}
	if *v == nil {
		*v = r.newVersions()
	}
	row, _, was := (*v).at(s.number)
	return s.number, was && row.alive()
}
