package resource

import (
	"bytes"
	"encoding/hex"
	"unicode/utf8"
)

// plain makes the tape of a text that is whole in memory and holds nothing out of the ordinary, in one pass over its bytes,
// which costs half of asking for each token. It says false, with nothing on the tape, about everything that it does not
// know to be right: then the tokens decide, and name the fault (tape). What it takes they take too, and make the same tape of.
//
// Out of the ordinary are names with an escape, surrogate pairs as escapes, long gaps, and whatever breaks a rule or a limit.
func (p *parser) plain() bool {
	s := scan{raw: p.raw, parser: p, open: p.open[:0]}
	if s.document() {
		return true
	}
	p.nodes, p.done = p.nodes[:0], 0
	return false
}

// scan is where plain stands.
type scan struct {
	*parser
	raw  []byte
	at   int // offset of the next byte
	open []frame
}

// plainGap bounds the white space before a token, far below maxGap.
const plainGap = 1 << 10

// next passes over white space and gives the byte after it; 0 at the end, and if there is too much of it.
func (s *scan) next() byte {
	for from := s.at; s.at < len(s.raw) && s.at-from < plainGap; s.at++ {
		if c := s.raw[s.at]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

func (s *scan) document() bool {
	if s.next() != '{' {
		return false
	}
	n := node{parent: -1}
	for {
		if !s.value(n) {
			return false
		}
		// Of an object or array that was opened comes the first child; after any other value what stands behind it.
		for s.open[len(s.open)-1].children > 0 {
			c := s.next()
			s.at++
			if c == ',' {
				break
			}
			f := s.open[len(s.open)-1]
			if c != '}' && c != ']' || (c == ']') != f.array {
				return false
			}
			done := &s.nodes[f.node]
			done.end, done.next = uint32(s.at), int32(len(s.nodes))
			if s.open = s.open[:len(s.open)-1]; len(s.open) == 0 {
				s.next()
				return s.at == len(s.raw)
			}
		}
		f := &s.open[len(s.open)-1]
		n = node{parent: f.node}
		if !f.array && !s.name(f, &n) {
			return false
		}
		f.children++
	}
}

// name reads the name of a member of f and the colon after it.
func (s *scan) name(f *frame, n *node) bool {
	if s.next() != '"' {
		return false
	}
	start := s.at + 1
	escaped, ok := s.text()
	if length := s.at - 1 - start; !ok || escaped || length > maxName || f.children >= maxMembers || s.twice(f, s.raw[start:start+length]) {
		return false
	}
	n.name, n.nameLen, n.flags = uint32(start), uint16(s.at-1-start), flagNamed
	if s.next() != ':' {
		return false
	}
	s.at++
	return true
}

// twice says whether f has a member of that name already. A bit of seen stands for each name met, so that nearly
// always there is nothing to compare.
func (s *scan) twice(f *frame, name []byte) bool {
	bit := uint64(1)
	if len(name) > 0 {
		bit <<= (uint(name[0]) ^ uint(name[len(name)-1])<<2 ^ uint(len(name))*7) % 64
	}
	if f.seen&bit == 0 {
		f.seen |= bit
		return false
	}
	for i := f.node + 1; int(i) < len(s.nodes); i = s.nodes[i].next {
		m := &s.nodes[i]
		if int(m.nameLen) == len(name) && bytes.Equal(s.raw[m.name:m.name+uint32(m.nameLen)], name) {
			return true
		}
	}
	return false
}

// value puts a value on the tape: n with its place and kind. An object or array is only opened.
func (s *scan) value(n node) bool {
	c := s.next()
	if c == 0 || len(s.nodes) >= s.lim.Nodes {
		return false
	}
	start := s.at
	n.start = uint32(start)
	switch c {
	case '{', '[':
		if len(s.open) >= s.lim.Depth || c == '[' && len(s.open) > 0 && s.open[len(s.open)-1].array {
			return false
		}
		n.kind = Object
		if c == '[' {
			n.kind = Array
		}
		s.at++
		if first := s.next(); first == '}' || first == ']' {
			return false
		}
		s.open = append(s.open, frame{node: int32(len(s.nodes)), array: c == '['})
	case '"':
		n.kind = String
		escaped, ok := s.text()
		if !ok {
			return false
		}
		if escaped {
			n.flags |= flagEscaped
		}
	case 't', 'f', 'n':
		word := "true"
		switch n.kind = Bool; c {
		case 'f':
			word = "false"
		case 'n':
			word, n.kind = "null", Null
			if n.flags&flagNamed != 0 {
				return false
			}
		}
		if s.at += len(word); s.at > len(s.raw) || string(s.raw[start:s.at]) != word {
			return false
		}
	default:
		n.kind = Number
		if !s.number() || s.at-start > maxNumber {
			return false
		}
	}
	n.end, n.next = uint32(s.at), int32(len(s.nodes)+1)
	if len(s.nodes) == cap(s.nodes) {
		s.done = start
		s.grow()
	}
	s.nodes = append(s.nodes, n)
	return true
}

// inText says what a byte within a text is: 0 for a letter of ASCII.
var inText = func() (is [256]uint8) {
	for c := range is {
		switch {
		case c == '"':
			is[c] = textEnds
		case c == '\\':
			is[c] = textEscape
		case c < ' ':
			is[c] = textBroken
		case c >= utf8.RuneSelf:
			is[c] = textWide
		}
	}
	return is
}()

const (
	textEnds = 1 + iota
	textEscape
	textBroken
	textWide
)

// text passes over a string, from quote to quote.
func (s *scan) text() (escaped, ok bool) {
	start, wide := s.at, false
	for i := s.at + 1; i < len(s.raw); i++ {
		switch inText[s.raw[i]] {
		case textEnds:
			s.at = i + 1
			return escaped, !wide || utf8.Valid(s.raw[start:i])
		case textEscape:
			n := escape(s.raw[i+1:])
			if n == 0 {
				return false, false
			}
			escaped, i = true, i+n
		case textBroken:
			return false, false
		case textWide:
			wide = true
		}
	}
	return false, false
}

// escape gives the length of the escape that b begins with, after its backslash; 0 if it is none, or half of a surrogate pair.
func escape(b []byte) int {
	if len(b) == 0 || bytes.IndexByte([]byte(`"\/bfnrtu`), b[0]) < 0 {
		return 0
	}
	if b[0] != 'u' {
		return 1
	}
	var r [2]byte
	if len(b) < 5 {
		return 0
	}
	if _, err := hex.Decode(r[:], b[1:5]); err != nil || r[0]&0xf8 == 0xd8 {
		return 0
	}
	return 5
}

// number passes over a number: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (s *scan) number() bool {
	if s.is('-') {
		s.at++
	}
	if s.is('0') {
		s.at++
	} else if !s.digits() {
		return false
	}
	if s.is('.') {
		if s.at++; !s.digits() {
			return false
		}
	}
	if s.is('e') || s.is('E') {
		if s.at++; s.is('+') || s.is('-') {
			s.at++
		}
		return s.digits()
	}
	return true
}

func (s *scan) is(c byte) bool { return s.at < len(s.raw) && s.raw[s.at] == c }

// digits passes over digits and says whether there was one.
func (s *scan) digits() bool {
	from := s.at
	for s.at < len(s.raw) && s.raw[s.at]-'0' <= 9 {
		s.at++
	}
	return s.at > from
}
