package interaction

import (
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// written is a value as text: with the companion that carries the id and extensions of a primitive ("_birthDate"). Either
// may be nil.
type written struct{ text, companion []byte }

// property gives the element of def that name and the type of the value mean, with the value: "value" with a
// valueQuantity is Observation.valueQuantity.
func (p *pathStep) property(def *r4.Struct, name string, part resource.Value) (*r4.Element, written, error) {
	choices := def.Choices(name)
	if el := def.Element(name); el != nil {
		choices = []*r4.Element{el}
	}
	if len(choices) == 0 {
		return nil, written{}, p.refuse("pathpatch-name", part.Path(), clip(name))
	}
	if len(choices) > 1 {
		typ := typeOfValue(valueOf(part).Name())
		i := slices.IndexFunc(choices, func(e *r4.Element) bool { return e.TypeName == typ })
		if i < 0 {
			return nil, written{}, p.refuse("pathpatch-value", part.Path(), def.Name+"."+name)
		}
		choices = choices[i : i+1]
	}
	v, err := p.valueFor(choices[0], part)
	return choices[0], v, err
}

// typeOfValue gives the type that the name of a value[x] says: Quantity of valueQuantity, dateTime of valueDateTime.
func typeOfValue(property string) string {
	suffix := strings.TrimPrefix(strings.TrimPrefix(property, "_"), "value")
	if suffix == "" || r4.DataType(suffix) != nil {
		return suffix
	}
	return strings.ToLower(suffix[:1]) + suffix[1:]
}

// quantities are types that are a Quantity in all but name.
var quantities = []string{"Age", "Count", "Distance", "Duration", "SimpleQuantity"}

// fits says whether a value of this type may be that of an element. Primitives are left to the check of the document, which
// looks at the values themselves.
func fits(el *r4.Element, typ string) bool {
	if el.Primitive != r4.NotPrimitive {
		return r4.PrimitiveOf(typ) != r4.NotPrimitive
	}
	return el.TypeName == typ || typ == "Quantity" && slices.Contains(quantities, el.TypeName)
}

// valueFor gives the text of the value of part for an element: a value[x] of its type, a resource, or the parts of an object
// that has no type of its own such as Patient.contact.
func (p *pathStep) valueFor(el *r4.Element, part resource.Value) (written, error) {
	bad := p.refuse("pathpatch-value", part.Path(), el.Name)
	v := valueOf(part)
	parts, whole := part.Get("part"), part.Get("resource")
	switch {
	case v.Kind() != resource.None && (parts.Kind() != resource.None || whole.Kind() != resource.None):
		return written{}, bad
	case v.Kind() != resource.None:
		if !fits(el, typeOfValue(v.Name())) {
			return written{}, bad
		}
		return written{v.Raw(), part.Get("_" + v.Name()).Raw()}, nil
	case whole.Kind() == resource.Object:
		if el.TypeName != "Resource" {
			return written{}, bad
		}
		return written{text: whole.Raw()}, nil
	case parts.Kind() == resource.Array && el.Struct != nil:
		text, err := p.object(el.Struct, parts)
		return written{text: text}, err
	}
	for m := part.First(); m.Kind() != resource.None; m = m.Next() { // a primitive that only has extensions
		if strings.HasPrefix(m.Name(), "_value") && fits(el, typeOfValue(m.Name())) {
			return written{companion: m.Raw()}, nil
		}
	}
	return written{}, bad
}

// object writes an object from parts that are named as its elements are; parts of one name are a list.
func (p *pathStep) object(def *r4.Struct, parts resource.Value) ([]byte, error) {
	type member struct {
		el     *r4.Element
		values []written
	}
	var members []*member
	for part := range parts.Elements() {
		el, v, err := p.property(def, part.Get("name").Text(), part)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(members, func(m *member) bool { return m.el == el })
		switch {
		case i < 0:
			members = append(members, &member{el, []written{v}})
		case !el.Array:
			return nil, p.refuse("pathpatch-exists", part.Path(), el.Name)
		default:
			members[i].values = append(members[i].values, v)
		}
	}
	out := []byte{'{'}
	for _, m := range members {
		w := m.values[0]
		if m.el.Array {
			w = joined(m.values)
		}
		out = appendWritten(out, m.el.Name, w)
	}
	return append(out, '}'), nil
}
