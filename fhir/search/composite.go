package search

import "bytes"

// A composite's value is that of its parts, joined so that a query whose first part is a code is one range:
//
//	(code) (second) (third)? system
//
// The first part is always a token: its code comes first and its system last. A part in parentheses is escaped so that
// it ends by itself and still orders as before: 0x00 becomes 0x00 0xFF, the end is 0x00 0x01.
//
// Within a composite a quantity is number, code 0 unit 0 system; a date has the value of the main index.

// CompositePart is the value of one component, as AppendToken, AppendString, ... make it.
type CompositePart []byte

// AppendComposite appends the value of a composite: first is that of a token, rest are those of the other components.
func AppendComposite(dst []byte, first CompositePart, rest ...CompositePart) []byte {
	code, system, _ := cutField(first[1:])
	dst = appendPart(dst, code)
	for _, p := range rest {
		dst = appendPart(dst, p)
	}
	return append(dst, system...)
}

// AppendQuantityPart appends the value of a quantity as a component; ok is false if Value is no number.
func AppendQuantityPart(dst []byte, q Quantity) (_ []byte, ok bool) {
	return appendQuantityPart(dst, q)
}

func appendPart(dst, v []byte) []byte {
	dst = appendEscaped(dst, v)
	return append(dst, 0, 1)
}

func appendEscaped(dst, v []byte) []byte {
	for _, b := range v {
		dst = append(dst, b)
		if b == 0 {
			dst = append(dst, 0xFF)
		}
	}
	return dst
}

// cutPart takes the first part off a composite's value; ok is false at a wrong end.
func cutPart(v []byte) (part, rest []byte, ok bool) {
	escaped := false
	for i := 0; i+1 < len(v); i++ {
		if v[i] != 0 {
			continue
		}
		if v[i+1] == 1 {
			part = v[:i]
			if escaped {
				part = bytes.ReplaceAll(part, []byte{0, 0xFF}, []byte{0})
			}
			return part, v[i+2:], true
		}
		escaped = true
		i++
	}
	return nil, nil, false
}

// cutField takes what stands before the first 0.
func cutField(v []byte) (field, rest []byte, ok bool) { return bytes.Cut(v, []byte{0}) }

// compositeSpans finds composites whose parts are within one of the spans of each component.
func compositeSpans(first tokenQuery, k kinds, rest [][]span) []span {
	var out []span
	prefix := appendPart(nil, appendField(nil, first.code, maxField))
	for _, s := range tokenSpans(first, k) {
		for _, second := range rest[0] {
			out = append(out, compositeSpan(prefix, s, second, rest[1:]))
		}
	}
	return out
}

// compositeSpan is a range below the code: of the second part by its bytes, of all else by looking at each value.
func compositeSpan(prefix []byte, first, second span, others [][]span) span {
	low := appendEscaped(append([]byte(nil), prefix...), second.low)
	high := successor(prefix)
	switch {
	case second.exact:
		low = append(low, 0, 1)
		high = successor(low)
	case second.high != nil:
		high = appendEscaped(append([]byte(nil), prefix...), second.high)
	}
	code, _, _ := cutPart(prefix)
	head := append(append([]byte{formCode}, code...), 0)
	return span{low: low, high: high, accept: func(v []byte) bool {
		if len(v) < len(prefix) {
			return false
		}
		part, rest, ok := cutPart(v[len(prefix):])
		if !ok || !second.holds(part) {
			return false
		}
		for _, spans := range others {
			if part, rest, ok = cutPart(rest); !ok || !anyHolds(spans, part) {
				return false
			}
		}
		return first.holds(append(head[:len(head):len(head)], rest...))
	}}
}

func anyHolds(spans []span, v []byte) bool {
	for _, s := range spans {
		if s.holds(v) {
			return true
		}
	}
	return false
}
