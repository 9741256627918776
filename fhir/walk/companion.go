package walk

import (
	"sync"

	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// elementStruct is what a companion holds: id and extension.
var elementStruct = sync.OnceValue(func() *r4.Struct { return r4.DataType("Element") })

// companion checks "_name", which carries id and extensions of a primitive, and gives the bit of the slot that it fills:
// a primitive may be there through its companion alone (an extension says why there is no value).
// https://hl7.org/fhir/R4/json.html#primitive
func (w *walker) companion(s *r4.Struct, parent, c resource.Value, name string) uint64 {
	e := s.Element(name)
	switch {
	case e == nil:
		w.fault("element-unknown", c.Path(), clip("_"+name), s.Name)
		return 0
	case e.Primitive == r4.NotPrimitive:
		w.fault("companion-not-primitive", c.Path(), e.Name, e.TypeName)
		return 0
	}
	if e.Choice && parent.Get(name).Kind() == resource.None {
		w.choice(s, parent, e)
	}
	bit := uint64(1) << e.Slot
	if !e.Array {
		if c.Kind() == resource.Array {
			w.fault("element-not-repeated", c.Path(), "_"+name)
			return bit
		}
		w.extended(c)
		return bit
	}
	if c.Kind() != resource.Array {
		w.fault("element-not-array", c.Path(), "_"+name)
		return bit
	}
	values := parent.Get(name)
	if values.Kind() == resource.Array && values.Len() != c.Len() {
		w.fault("companion-length", c.Path(), e.Name, values.Len(), c.Len())
		return bit
	}
	at := 0
	for i := c.First(); i.Kind() != resource.None; i = i.Next() {
		if i.Kind() != resource.Null {
			w.extended(i)
		} else if k := values.At(at).Kind(); k == resource.None || k == resource.Null {
			w.fault("companion-empty", i.Path(), e.Name)
		}
		at++
	}
	return bit
}

// extended checks the object of a companion.
func (w *walker) extended(v resource.Value) {
	if v.Kind() != resource.Object {
		w.fault("element-not-object", v.Path(), "Element")
		return
	}
	w.object(elementStruct(), v, states{})
}

// null refuses a null, which may stand only in an array, for a value whose companion has something at the same place.
func (w *walker) null(e *r4.Element, parent, v resource.Value) {
	if e.Array {
		values, companions := parent.Get(e.Name), parent.Get("_"+e.Name)
		at := 0
		for i := values.First(); i.Kind() != resource.None; i = i.Next() {
			if i.Node() == v.Node() {
				break
			}
			at++
		}
		if companions.Kind() == resource.Array && companions.At(at).Kind() == resource.Object {
			return
		}
	}
	w.fault("element-null", v.Path(), e.Name)
}
