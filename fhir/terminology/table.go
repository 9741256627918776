package terminology

import (
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
)

// Concept is a code with what is known of it.
type Concept struct {
	System, Code string
	Display      string // "" = none is known
	Abstract     bool   // only groups others: not to be chosen (property notSelectable)
	Inactive     bool   // property inactive, or a status retired or inactive
}

// table holds the concepts of one code system, or those that a value set lists. It is immutable and free of pointers but
// for its slices: concepts are numbered in the order of the definition, text lies in one string.
type table struct {
	system, version string
	text            string
	concepts        []span
	flags           []uint8
	cells           []int32 // open-addressed: 1 + number of a concept; 0 = empty
	fold            bool    // case of codes does not matter
	flat            bool    // hierarchyMeaning is none of subsumption
	up, down        links   // parents and children
	properties      []property
	propertyNames   []string
}

// span says where code and display of a concept lie in text; the display follows the code.
type span struct {
	at            uint32
	code, display uint16
}

const (
	flagAbstract = 1 << iota
	flagInactive
)

// property is one property of a concept; its value is text[at:at+length].
type property struct {
	concept int32
	at      uint32
	length  uint16
	name    uint16
}

// links are the neighbours of each concept: those of i are to[from[i]:from[i+1]].
type links struct{ from, to []int32 }

func (l links) of(i int32) []int32 {
	if len(l.from) == 0 {
		return nil
	}
	return l.to[l.from[i]:l.from[i+1]]
}

var seed = maphash.MakeSeed()

// find gives the number of a code, -1 if the table does not have it.
func (t *table) find(code string) int32 { return findIn(t, code, t.text) }

// findIn is find in a text that may still be growing.
func findIn[T string | []byte](t *table, code string, text T) int32 {
	if len(t.cells) == 0 {
		return -1
	}
	if t.fold {
		code = strings.ToLower(code)
	}
	mask := uint32(len(t.cells) - 1)
	for at := uint32(maphash.String(seed, code)) & mask; ; at = (at + 1) & mask {
		i := t.cells[at] - 1
		if i < 0 {
			return -1
		}
		s := t.concepts[i]
		have := text[s.at : s.at+uint32(s.code)]
		if string(have) == code || t.fold && strings.ToLower(string(have)) == code {
			return i
		}
	}
}

func (t *table) code(i int32) string {
	s := t.concepts[i]
	return t.text[s.at : s.at+uint32(s.code)]
}

func (t *table) concept(i int32) Concept {
	s := t.concepts[i]
	end := s.at + uint32(s.code)
	return Concept{
		System: t.system, Code: t.text[s.at:end], Display: t.text[end : end+uint32(s.display)],
		Abstract: t.flags[i]&flagAbstract != 0, Inactive: t.flags[i]&flagInactive != 0,
	}
}

func (t *table) value(p property) string { return t.text[p.at : p.at+uint32(p.length)] }

// bytes is what the table takes in memory.
func (t *table) bytes() int {
	return 256 + len(t.text) + 9*len(t.concepts) + 4*(len(t.cells)+len(t.up.from)+len(t.up.to)+len(t.down.from)+len(t.down.to)) +
		12*len(t.properties)
}

// builder fills a table.
type builder struct {
	t      *table
	limits Limits
	text   []byte
	names  map[string]uint16 // of properties
	values map[string]uint32 // of properties, so that "true" lies there once
	edges  []edge
	loose  []looseEdge
}

// edge leads from a concept to a parent. A looseEdge names one end by a code that may come later.
type edge struct{ child, parent int32 }
type looseEdge struct {
	at    int32
	other string
	down  bool // other is the child
}

func newBuilder(system, version string, limits Limits) *builder {
	return &builder{t: &table{system: system, version: version}, limits: limits}
}

// add gives the number of a code, new or known, and makes it a child of parent unless that is -1. The first display stands.
func (b *builder) add(code, display string, parent int32) (int32, error) {
	i := findIn(b.t, code, b.text)
	if i < 0 {
		if len(b.t.concepts) >= b.limits.Concepts || len(b.text) > b.limits.Bytes {
			return 0, fhir.Errorf(fhir.TooCostly, "codesystem-too-large", "", b.t.system, b.limits.Concepts, b.limits.Bytes>>20)
		}
		if code == "" || len(code) > maxCode {
			return 0, fhir.Errorf(fhir.Invalid, "codesystem-malformed", "", b.t.system)
		}
		if len(display) > maxDisplay {
			display = strings.ToValidUTF8(display[:maxDisplay], "")
		}
		i = int32(len(b.t.concepts))
		b.t.concepts = append(b.t.concepts, span{at: uint32(len(b.text)), code: uint16(len(code)), display: uint16(len(display))})
		b.t.flags = append(b.t.flags, 0)
		b.text = append(append(b.text, code...), display...)
		b.place(i, code)
	}
	if parent >= 0 {
		b.edges = append(b.edges, edge{child: i, parent: parent})
	}
	return i, nil
}

const (
	maxCode    = 4096  // bytes
	maxDisplay = 16384 // bytes; longer ones are cut
)

// place enters concept i, whose code is not there yet; the cells are kept at most half full.
func (b *builder) place(i int32, code string) {
	t := b.t
	if 2*len(t.concepts) > len(t.cells) {
		t.cells = make([]int32, max(8, 1<<bits.Len(uint(2*len(t.concepts)))))
		for n := range i {
			s := t.concepts[n]
			b.enter(n, string(b.text[s.at:s.at+uint32(s.code)]))
		}
	}
	b.enter(i, code)
}

func (b *builder) enter(i int32, code string) {
	if b.t.fold {
		code = strings.ToLower(code)
	}
	mask := uint32(len(b.t.cells) - 1)
	at := uint32(maphash.String(seed, code)) & mask
	for b.t.cells[at] != 0 {
		at = (at + 1) & mask
	}
	b.t.cells[at] = i + 1
}

// property notes a property of concept i. Those that make the hierarchy or a flag do that as well.
func (b *builder) property(i int32, role, name, value string) error {
	switch role {
	case "parent", "subsumedBy":
		b.loose = append(b.loose, looseEdge{at: i, other: value})
	case "child":
		b.loose = append(b.loose, looseEdge{at: i, other: value, down: true})
	case "notSelectable", "abstract":
		if value == "true" {
			b.t.flags[i] |= flagAbstract
		}
	case "inactive":
		if value == "true" {
			b.t.flags[i] |= flagInactive
		}
	case "status":
		if value == "retired" || value == "inactive" || value == "withdrawn" {
			b.t.flags[i] |= flagInactive
		}
	}
	if len(value) > maxDisplay || len(b.t.properties) >= b.limits.Properties || len(b.text) > b.limits.Bytes {
		return fhir.Errorf(fhir.TooCostly, "codesystem-too-large", "", b.t.system, b.limits.Concepts, b.limits.Bytes>>20)
	}
	n, ok := b.names[name]
	if !ok {
		if b.names == nil {
			b.names, b.values = map[string]uint16{}, map[string]uint32{}
		}
		if len(b.names) > 1000 {
			return fhir.Errorf(fhir.Invalid, "codesystem-malformed", "", b.t.system)
		}
		n = uint16(len(b.names))
		name = strings.Clone(name)
		b.names[name] = n
		b.t.propertyNames = append(b.t.propertyNames, name)
	}
	at, ok := b.values[value]
	if !ok {
		at = uint32(len(b.text))
		b.text = append(b.text, value...)
		b.values[strings.Clone(value)] = at
	}
	b.t.properties = append(b.t.properties, property{concept: i, at: at, length: uint16(len(value)), name: n})
	return nil
}

// finish gives the table; the builder is used up. Links to codes that are not there lead nowhere and are dropped.
func (b *builder) finish() *table {
	t := b.t
	t.text = string(b.text)
	for _, l := range b.loose {
		o := t.find(l.other)
		switch {
		case o < 0:
		case l.down:
			b.edges = append(b.edges, edge{child: o, parent: l.at})
		default:
			b.edges = append(b.edges, edge{child: l.at, parent: o})
		}
	}
	edges := slices.DeleteFunc(b.edges, func(e edge) bool { return e.child == e.parent })
	if len(edges) > 0 && !t.flat {
		t.up = link(len(t.concepts), edges, func(e edge) (int32, int32) { return e.child, e.parent })
		t.down = link(len(t.concepts), edges, func(e edge) (int32, int32) { return e.parent, e.child })
	}
	t.concepts, t.flags = slices.Clip(t.concepts), slices.Clip(t.flags)
	t.properties = slices.Clip(t.properties)
	return t
}

// link sorts edges into links, each once.
func link(concepts int, edges []edge, ends func(edge) (from, to int32)) links {
	slices.SortFunc(edges, func(a, b edge) int {
		af, at := ends(a)
		bf, bt := ends(b)
		if af != bf {
			return int(af - bf)
		}
		return int(at - bt)
	})
	edges = slices.Compact(edges)
	l := links{from: make([]int32, concepts+1), to: make([]int32, len(edges))}
	for i, e := range edges {
		from, to := ends(e)
		l.from[from+1]++
		l.to[i] = to
	}
	for i := range concepts {
		l.from[i+1] += l.from[i]
	}
	return l
}
