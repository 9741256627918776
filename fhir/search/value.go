package search

import (
	"crypto/sha256"
	"encoding/base64"
)

// Index values, by the type of the parameter. Each is made of bytes whose order is the order of what they stand for, so
// that a search is a range. 0x00 separates fields; text of documents and of queries never has one. p is the parameter; the
// others are its further indexes: p+ is p|ParamDetail, p* is p|ParamAside, p# is p|ParamTyped.
//
//	string     p   folded                     "nguyen van an"     when that is the text itself
//	           p   folded 0 text              "nguyen" 0 "Nguyễn"
//	           p   folded 0 1                 the whole name, begun at each of its words (HumanName only)
//	           p*  'p' or 'q' folded          a piece of a long string; of the last one 'q'
//	token      p   'c' code 0 system          "c8302-2" 0 "http://loinc.org"
//	           p   'c' code 0 1               an element of type code: its system is implied by the definition
//	           p*  't' folded                 text of a concept, display of a coding, text of an identifier's type
//	           p#  code value 0 system        of an identifier, by type: code of the type 0 value 0 system of the type
//	reference  p   'r' type 0 id              a resource of this server
//	           p   'u' url                    anything else; of a canonical 'u' url 0 version
//	           p+  place                      a contained resource of the same document: its place there, 2 bytes
//	           p*  'c' value 0 system         Reference.identifier, as a token
//	date       p   start end                  7 bytes each: milliseconds from the year 1 on, both inclusive
//	           p+  class start end            only intervals of more than a day: class 1 to a year, 2 longer or open
//	number     p   number                     see number.go
//	quantity   p   number                     whatever the unit; with a comparator that comes first
//	           p+  1 bases 0 number code      by what the unit is made of, if it is one of UCUM that is known
//	           p+  code 0 number system       by code, where it is not
//	           p+  unit 0 number 1            by unit, where it is not the code
//	uri        p   text                       of a canonical with a version also without it
//	composite  p   (code) (second) (third)? system    of parts escaped so that each ends by itself; see composite.go
//	position   p   row column lat lon         a cell of 0.1° (2 bytes each), then degrees (8 bytes each); see near.go
//	words      p   word                       _text: each word of the narrative once, folded
//	           p+# word                       _content: each word of the document, likewise
//	any        p*  1                          there are several values of p: of dates alone
//	any        p*  0                          the element is there, and has nothing that it could be found by (:missing)

// ParamDetail, ParamAside and ParamTyped mark further indexes of a parameter: entries of p|ParamDetail order the values of
// p in another way, those of p|ParamAside and p|ParamTyped are what only a modifier looks at. To the engine each is one
// more parameter. Sort keys and includes never use them; chains only ParamDetail of references. Numbers of
// parameters are below ParamLimit.
const (
	ParamDetail ParamID = 0x8000
	ParamAside  ParamID = 0x4000
	ParamTyped  ParamID = 0x2000
	ParamLimit  ParamID = 0x2000

	// ParamWords, both marks at once, are the words of whole documents: whoever may not see all of one may not ask for them.
	ParamWords = ParamDetail | ParamTyped
)

const (
	maxFolded = 200 // bytes of a folded string that are kept
	maxText   = 800 // bytes of a folded text of a token
	maxField  = 255 // bytes of any other field but uris
	maxURI    = 500
	hashed    = 22 // length of the hash that stands for what was cut: 16 bytes of SHA-256 in base64
)

// implied stands where a system would: the code is of an element of type code.
const implied = "\x01"

// appendField appends s, which keeps its first bytes and ends in a hash if it is longer than limit. Two fields are
// equal if and only if their texts are (but for a collision of the hash), and short prefixes still work.
func appendField(dst []byte, s string, limit int) []byte {
	if len(s) <= limit {
		return append(dst, s...)
	}
	sum := sha256.Sum256([]byte(s))
	dst = append(dst, s[:limit-hashed]...)
	return base64.RawURLEncoding.AppendEncode(dst, sum[:16])
}

// successor gives the least value that is greater than everything that begins with prefix; nil if there is none.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xFF {
			next := append([]byte(nil), prefix[:i+1]...)
			next[i]++
			return next
		}
	}
	return nil
}

// SeveralValue is the value for ParamAside of a resource that has several values of a date.
var SeveralValue = []byte{1}

// AppendUnfindable appends the value for ParamAside of an element that has no other value.
func AppendUnfindable(dst []byte) []byte { return append(dst, 0) }

// span is a range of values of a parameter, or of a part of a composite: what Term is without the parameter.
type span struct {
	variant ParamID // 0, ParamDetail, ParamAside or ParamTyped
	low     []byte
	high    []byte // nil = to the end
	exact   bool   // low alone
	accept  func([]byte) bool
}

func exactly(v []byte) span { return span{low: v, exact: true} }

// beginning is the span of all values with the prefix.
func beginning(prefix []byte) span { return span{low: prefix, high: successor(prefix)} }

// holds says whether v is within the span.
func (s span) holds(v []byte) bool {
	return Term{Low: s.low, High: s.high, Exact: s.exact, Accept: s.accept}.holds(v)
}

// terms makes terms of spans.
func terms(p ParamID, spans []span) []Term {
	out := make([]Term, len(spans))
	for i, s := range spans {
		out[i] = Term{Param: p | s.variant, Low: s.low, High: s.high, Exact: s.exact, Accept: s.accept}
	}
	return out
}
