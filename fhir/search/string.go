package search

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// AppendString appends the value of a string: folded, and the text itself where it differs.
func AppendString(dst []byte, s string) []byte {
	from := len(dst)
	dst = AppendFolded(dst, s, maxFolded)
	if string(dst[from:]) == s {
		return dst
	}
	return appendField(append(dst, 0), s, maxField)
}

// The folded text of a long string goes into ParamAside in pieces, which overlap so that what :contains looks for is in one
// of them as a whole.
const (
	formPiece = 'p'
	formLast  = 'q' // the last piece: it ends where the string does
	long      = maxFolded - utf8.UTFMax
	piece     = 400
	overlap   = 100 // the longest that :contains looks for, in bytes
	maxPieces = 200
)

// AppendPieces calls add with the values for ParamAside of a string that is too long for one value; of more than 60,000
// bytes the rest is left out. add must not keep its argument; room is a buffer to work in.
func AppendPieces(room []byte, s string, add func(value []byte)) []byte {
	if len(s) <= long/3 { // folding makes three bytes of one at most
		return room
	}
	folded := AppendFolded(room[:0], s, 0)
	if len(folded) <= long {
		return folded
	}
	var value [piece + 1]byte
	for at := 0; at/(piece-overlap) < maxPieces; at += piece - overlap {
		form := byte(formPiece)
		end := at + piece
		if end >= len(folded) {
			form, end = formLast, len(folded)
		}
		add(append(append(value[:0], form), folded[at:end]...))
		if form == formLast {
			break
		}
	}
	return folded
}

// AppendNameOrders calls add with a value for a whole name, begun at each of its words: "nguyen van an", "van an nguyen",
// "an nguyen van". So a name is found from any word on, family name first or last. The values are not found by :exact.
// add must not keep its argument; room is a buffer to work in.
func AppendNameOrders(room []byte, name string, add func(value []byte)) []byte {
	folded := AppendFolded(room[:0], name, maxFolded)
	n := len(folded)
	buf := folded
	for at := 0; at < n; at++ {
		if at > 0 && folded[at-1] != ' ' {
			continue
		}
		buf = append(buf[:n], folded[at:n]...)
		if at > 0 {
			buf = append(append(buf, ' '), folded[:at-1]...)
		}
		buf = append(buf, 0, 1)
		folded = buf[:n]
		add(buf[n:])
	}
	return buf
}

// stringSpans finds the strings that begin with s, folded; in names also those where each word of s begins a word of one
// name, in any order: "van nguyen" and "thu nguyen" find Nguyễn Văn Thử.
func stringSpans(s string, names bool) ([]span, bool) {
	prefix := AppendFolded(nil, s, maxFolded)
	if len(prefix) == 0 {
		return nil, false
	}
	out := []span{beginning(prefix)}
	words := bytes.Split(prefix, []byte(" "))
	if !names || len(words) == 1 {
		return out, true
	}
	// Of the orders of a name the one is looked up that begins with the longest word; it has all the others.
	longest := slices.MaxFunc(words, func(a, b []byte) int { return len(a) - len(b) })
	one := beginning(longest)
	one.accept = func(v []byte) bool {
		return bytes.HasSuffix(v, nameMark) && eachBegins(words, v[:len(v)-len(nameMark)])
	}
	return append(out, one), true
}

// nameMark ends the values of AppendNameOrders.
var nameMark = []byte{0, 1}

// eachBegins says whether each of the words begins a word of the text, which is folded.
func eachBegins(words [][]byte, text []byte) bool {
	for _, w := range words {
		if !begins(w, text) {
			return false
		}
	}
	return true
}

func begins(word, text []byte) bool {
	for {
		if bytes.HasPrefix(text, word) {
			return true
		}
		i := bytes.IndexByte(text, ' ')
		if i < 0 {
			return false
		}
		text = text[i+1:]
	}
}

// exactSpans finds the strings that are s, letter by letter (:exact).
func exactSpans(s string) ([]span, bool) {
	return []span{exactly(AppendString(nil, s))}, s != ""
}

// equalSpans finds the strings that are s, folded (eq of _filter).
func equalSpans(s string) ([]span, bool) {
	v := AppendFolded(nil, s, maxFolded)
	return []span{exactly(v), beginning(append(v[:len(v):len(v)], 0))}, len(v) > 0
}

// containsSpans finds the strings that have s in them, folded (:contains). It reads all values of the parameter.
func containsSpans(s string) ([]span, bool) {
	part := AppendFolded(nil, s, 0)
	return []span{
		{accept: func(v []byte) bool { return bytes.Contains(foldedOf(v), part) }},
		{variant: ParamAside, low: []byte{formPiece}, high: []byte{formLast + 1}, accept: func(v []byte) bool { return bytes.Contains(v[1:], part) }},
	}, len(part) > 0 && len(part) <= overlap
}

// endingSpans finds the strings that end in s, folded (ew of _filter). It reads all values of the parameter.
func endingSpans(s string) ([]span, bool) {
	end := AppendFolded(nil, s, 0)
	return []span{
		{accept: func(v []byte) bool {
			folded := foldedOf(v)
			return len(folded) <= long && !bytes.HasSuffix(v, nameMark) && bytes.HasSuffix(folded, end)
		}},
		{variant: ParamAside, low: []byte{formLast}, high: []byte{formLast + 1}, accept: func(v []byte) bool { return bytes.HasSuffix(v, end) }},
	}, len(end) > 0 && len(end) <= overlap
}

// foldedOf gives the folded text of a string's value.
func foldedOf(v []byte) []byte {
	folded, _, _ := cutField(v)
	return folded
}
