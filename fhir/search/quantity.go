package search

// Quantity is what is indexed of a Quantity or of a type like it.
type Quantity struct {
	Value  string // literal of the number
	Code   string // of Money: the currency
	System string
	Unit   string
}

// AppendQuantityCode appends the value for the second index by code, or with unit by unit; the unit has no system.
// ok is false if Value is no number.
func AppendQuantityCode(dst []byte, q Quantity, unit bool) (_ []byte, ok bool) {
	code, system := q.Code, q.System
	if unit {
		code, system = q.Unit, implied
	}
	d, ok := readDecimal(q.Value)
	if !ok {
		return dst, false
	}
	dst = append(appendField(dst, code, maxField), 0)
	return appendField(d.append(dst), system, maxField), true
}

// appendQuantityPart appends the value within a composite: number, code 0 unit 0 system.
func appendQuantityPart(dst []byte, q Quantity) (_ []byte, ok bool) {
	dst, ok = AppendNumber(dst, q.Value)
	dst = append(appendField(dst, q.Code, maxField), 0)
	dst = append(appendField(dst, q.Unit, maxField), 0)
	return appendField(dst, q.System, maxField), ok
}

// quantityQuery is a quantity value as a query writes it: number, number|system|code or number||code.
type quantityQuery struct {
	prefix       Prefix
	number       string
	system, code string
}

// parseQuantity reads a value; the number is checked later.
func parseQuantity(s string) (q quantityQuery, ok bool) {
	parts := split(s, '|')
	if len(parts) != 1 && len(parts) != 3 {
		return q, false
	}
	if q.prefix, q.number, ok = cutPrefix(parts[0]); !ok {
		return q, false
	}
	if len(parts) == 3 {
		q.system, q.code = unescape(parts[1]), unescape(parts[2])
		return q, q.code != "" || q.system == ""
	}
	return q, true
}

// quantitySpans finds quantities by number, and by code or unit if there is one. A bare number is of any unit.
func quantitySpans(q quantityQuery) ([]span, bool) {
	spans, ok := numberSpans(q.prefix, q.number)
	if !ok || q.code == "" {
		return spans, ok
	}
	prefix := append(appendField(nil, q.code, maxField), 0)
	system := string(appendField(nil, q.system, maxField))
	for i := range spans {
		spans[i] = spans[i].under(prefix)
		spans[i].detail = true
		if q.system != "" {
			spans[i].accept = func(v []byte) bool {
				n := -1
				if len(v) > len(prefix) {
					n = numberLen(v[len(prefix):])
				}
				return n >= 0 && string(v[len(prefix)+n:]) == system
			}
		}
	}
	return spans, true
}

// quantityPartSpans is quantitySpans within a composite.
func quantityPartSpans(q quantityQuery) ([]span, bool) {
	spans, ok := numberSpans(q.prefix, q.number)
	if !ok || q.code == "" {
		return spans, ok
	}
	code, system := string(appendField(nil, q.code, maxField)), string(appendField(nil, q.system, maxField))
	for i := range spans {
		spans[i].accept = func(v []byte) bool {
			n := numberLen(v)
			if n < 0 {
				return false
			}
			c, rest, _ := cutField(v[n:])
			u, s, _ := cutField(rest)
			return (string(c) == code || system == "" && string(u) == code) && (system == "" || string(s) == system)
		}
	}
	return spans, true
}

// under puts a span below a prefix.
func (s span) under(prefix []byte) span {
	low := append(append([]byte(nil), prefix...), s.low...)
	high := successor(prefix)
	if s.high != nil {
		high = append(append([]byte(nil), prefix...), s.high...)
	}
	s.low, s.high = low, high
	return s
}
