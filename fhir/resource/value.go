package resource

import (
	"iter"
	"strconv"

	"github.com/lienthong/lienthong/fhir"
)

// Value is a place on a document's tape. It is cheap to copy and comparable; the zero Value has Kind None, and every
// method of it answers with nothing, so that paths can be followed without asking at each step.
type Value struct {
	d *Document
	n int32
}

func (v Value) node() *node { return &v.d.nodes[v.n] }

// Kind gives the JSON type, None for the zero Value.
func (v Value) Kind() Kind {
	if v.d == nil {
		return None
	}
	return v.d.nodes[v.n].kind
}

// Node gives the place on the tape: it tells a value from all others of its document. 0 is the root.
func (v Value) Node() int32 { return v.n }

// Document gives the document that v belongs to, nil for the zero Value.
func (v Value) Document() *Document { return v.d }

// Raw gives the literal text of the value as it was received, without edits. The caller must not change it.
func (v Value) Raw() []byte {
	if v.d == nil {
		return nil
	}
	n := v.node()
	return v.d.raw[n.start:n.end:n.end]
}

// Text gives the decoded text of a string (its replacement, if ReplaceString set one) or the literal of a number or
// boolean; "" otherwise. It allocates only for strings with escapes.
func (v Value) Text() string {
	if v.d == nil {
		return ""
	}
	n := v.node()
	switch n.kind {
	case String:
		switch {
		case n.flags&flagEdited != 0:
			return v.d.edits[v.n]
		case n.flags&flagEscaped != 0:
			return v.d.unquote(n.start, n.end)
		}
		return v.d.text(n.start+1, n.end-1)
	case Number, Bool:
		return v.d.text(n.start, n.end)
	}
	return ""
}

// Name gives the name under which the value is a member of an object; "" in arrays and for the root.
func (v Value) Name() string {
	if v.d == nil {
		return ""
	}
	return v.d.nameOf(v.node())
}

// First gives the first member or element; the zero Value if there is none.
func (v Value) First() Value {
	if v.d == nil {
		return Value{}
	}
	if n := v.node(); n.next > v.n+1 {
		return Value{v.d, v.n + 1}
	}
	return Value{}
}

// Next gives the member or element after v; the zero Value at the end.
func (v Value) Next() Value {
	if v.d == nil {
		return Value{}
	}
	n := v.node()
	if int(n.next) < len(v.d.nodes) && v.d.nodes[n.next].parent == n.parent {
		return Value{v.d, n.next}
	}
	return Value{}
}

// Parent gives the object or array that holds v; the zero Value for the root.
func (v Value) Parent() Value {
	if v.d == nil || v.node().parent < 0 {
		return Value{}
	}
	return Value{v.d, v.node().parent}
}

// Get gives the member of an object by name; the zero Value if there is none or v is no object.
func (v Value) Get(name string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	d, end := v.d, v.node().next
	for i := v.n + 1; i < end; {
		n := &d.nodes[i]
		if n.flags&flagNameEscaped != 0 {
			if d.nameOf(n) == name {
				return Value{d, i}
			}
		} else if int(n.nameLen) == len(name) && d.text(n.name, n.name+uint32(n.nameLen)) == name {
			return Value{d, i}
		}
		i = n.next
	}
	return Value{}
}

// At gives element i of an array, by counting from the first; the zero Value if there is none.
func (v Value) At(i int) Value {
	if v.Kind() != Array || i < 0 {
		return Value{}
	}
	e := v.First()
	for ; i > 0 && e.d != nil; i-- {
		e = e.Next()
	}
	return e
}

// Len counts the members of an object or the elements of an array; 0 for other kinds.
func (v Value) Len() int {
	n := 0
	for c := v.First(); c.d != nil; c = c.Next() {
		n++
	}
	return n
}

// Members yields the names and values of an object in document order; nothing for other kinds.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != Object {
			return
		}
		for c := v.First(); c.d != nil; c = c.Next() {
			if !yield(c.Name(), c) {
				return
			}
		}
	}
}

// Elements yields the elements of an array; any other value yields itself once, the zero Value nothing.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.d == nil {
			return
		}
		if v.node().kind != Array {
			yield(v)
			return
		}
		for c := v.First(); c.d != nil; c = c.Next() {
			if !yield(c) {
				return
			}
		}
	}
}

// Strings yields every string in v, at any depth and in document order, v itself included: one scan of the tape.
// With names, only members which have one of them, such as "reference" and "fullUrl".
func (v Value) Strings(names ...string) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.d == nil {
			return
		}
		for i, end := v.n, v.node().next; i < end; i++ {
			n := &v.d.nodes[i]
			if n.kind == String && (len(names) == 0 || v.d.hasName(n, names)) && !yield(Value{v.d, i}) {
				return
			}
		}
	}
}

func (d *Document) hasName(n *node, names []string) bool {
	if n.flags&flagNamed == 0 {
		return false
	}
	if n.flags&flagNameEscaped != 0 {
		have := d.nameOf(n)
		for _, s := range names {
			if s == have {
				return true
			}
		}
		return false
	}
	for _, s := range names {
		if len(s) == int(n.nameLen) && s == d.text(n.name, n.name+uint32(n.nameLen)) {
			return true
		}
	}
	return false
}

// ResourceType gives the resourceType of an object, "" if it has none. It is foreign text until r4 knows it.
func (v Value) ResourceType() fhir.Type { return fhir.Type(v.Get("resourceType").Text()) }

// ID gives the id of an object as it stands; false if there is none or it is no string. It is foreign text.
func (v Value) ID() (string, bool) {
	id := v.Get("id")
	return id.Text(), id.Kind() == String
}

// Path gives the place of v as FHIRPath, such as Patient.contact[0].name. It begins with the root's resourceType.
func (v Value) Path() string {
	if v.d == nil {
		return ""
	}
	return string(v.appendPath(make([]byte, 0, 64)))
}

func (v Value) appendPath(b []byte) []byte {
	n := v.node()
	if n.parent < 0 {
		return append(b, v.d.rootName(false)...)
	}
	parent := Value{v.d, n.parent}
	b = parent.appendPath(b)
	if n.flags&flagNamed != 0 {
		return append(append(b, '.'), v.Name()...)
	}
	i := 0
	for e := parent.First(); e.n != v.n; e = e.Next() {
		i++
	}
	return append(strconv.AppendInt(append(b, '['), int64(i), 10), ']')
}
