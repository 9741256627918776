package walk

import (
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// State is what a visitor remembers about where it is; 0 = not interested in anything below.
type State = int32

// Visitor looks at a document during the pass.
type Visitor interface {
	// Start is called once, with the type of the document and its root; it gives the state of the root.
	Start(t fhir.Type, root resource.Value) State

	// Enter is called for each value whose parent's state is not 0: each element of an array apart, with its definition.
	// It gives the state for the value's children. Values with a fault, null, companions and what is inside contained
	// resources are not entered.
	Enter(parent State, e *r4.Element, v resource.Value) State
}

// MaxVisitors is how many visitors one pass carries.
const MaxVisitors = 4

// DefaultIssues is how many issues a pass reports when its caller sets no limit.
const DefaultIssues = 100

// Resource walks v, a resource (the root of a document or an entry of a bundle), and gives its structural faults, at most
// maxIssues (0 = DefaultIssues); nil means that there are none. When there are issues the visitors have seen only a part
// and what they gathered is not to be used. It panics with more than MaxVisitors visitors.
func Resource(v resource.Value, maxIssues int, visitors ...Visitor) []fhir.Issue {
	if len(visitors) > MaxVisitors {
		panic("walk: too many visitors")
	}
	if maxIssues <= 0 {
		maxIssues = DefaultIssues
	}
	w := walker{visitors: visitors, max: maxIssues, root: v}
	if s := w.definition(v); s != nil {
		var st states
		for i, x := range visitors {
			st[i] = x.Start(fhir.Type(s.Name), v)
		}
		w.object(s, v, st)
	}
	return w.issues
}

// Contained shows v, an element of root's contained, to visitors, of which there are at most MaxVisitors. It must have been
// found to be without faults, as part of root.
func Contained(root, v resource.Value, visitors ...Visitor) {
	w := walker{visitors: visitors, max: 1, root: root}
	if s := w.definition(v); s != nil {
		var st states
		for i, x := range visitors {
			st[i] = x.Start(fhir.Type(s.Name), v)
		}
		w.object(s, v, st)
	}
}

// states are those of all visitors at one place.
type states [MaxVisitors]State

type walker struct {
	visitors []Visitor
	issues   []fhir.Issue
	max      int
	root     resource.Value // the resource whose contained ones "#id" means
}

// full says that enough faults were found; the pass then ends early.
func (w *walker) full() bool { return len(w.issues) >= w.max }

func (w *walker) fault(code, path string, args ...any) {
	if !w.full() {
		w.issues = append(w.issues, fhir.Issue{Code: code, Path: path, Args: args})
	}
}

// definition gives the structure of a resource, nil with a fault if there is none.
func (w *walker) definition(v resource.Value) *r4.Struct {
	if v.Kind() != resource.Object {
		w.fault("element-not-object", v.Path())
		return nil
	}
	name := v.Get("resourceType")
	switch {
	case name.Kind() == resource.None:
		w.fault("resource-type-missing", v.Path())
		return nil
	case name.Kind() != resource.String:
		w.fault("element-not-string", v.Path()+".resourceType", "code")
		return nil
	}
	s := r4.Resource(fhir.Type(name.Text()))
	if s == nil {
		w.fault("resource-type-unknown", v.Path(), clip(name.Text()))
	}
	return s
}

// object checks the members of v against s.
func (w *walker) object(s *r4.Struct, v resource.Value, st states) {
	var seen uint64 // bit of each slot that is there
	for c := v.First(); c.Kind() != resource.None; c = c.Next() {
		if w.full() {
			return
		}
		name := c.Name()
		e := s.Element(name)
		if e == nil {
			switch {
			case name != "" && name[0] == '_':
				seen |= w.companion(s, v, c, name[1:])
			case name == "resourceType" && s.Kind == r4.KindResource:
			default:
				w.fault("element-unknown", c.Path(), clip(name), s.Name)
			}
			continue
		}
		bit := uint64(1) << e.Slot
		if seen&bit != 0 && e.Choice {
			w.choice(s, v, e)
		}
		seen |= bit
		w.member(e, v, c, st)
	}
	if missing := s.Required &^ seen; missing != 0 {
		w.missing(s, v, missing)
	}
}

// member checks one property: array or single, then each value.
func (w *walker) member(e *r4.Element, parent, c resource.Value, st states) {
	if !e.Array {
		if c.Kind() == resource.Array {
			w.fault("element-not-repeated", c.Path(), e.Name)
			return
		}
		w.value(e, parent, c, st)
		return
	}
	if c.Kind() != resource.Array {
		w.fault("element-not-array", c.Path(), e.Name)
		return
	}
	for i := c.First(); i.Kind() != resource.None; i = i.Next() {
		if w.full() {
			return
		}
		w.value(e, parent, i, st)
	}
}

// value checks one value and shows it to the visitors.
func (w *walker) value(e *r4.Element, parent, v resource.Value, st states) {
	switch {
	case e.Primitive != r4.NotPrimitive:
		if v.Kind() == resource.Null {
			w.null(e, parent, v)
			return
		}
		if code := faultOf(e.Primitive, v); code != "" {
			w.fault(code, v.Path(), e.TypeName)
			return
		}
		w.enter(e, v, st)
	case v.Kind() != resource.Object:
		w.fault("element-not-object", v.Path(), e.TypeName)
	case e.Struct != nil:
		w.object(e.Struct, v, w.enter(e, v, st))
		if e.Targets != nil && e.TypeName == "Reference" {
			w.target(e, v)
		}
	default: // a whole resource: contained, or an entry of a bundle
		w.enter(e, v, st)
		if s := w.definition(v); s != nil {
			root := w.root
			if e.Name != "contained" {
				w.root = v
			}
			w.object(s, v, states{})
			w.root = root
		}
	}
}

// enter shows v to the visitors that are interested and gives their states for its children.
func (w *walker) enter(e *r4.Element, v resource.Value, st states) states {
	var below states
	for i, x := range w.visitors {
		if st[i] != 0 {
			below[i] = x.Enter(st[i], e, v)
		}
	}
	return below
}

// missing reports the required elements that are not there.
func (w *walker) missing(s *r4.Struct, v resource.Value, slots uint64) {
	for i, e := range s.Elements {
		if slots&(1<<e.Slot) == 0 || i > 0 && s.Elements[i-1].Slot == e.Slot {
			continue
		}
		name := e.Name
		if e.Choice {
			name = e.Base + "[x]"
		}
		w.fault("element-missing", v.Path()+"."+name, name)
	}
}

// choice reports two variants of one choice. It is called for the second one in the document's order.
func (w *walker) choice(s *r4.Struct, v resource.Value, e *r4.Element) {
	for _, other := range s.Choices(e.Base) {
		if other == e {
			continue
		}
		if has(v, other.Name) {
			w.fault("choice-twice", v.Path()+"."+e.Base+"[x]", e.Name, other.Name)
			return
		}
	}
}

// has says whether v has the property or its companion.
func has(v resource.Value, name string) bool {
	return v.Get(name).Kind() != resource.None || v.Get("_"+name).Kind() != resource.None
}

// clip keeps a foreign name in a message short.
func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
