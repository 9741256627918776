package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

var (
	_ store.Explainer = (*Engine)(nil)
	_ store.Counter   = (*Engine)(nil)
)

// trace takes note of what a plan does. All its methods do nothing on nil.
type trace struct {
	typ   fhir.Type
	steps []*step
	order string
}

type step struct {
	store.Step
	condition search.Condition // nil: none, all of the type
}

// mark is a moment of a run.
type mark struct {
	work int
	at   time.Time
}

func (t *trace) begin(r *run) mark {
	if t == nil {
		return mark{}
	}
	return mark{r.work, time.Now()}
}

func (s *step) since(r *run, m mark) {
	s.Read += r.work - m.work
	s.Took += time.Since(m.at)
}

// note adds a step, or changes that of a condition which is decided in another way now.
func (t *trace) note(c search.Condition, a store.Access, estimate int) *step {
	if t == nil {
		return nil
	}
	text := describe(c)
	if c != nil {
		for _, s := range t.steps {
			if s.Access == store.AccessCheck && s.Condition == text {
				s.Access = a
				return s
			}
		}
	}
	s := &step{Step: store.Step{Condition: text, Access: a, Estimate: estimate}, condition: c}
	t.steps = append(t.steps, s)
	return s
}

// wrap gives set with each look at it noted.
func (t *trace) wrap(r *run, c search.Condition, a store.Access, set numbers, from mark) numbers {
	if t == nil {
		return set
	}
	s := t.note(c, a, -1)
	n := r.estimate(set)
	if s.Estimate = n; a == store.AccessWithout {
		s.Estimate = max(0, int(r.total(t.typ))-n)
	}
	s.since(r, from)
	return &traced{numbers: set, r: r, step: s, trace: t, estimate: n}
}

// check gives c with each look at a candidate noted.
func (t *trace) check(r *run, c search.Condition, by check, from mark) check {
	if t == nil {
		return by
	}
	s := t.note(c, store.AccessCheck, -1)
	s.since(r, from)
	return &tracedCheck{check: by, r: r, step: s, trace: t}
}

// drive says which of the sources gives the candidates.
func (t *trace) drive(sources []numbers) {
	if t == nil {
		return
	}
	for _, s := range t.steps {
		if s.Access == store.AccessDriver {
			return
		}
	}
	least := (*step)(nil)
	for _, s := range t.steps {
		if s.Access == store.AccessLeapfrog && (least == nil || s.Estimate < least.Estimate) {
			least = s
		}
	}
	if least != nil {
		least.Access = store.AccessDriver
	}
}

func (t *trace) orderedBy(format string, args ...any) {
	if t != nil {
		t.order = fmt.Sprintf(format, args...)
	}
}

type traced struct {
	numbers
	r     *run
	step  *step
	trace *trace

	estimate int // of numbers
}

func (t *traced) seek(n number) (number, bool) {
	defer t.step.since(t.r, t.trace.begin(t.r))
	return t.numbers.seek(n)
}

type tracedCheck struct {
	check
	r     *run
	step  *step
	trace *trace
}

func (t *tracedCheck) holds(v *versionRow) bool {
	defer t.step.since(t.r, t.trace.begin(t.r))
	t.r.work++ // the candidate's row
	return t.check.holds(v)
}

// Explain implements store.Explainer. t = 0 is the head, o.Limit 0 a page of 20.
func (e *Engine) Explain(ctx context.Context, q search.Query, t fhir.T, o store.SearchOptions) (store.Plan, error) {
	p := store.Plan{Type: q.Type}
	if err := e.gate.enter(); err != nil {
		return p, err
	}
	defer e.gate.leave()
	t, err := e.asOf(ctx, t)
	if err != nil {
		return p, err
	}
	if o.Limit == 0 {
		o.Limit = 20
	}
	f := store.FenceOf(ctx)
	if err := mayFind(f, q.Type); err != nil {
		return p, err
	}
	if !f.Open() {
		return e.explainFenced(ctx, q, t, o.Limit)
	}
	r := e.run(ctx, t)
	r.fail(e.usable(q))
	defer r.close()
	tr := &trace{typ: inside(q).Type}
	r.trace = tr
	r.limit(o.MaxWork)
	began := time.Now()
	for range r.search(q, o) {
		p.Shown++
	}
	p.Took, p.Read, p.Order = time.Since(began), r.work, tr.order
	if r.err != nil {
		return p, r.err
	}
	if p.Matches, err = e.countUpTo(ctx, q, t, 0); err != nil {
		return p, err
	}
	for _, s := range tr.steps {
		one := search.Query{Type: q.Type, Inside: q.Inside}
		if s.condition != nil {
			one.Where = []search.Condition{s.condition}
		}
		s.Actual, err = e.countUpTo(ctx, one, t, 0)
		if f, ok := errors.AsType[*fhir.Error](err); ok && f.Kind == fhir.TooCostly {
			s.Actual, err = -1, nil
		}
		if err != nil {
			return p, err
		}
		p.Steps = append(p.Steps, s.Step)
	}
	return p, nil
}

// explainFenced says only what the caller could count alone: how a search is run depends on what is hidden from them.
func (e *Engine) explainFenced(ctx context.Context, q search.Query, t fhir.T, limit int) (p store.Plan, err error) {
	p.Type = q.Type
	if p.Matches, err = e.countUpTo(ctx, q, t, 0); err != nil {
		return p, err
	}
	p.Shown = min(p.Matches, limit)
	for _, c := range conjuncts(nil, q.Where) {
		s := store.Step{Condition: describe(c), Access: store.AccessFenced, Estimate: -1}
		s.Actual, err = e.countUpTo(ctx, search.Query{Type: q.Type, Inside: q.Inside, Where: []search.Condition{c}}, t, 0)
		if f, ok := errors.AsType[*fhir.Error](err); ok && f.Kind == fhir.TooCostly {
			s.Actual, err = -1, nil
		}
		if err != nil {
			return p, err
		}
		p.Steps = append(p.Steps, s)
	}
	return p, nil
}

// describe names a condition for people.
func describe(c search.Condition) string {
	switch c := c.(type) {
	case nil:
		return "every resource of the type"
	case search.Terms:
		if c.Name == "" && len(c.Any) > 0 {
			return fmt.Sprintf("parameter %d", c.Any[0].Param)
		}
		return c.Name
	case search.IDs:
		return fmt.Sprintf("_id, %d of them", len(c.ID))
	case search.Derived:
		return c.Name
	case search.Chain:
		return c.Name + " leads to " + several(c.Targets)
	case search.Has:
		return c.Name + " from " + several([]search.Query{c.Source})
	case search.Not:
		return "not (" + describe(c.Condition) + ")"
	case search.All:
		return join(c.Of, " and ")
	case search.Either:
		return join(c.Of, " or ")
	}
	return fmt.Sprintf("%T", c)
}

func several(queries []search.Query) string {
	var texts []string
	for _, q := range queries {
		texts = append(texts, string(q.Type)+"("+join(q.Where, " and ")+")")
	}
	return strings.Join(texts, " or ")
}

func join(conditions []search.Condition, word string) string {
	var texts []string
	for _, c := range conditions {
		texts = append(texts, describe(c))
	}
	return strings.Join(texts, word)
}
