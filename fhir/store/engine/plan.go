package engine

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// stream yields the resources that a query finds, in ascending order: those that all sources have, no list of without
// has and all checks take. The source with the fewest members drives, the others are sought through at each candidate.
//
// How a condition is decided:
//
//	exact values        a posting list each (OR: their union)                                        source
//	ranges of few       likewise, once the values that exist are known (a code in any system)        source
//	ids                 looked up one by one                                                         source
//	all, either         of such conditions: intersection, union                                      source
//	fence of few        of a page, alike ones judged once and remembered (alike.go)                  check
//	ranges of many      scanned into a set, if that ends within the budget                           source
//	                    else decided on each candidate's version row                                 check
//	chain               for a page, alone and leading to few: the lists of what refers to these, merged source
//	chain, has          inner query first, what its matches are linked to as a set, if within budget source
//	                    else decided on each candidate: where does its reference lead?               check
//	not                 the inner condition as above, its members are left out                       without
//	                    else decided on each candidate                                               check
//
// The budget is what checking the candidates is expected to cost. If that turns out wrong the checks are turned into
// sources on the way, so that no plan is worse than a fixed multiple of the other. A query without any source takes all
// resources of the type as candidates.
type stream struct {
	r        *run
	typ      typeCode
	name     fhir.Type
	sources  []numbers
	without  []numbers
	checks   []check
	checked  []search.Condition // the conditions of checks
	from     number             // the next candidate is at least this
	on       number             // seek's last answer, not yet passed; 0 = none
	most     int                // how many candidates there are at most; -1 = not known
	patience int                // checks left before they are turned into sources
	stop     int                // the run's work beyond which next gives up; 0 = none
	gaveUp   bool
	led      bool   // its chains were tried as sources, and each leads to many
	trace    *trace // nil: nobody asked
}

// Costs in rows of a scan (some 0.2 µs each), as measured: looking at a candidate's version row, following one inner
// match of a chain to its postings.
const (
	candidateCost = 20
	innerCost     = 40
	dearCheck     = 50 * candidateCost // of what may have to look at very much
)

// checkCost is what it costs to decide a condition on a candidate, its row included.
func checkCost(c search.Condition) int {
	most := candidateCost
	switch c := c.(type) {
	case search.Chain:
		return 2 * candidateCost
	case search.Has: // each of what refers to it is looked at
		if len(c.Source.Where) == 0 {
			return 2 * candidateCost
		}
		return dearCheck
	case visible:
		return 4 * candidateCost
	case search.Derived: // which may ask for anything
		return dearCheck
	case search.Not:
		return checkCost(c.Condition)
	case search.All: // most candidates fail the first part, and the others are not asked
		for i, one := range c.Of {
			cost := checkCost(one)
			if i > 0 {
				cost /= 8
			}
			most = max(most, cost)
		}
	case search.Either:
		for _, one := range c.Of {
			most = max(most, checkCost(one))
		}
	}
	return most
}

// plan makes the stream of q from number from on. limit is how many matches are wanted, 0 = all.
func (r *run) plan(q search.Query, limit int, from number) *stream {
	s := &stream{r: r, typ: r.types.code[q.Type], name: q.Type, from: from, most: -1, patience: math.MaxInt, trace: r.trace}
	r.trace = nil // of the outermost plan alone
	if s.typ == 0 {
		s.sources, s.most = []numbers{&list{}}, 0
		s.trace.note(nil, store.AccessNever, 0)
		return s
	}
	others, fence, fenced := apart(q.Where)
	costly, rare := s.draw(others)
	s.arrange()
	if fenced && len(s.sources) == 0 && limit > 0 {
		costly = s.lead(costly, limit)
	}
	if fenced && !s.judges(fence, limit) {
		more, rarer := s.draw(fence.of)
		costly, rare = append(costly, more...), append(rare, rarer...)
		s.arrange()
	}
	if len(s.sources) == 0 {
		s.among(rare)
		s.arrange()
	}
	if len(costly) > 0 {
		s.decide(costly, limit)
	}
	if len(s.sources) == 0 {
		all := r.posting(search.ParamExists, s.typ, nil)
		s.sources = append(s.sources, s.trace.wrap(r, nil, store.AccessAll, all, s.trace.begin(r)))
		s.most = -1
	}
	s.trace.drive(s.sources)
	return s
}

// draw adds what is read from posting lists to the sources and to without. It gives the other conditions, and of all those negations
// that may hold for few.
func (s *stream) draw(where []search.Condition) (costly []search.Condition, rare []search.Not) {
	r := s.r
	for _, c := range conjuncts(nil, where) {
		work := s.trace.begin(r)
		if not, ok := c.(search.Not); ok {
			if set := r.cheap(not.Condition, s.typ, s.name); set == nil && not.Among != nil {
				rare = append(rare, not)
			} else if set != nil {
				if most := int(r.total(s.name)); not.Among != nil && r.estimate(set) > most-most/4 {
					rare = append(rare, not)
				}
				s.without = append(s.without, s.trace.wrap(r, c, store.AccessWithout, set, work))
				continue
			}
		} else if set := r.cheap(c, s.typ, s.name); set != nil {
			s.sources = append(s.sources, s.trace.wrap(r, c, store.AccessLeapfrog, set, work))
			continue
		}
		costly = append(costly, c)
	}
	return costly, rare
}

// lead makes a source of the first chain that leads to few, so that the fence is asked about what refers to these and is no list of its own.
// It gives the conditions that are left.
func (s *stream) lead(costly []search.Condition, limit int) []search.Condition {
	for i, c := range costly {
		chain, ok := c.(search.Chain)
		if !ok {
			continue
		}
		work := s.trace.begin(s.r)
		if s.leads(chain, s.pageBudget(limit, float64(s.r.total(s.name)), checkCost(c)), work) {
			return slices.Delete(slices.Clone(costly), i, i+1)
		}
	}
	s.led = true
	return costly
}

// leads makes the first source of a chain that leads to few; it says false if that leads to many, or costs more than budget.
func (s *stream) leads(c search.Chain, budget int, work mark) bool {
	set := s.r.references(c, s.typ, budget)
	if set != nil {
		s.sources = append(s.sources, s.trace.wrap(s.r, c, store.AccessLeapfrog, set, work))
	}
	return set != nil
}

// pageBudget is how many rows a scan may cost that saves a page the checks on candidates out of total: scanning R rows costs R, finding limit
// matches among all by checks costs limit·total/R·cost, and the scan is the better one below the R where both are equal.
func (s *stream) pageBudget(limit int, total float64, cost int) int {
	budget := int(math.Sqrt(float64(limit) * total * float64(cost)))
	least := tune.minBudget
	if len(s.sources) > 0 {
		least = min(least, tune.fewForPage)
	}
	return min(max(budget, least), 1<<20)
}

// judges has each candidate judged by the fence, if there are few; else it says false.
func (s *stream) judges(fence heldTo, limit int) bool {
	few := tune.checkAtOnce / fence.asks.cost
	if limit == 0 || len(s.sources) == 0 || s.r.estimate(s.sources[0]) > few {
		return false
	}
	if s.most = s.look(few); s.most < 0 {
		return false
	}
	s.checks, s.checked = append(s.checks, fence.check(s.r)), append(s.checked, fence)
	return true
}

// conjuncts appends conditions, with those within an All in its place and Not(Not(c)) as c.
func conjuncts(to, where []search.Condition) []search.Condition {
	for _, c := range where {
		switch c := c.(type) {
		case search.All:
			to = conjuncts(to, c.Of)
		case heldTo:
			to = conjuncts(to, c.of)
		case search.Not:
			switch inner := c.Condition.(type) {
			case search.Not:
				to = conjuncts(to, []search.Condition{inner.Condition})
			case search.Either: // none of them
				for _, one := range inner.Of {
					to = conjuncts(to, []search.Condition{search.Not{Condition: one}})
				}
			default:
				to = append(to, c)
			}
		default:
			to = append(to, c)
		}
	}
	return to
}

// among gives the stream, which has no source, a set of where one of its negations says to look for it (search.Not.Among), if
// that is a small part of the type: what lacks an element that most have, or has another value than nearly all.
func (s *stream) among(rare []search.Not) {
	budget := max(tune.minBudget, int(s.r.total(s.name))/8)
	for _, not := range rare {
		work := s.trace.begin(s.r)
		if set, n := s.r.collect(not.Among, s.typ, s.name, budget); set != nil {
			s.sources = append(s.sources, s.trace.wrap(s.r, not, store.AccessSet, set, work))
			budget = n
		}
	}
}

// arrange puts the source with the fewest members first.
func (s *stream) arrange() {
	if len(s.sources) < 2 {
		return
	}
	type weighed struct {
		numbers
		n int
	}
	w := make([]weighed, len(s.sources))
	for i, set := range s.sources {
		w[i] = weighed{set, s.r.estimate(set)}
	}
	slices.SortStableFunc(w, func(a, b weighed) int { return cmp.Compare(a.n, b.n) })
	for i := range w {
		s.sources[i] = w[i].numbers
	}
}

// decide turns each costly condition into a source, a list of without or a check.
func (s *stream) decide(costly []search.Condition, limit int) {
	// How many candidates do the cheap conditions leave?
	few := tune.fewForPage
	if limit == 0 {
		few = tune.fewForAll
	}
	total := float64(s.r.total(s.name))
	if len(s.sources) > 0 {
		total = min(total, float64(s.r.estimate(s.sources[0])))
		s.most = s.look(few)
	}
	// What is left out matters only once it is known from what.
	slices.SortStableFunc(costly, func(a, b search.Condition) int {
		_, na := a.(search.Not)
		_, nb := b.(search.Not)
		switch {
		case na == nb:
			return 0
		case nb:
			return -1
		}
		return 1
	})
	dearest := candidateCost
	for i, c := range costly {
		if onlyChecked(c) {
			s.checks, s.checked = append(s.checks, s.r.check(c)), append(s.checked, c)
			continue
		}
		budget, cost := -1, checkCost(c)
		if s.most >= 0 && limit > 0 && cost < dearCheck && s.most*cost <= tune.checkAtOnce && !onItself(c) {
			// To look at so few, which mostly refer to the same, costs less than to ask what a set could be made of: each list of it is
			// opened and sought through.
			s.checks, s.checked = append(s.checks, s.trace.check(s.r, c, s.r.check(c), s.trace.begin(s.r))), append(s.checked, c)
			continue
		}
		switch {
		case s.most >= 0 && limit > 0:
			// The rows of those that will be shown are looked at in any case.
			budget = 64 + s.most*cost/5
			if _, ok := c.(search.Terms); ok {
				// So few lie near each other, often in one record: to look at one costs no more than some rows of a range.
				budget = 64 + s.most
			}
		case s.most >= 0:
			budget = 64 + s.most*cost/2
		case limit > 0:
			budget = s.pageBudget(limit, total, cost)
		}
		work := s.trace.begin(s.r)
		if chain, ok := c.(search.Chain); ok && limit > 0 && len(s.sources) == 0 && !s.led && s.leads(chain, budget, work) {
			if i+1 < len(costly) {
				total, s.most = min(total, float64(s.r.estimate(s.sources[0]))), s.look(few)
			}
			continue
		}
		not, isNot := c.(search.Not)
		of := c
		if isNot {
			of = not.Condition
		}
		set, n := s.r.collect(of, s.typ, s.name, budget)
		switch {
		case set == nil:
			dearest = max(dearest, cost)
			s.checks = append(s.checks, s.trace.check(s.r, c, s.r.check(c), work))
			s.checked = append(s.checked, c)
		case isNot:
			s.without = append(s.without, s.trace.wrap(s.r, c, store.AccessWithout, set, work))
		default:
			s.sources = append(s.sources, s.trace.wrap(s.r, c, store.AccessSet, set, work))
			if s.most < 0 || n < s.most {
				s.most = n
				last := len(s.sources) - 1
				s.sources[0], s.sources[last] = s.sources[last], s.sources[0]
			}
		}
	}
	if len(s.checks) > 0 && s.most < 0 {
		s.patience = int(float64(tune.patience*candidateCost/dearest) * (1 + math.Sqrt(float64(limit)*total)/256))
	}
}

// look reads up to few candidates ahead; it gives their number if these are all, else -1. They come again.
func (s *stream) look(few int) int {
	from := s.from
	ahead := make(list, 0, min(few+1, 16))
	for len(ahead) <= few {
		n, ok := s.next()
		if !ok {
			s.sources, s.without, s.from = []numbers{&ahead}, nil, from
			return len(ahead)
		}
		ahead = append(ahead, n)
	}
	rest := &stream{r: s.r, sources: s.sources, without: s.without, from: s.from, patience: math.MaxInt}
	s.sources, s.without, s.from = []numbers{&sequel{ahead: ahead, rest: rest}}, nil, from
	return -1
}

// sequel is what was read ahead, and then the rest.
type sequel struct {
	ahead list
	rest  *stream
}

func (q *sequel) seek(n number) (number, bool) {
	if len(q.ahead) > 0 {
		if m, ok := q.ahead.seek(n); ok {
			return m, true
		}
	}
	return q.rest.seek(n)
}

// seek makes a stream a set among others.
func (s *stream) seek(n number) (number, bool) {
	if s.on >= n && s.on != 0 {
		return s.on, true
	}
	s.from = max(s.from, n)
	m, ok := s.next()
	s.on = m
	return m, ok
}

// next gives the next match; false at the end.
func (s *stream) next() (number, bool) {
	n := s.from
candidates:
	for s.r.tick() {
		if s.stop > 0 && s.r.work > s.stop {
			s.gaveUp = true
			break
		}
		for _, source := range s.sources {
			m, ok := source.seek(n)
			if !ok {
				break candidates
			}
			if m > n {
				n = m
				continue candidates
			}
		}
		s.from = n + 1
		for _, list := range s.without {
			if m, ok := list.seek(n); ok && m == n {
				n++
				continue candidates
			}
		}
		if s.passes(n) {
			return n, s.r.err == nil
		}
		n++
	}
	s.from = maxNumber
	return 0, false
}

// all gives the matches that are left.
func (s *stream) all() iter.Seq[number] {
	return func(yield func(number) bool) {
		for n, ok := s.next(); ok && yield(n); n, ok = s.next() {
		}
	}
}

// passes runs the checks on a candidate.
func (s *stream) passes(n number) bool {
	if len(s.checks) == 0 {
		return true
	}
	candidates := s.r.versions()
	if _, _, found := candidates.at(n); !found {
		return false
	}
	for _, c := range s.checks {
		if !c.holds(&candidates.row) {
			if s.patience--; s.patience <= 0 {
				s.escalate()
			}
			return false
		}
	}
	return true
}

// escalate turns the checks into sets: too many candidates failed them.
func (s *stream) escalate() {
	s.patience = math.MaxInt
	var checks []check
	var checked []search.Condition
	for i, c := range s.checked {
		if onlyChecked(c) {
			checks, checked = append(checks, s.checks[i]), append(checked, c)
			continue
		}
		work := s.trace.begin(s.r)
		if not, ok := c.(search.Not); ok {
			set, _ := s.r.collect(not.Condition, s.typ, s.name, -1)
			s.without = append(s.without, s.trace.wrap(s.r, c, store.AccessWithout, set, work))
			continue
		}
		set, _ := s.r.collect(c, s.typ, s.name, -1)
		s.sources = append(s.sources, s.trace.wrap(s.r, c, store.AccessSet, set, work))
	}
	s.checks, s.checked = checks, checked
}
