package fhirpath

import (
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir/resource"
)

// Evaluate gives the values of the expression for a whole resource, in the order of the expression and then of the
// document, without duplicates of a place. Boolean expressions give one computed Item, or none if they are undecided.
func (e *Expr) Evaluate(v resource.Value) []Item {
	at := ResourceItem(v)
	return e.Append(nil, at, at)
}

// Append is Evaluate for a place within a resource, such as a value of a composite parameter: names are elements of at,
// and %resource, contained resources are those of root. It appends to dst.
func (e *Expr) Append(dst []Item, root, at Item) []Item {
	x := evaluation{root: root}
	return x.append(dst, e.root, at)
}

// evaluation is one run of an expression.
type evaluation struct{ root Item }

func (x *evaluation) append(dst []Item, n *node, at Item) []Item {
	switch n.op {
	case opRoot:
		if at.is(n.name) && at.Element == nil {
			return append(dst, at)
		}
		return members(dst, at, n.name)
	case opThis:
		return append(dst, at)
	case opResource:
		return append(dst, x.root)
	case opLiteral:
		return append(dst, n.literal)
	case opUnion:
		from := len(dst)
		dst = x.append(dst, n.left, at)
		return unique(x.append(dst, n.right, at), from)
	case opEqual, opUnequal, opAnd, opOr, opIs, opExists, opEmpty, opNot:
		if b, known := x.boolean(n, at); known {
			return append(dst, boolItem(b))
		}
		return dst
	}
	from := len(dst)
	dst = x.append(dst, n.left, at)
	return x.step(dst, from, n)
}

// step replaces the items from index from on by what a step makes of them.
func (x *evaluation) step(dst []Item, from int, n *node) []Item {
	if n.op == opIndex {
		if from+n.index < len(dst) && n.index >= 0 {
			return append(dst[:from], dst[from+n.index])
		}
		return dst[:from]
	}
	if n.op == opMember {
		end := len(dst)
		for i := from; i < end; i++ {
			dst = members(dst, dst[i], n.name)
		}
		return append(dst[:from], dst[end:]...)
	}
	keep := dst[:from]
	for _, it := range dst[from:] {
		switch n.op {
		case opAs:
			if it.is(n.name) {
				keep = append(keep, it)
			}
		case opWhere:
			if b, known := x.boolean(n.right, it); known && b {
				keep = append(keep, it)
			}
		case opResolve:
			if t := TargetType(x.root.Value, it.Value); t != "" {
				keep = append(keep, Item{kind: itemTarget, target: t})
			}
		}
	}
	return keep
}

// members appends the values of an element by its name in paths; a choice gives the property that is there.
func members(dst []Item, at Item, name string) []Item {
	if at.Struct == nil || at.Value.Kind() != resource.Object {
		return dst
	}
	for v := at.Value.First(); v.Kind() != resource.None; v = v.Next() {
		e := at.Struct.Element(v.Name())
		if e == nil || e.Base != name {
			continue
		}
		if v.Kind() != resource.Array {
			if v.Kind() != resource.Null {
				dst = append(dst, ElementItem(e, v))
			}
			continue
		}
		for one := v.First(); one.Kind() != resource.None; one = one.Next() {
			if one.Kind() != resource.Null {
				dst = append(dst, ElementItem(e, one))
			}
		}
	}
	return dst
}

// unique removes from the items from index from on those whose place is there already.
func unique(items []Item, from int) []Item {
	type place struct {
		kind  itemKind
		value resource.Value
		text  string
	}
	var seen map[place]bool // only for many items: a few are compared with each other
	if len(items)-from > 16 {
		seen = make(map[place]bool, len(items)-from)
	}
	keep := items[:from]
next:
	for _, it := range items[from:] {
		at := place{it.kind, it.Value, it.text}
		if seen != nil {
			if seen[at] {
				continue
			}
			seen[at] = true
		} else {
			for _, have := range keep[from:] {
				if at == (place{have.kind, have.Value, have.text}) {
					continue next
				}
			}
		}
		keep = append(keep, it)
	}
	return keep
}

// boolean decides a condition. FHIRPath has three values: what rests on a missing value is not known.
func (x *evaluation) boolean(n *node, at Item) (value, known bool) {
	switch n.op {
	case opAnd, opOr:
		a, aKnown := x.boolean(n.left, at)
		b, bKnown := x.boolean(n.right, at)
		decisive := n.op == opOr // the value that decides alone
		if aKnown && a == decisive || bKnown && b == decisive {
			return decisive, true
		}
		return !decisive, aKnown && bKnown
	case opNot:
		b, known := x.boolean(n.left, at)
		return !b, known
	case opExists, opEmpty:
		var few [4]Item
		some := len(x.append(few[:0], n.left, at)) > 0
		return some == (n.op == opExists), true
	case opIs:
		var few [4]Item
		items := x.append(few[:0], n.left, at)
		if len(items) != 1 {
			return false, false
		}
		return items[0].is(n.name), true
	case opEqual, opUnequal:
		var few, more [4]Item
		a, b := x.append(few[:0], n.left, at), x.append(more[:0], n.right, at)
		if len(a) == 0 || len(b) == 0 {
			return false, false
		}
		return same(a, b) == (n.op == opEqual), true
	}
	// a path: one boolean is its value, one thing of another kind is true, none is unknown
	var few [4]Item
	items := x.append(few[:0], n, at)
	if len(items) != 1 {
		return false, false
	}
	if it := items[0]; it.kind == itemBool || it.kind == itemPlace && it.Value.Kind() == resource.Bool {
		return it.Text() == "true", true
	}
	return true, true
}

// same compares two collections, item by item.
func same(a, b []Item) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// equal compares primitives by value; objects are equal only to themselves.
func equal(a, b Item) bool {
	k := a.json()
	if k != b.json() {
		return false
	}
	switch k {
	case resource.String, resource.Bool:
		return a.Text() == b.Text()
	case resource.Number:
		return sameNumber(a.Text(), b.Text())
	}
	return a.Value == b.Value && a.target == b.target
}

// json gives the JSON type of an item.
func (i Item) json() resource.Kind {
	switch i.kind {
	case itemString:
		return resource.String
	case itemNumber:
		return resource.Number
	case itemBool:
		return resource.Bool
	}
	return i.Value.Kind()
}

// sameNumber compares two literals by value: 1.10 is 1.1.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	if strings.ContainsAny(a+b, "eE") {
		x, errX := strconv.ParseFloat(a, 64)
		y, errY := strconv.ParseFloat(b, 64)
		return errX == nil && errY == nil && x == y
	}
	return plainNumber(a) == plainNumber(b)
}

// plainNumber takes from a literal without exponent what does not change its value.
func plainNumber(s string) string {
	s, minus := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(s, ".")
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if minus && (whole != "" || fraction != "") {
		whole = "-" + whole
	}
	return whole + "." + fraction
}
