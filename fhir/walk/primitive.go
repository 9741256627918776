package walk

import (
	"math"
	"strings"

	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// maxString is the longest string in bytes of UTF-8: "SHALL NOT exceed 1MB in size".
const maxString = 1 << 20

// faultOf gives the catalogue code of what is wrong with a primitive value, "" if nothing is.
func faultOf(p r4.Primitive, v resource.Value) string {
	switch p {
	case r4.Boolean:
		if v.Kind() != resource.Bool {
			return "element-not-boolean"
		}
		return ""
	case r4.Integer, r4.PositiveInt, r4.UnsignedInt, r4.Decimal:
		if v.Kind() != resource.Number {
			return "element-not-number"
		}
		return numberFault(p, v.Raw())
	}
	if v.Kind() != resource.String {
		return "element-not-string"
	}
	return textFault(p, v.Text())
}

// numberFault checks the literal of a JSON number. Decimals take any: precision is kept, however large.
func numberFault(p r4.Primitive, lit []byte) string {
	if p == r4.Decimal {
		return ""
	}
	neg := lit[0] == '-'
	if neg {
		lit = lit[1:]
	}
	n, ok := int64(0), len(lit) <= 10
	for _, c := range lit {
		if ok = ok && c >= '0' && c <= '9'; !ok {
			return "integer-invalid"
		}
		n = n*10 + int64(c-'0')
	}
	if neg {
		if n == 0 {
			return "integer-invalid" // -0
		}
		n = -n
	}
	low := int64(math.MinInt32)
	switch p {
	case r4.UnsignedInt:
		low = 0
	case r4.PositiveInt:
		low = 1
	}
	if !ok || n < low || n > math.MaxInt32 {
		return "integer-range"
	}
	return ""
}

// textFault checks the decoded text of a JSON string against the format of its type.
func textFault(p r4.Primitive, s string) string {
	if len(s) == 0 {
		return "string-empty"
	}
	switch p {
	case r4.String, r4.Markdown:
		return stringFault(s)
	case r4.XHTML:
		if len(strings.TrimSpace(s)) == 0 {
			return "string-empty"
		}
		return ""
	case r4.Code:
		return pick(isCode(s), "code-invalid")
	case r4.ID:
		return pick(isID(s), "id-format")
	case r4.URI, r4.URL, r4.Canonical:
		return pick(!hasSpace(s), "uri-invalid")
	case r4.OID:
		return pick(isOID(s), "oid-invalid")
	case r4.UUID:
		return pick(isUUID(s), "uuid-invalid")
	case r4.Base64Binary:
		return pick(isBase64(s), "base64-invalid")
	case r4.Date:
		d, ok := ParseDateTime(s)
		return pick(ok && d.Precision <= Day, "date-invalid")
	case r4.DateTime:
		d, ok := ParseDateTime(s)
		return pick(ok && (d.Precision <= Day || d.Precision >= Second && d.Zoned), "dateTime-invalid")
	case r4.Instant:
		d, ok := ParseDateTime(s)
		return pick(ok && d.Precision >= Second && d.Zoned, "instant-invalid")
	case r4.Time:
		var d DateTime
		n, ok := timeOfDay(s, &d)
		return pick(ok && n == len(s) && d.Precision >= Second, "time-invalid")
	}
	return ""
}

func pick(ok bool, code string) string {
	if ok {
		return ""
	}
	return code
}

// stringFault finds control characters other than tab, line feed and carriage return, and strings over a megabyte.
func stringFault(s string) string {
	if len(s) > maxString {
		return "string-too-long"
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return "string-control"
		}
	}
	return ""
}

// isCode: no space at either end, single spaces within.
func isCode(s string) bool {
	space := true
	for _, c := range s {
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if space {
				return false
			}
			space = true
		case c < ' ':
			return false
		default:
			space = false
		}
	}
	return !space
}

func isID(s string) bool {
	if len(s) > 64 {
		return false
	}
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}

func hasSpace(s string) bool {
	for _, c := range s {
		if c <= ' ' || c == 0x85 || c == 0xA0 {
			return true
		}
	}
	return false
}

// isOID: urn:oid: and a first arc 0 to 2, then at least one arc without leading zeros.
func isOID(s string) bool {
	rest, ok := strings.CutPrefix(s, "urn:oid:")
	if !ok || len(rest) < 3 || rest[0] < '0' || rest[0] > '2' || rest[1] != '.' {
		return false
	}
	for arc := range strings.SplitSeq(rest[2:], ".") {
		if len(arc) == 0 || arc[0] == '0' && len(arc) > 1 {
			return false
		}
		for _, c := range arc {
			if c < '0' || c > '9' {
				return false
			}
		}
	}
	return true
}

// isUUID: urn:uuid: and 36 characters, letters in lower case.
func isUUID(s string) bool {
	rest, ok := strings.CutPrefix(s, "urn:uuid:")
	if !ok || len(rest) != 36 {
		return false
	}
	for i, c := range rest {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
				return false
			}
		}
	}
	return true
}

// isBase64: groups of four characters, padding only at the end; white space between them is allowed.
func isBase64(s string) bool {
	n, pad := 0, 0
	for _, c := range s {
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			continue
		case c == '=':
			pad++
		case pad > 0:
			return false
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/':
		default:
			return false
		}
		n++
	}
	return n > 0 && n%4 == 0 && pad <= 2
}
