package search

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// AppendFolded appends s as string searches compare it: lower case, without accents and tone marks (đ becomes d),
// apostrophes and full stops gone, other punctuation and white space one space, none at the ends. At most limit bytes
// are appended (0 = no limit).
// https://hl7.org/fhir/R4/search.html#string: case- and accent-insensitive; punctuation and repeated space ignored.
func AppendFolded(dst []byte, s string, limit int) []byte {
	from := len(dst)
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			dst = foldRunes(dst[:from], s)
			return cut(dst, from, limit)
		}
	}
	space := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '\'' || c == '.' || c == '`':
			continue
		case c <= ' ' || isPunct(c):
			space = len(dst) > from
			continue
		}
		if space {
			dst, space = append(dst, ' '), false
		}
		dst = append(dst, c)
	}
	return cut(dst, from, limit)
}

// isPunct says what ASCII has as punctuation (Unicode category P); + < = > ^ | ~ $ are symbols, which count.
func isPunct(c byte) bool {
	switch c {
	case '+', '<', '=', '>', '^', '|', '~', '$':
		return false
	}
	return c < utf8.RuneSelf && unicode.IsPunct(rune(c))
}

// foldRunes is AppendFolded for text beyond ASCII.
func foldRunes(dst []byte, s string) []byte {
	var room [256]byte
	space, from := false, len(dst)
	for rest := norm.NFD.AppendString(room[:0], s); len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		rest = rest[n:]
		switch {
		case unicode.Is(unicode.Mn, r):
			continue
		case r == '\'' || r == '.' || r == '`' || r == '’' || r == '‘' || r == 'ʼ' || r == '´':
			continue
		case unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsControl(r):
			space = len(dst) > from
			continue
		case r == 'Đ' || r == 'đ' || r == 'Ð': // the Icelandic Eth is what some keyboards give for Đ
			r = 'd'
		default:
			r = unicode.ToLower(r)
		}
		if space {
			dst, space = append(dst, ' '), false
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
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
