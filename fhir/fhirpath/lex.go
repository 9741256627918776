package fhirpath

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// tokenKind tells the tokens apart; a symbol's text says which.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenString
	tokenNumber
	tokenSymbol
)

type token struct {
	kind tokenKind
	text string // decoded, for strings and `names`
	at   int    // byte offset in the expression
	bare bool   // a name without backquotes, which may be a keyword
}

// symbols are those of the grammar that the parser knows, longer ones first.
var symbols = []string{"!=", ".", "|", "(", ")", "[", "]", "=", ",", "%", "$"}

// scan cuts an expression into tokens; the last is tokenEnd.
func scan(text string) ([]token, error) {
	var out []token
	for at := 0; ; {
		for at < len(text) && strings.IndexByte(" \t\r\n", text[at]) >= 0 {
			at++
		}
		if at == len(text) {
			return append(out, token{kind: tokenEnd, at: at}), nil
		}
		t, n, err := next(text, at)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
		at += n
	}
}

// next reads the token at an offset and says how long it is.
func next(text string, at int) (token, int, error) {
	rest := text[at:]
	switch c := rest[0]; {
	case letter(c):
		n := 1
		for n < len(rest) && (letter(rest[n]) || digit(rest[n])) {
			n++
		}
		return token{tokenName, rest[:n], at, true}, n, nil
	case digit(c):
		n := 1
		for n < len(rest) && (digit(rest[n]) || rest[n] == '.' && n+1 < len(rest) && digit(rest[n+1])) {
			n++
		}
		if strings.Count(rest[:n], ".") > 1 {
			return token{}, 0, syntaxError(text, at, "a number")
		}
		return token{tokenNumber, rest[:n], at, false}, n, nil
	case c == '\'' || c == '`':
		s, n, ok := quoted(rest)
		if !ok || c == '`' && s == "" {
			return token{}, 0, syntaxError(text, at, "an end of the quotation")
		}
		kind := tokenString
		if c == '`' {
			kind = tokenName
		}
		return token{kind, s, at, false}, n, nil
	}
	for _, s := range symbols {
		if strings.HasPrefix(rest, s) {
			return token{tokenSymbol, s, at, false}, len(s), nil
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return token{}, 0, unsupported(text, strconv.QuoteRune(r))
}

// quoted reads a quotation with its escapes; the quote is the first byte.
func quoted(s string) (text string, n int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case s[0]:
			return b.String(), i + 1, true
		case '\\':
			if i++; i == len(s) {
				return "", 0, false
			}
			if s[i] == 'u' {
				if i+4 >= len(s) {
					return "", 0, false
				}
				r, err := strconv.ParseUint(s[i+1:i+5], 16, 32)
				if err != nil {
					return "", 0, false
				}
				b.WriteRune(rune(r))
				i += 4
				continue
			}
			j := strings.IndexByte("ntrf'\"`\\/", s[i])
			if j < 0 {
				return "", 0, false
			}
			b.WriteByte("\n\t\r\f'\"`\\/"[j])
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
