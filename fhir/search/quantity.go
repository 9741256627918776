package search

// Quantity is what is indexed of a Quantity or of a type like it.
type Quantity struct {
	Comparator string // "<", "<=", ">=" or ">"; "" = the value itself
	Value      string // literal of the number
	Code       string // of Money: the currency
	System     string
	Unit       string
}

// A comparator makes of a value all that is beyond it: "<5" is somewhere below 5. Its number begins with one of these, so
// that no range of plain numbers has it; sorted, it comes after all of them.
const (
	boundBelow   = 5 + iota // <
	boundAtMost             // <=
	boundAtLeast            // >=
	boundAbove              // >
)

var comparators = map[string]byte{"<": boundBelow, "<=": boundAtMost, ">=": boundAtLeast, ">": boundAbove}

// AppendQuantity appends the value for the first index: the number, whatever the unit. ok is false if it is none.
func AppendQuantity(dst []byte, q Quantity) (_ []byte, ok bool) {
	d, ok := readDecimal(q.Value)
	if !ok {
		return dst, false
	}
	return d.append(q.appendBound(dst)), true
}

func (q Quantity) appendBound(dst []byte) []byte {
	if q.Comparator != "" {
		if c, ok := comparators[q.Comparator]; ok {
			return append(dst, c)
		}
	}
	return dst
}

// canonical begins the value of a quantity in a known unit of UCUM: its bases follow.
const canonical = 1

// AppendQuantityCode appends the value for the second index by code, or with unit by unit; the unit has no system. A code
// of UCUM whose scale is known goes in as what it is made of. ok is false if Value is no number.
func AppendQuantityCode(dst []byte, q Quantity, unit bool) (_ []byte, ok bool) {
	d, ok := readDecimal(q.Value)
	if !ok {
		return dst, false
	}
	code, system := q.Code, q.System
	if unit {
		code, system = q.Unit, implied
	} else if system == SystemUCUM {
		if s := scaleOf(code); s != nil {
			dst = append(append(append(dst, canonical), s.bases...), 0)
			d = d.times(s)
			return append(d.append(q.appendBound(dst)), code...), true
		}
	}
	dst = append(appendField(dst, code, maxField), 0)
	return appendField(d.append(q.appendBound(dst)), system, maxField), true
}

// appendQuantityPart appends the value within a composite: number, code 0 unit 0 system.
func appendQuantityPart(dst []byte, q Quantity) (_ []byte, ok bool) {
	dst, ok = AppendQuantity(dst, q)
	dst = append(appendField(dst, q.Code, maxField), 0)
	dst = append(appendField(dst, q.Unit, maxField), 0)
	return appendField(dst, q.System, maxField), ok
}

// bounds finds the numbers with a comparator, taken as all that they may be, by the prefixes' rules for ranges.
// https://hl7.org/fhir/R4/search.html#prefix
func (q numberQuery) bounds() []span {
	all := func(c byte) span { return span{low: []byte{c}, high: []byte{c + 1}} }
	from := func(c byte, v []byte) span { return span{low: append([]byte{c}, v...), high: []byte{c + 1}} }
	below := func(c byte, v []byte) span { return span{low: []byte{c}, high: append([]byte{c}, v...)} }
	after := func(c byte, v []byte) span { return from(c, successor(v)) }
	upTo := func(c byte, v []byte) span { return below(c, successor(v)) }
	switch x := q.at; q.prefix {
	case PrefixGT:
		return []span{after(boundBelow, x), after(boundAtMost, x), all(boundAtLeast), all(boundAbove)}
	case PrefixGE:
		return []span{after(boundBelow, x), from(boundAtMost, x), all(boundAtLeast), all(boundAbove)}
	case PrefixLT:
		return []span{all(boundBelow), all(boundAtMost), below(boundAtLeast, x), below(boundAbove, x)}
	case PrefixLE:
		return []span{all(boundBelow), all(boundAtMost), upTo(boundAtLeast, x), below(boundAbove, x)}
	case PrefixSA:
		return []span{after(boundAtLeast, x), from(boundAbove, x)}
	case PrefixEB:
		return []span{upTo(boundBelow, x), below(boundAtMost, x)}
	case PrefixNE:
		return []span{{low: []byte{boundBelow}, high: []byte{boundAbove + 1}}}
	case PrefixAP:
		return []span{after(boundBelow, q.low), from(boundAtMost, q.low), upTo(boundAtLeast, q.high), below(boundAbove, q.high)}
	}
	return nil // no stretch without an end lies within what was asked for
}

// all finds the numbers, with comparators or without.
func (q numberQuery) all() []span { return append(q.spans(), q.bounds()...) }

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

// quantitySpans finds quantities by number, and by code or unit if there is one. A bare number is of any unit. With the
// system of UCUM 5.4 mg is also 0.0054 g; without a system the code or unit counts as it is written.
func quantitySpans(q quantityQuery) ([]span, bool) {
	literal, ok := readNumber(q.prefix, q.number, nil)
	if !ok || q.code == "" {
		return literal.all(), ok
	}
	var out []span
	if q.system == "" || q.system == SystemUCUM {
		if s := scaleOf(q.code); s != nil {
			brought, _ := readNumber(q.prefix, q.number, s)
			prefix := append(append([]byte{canonical}, s.bases...), 0)
			var accept func([]byte) bool
			if q.system == "" {
				accept = endsIn(len(prefix), q.code)
			}
			out = below(out, prefix, brought.all(), accept)
			if q.system != "" {
				return out, true
			}
		}
	}
	prefix := append(appendField(nil, q.code, maxField), 0)
	var accept func([]byte) bool
	if q.system != "" {
		accept = endsIn(len(prefix), string(appendField(nil, q.system, maxField)))
	}
	return below(out, prefix, literal.all(), accept), true
}

// below adds spans of numbers put below a prefix of the second index.
func below(out []span, prefix []byte, numbers []span, accept func([]byte) bool) []span {
	for _, s := range numbers {
		s = s.under(prefix)
		s.variant, s.accept = ParamDetail, accept
		out = append(out, s)
	}
	return out
}

// endsIn takes values that have a number after skip bytes, and then tail.
func endsIn(skip int, tail string) func([]byte) bool {
	return func(v []byte) bool {
		n := -1
		if len(v) > skip {
			n = numberLen(v[skip:])
		}
		return n >= 0 && string(v[skip+n:]) == tail
	}
}

// quantityPartSpans is quantitySpans within a composite. There a unit of UCUM is brought to that of the query when a value
// is looked at: what has the first code is read.
func quantityPartSpans(q quantityQuery) ([]span, bool) {
	number, ok := readNumber(q.prefix, q.number, nil)
	if !ok || q.code == "" {
		return number.all(), ok
	}
	numbers := number.all()
	if q.system == SystemUCUM {
		if s := scaleOf(q.code); s != nil {
			brought, _ := readNumber(q.prefix, q.number, s)
			return []span{{accept: inBases(s, brought.all())}}, true
		}
	}
	code, system := string(appendField(nil, q.code, maxField)), string(appendField(nil, q.system, maxField))
	for i := range numbers {
		numbers[i].accept = func(v []byte) bool {
			n := numberLen(v)
			if n < 0 {
				return false
			}
			c, rest, _ := cutField(v[n:])
			u, s, _ := cutField(rest)
			return (string(c) == code || system == "" && string(u) == code) && (system == "" || string(s) == system)
		}
	}
	return numbers, true
}

// inBases takes parts of composites whose unit has the bases of s and whose number, brought to them, is in the spans.
func inBases(s *scale, spans []span) func([]byte) bool {
	return func(v []byte) bool {
		n := numberLen(v)
		if n < 0 {
			return false
		}
		code, rest, _ := cutField(v[n:])
		_, system, _ := cutField(rest)
		if string(system) != SystemUCUM {
			return false
		}
		unit := scaleOf(string(code))
		if unit == nil || unit.bases != s.bases {
			return false
		}
		number := v[:n]
		var room [80]byte
		brought := room[:0]
		if number[0] >= boundBelow {
			brought, number = append(brought, number[0]), number[1:]
		}
		d := readNumberValue(number)
		d = d.times(unit)
		return anyHolds(spans, d.append(brought))
	}
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
