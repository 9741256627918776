package search

import "strings"

const formCode = 'c'

// AppendToken appends the value of a code in a system; system is "" where there is none. Booleans, strings and ids as
// tokens have no system. Codes are compared as they are, upper and lower case apart.
func AppendToken(dst []byte, code, system string) []byte {
	dst = append(dst, formCode)
	dst = appendField(dst, code, maxField)
	return appendField(append(dst, 0), system, maxField)
}

// AppendCode appends the value of an element of type code, whose system is implied by its definition.
func AppendCode(dst []byte, code string) []byte { return AppendToken(dst, code, implied) }

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
	return span{low: []byte{formCode}, high: []byte{formCode + 1}, accept: func(v []byte) bool {
		return strings.HasSuffix(string(v), suffix) || also && strings.HasSuffix(string(v), "\x00"+implied)
	}}
}
