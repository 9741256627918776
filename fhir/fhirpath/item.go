package fhirpath

import (
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Item is one value that an expression is about or gives: a place in a document with its definition, or a computed
// boolean. The zero Item is nothing.
type Item struct {
	Value   resource.Value // place in the document; zero for what was computed and for resources that are elsewhere
	Element *r4.Element    // definition; nil for a whole resource, and for what was computed
	Struct  *r4.Struct     // definition of the object's elements; nil for primitives

	kind   itemKind
	text   string    // of a literal
	target fhir.Type // of a reference that was resolved
}

// itemKind tells what is not a place in the document.
type itemKind uint8

const (
	itemPlace itemKind = iota
	itemString
	itemNumber
	itemBool
	itemTarget // a resource elsewhere, of which only the type is known
)

// ResourceItem is a whole resource; its definition is looked up by resourceType, and is nil for a type that R4 does not have.
func ResourceItem(v resource.Value) Item {
	return Item{Value: v, Struct: r4.Resource(v.ResourceType())}
}

// ElementItem is a value with its definition. Where a whole resource stands (contained, Bundle.entry.resource) it is
// that resource.
func ElementItem(e *r4.Element, v resource.Value) Item {
	if e.Struct == nil && e.Primitive == r4.NotPrimitive {
		return ResourceItem(v)
	}
	return Item{Value: v, Element: e, Struct: e.Struct}
}

// TypeName gives the FHIR type: "Quantity", "dateTime", "BackboneElement", "Patient"; "boolean" for what was computed.
func (i Item) TypeName() string {
	switch {
	case i.Element != nil:
		return i.Element.TypeName
	case i.Struct != nil:
		return i.Struct.Name
	}
	switch i.kind {
	case itemString:
		return "string"
	case itemNumber:
		return "decimal"
	case itemBool:
		return "boolean"
	}
	return string(i.target)
}

// Text gives the text of a primitive: the decoded string, the literal of a number, "true" or "false".
func (i Item) Text() string {
	if i.kind == itemPlace {
		return i.Value.Text()
	}
	return i.text
}

// Computed says that the item is no place in the document but a result, such as the boolean of exists().
func (i Item) Computed() bool { return i.kind != itemPlace }

func stringItem(s string) Item { return Item{kind: itemString, text: s} }
func numberItem(s string) Item { return Item{kind: itemNumber, text: s} }

func boolItem(b bool) Item {
	if b {
		return Item{kind: itemBool, text: "true"}
	}
	return Item{kind: itemBool, text: "false"}
}

// is says whether the item is of that type. Types match exactly, but for the abstract bases of resources.
func (i Item) is(name string) bool {
	if i.Element == nil && (i.Struct != nil || i.target != "") {
		switch name {
		case "Resource":
			return true
		case "DomainResource":
			t := i.TypeName()
			return t != "Bundle" && t != "Binary" && t != "Parameters"
		}
	}
	return i.TypeName() == name
}

// typeCase mends the case of a type's first letter: two R4 definitions say DateTime and mean dateTime.
func typeCase(name string) string {
	lower := strings.ToLower(name[:1]) + name[1:]
	if r4.PrimitiveOf(lower) != r4.NotPrimitive {
		return lower
	}
	return name
}

// TargetType gives the type of the resource that a reference points at, "" if it cannot be told without fetching it:
// from the text of the reference ([base/]Type/id), from the contained resource of root that it names, or from
// Reference.type. The reference is an object (Reference) or a string (canonical, uri).
func TargetType(root, reference resource.Value) fhir.Type {
	literal := reference
	if reference.Kind() == resource.Object {
		literal = reference.Get("reference")
	}
	if literal.Kind() == resource.String {
		r := fhir.ParseReference(literal.Text())
		if r.Key.Type != "" {
			return r.Key.Type
		}
		if r.Inside != "" {
			return contained(root, r.Inside).ResourceType()
		}
	}
	return fhir.Type(reference.Get("type").Text())
}

// contained finds a contained resource by its id; the zero Value if there is none.
func contained(root resource.Value, id string) resource.Value {
	for c := range root.Get("contained").Elements() {
		if got, ok := c.ID(); ok && got == id {
			return c
		}
	}
	return resource.Value{}
}
