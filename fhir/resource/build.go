package resource

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// ObjectOf is a JSON object to be written, in order: name, value, name, value. Members with an empty value are left out, since
// FHIR knows no empty strings, arrays or objects.
type ObjectOf []any

// ListOf is a JSON array to be written; its empty elements are left out.
type ListOf []any

// Literal is a number as its text, such as 12000.00.
type Literal string

// AppendJSON writes v, which is made of ObjectOf, ListOf, string, Literal, int and bool; it panics on anything else, and on member
// names that are no strings. What is not UTF-8 in a string becomes U+FFFD.
func AppendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case ObjectOf:
		b = append(b, '{')
		first := true
		for i := 0; i+1 < len(v); i += 2 {
			if Empty(v[i+1]) {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = AppendString(b, v[i].(string))
			b = append(b, ':')
			b = AppendJSON(b, v[i+1])
		}
		return append(b, '}')
	case ListOf:
		b = append(b, '[')
		first := true
		for _, e := range v {
			if Empty(e) {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = AppendJSON(b, e)
		}
		return append(b, ']')
	case string:
		return AppendString(b, v)
	case Literal:
		return append(b, v...)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case bool:
		return strconv.AppendBool(b, v)
	}
	panic(fmt.Sprintf("resource: no JSON form for %T", v))
}

// AppendString writes a string as AppendJSON does.
func AppendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

// Empty says whether nothing would be left of v: nil, "", and lists and objects of nothing but such.
func Empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case Literal:
		return v == ""
	case ListOf:
		for _, e := range v {
			if !Empty(e) {
				return false
			}
		}
		return true
	case ObjectOf:
		for i := 1; i < len(v); i += 2 {
			if !Empty(v[i]) {
				return false
			}
		}
		return true
	}
	return false
}
