package fhirpath

import (
	"fmt"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Path is one alternative of an expression, resolved for a type: a chain of JSON properties from the object of that type.
//
// If Computed is set, the alternative is no chain (a boolean, or what needs the whole collection): run it with Evaluate
// or Append on the object. Steps is then empty. Without Computed and Steps the alternative is the object itself.
type Path struct {
	Steps    []Step
	Computed *Expr
}

// Step goes from an object to those of its members that have one of the properties. A member that is an array stands for
// its elements, and JSON nulls for nothing.
type Step struct {
	// Name is the element as paths call it: "value".
	Name string
	// Properties are the JSON properties of the element: one, or those of a choice type that the expression allows.
	// All of them have the same Struct where another step follows.
	Properties []*r4.Element
	// Index is the element of the array that is meant, -1 for all. It is only set where the objects before are single.
	Index int
	// Filters must all hold for the value.
	Filters []Filter
}

// Filter is a condition on a value. One of Property, Target and Where is set.
type Filter struct {
	Property string    // where(Property = 'Equals'): a plain JSON string property
	Equals   string    // its decoded text
	Target   fhir.Type // where(resolve() is Target)
	Where    *Expr     // any other condition
}

// Holds says whether the condition holds for a value of the step. It allocates only for Where.
func (f Filter) Holds(root resource.Value, e *r4.Element, v resource.Value) bool {
	switch {
	case f.Target != "":
		return TargetType(root, v) == f.Target
	case f.Where != nil:
		x := evaluation{root: ResourceItem(root)}
		b, known := x.boolean(f.Where.root, ElementItem(e, v))
		return known && b
	}
	p := v.Get(f.Property)
	return p.Kind() == resource.String && p.Text() == f.Equals
}

// Last gives the properties that hold the values, nil if there are no steps.
func (p Path) Last() []*r4.Element {
	if len(p.Steps) == 0 {
		return nil
	}
	return p.Steps[len(p.Steps)-1].Properties
}

// String shows the path with its JSON properties: "telecom[system='email'].value", "valueQuantity|valueRange".
func (p Path) String() string {
	if p.Computed != nil {
		return "computed: " + p.Computed.String()
	}
	var b strings.Builder
	for i, s := range p.Steps {
		if i > 0 {
			b.WriteByte('.')
		}
		for j, e := range s.Properties {
			if j > 0 {
				b.WriteByte('|')
			}
			b.WriteString(e.Name)
		}
		if s.Index >= 0 {
			fmt.Fprintf(&b, "[%d]", s.Index)
		}
		for _, f := range s.Filters {
			switch {
			case f.Target != "":
				fmt.Fprintf(&b, "[is %s]", f.Target)
			case f.Where != nil:
				fmt.Fprintf(&b, "[%s]", f.Where)
			default:
				fmt.Fprintf(&b, "[%s='%s']", f.Property, f.Equals)
			}
		}
	}
	return b.String()
}

// Paths resolves the expression for objects with the definition s: a resource type for search parameters, the type of a
// composite's value for its components. In front of a path s's own name, and for resources Resource and DomainResource,
// stand for the object itself.
//
// An element that s does not have gives an error with Kind Invalid and code "fhirpath-element", and so does a type that
// an element cannot have. No path at all is an error too.
func (e *Expr) Paths(s *r4.Struct) ([]Path, error) {
	r := resolver{text: e.text, of: s}
	list, err := r.resolve(e.root)
	if err != nil {
		return nil, err
	}
	out := make([]Path, len(list))
	for i, p := range list {
		out[i] = Path{Steps: p.steps, Computed: p.computed}
	}
	return out, nil
}

// maxPaths is how many alternatives an expression may have; what has more is left to the evaluator. The most in R4 is 4,
// but each step through an open choice (extension.value.extension) multiplies them by some 30.
const maxPaths = 200

// resolver turns the tree of an expression into paths for one definition.
type resolver struct {
	text string
	of   *r4.Struct
}

// open is a path that may get more steps: at is the definition of the objects it has reached, nil for primitives and
// whole resources, or unknown while the last step still has properties of several definitions.
type open struct {
	steps    []Step
	computed *Expr
}

func (r *resolver) resolve(n *node) ([]open, error) {
	list, err := r.alternatives(n)
	if len(list) > maxPaths {
		return r.compute(n), err
	}
	return list, err
}

func (r *resolver) alternatives(n *node) ([]open, error) {
	switch n.op {
	case opUnion:
		left, err := r.resolve(n.left)
		if err != nil {
			return nil, err
		}
		right, err := r.resolve(n.right)
		return append(left, right...), err
	case opThis:
		return []open{{}}, nil
	case opRoot:
		if r.isSelf(n.name) {
			return []open{{}}, nil
		}
		return r.member([]open{{}}, n.name)
	case opMember, opAs, opWhere, opIndex:
		left, err := r.resolve(n.left)
		if err != nil {
			return nil, err
		}
		for _, p := range left {
			if p.computed != nil {
				return r.compute(n), nil
			}
		}
		switch n.op {
		case opMember:
			return r.member(left, n.name)
		case opAs:
			return r.as(left, n.name)
		case opWhere:
			return r.where(left, n), nil
		}
		return r.index(left, n), nil
	}
	return r.compute(n), nil
}

// compute leaves a part of the expression to the evaluator.
func (r *resolver) compute(n *node) []open {
	return []open{{computed: &Expr{text: r.text, root: n}}}
}

func (r *resolver) isSelf(name string) bool {
	return name == r.of.Name || r.of.Kind == r4.KindResource && (name == "Resource" || name == "DomainResource")
}

// member adds a step. A choice of several structures is followed through each of those that have the element.
func (r *resolver) member(from []open, name string) ([]open, error) {
	var out []open
	at := r.of.Name
	for _, p := range from {
		if len(p.steps) == 0 {
			if found := r.of.Choices(name); found != nil {
				out = append(out, p.then(name, found))
			}
			continue
		}
		last := p.steps[len(p.steps)-1]
		at = last.Name
		for _, s := range structsOf(last.Properties) {
			if found := s.Choices(name); found != nil {
				out = append(out, p.narrow(func(e *r4.Element) bool { return e.Struct == s }).then(name, found))
			}
		}
	}
	if len(out) == 0 {
		return nil, fhir.Errorf(fhir.Invalid, "fhirpath-element", "", clip(r.text), name, at)
	}
	return out, nil
}

// as keeps the properties of one type.
func (r *resolver) as(from []open, name string) ([]open, error) {
	var out []open
	for _, p := range from {
		if len(p.steps) == 0 {
			if r.isSelf(name) {
				out = append(out, p)
			}
			continue
		}
		p = p.narrow(func(e *r4.Element) bool { return e.TypeName == name })
		if len(p.Last()) > 0 {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, fhir.Errorf(fhir.Invalid, "fhirpath-element", "", clip(r.text), "as "+name, r.of.Name)
	}
	return out, nil
}

// where adds a filter to the last step.
func (r *resolver) where(from []open, n *node) []open {
	out := make([]open, 0, len(from))
	for _, p := range from {
		if len(p.steps) == 0 || p.steps[len(p.steps)-1].Index >= 0 {
			return r.compute(n)
		}
		p = p.clone()
		last := &p.steps[len(p.steps)-1]
		last.Filters = append(last.Filters, r.filter(last.Properties, n.right))
		out = append(out, p)
	}
	return out
}

// filter recognises the two conditions that R4 uses, so that they cost next to nothing.
func (r *resolver) filter(on []*r4.Element, n *node) Filter {
	if n.op == opIs && n.left.op == opResolve && n.left.left.op == opThis && r4.IsResource(fhir.Type(n.name)) {
		return Filter{Target: fhir.Type(n.name)}
	}
	if n.op == opEqual && n.left.op == opRoot && n.right.op == opLiteral && n.right.literal.kind == itemString && plainProperty(on, n.left.name) {
		return Filter{Property: n.left.name, Equals: n.right.literal.text}
	}
	return Filter{Where: &Expr{text: r.text, root: n}}
}

// plainProperty says that each structure has a JSON string property of that name that is neither a choice nor an array.
func plainProperty(on []*r4.Element, name string) bool {
	for _, e := range on {
		if e.Struct == nil {
			return false
		}
		p := e.Struct.Element(name)
		if p == nil || p.Choice || p.Array {
			return false
		}
		switch p.Primitive {
		case r4.NotPrimitive, r4.Boolean, r4.Integer, r4.PositiveInt, r4.UnsignedInt, r4.Decimal:
			return false
		}
	}
	return true
}

// index takes one element of an array. It is of the whole collection in FHIRPath, which is the same as of the last
// array only where all objects before it are single and nothing was filtered; else the evaluator does it.
func (r *resolver) index(from []open, n *node) []open {
	if len(from) != 1 || len(from[0].steps) == 0 {
		return r.compute(n)
	}
	p := from[0].clone()
	last := len(p.steps) - 1
	for i, s := range p.steps {
		if len(s.Filters) > 0 || i < last && s.Properties[0].Array && s.Index < 0 || i == last && s.Index >= 0 {
			return r.compute(n)
		}
	}
	p.steps[last].Index = n.index
	return []open{p}
}

// Last is Path.Last.
func (p open) Last() []*r4.Element { return Path{Steps: p.steps}.Last() }

func (p open) clone() open {
	steps := make([]Step, len(p.steps), len(p.steps)+1)
	copy(steps, p.steps)
	for i := range steps {
		steps[i].Filters = append([]Filter(nil), steps[i].Filters...)
	}
	return open{steps: steps}
}

// then adds a step for the properties.
func (p open) then(name string, properties []*r4.Element) open {
	p = p.clone()
	p.steps = append(p.steps, Step{Name: name, Properties: properties, Index: -1})
	return p
}

// narrow keeps of the last step the properties that ok takes.
func (p open) narrow(ok func(*r4.Element) bool) open {
	p = p.clone()
	last := &p.steps[len(p.steps)-1]
	var keep []*r4.Element
	for _, e := range last.Properties {
		if ok(e) {
			keep = append(keep, e)
		}
	}
	last.Properties = keep
	return p
}

// structsOf gives the distinct structures of some properties.
func structsOf(properties []*r4.Element) []*r4.Struct {
	var out []*r4.Struct
next:
	for _, e := range properties {
		if e.Struct == nil {
			continue
		}
		for _, s := range out {
			if s == e.Struct {
				continue next
			}
		}
		out = append(out, e.Struct)
	}
	return out
}
