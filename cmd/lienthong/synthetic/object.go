package synthetic

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// object is a JSON object in the order written: name, value, name, value. Members with an empty value are left out,
// since FHIR knows no empty strings, arrays or objects.
type object []any

// list is a JSON array.
type list []any

// appendJSON writes v, which is made of object, list, string, int, bool and json.RawMessage.
func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case object:
		dst = append(dst, '{')
		first := true
		for i := 0; i+1 < len(v); i += 2 {
			if empty(v[i+1]) {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = appendString(dst, v[i].(string))
			dst = append(dst, ':')
			dst = appendJSON(dst, v[i+1])
		}
		return append(dst, '}')
	case list:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, e)
		}
		return append(dst, ']')
	case string:
		return appendString(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case bool:
		return strconv.AppendBool(dst, v)
	case json.RawMessage:
		return append(dst, v...)
	}
	panic(fmt.Sprintf("synthetic: no JSON form for %T", v))
}

// appendString writes s as a JSON string; the texts made here hold no control characters.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case object:
		return len(v) == 0
	case list:
		return len(v) == 0
	case json.RawMessage:
		return len(v) == 0
	}
	return false
}
