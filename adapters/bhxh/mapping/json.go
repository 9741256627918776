package mapping

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object in the order written: name, value, name, value. Members with an empty value are left out,
// since FHIR knows no empty strings, arrays or objects.
type object []any

// list is a JSON array; its empty elements are left out.
type list []any

// literal is a number as its text, such as 12000.00.
type literal string

// appendJSON writes v, which is made of object, list, string, literal, int and bool.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case object:
		b = append(b, '{')
		first := true
		for i := 0; i+1 < len(v); i += 2 {
			if empty(v[i+1]) {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = quote(b, v[i].(string))
			b = append(b, ':')
			b = appendJSON(b, v[i+1])
		}
		return append(b, '}')
	case list:
		b = append(b, '[')
		first := true
		for _, e := range v {
			if empty(e) {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = appendJSON(b, e)
		}
		return append(b, ']')
	case string:
		return quote(b, v)
	case literal:
		return append(b, v...)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case bool:
		return strconv.AppendBool(b, v)
	}
	panic(fmt.Sprintf("mapping: no JSON form for %T", v))
}

// quote writes s as a JSON string; what is not UTF-8 in it becomes U+FFFD.
func quote(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case literal:
		return v == ""
	case list:
		for _, e := range v {
			if !empty(e) {
				return false
			}
		}
		return true
	case object:
		for i := 1; i < len(v); i += 2 {
			if !empty(v[i]) {
				return false
			}
		}
		return true
	}
	return false
}
