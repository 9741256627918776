package search

import (
	"bytes"
	"strings"
)

const (
	formCode = 'c'
	formText = 't'
)

// AppendToken appends the value of a code in a system; system is "" where there is none. Booleans, strings and ids as
// tokens have no system. Codes are compared as they are, upper and lower case apart.
func AppendToken(dst []byte, code, system string) []byte {
	dst = append(dst, formCode)
	dst = appendField(dst, code, maxField)
	return appendField(append(dst, 0), system, maxField)
}

// AppendCode appends the value of an element of type code, whose system is implied by its definition.
func AppendCode(dst []byte, code string) []byte { return AppendToken(dst, code, implied) }

// TokenSystem gives the system of a value of AppendToken; "" if it has none, or one that the definition of the element implies.
func TokenSystem(value []byte) string {
	if len(value) == 0 || value[0] != formCode {
		return ""
	}
	at := bytes.IndexByte(value, 0)
	if at < 0 || string(value[at+1:]) == implied {
		return ""
	}
	return string(value[at+1:])
}

// AppendTokenText appends the value for ParamAside of a text that goes with a token. It gives dst as it was if there is no
// letter or digit in it.
func AppendTokenText(dst []byte, text string) []byte {
	from := len(dst)
	dst = AppendFolded(append(dst, formText), text, maxText)
	if len(dst) == from+1 {
		return dst[:from]
	}
	return dst
}

// IsTokenText says whether a value of ParamAside begins as those of AppendTokenText do.
func IsTokenText(value []byte) bool { return len(value) > 0 && value[0] == formText }

// AppendTypedIdentifier appends the value for ParamTyped of an identifier and one coding of its type.
func AppendTypedIdentifier(dst []byte, code, system, value string) []byte {
	dst = append(appendField(dst, code, maxField), 0)
	dst = append(appendField(dst, value, maxField), 0)
	return appendField(dst, system, maxField)
}

// tokenQuery is a token value as a query writes it.
type tokenQuery struct {
	code, system string
	bar          bool // there was a "|": system counts, also when empty
}

// parseToken reads code, system|code, |code or system|. FHIR escapes are resolved.
func parseToken(s string) (q tokenQuery, ok bool) {
	parts := split(s, '|')
	switch len(parts) {
	case 1:
		q.code = unescape(parts[0])
		return q, q.code != ""
	case 2:
		q.system, q.code, q.bar = unescape(parts[0]), unescape(parts[1]), true
		return q, q.system != "" || q.code != ""
	}
	return q, false
}

// tokenSpans finds the tokens that q asks for, given what kinds of elements the parameter has.
func tokenSpans(q tokenQuery, k kinds) []span {
	code := appendField([]byte{formCode}, q.code, maxField)
	code = append(code, 0)
	with := func(system string) span {
		return exactly(appendField(append([]byte(nil), code...), system, maxField))
	}
	switch {
	case !q.bar && k.onlyCodes:
		return []span{with(implied)}
	case !q.bar && k.onlyPlain:
		return []span{with("")}
	case !q.bar:
		return []span{beginning(code)}
	case q.code == "":
		return []span{systemSpan(q.system, k)}
	case q.system == "" && k.codes:
		return []span{with(""), with(implied)}
	case k.implies(q.system):
		return []span{with(q.system), with(implied)}
	}
	return []span{with(q.system)}
}

// systemSpan finds all tokens of a system. There is no posting for it (each token would need a second one): it reads all
// values of the parameter.
func systemSpan(system string, k kinds) span {
	suffix := "\x00" + string(appendField(nil, system, maxField))
	also := k.implies(system)
	return allTokens(func(v []byte) bool {
		return strings.HasSuffix(string(v), suffix) || also && strings.HasSuffix(string(v), "\x00"+implied)
	})
}

// allTokens is the span of all tokens that accept takes.
func allTokens(accept func([]byte) bool) span {
	return span{low: []byte{formCode}, high: []byte{formCode + 1}, accept: accept}
}

// cutToken takes a token's value apart; system is "\x01" for an element of type code.
func cutToken(v []byte) (code, system string) {
	c, s, _ := cutField(v[1:])
	return string(c), string(s)
}

// textSpans finds the tokens with a text of which each word of s begins a word (:text). It reads all texts of the
// parameter.
func textSpans(s string) ([]span, bool) {
	words := bytes.Fields(AppendFolded(nil, s, maxFolded))
	return []span{{variant: ParamAside, low: []byte{formText}, high: []byte{formText + 1}, accept: func(v []byte) bool {
		return eachBegins(words, v[1:])
	}}}, len(words) > 0
}

// ofTypeSpans finds identifiers by type and value: system|code|value (:of-type); all three are needed.
func ofTypeSpans(s string, fold func(string) string) ([]span, bool) {
	parts := split(s, '|')
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return nil, false
	}
	one := exactly(AppendTypedIdentifier(nil, unescape(parts[1]), fold(unescape(parts[0])), unescape(parts[2])))
	one.variant = ParamTyped
	return []span{one}, true
}

// identifierSpans finds references by the identifier that they carry (:identifier).
func identifierSpans(q tokenQuery) []span {
	out := tokenSpans(q, kinds{})
	for i := range out {
		out[i].variant = ParamAside
	}
	return out
}
