package r4

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"

	"github.com/lienthong/lienthong/fhir"
)

//go:embed types_gen.txt
var typesTable string

//go:embed elements_gen.txt
var elementsTable string

// definitions is what the tables of types and elements say.
type definitions struct {
	types     []fhir.Type // sorted
	codes     map[fhir.Type]uint16
	byCode    []fhir.Type
	resources map[fhir.Type]*Struct
	dataTypes map[string]*Struct
	backbones map[string]*Struct
}

// structures reads the tables at the first call. A table that cannot be read is a broken build, hence panic.
var structures = sync.OnceValue(loadStructures)

func loadStructures() *definitions {
	d := &definitions{
		codes:     make(map[fhir.Type]uint16, 160),
		byCode:    make([]fhir.Type, 1, 160),
		resources: make(map[fhir.Type]*Struct, 160),
		dataTypes: make(map[string]*Struct, 64),
		backbones: make(map[string]*Struct, 640),
	}
	d.readStructs()
	d.readTypes()
	return d
}

// readTypes reads the numbers; a retired type keeps its number and is no type.
func (d *definitions) readTypes() {
	for line := range rows(typesTable) {
		number, name, _ := strings.Cut(line, "\t")
		code := mustNumber(number)
		for int(code) >= len(d.byCode) {
			d.byCode = append(d.byCode, "")
		}
		if t := fhir.Type(name); d.resources[t] != nil {
			d.byCode[code], d.codes[t] = t, code
		}
	}
}

// readStructs reads the structures in two rounds: first all names, so that elements of the second can point at them.
func (d *definitions) readStructs() {
	type section struct {
		s    *Struct
		text string
	}
	sections := make([]section, 0, 800)
	for text := range sectionsOf(elementsTable) {
		head, body, _ := strings.Cut(text, "\n")
		s := &Struct{Name: head[2:]}
		switch head[0] {
		case 'R':
			s.Kind = KindResource
			d.resources[fhir.Type(s.Name)] = s
			d.types = append(d.types, fhir.Type(s.Name))
		case 'T':
			s.Kind = KindComplexType
			d.dataTypes[s.Name] = s
		case 'B', 'E':
			s.Kind, s.base = KindBackbone, "BackboneElement"
			if head[0] == 'E' {
				s.base = "Element"
			}
			d.backbones[s.Name] = s
		}
		sections = append(sections, section{s, body})
	}
	for _, c := range sections {
		d.readElements(c.s, c.text)
	}
}

// readElements fills s from its rows.
func (d *definitions) readElements(s *Struct, text string) {
	elements := make([]Element, 0, strings.Count(text, "\n")+strings.Count(text, "|"))
	for line := range rows(text) {
		e, types := parseElement(line)
		e.Slot = s.Slots
		s.Slots++
		if e.Min > 0 {
			s.Required |= 1 << e.Slot
		}
		stem, choice := strings.CutSuffix(e.Name, "[x]")
		e.Base, e.Choice = stem, choice
		for name := range strings.SplitSeq(types, "|") {
			one := e
			d.setType(&one, name)
			if choice {
				one.Name = stem + strings.ToUpper(one.TypeName[:1]) + one.TypeName[1:]
			}
			elements = append(elements, one)
		}
	}
	s.Elements = make([]*Element, len(elements))
	for i := range elements {
		s.Elements[i] = &elements[i]
	}
	s.table = newLookup(s.Elements)
}

// parseElement reads a row but for its types: name, types, cardinality, flags, binding.
func parseElement(line string) (e Element, types string) {
	var card, flags, bind string
	e.Name, line, _ = strings.Cut(line, "\t")
	types, line, _ = strings.Cut(line, "\t")
	card, line, _ = strings.Cut(line, "\t")
	flags, bind, _ = strings.Cut(line, "\t")
	e.Max = 1
	switch card {
	case "1":
		e.Min = 1
	case "*":
		e.Max, e.Array = -1, true
	case "+":
		e.Min, e.Max, e.Array = 1, -1, true
	}
	for _, f := range flags {
		e.Summary = e.Summary || f == 'S'
		e.Modifier = e.Modifier || f == 'M'
	}
	if bind != "" {
		e.BindingStrength = "extensible"
		if bind[0] == 'r' {
			e.BindingStrength = "required"
		}
		e.Binding = bind[2:]
		if !strings.Contains(e.Binding, ":") {
			e.Binding = "http://hl7.org/fhir/ValueSet/" + e.Binding
		}
	}
	return e, types
}

// setType sets what follows from the name of a type: "string", "Reference(Patient,Group)", "Patient.contact", "Resource".
func (d *definitions) setType(e *Element, name string) {
	name, targets, _ := strings.Cut(name, "(")
	if targets != "" {
		for t := range strings.SplitSeq(strings.TrimSuffix(targets, ")"), ",") {
			e.Targets = append(e.Targets, fhir.Type(t))
		}
	}
	e.TypeName = name
	if name == "Resource" {
		return
	}
	if e.Primitive = primitiveByName[name]; e.Primitive != NotPrimitive {
		return
	}
	if s := d.backbones[name]; s != nil {
		e.Struct, e.TypeName = s, s.base
		return
	}
	if e.Struct = d.dataTypes[name]; e.Struct == nil {
		panic("r4: elements_gen.txt: no structure " + name)
	}
}

// rows gives the lines of a table without comments.
func rows(table string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for len(table) > 0 {
			var line string
			line, table, _ = strings.Cut(table, "\n")
			if line != "" && line[0] != '#' && !yield(line) {
				return
			}
		}
	}
}

// sectionsOf gives the structures of the table of elements, each with its rows. A heading is a capital and a space.
func sectionsOf(table string) func(func(string) bool) {
	return func(yield func(string) bool) {
		start := -1
		for at := 0; at < len(table); {
			end := strings.IndexByte(table[at:], '\n') + 1
			if end > 2 && table[at+1] == ' ' && table[at] != '#' {
				if start >= 0 && !yield(table[start:at]) {
					return
				}
				start = at
			}
			at += end
		}
		if start >= 0 {
			yield(table[start:])
		}
	}
}

func mustNumber(s string) uint16 {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		panic("r4: a table of this build is broken: " + err.Error())
	}
	return uint16(n)
}
