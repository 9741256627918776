package search

import (
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// AppendFolded appends s as string searches compare it: lower case, without accents and tone marks (đ becomes d,
// ß becomes ss, æ ae, œ oe, ø o, ł l),
// apostrophes and full stops gone, other punctuation and white space one space, none at the ends. At most limit bytes
// are appended (0 = no limit).
// https://hl7.org/fhir/R4/search.html#string: case- and accent-insensitive; punctuation and repeated space ignored.
func AppendFolded(dst []byte, s string, limit int) []byte {
	from, space, table := len(dst), false, latin()
	for _, r := range s {
		if r >= latinEnd || table[r] == foldOther {
			return cut(foldAny(dst[:from], s), from, limit)
		}
		switch c := table[r]; c {
		case foldDrop:
		case foldSpace:
			space = len(dst) > from
		default:
			if space {
				dst, space = append(dst, ' '), false
			}
			dst = append(dst, c)
		}
	}
	return cut(dst, from, limit)
}

// What becomes of a character; any other value in the table is the letter or digit that it becomes.
const (
	foldOther = iota // cannot be told by the character alone, or is no ASCII letter
	foldDrop
	foldSpace
)

// latinEnd is the end of the table: with it all of Latin, Vietnamese included, needs no decomposition at run time.
const latinEnd = 0x1F00

// latin is what foldAny makes of each character below latinEnd.
var latin = sync.OnceValue(func() *[latinEnd]byte {
	table := new([latinEnd]byte)
	var room [16]byte
	for r := range rune(latinEnd) {
		s := string(r)
		switch after := foldAny(room[:0], "a"+s+"b"); {
		case string(after) == "ab":
			table[r] = foldDrop
		case string(after) == "a b":
			table[r] = foldSpace
		case len(after) == 3 && after[1] < utf8.RuneSelf:
			table[r] = after[1]
		}
	}
	return table
})

// foldAny is AppendFolded for any text, without limit.
func foldAny(dst []byte, s string) []byte {
	space, from := false, len(dst)
	for _, r := range norm.NFD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r) || isDropped(r):
			continue
		case unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsControl(r):
			space = len(dst) > from
			continue
		case r == 'Đ' || r == 'đ' || r == 'Ð' || r == 'ð': // the Icelandic Eth is what some keyboards give for Đ
			r = 'd'
		default:
			r = unicode.ToLower(r)
		}
		if space {
			dst, space = append(dst, ' '), false
		}
		switch r { // letters that do not decompose
		case 'ß':
			dst = append(dst, "ss"...)
		case 'æ':
			dst = append(dst, "ae"...)
		case 'œ':
			dst = append(dst, "oe"...)
		case 'ø':
			dst = append(dst, 'o')
		case 'ł':
			dst = append(dst, 'l')
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// isDropped: punctuation that stands within a word.
func isDropped(r rune) bool {
	switch r {
	case '\'', '.', '`', '’', '‘', 'ʼ', '´':
		return true
	}
	return false
}

// cut shortens what was appended to limit bytes, at the border of a character.
func cut(dst []byte, from, limit int) []byte {
	if limit == 0 || len(dst)-from <= limit {
		return dst
	}
	end := from + limit
	for end > from && !utf8.RuneStart(dst[end]) {
		end--
	}
	return dst[:end]
}
