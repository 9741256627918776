package engine

import (
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// collected is what a run has made of a condition, or with which budget it could not be made.
type collected struct {
	set    numbers // nil: it took more than
	budget int     // so many rows
	n      int
}

// collecting names a condition by where it lies, and the type of which it is asked. Conditions are not changed while anybody asks them, and
// those of a fence come again and again, such as what holds for one entry of a person and for each that names it.
type collecting struct {
	typ     typeCode
	param   search.ParamID // of a Has or a Chain
	source  fhir.Type      // of a Has
	first   *search.Condition
	targets *search.Query // the first, of a Chain
	many    int
}

// collectingOf gives the name of a condition; false where looking for it again costs little, or where more than this decides.
func collectingOf(c search.Condition, typ typeCode) (of collecting, ok bool) {
	of.typ = typ
	switch c := c.(type) {
	case search.Either:
		if of.many = len(c.Of); of.many > 0 {
			of.first = &c.Of[0]
		}
	case search.Has:
		if of.many = len(c.Source.Where); of.many > 0 && c.Source.Inside == search.OnTheirOwn && c.Source.Besides == nil {
			of.param, of.source, of.first = c.Param, c.Source.Type, &c.Source.Where[0]
		}
	case search.Chain:
		if of.many = len(c.Targets); of.many > 0 && c.Within == nil {
			of.param, of.targets = c.Param, &c.Targets[0]
		}
	}
	return of, of.first != nil || of.targets != nil
}

// again gives the set to be read from its start; what is not kept as one says false.
func (c collected) again() (set numbers, ok bool) {
	switch set := c.set.(type) {
	case *list:
		from := *set
		return &from, true
	case bitmap:
		return set, true
	}
	return nil, false
}

// collectedMost bounds what a run keeps of what it collected.
const collectedMost = 64

// collect gives the resources that hold a condition as a set, and how many there are at most; nil if that would take
// more than budget rows (budget < 0 = whatever it takes). What was collected before is not collected again.
func (r *run) collect(c search.Condition, typ typeCode, name fhir.Type, budget int) (numbers, int) {
	of, named := collectingOf(c, typ)
	if !named {
		return r.collectAnew(c, typ, name, budget)
	}
	known, was := r.collected[of]
	if set, ok := known.again(); ok {
		return set, known.n
	}
	if was && known.set == nil && budget >= 0 && budget <= known.budget {
		return nil, 0
	}
	set, n := r.collectAnew(c, typ, name, budget)
	if r.err == nil && (was || len(r.collected) < collectedMost) {
		if r.collected == nil {
			r.collected = map[collecting]collected{}
		}
		made := collected{set: set, budget: budget, n: n}
		r.collected[of] = made
		if again, ok := made.again(); ok {
			return again, n
		}
	}
	return set, n
}

func (r *run) collectAnew(c search.Condition, typ typeCode, name fhir.Type, budget int) (numbers, int) {
	var found collector
	n := 0
	add := func(m number) { n++; found.add(m) }
	within := true
	switch c := c.(type) {
	case search.IDs:
		return r.byID(typ, c), len(c.ID)
	case search.Terms:
		for _, t := range c.Any {
			left := r.scan(t, typ, budget, add)
			if left < 0 {
				return nil, 0
			}
			if budget >= 0 {
				budget = left
			}
		}
	case search.Chain:
		within = r.follow(c, typ, budget, add)
	case search.Has:
		within = r.referred(c, typ, name, budget, add)
	case search.Derived:
		within = r.gather(search.Query{Type: name, Where: []search.Condition{c}}, budget, add)
	case search.All:
		within = r.gather(search.Query{Type: name, Where: c.Of}, budget, add)
	case search.Not:
		within = r.gather(search.Query{Type: name, Where: []search.Condition{c}}, budget, add)
	case search.Either:
		end := r.work + budget
		for _, one := range c.Of {
			left := -1
			if budget >= 0 {
				left = max(end-r.work, 0)
			}
			if within = r.gather(search.Query{Type: name, Where: []search.Condition{one}}, left, add); !within {
				break
			}
		}
	default:
		r.fail(errCondition(c))
	}
	if !within {
		return nil, 0
	}
	return found.set(), n
}

// inner plans a query within another one; with a budget (>= 0) its stream gives up when that is spent, each match taken
// to cost so many rows.
func (r *run) inner(q search.Query, budget, cost int) *stream {
	limit, stop := 0, 0
	if budget >= 0 {
		limit, stop = max(1, budget/cost), r.work+budget+1
	}
	s := r.plan(q, limit, 0)
	s.stop = stop
	return s
}

// gather hands all matches of q to add; false if the budget ran out.
func (r *run) gather(q search.Query, budget int, add func(number)) bool {
	s := r.inner(q, budget, 1)
	for n, ok := s.next(); ok; n, ok = s.next() {
		add(n)
	}
	return !s.gaveUp
}

// follow hands the resources of typ whose reference leads to a match of c's targets to add; false if budget ran out.
func (r *run) follow(c search.Chain, typ typeCode, budget int, add func(number)) bool {
	limited := budget >= 0
	prefix := appendParamKey(nil, c.Param, typ)
	it := r.iter(prefix, after(prefix))
	if it == nil {
		return true
	}
	inner := r.newVersions()
	for _, q := range c.Targets {
		matches := r.inner(q, budget, innerCost)
		for n, ok := matches.next(); ok; n, ok = matches.next() {
			if budget -= innerCost; limited && budget < 0 {
				return false
			}
			v, _, found := inner.at(n)
			if !found {
				continue
			}
			key := appendEscaped(prefix[:paramKeyLen:paramKeyLen], search.ReferenceValue(r.keyOf(&v)))
			for ok := it.SeekGE(key); ok && hasPrefix(it.Key(), key) && r.tick(); ok = it.Next() {
				if budget--; limited && budget < 0 {
					return false
				}
				if openAt(r.value(it), r.t) {
					add(lastNumber(it.Key()))
				}
			}
			r.done(it)
		}
		if matches.gaveUp {
			return false
		}
	}
	for _, q := range c.Within {
		left, within := r.followWithin(c, q, typ, budget, add)
		if !within {
			return false
		}
		if limited {
			budget = left
		}
	}
	return true
}

// referred hands the resources of typ that a match of c's source points at to add; false if budget ran out.
func (r *run) referred(c search.Has, typ typeCode, name fhir.Type, budget int, add func(number)) bool {
	limited := budget >= 0
	source := r.types.code[c.Source.Type]
	byTarget := int(r.total(name)) * innerCost / 2
	if len(conjuncts(nil, c.Source.Where)) == 0 && source != 0 {
		if limited && byTarget > budget {
			return false
		}
		r.sourcesOf(c, source, typ, name, nil, add)
		return true
	}
	matches := r.inner(c.Source, budget, 2)
	var found collector
	n := 0
	for m, ok := matches.next(); ok; m, ok = matches.next() {
		if budget--; limited && budget < 0 {
			return false
		}
		n++
		found.add(m)
	}
	if matches.gaveUp {
		return false
	}
	if n == 0 {
		return true
	}
	// Either each match is asked where it points, or each resource that is pointed at whether a match does.
	byMatch := n * innerCost
	if limited && min(byMatch, byTarget) > budget {
		return false
	}
	if byMatch <= max(byTarget, tune.nearby*innerCost) {
		r.targetsOf(c, typ, name, found.set(), add)
	} else {
		found.toBits()
		r.sourcesOf(c, source, typ, name, found.bits, add)
	}
	return true
}

// targetsOf asks each match for its references.
func (r *run) targetsOf(c search.Has, typ typeCode, name fhir.Type, matches numbers, add func(number)) {
	rows := r.newVersions()
	var states *versions
	known := map[string]struct{}{}
	for n, ok := matches.seek(0); ok && r.tick(); n, ok = matches.seek(n + 1) {
		v, _, found := rows.at(n)
		if !found {
			continue
		}
		v.values(c.Param, func(value []byte) bool {
			if _, twice := known[string(value)]; twice {
				return true
			}
			key, local := search.ReferenceKey(value)
			if !local || key.Type != name {
				return true
			}
			if len(known) < knownMax {
				known[string(value)] = struct{}{}
			}
			if m, alive := r.numberOf(typ, key.ID, &states); alive {
				add(m)
			}
			return r.err == nil
		})
	}
}

// sourcesOf asks for each value of the reference parameter whether a match has it; matches nil: anything has.
func (r *run) sourcesOf(c search.Has, source, typ typeCode, name fhir.Type, matches bitmap, add func(number)) {
	prefix := appendEscaped(appendParamKey(nil, c.Param, source), search.ReferenceValue(fhir.Key{Type: name}))
	prefix = prefix[:len(prefix)-2] // the end of the value: an id follows
	it := r.iter(prefix, after(prefix))
	if it == nil {
		return
	}
	var states *versions
	var value, key []byte
	for ok := it.First(); ok && r.tick(); {
		row := it.Key()
		n, end := lastNumber(row), len(row)-numberLen
		if (matches == nil || matches.has(n)) && openAt(r.value(it), r.t) {
			value, _ = unescape(value[:0], row[paramKeyLen:end])
			if to, local := search.ReferenceKey(value); local && to.Type == name {
				if m, alive := r.numberOf(typ, to.ID, &states); alive {
					add(m)
				}
			}
			ok = it.SeekGE(after(row[:end]))
			continue
		}
		next, more := n+1, true
		if matches != nil {
			next, more = matches.seek(n + 1)
		}
		switch {
		case !more:
			ok = it.SeekGE(after(row[:end]))
		case next-n <= number(tune.nearby):
			ok = it.Next()
		default:
			key = appendNumber(append(key[:0], row[:end]...), next)
			ok = it.SeekGE(key)
		}
	}
	r.done(it)
}
