package fhirpath

import "github.com/lienthong/lienthong/fhir"

// Expr is a parsed expression. It does not change; any number of goroutines may use it.
type Expr struct {
	text string
	root *node
}

// String gives the expression as it was written.
func (e *Expr) String() string { return e.text }

// op says what a node of an expression does.
type op uint8

const (
	opRoot     op = iota // name at the beginning: a type name (the resource itself) or an element of the context
	opResource           // %resource
	opThis               // $this, %context
	opLiteral            // text, with kind
	opMember             // left.name
	opIndex              // left[index]; first() is [0]
	opAs                 // left as name; also as(), ofType()
	opIs                 // left is name
	opWhere              // left.where(right)
	opExists             // left.exists()
	opEmpty              // left.empty()
	opNot                // left.not()
	opResolve            // left.resolve()
	opUnion              // left | right
	opEqual              // left = right
	opUnequal            // left != right
	opAnd                // left and right
	opOr                 // left or right
)

// node is an expression as a tree.
type node struct {
	op          op
	name        string // of opRoot, opMember, opAs, opIs
	index       int
	literal     Item
	left, right *node
}

// syntaxError says where an expression cannot be read; at is a byte offset.
func syntaxError(text string, at int, want string) error {
	return fhir.Errorf(fhir.Invalid, "fhirpath-syntax", "", clip(text), at, want)
}

// unsupported says what of FHIRPath was used that this package does not know.
func unsupported(text, what string) error {
	return fhir.Errorf(fhir.Invalid, "fhirpath-unsupported", "", clip(text), what)
}

func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}
