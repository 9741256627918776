package search

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/lienthong/fhir"
)

// maxParameters is how many parameters one search may have.
const maxParameters = 200

// Parameter is one name=value of a query string:
//
//	name:exact=Võ                  Name "name", Modifier "exact"
//	subject:Patient.name=Võ        Name "subject", Modifier "Patient", Chain "name"
//	_include=Observation:subject   Name "_include"
type Parameter struct {
	Name     string
	Modifier string // after ":", "" if none
	Chain    string // after ".", "" if none; may have a modifier of its own
	Value    string // percent-decoded; \, \| \$ \\ stand as they were written
}

// Key gives the name as it was written, with modifier and chain.
func (p Parameter) Key() string {
	s := p.Name
	if p.Modifier != "" {
		s += ":" + p.Modifier
	}
	if p.Chain != "" {
		s += "." + p.Chain
	}
	return s
}

// Parse takes a query string apart, without "?"; the order stays. What is between two & and empty is passed over.
// Errors have Kind Invalid: percent-encoding or UTF-8 that is wrong, control characters, a parameter without a name.
func Parse(rawQuery string) ([]Parameter, error) {
	var out []Parameter
	for part := range strings.SplitSeq(rawQuery, "&") {
		if part == "" {
			continue
		}
		if len(out) == maxParameters {
			return nil, fhir.Errorf(fhir.TooCostly, "search-too-many", "", maxParameters)
		}
		k, v, _ := strings.Cut(part, "=")
		key, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if err1 != nil || err2 != nil || !clean(key) || !clean(value) {
			return nil, fhir.Errorf(fhir.Invalid, "search-encoding", "", clip(part))
		}
		p := Parameter{Value: value}
		p.Name, p.Modifier, p.Chain = cutName(key)
		if p.Name == "" {
			return nil, fhir.Errorf(fhir.Invalid, "search-no-name", "", clip(part))
		}
		out = append(out, p)
	}
	return out, nil
}

// clean says that s is UTF-8 without control characters but tab and line ends.
func clean(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return utf8.ValidString(s)
}

// cutName takes name, modifier and chain apart: a:b.c. Of _has the rest is a modifier, whatever is in it.
func cutName(key string) (name, modifier, chain string) {
	i := strings.IndexAny(key, ":.")
	if i < 0 {
		return key, "", ""
	}
	name, rest := key[:i], key[i+1:]
	if key[i] == '.' {
		return name, "", rest
	}
	if name != "_has" {
		rest, chain, _ = strings.Cut(rest, ".")
	}
	return name, rest, chain
}

// split cuts s at each sep that has no backslash before it; the pieces keep their escapes.
func split(s string, sep byte) []string {
	if strings.IndexByte(s, sep) < 0 {
		return []string{s}
	}
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case sep:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// unescape resolves \, \| \$ and \\; any other backslash is itself.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`,|$\`, s[i+1]) >= 0 {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// clip keeps foreign text in a message short.
func clip(s string) string {
	if len(s) <= 80 {
		return s
	}
	n := 80
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
