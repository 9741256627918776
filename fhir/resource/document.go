package resource

import (
	"maps"
	"slices"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits bound what one document may cost. A field that is zero or negative takes its value from DefaultLimits.
type Limits struct {
	Bytes int64 // length of the text; at most 4 GiB - 1, the reach of the tape's offsets
	Depth int   // nesting of objects and arrays; the root object is depth 1
	Nodes int   // values on the tape, 24 bytes each: what stops [1,1,1,… from costing twelve times its own length
}

// DefaultLimits let a transaction of some 60 MB pass (25,000 entries, 1.5 million values) and bound the tape to 144 MiB.
var DefaultLimits = Limits{Bytes: 128 << 20, Depth: 64, Nodes: 6 << 20}

// Limits which are no matter of configuration: nothing that FHIR defines comes near them.
const (
	maxGap     = 64 << 10 // bytes of white space between two tokens
	maxName    = 255      // bytes of a member's name
	maxNumber  = 255      // bytes of a number's literal
	maxMembers = 1000     // members of one object
)

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = DefaultLimits.Bytes
	}
	if l.Depth <= 0 {
		l.Depth = DefaultLimits.Depth
	}
	if l.Nodes <= 0 {
		l.Nodes = DefaultLimits.Nodes
	}
	l.Bytes = min(l.Bytes, 1<<32-1)
	l.Nodes = min(l.Nodes, 1<<31-1)
	return l
}

// Kind is the JSON type of a Value.
type Kind uint8

const (
	None Kind = iota // no value: the zero Value, an absent member
	Object
	Array
	String
	Number
	Bool
	Null
)

// String gives the kind's name in English, for messages and tests.
func (k Kind) String() string {
	return [...]string{"none", "object", "array", "string", "number", "boolean", "null"}[k]
}

// node is one value on the tape. Children follow their parent; next is the first node after the whole subtree.
type node struct {
	start, end uint32 // the value's literal is raw[start:end], with the quotes of a string
	name       uint32 // the member's name is raw[name:name+nameLen], without quotes; nameLen 0 and no flag: no name
	next       int32
	parent     int32 // -1 for the root
	nameLen    uint16
	kind       Kind
	flags      uint8
}

const (
	flagEscaped     = 1 << iota // the string's literal has a backslash
	flagNameEscaped             // the name's literal has one
	flagNamed                   // a member of an object
	flagEdited                  // Document.edits has the text that counts
)

// Document is a JSON object as it was received, with its tape and the replacements that were asked for.
//
// Many may read it at the same time; ReplaceString must be alone. Strings that it hands out point into its bytes where
// they can: what outlives the document should be cloned, or a short string keeps a whole bundle in memory.
type Document struct {
	raw   []byte
	nodes []node
	edits map[int32]string
}

// Root gives the outermost object.
func (d *Document) Root() Value {
	if d == nil || len(d.nodes) == 0 {
		return Value{}
	}
	return Value{d: d, n: 0}
}

// Raw gives the bytes as received, also the white space around the object. The caller must not change them.
func (d *Document) Raw() []byte { return d.raw }

// Size tells how many values the tape has.
func (d *Document) Size() int { return len(d.nodes) }

// Clone gives a document over the same bytes whose edits are its own.
func (d *Document) Clone() *Document {
	return &Document{raw: d.raw, nodes: slices.Clone(d.nodes), edits: maps.Clone(d.edits)}
}

// text gives raw[from:to] as a string that shares the document's bytes, which never change.
func (d *Document) text(from, to uint32) string {
	if from >= to {
		return ""
	}
	return unsafe.String(&d.raw[from], int(to-from))
}

// unquote decodes raw[from:to], the literal of a string that the library has found valid.
func (d *Document) unquote(from, to uint32) string {
	b, _ := jsontext.AppendUnquote(nil, d.raw[from:to])
	return unsafe.String(unsafe.SliceData(b), len(b))
}

func (d *Document) nameOf(n *node) string {
	if n.flags&flagNameEscaped != 0 {
		return d.unquote(n.name-1, n.name+uint32(n.nameLen)+1)
	}
	return d.text(n.name, n.name+uint32(n.nameLen))
}
