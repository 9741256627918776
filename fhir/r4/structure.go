package r4

import "github.com/lienthong/lienthong/fhir"

// Kind says what a Struct is.
type Kind uint8

const (
	KindResource Kind = iota
	KindComplexType
	KindBackbone // part of a resource or data type that has no name of its own: Patient.contact, Timing.repeat
)

// Struct is the definition of a JSON object: a resource, a complex data type, or a backbone element.
type Struct struct {
	Name     string // "Patient", "HumanName", "Patient.contact"
	Kind     Kind
	Elements []*Element // JSON properties in the specification's order, choice types expanded

	// Slots counts the elements as defined, where a choice type is one: Element.Slot is below it, and it is at most 64.
	Slots int
	// Required has the bit 1<<Slot of each element that must be there (Min > 0).
	Required uint64

	base  string // TypeName of elements that have this structure, for backbones: "BackboneElement" or "Element"
	table lookup
}

// Element is a JSON property of a Struct.
type Element struct {
	Name      string    // JSON property: "valueQuantity"
	Base      string    // name in paths, of the definition and of search parameters: "value" for choices, else Name
	TypeName  string    // "Quantity", "string", "BackboneElement", "Reference"; "Resource" where a whole resource stands
	Primitive Primitive // NotPrimitive for complex types
	Struct    *Struct   // of complex types; nil for primitives and where TypeName is "Resource"
	Slot      int       // number of the definition within its Struct: the properties of one choice share it
	Array     bool      // JSON has an array (Max is not 1)
	Min       int       // 0 or 1; of a choice: one of its properties must be there
	Max       int       // 1, or -1 for any number
	Choice    bool      // one of several properties for value[x]; at most one of them may be there
	Summary   bool      // part of _summary=true
	Modifier  bool      // changes the meaning of what holds it

	Targets []fhir.Type // allowed targets of a Reference or canonical; nil = any (or no reference)

	Binding         string // canonical url of the value set of a required or extensible binding, "" if none
	BindingStrength string // "required", "extensible" or ""
}

// Element gives the element with that JSON property, nil if there is none. It does not allocate.
func (s *Struct) Element(name string) *Element {
	i := s.table.find(s.Elements, name)
	if i < 0 {
		return nil
	}
	return s.Elements[i]
}

// ElementBytes is Element for a name that is still a slice of the document. It does not allocate.
func (s *Struct) ElementBytes(name []byte) *Element {
	if len(name) == 0 {
		return nil
	}
	h := hash(len(name), name[0], name[len(name)/2], name[len(name)-1])
	for at := h & s.table.mask; ; at = (at + 1) & s.table.mask {
		i := s.table.cells[at]
		if i == 0 {
			return nil
		}
		if e := s.Elements[i-1]; e.Name == string(name) {
			return e
		}
	}
}

// Choices gives the properties that a name in a path stands for: of "value" all of value[x], of a plain name that one.
// It is nil if the structure has no such element.
func (s *Struct) Choices(base string) []*Element {
	for i, e := range s.Elements {
		if e.Base != base {
			continue
		}
		j := i + 1
		for j < len(s.Elements) && s.Elements[j].Slot == e.Slot {
			j++
		}
		return s.Elements[i:j:j]
	}
	return nil
}

// Resource gives the definition of a resource type, nil if t is none of R4.
func Resource(t fhir.Type) *Struct { return structures().resources[t] }

// IsResource says whether t is a concrete resource type of R4.
func IsResource(t fhir.Type) bool { return structures().resources[t] != nil }

// Types gives all concrete resource types, sorted. The caller must not change it.
func Types() []fhir.Type { return structures().types }

// TypeCode gives the stable number of a resource type, from 1; 0 if t is none of R4.
func TypeCode(t fhir.Type) uint16 { return structures().codes[t] }

// TypeOf gives the type with that number, "" if there is none.
func TypeOf(code uint16) fhir.Type {
	names := structures().byCode
	if int(code) >= len(names) {
		return ""
	}
	return names[code]
}

// DataType gives the definition of a complex data type such as "HumanName", also "Element" and "BackboneElement";
// nil for primitives and unknown names.
func DataType(name string) *Struct { return structures().dataTypes[name] }

// Backbone gives the definition of a backbone element by its path, such as "Patient.contact"; nil if there is none.
func Backbone(path string) *Struct { return structures().backbones[path] }
