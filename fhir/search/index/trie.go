package index

import (
	"fmt"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/walk"
)

// rootState is the place of the document itself.
const rootState walk.State = 1

// trie is where the paths of all parameters of a type lead. States are indexes into nodes; 0 is nowhere.
type trie struct {
	nodes  []node
	marked []search.ParamID // of which several values are marked, ascending
}

type node struct {
	edges   []edge
	actions []action
}

type edge struct {
	element *r4.Element
	to      walk.State
}

// action takes the values of one parameter from the element of its node, or from what lies below it.
type action struct {
	param    search.ParamID
	kind     r4.ParamType
	filters  []fhirpath.Filter // must hold for the element
	below    []fhirpath.Step   // then these steps are followed directly
	computed *fhirpath.Expr    // or this is evaluated: a boolean
	parts    []part            // of a composite
}

// part is a component of a composite, as seen from the composite's element.
type part struct {
	kind     r4.ParamType
	paths    [][]fhirpath.Step
	computed *fhirpath.Expr
}

// compile builds the trie of a type. It panics if a parameter cannot be resolved: of the R4 tables a test compiles all, and
// search.ReadCustom gives only such as can.
func compile(t fhir.Type, params []*r4.SearchParam) *trie {
	out := &trie{nodes: make([]node, rootState+1)}
	for _, p := range params {
		if p.Expression == "" || p.Type == r4.ParamSpecial && !search.IsNear(p) || p.Code == "_id" || search.ParamID(p.ID) == search.ParamLastUpdated {
			continue
		}
		if search.Marks(p) {
			out.marked = append(out.marked, search.ParamID(p.ID))
		}
		for _, path := range paths(p.Expression, r4.Resource(t)) {
			a := action{param: search.ParamID(p.ID), kind: p.Type, computed: path.Computed}
			if p.Type == r4.ParamComposite {
				a.parts = parts(p, path, t)
			}
			out.insert(rootState, path.Steps, a)
		}
	}
	slices.Sort(out.marked)
	return out
}

func paths(expression string, s *r4.Struct) []fhirpath.Path {
	e, err := fhirpath.Parse(expression)
	if err != nil {
		panic(fmt.Sprintf("index: %v", err))
	}
	list, err := e.Paths(s)
	if err != nil {
		panic(fmt.Sprintf("index: %v", err))
	}
	return list
}

// parts resolves the components of a composite for one path that leads to it.
func parts(p *r4.SearchParam, at fhirpath.Path, t fhir.Type) []part {
	s := r4.Resource(t)
	if last := at.Last(); last != nil {
		s = last[0].Struct
	}
	var out []part
	for _, c := range p.Components {
		var one part
		var elements []*r4.Element
		for _, path := range paths(c.Expression, s) {
			elements = append(elements, path.Last()...)
			one.paths = append(one.paths, path.Steps)
			one.computed = path.Computed
		}
		if one.computed != nil {
			one.paths = nil
		}
		one.kind = search.ComponentType(c, elements)
		out = append(out, one)
	}
	return out
}

// insert puts an action where steps lead, from node at on.
func (t *trie) insert(at walk.State, steps []fhirpath.Step, a action) {
	if len(steps) == 0 || steps[0].Index >= 0 {
		a.below = steps
		t.nodes[at].actions = append(t.nodes[at].actions, a)
		return
	}
	for _, e := range steps[0].Properties {
		to := t.child(at, e)
		if len(steps[0].Filters) == 0 {
			t.insert(to, steps[1:], a)
			continue
		}
		b := a
		b.filters, b.below = steps[0].Filters, steps[1:]
		t.nodes[to].actions = append(t.nodes[to].actions, b)
	}
}

// child gives the node that an element leads to.
func (t *trie) child(at walk.State, e *r4.Element) walk.State {
	for _, edge := range t.nodes[at].edges {
		if edge.element == e {
			return edge.to
		}
	}
	t.nodes = append(t.nodes, node{})
	to := walk.State(len(t.nodes) - 1)
	t.nodes[at].edges = append(t.nodes[at].edges, edge{e, to})
	return to
}

// run takes the actions of a node; e is nil for the document itself.
func (x *Indexer) run(n *node, e *r4.Element, v resource.Value) {
	for i := range n.actions {
		a := &n.actions[i]
		if !x.hold(a.filters, e, v) {
			continue
		}
		switch {
		case a.computed != nil:
			x.compute(a, v)
		case a.parts != nil:
			x.composite(a, e, v)
		case len(a.below) > 0:
			x.follow(a.below, v, func(e *r4.Element, v resource.Value) { x.emit(a.param, a.kind, e, v, false) })
		default:
			x.emit(a.param, a.kind, e, v, false)
		}
	}
}

func (x *Indexer) hold(filters []fhirpath.Filter, e *r4.Element, v resource.Value) bool {
	for _, f := range filters {
		if !f.Holds(x.root, e, v) {
			return false
		}
	}
	return true
}

// compute emits what an expression gives that is no path: a boolean.
func (x *Indexer) compute(a *action, v resource.Value) {
	for _, item := range a.computed.Evaluate(v) {
		from := len(x.buf)
		x.buf = search.AppendToken(x.buf, item.Text(), "")
		x.add(a.param, from)
	}
}

// follow calls leaf for the values that steps lead to from v.
func (x *Indexer) follow(steps []fhirpath.Step, v resource.Value, leaf func(*r4.Element, resource.Value)) {
	step := &steps[0]
	for _, e := range step.Properties {
		at := 0
		for one := range v.Get(e.Name).Elements() {
			index := at
			at++
			if step.Index >= 0 && step.Index != index || one.Kind() == resource.Null || !x.hold(step.Filters, e, one) {
				continue
			}
			if len(steps) == 1 {
				leaf(e, one)
				continue
			}
			x.follow(steps[1:], one, leaf)
		}
	}
}
