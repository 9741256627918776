package storetest

import (
	"bytes"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// term gives an exact value, a range, or a range of which only some values count.
func (w *world) term() search.Term {
	p := worldParams[w.rng.IntN(len(worldParams))]
	t := search.Term{Param: p, Low: []byte(w.value(p))}
	switch w.rng.IntN(5) {
	case 0, 1:
		t.Exact = true
	case 2:
		t.High = []byte(w.value(p))
	case 3:
		t.Low = nil
		if w.rng.IntN(2) == 0 {
			t.High = []byte(w.value(p))
		}
	case 4:
		parity := byte(w.rng.IntN(2))
		t.Accept = func(v []byte) bool { return len(v) > 0 && v[len(v)-1]&1 == parity }
	}
	if w.rng.IntN(20) == 0 {
		t = search.Term{Param: search.ParamLastUpdated, Low: search.InstantValue(w.instant())}
	}
	return t
}

// instant gives that of some commit.
func (w *world) instant() fhir.Instant {
	for key := range w.m.lives {
		l := w.m.lives[key]
		return l[w.rng.IntN(len(l))].at
	}
	return 0
}

func (w *world) query(depth int) search.Query {
	q := search.Query{Type: worldTypes[w.rng.IntN(len(worldTypes))]}
	if w.rng.IntN(40) == 0 {
		q.Type = "Basic" // the store has none
	}
	for range w.rng.IntN(4) {
		q.Where = append(q.Where, w.condition(depth))
	}
	return q
}

// inside makes of some queries those for contained resources.
func (w *world) inside(q search.Query) search.Query {
	switch w.rng.IntN(8) {
	case 0:
		q.Inside = search.ContainedThemselves
	case 1:
		if q.Inside = search.ContainedIn; w.rng.IntN(2) == 0 {
			besides := search.Query{Type: q.Type, Where: w.query(2).Where}
			q.Besides = &besides
		}
	}
	return q
}

// condition gives one of any kind, nested up to depth.
func (w *world) condition(depth int) search.Condition {
	n := w.rng.IntN(16)
	if depth == 0 {
		n = w.rng.IntN(8)
	}
	switch {
	case n < 7:
		var c search.Terms
		for range 1 + w.rng.IntN(3) {
			c.Any = append(c.Any, w.term())
		}
		if w.rng.IntN(40) == 0 {
			c.Any = nil // an empty value set
		}
		return c
	case n < 8:
		var c search.IDs
		for range w.rng.IntN(12) {
			c.ID = append(c.ID, w.key().ID)
		}
		return c
	case n < 10:
		c := search.Chain{Param: pRef}
		for range 1 + w.rng.IntN(2) {
			c.Targets = append(c.Targets, w.query(depth-1))
		}
		switch w.rng.IntN(4) {
		case 0:
			c.Within = []search.Query{w.query(depth - 1)}
		case 1, 2:
			c.Within = c.Targets
		}
		return c
	case n < 12:
		return search.Has{Param: pRef, Source: w.query(depth - 1)}
	case n < 14:
		not := search.Not{Condition: w.condition(depth - 1)}
		switch same := (search.Not{Condition: not.Condition}); w.rng.IntN(4) {
		case 0:
			not.Among = same
		case 1:
			not.Among = search.Either{Of: []search.Condition{same, w.condition(0)}}
		case 2:
			not.Among = search.All{}
		}
		return not
	case n < 15:
		return search.All{Of: w.conditions(depth - 1)}
	}
	return search.Either{Of: w.conditions(depth - 1)}
}

func (w *world) conditions(depth int) (list []search.Condition) {
	for range w.rng.IntN(4) {
		list = append(list, w.condition(depth))
	}
	return list
}

func (w *world) sort() (keys []search.SortKey) {
	for range max(0, w.rng.IntN(5)-2) {
		k := search.SortKey{Param: worldParams[w.rng.IntN(len(worldParams))], Descending: w.rng.IntN(2) == 0}
		switch w.rng.IntN(6) {
		case 0:
			k = search.SortKey{ByID: true, Descending: k.Descending}
		case 1:
			k.Param = search.ParamLastUpdated
		}
		k.Marked = !k.ByID && w.rng.IntN(3) > 0
		keys = append(keys, k)
	}
	return keys
}

// marked adds the entries that SortKey.Marked promises.
func marked(entries []search.Entry) []search.Entry {
	for i, e := range entries {
		other := func(o search.Entry) bool { return o.Param == e.Param && !bytes.Equal(o.Value, e.Value) }
		if slices.ContainsFunc(entries[:i], other) {
			entries = append(entries, search.Entry{Param: e.Param | search.ParamAside, Value: search.SeveralValue})
		}
	}
	return entries
}
