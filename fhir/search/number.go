package search

import (
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// Numbers are exact decimals in scientific form, 0.d₁d₂d₃… × 10^e, as bytes that order as the numbers do and end by
// themselves:
//
//	sign      1 negative, 2 zero (nothing follows), 3 positive
//	e         2 bytes, from -32768 on
//	digits    two in a byte, plus 1 (1 to 100), without zeros at the end; then 0
//
// A number of a document that has a comparator ("<5") begins with a byte for it; see quantity.go.
//
// Of a negative number all bytes after the sign are inverted. 1.10 and 1.1 are the same value: how precise a document
// was does not count in R4, only how precise the query is. Digits after the 64th are left out on both sides.

const (
	signNegative = 1
	signZero     = 2
	signPositive = 3
	numberEnd    = 4 // all numbers without a comparator are below it
	maxDigits    = 64
)

// AppendNumber appends the value of a JSON number's literal; ok is false if s is none.
func AppendNumber(dst []byte, s string) (_ []byte, ok bool) {
	d, ok := readDecimal(s)
	if !ok {
		return dst, false
	}
	return d.append(dst), true
}

// decimal is a literal taken apart: the digits without zeros at either end, and the exponent of 0.ddd × 10^exp.
type decimal struct {
	negative bool
	digits   [maxDigits]byte
	n        int
	exp      int
}

// readDecimal reads -?digits[.digits][(e|E)[+-]digits].
func readDecimal(s string) (d decimal, ok bool) {
	i := 0
	if i < len(s) && s[i] == '-' {
		d.negative = true
		i++
	}
	point, some, dropped := false, false, false
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' {
			if point || !some {
				return d, false
			}
			point, some = true, false
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		some = true
		switch {
		case d.n == 0 && c == '0' && !dropped:
			if point {
				d.exp--
			}
			continue
		case d.n < maxDigits:
			d.digits[d.n] = c - '0'
			d.n++
		default:
			dropped = true
		}
		if !point {
			d.exp++
		}
	}
	if !some {
		return d, false
	}
	for d.n > 0 && d.digits[d.n-1] == 0 {
		d.n--
	}
	if i == len(s) {
		return d, true
	}
	e, ok := readExponent(s[i:])
	d.exp += e
	return d, ok
}

// readExponent reads e5, E+5, e-5; beyond a million it stays there.
func readExponent(s string) (e int, ok bool) {
	if len(s) < 2 || s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	s = s[1:]
	minus := s[0] == '-'
	if minus || s[0] == '+' {
		s = s[1:]
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		e = min(e*10+int(s[i]-'0'), 1_000_000)
	}
	if minus {
		e = -e
	}
	return e, len(s) > 0
}

func (d *decimal) append(dst []byte) []byte {
	if d.n == 0 {
		return append(dst, signZero)
	}
	flip, sign := byte(0), byte(signPositive)
	if d.negative {
		flip, sign = 0xFF, signNegative
	}
	e := uint16(min(max(d.exp, -32768), 32767) + 32768)
	dst = append(dst, sign, byte(e>>8)^flip, byte(e)^flip)
	for i := 0; i < d.n; i += 2 {
		pair := d.digits[i] * 10
		if i+1 < d.n {
			pair += d.digits[i+1]
		}
		dst = append(dst, (pair+1)^flip)
	}
	return append(dst, flip)
}

// readNumberValue takes the number at the beginning of a value apart, without a comparator; v has one.
func readNumberValue(v []byte) (d decimal) {
	if v[0] == signZero {
		return d
	}
	flip := byte(0)
	if d.negative = v[0] == signNegative; d.negative {
		flip = 0xFF
	}
	d.exp = int(v[1]^flip)<<8 + int(v[2]^flip) - 32768
	for _, b := range v[3 : len(v)-1] {
		if d.n+2 > maxDigits {
			break
		}
		pair := b ^ flip - 1
		d.digits[d.n], d.digits[d.n+1] = pair/10, pair%10
		d.n += 2
	}
	for d.n > 0 && d.digits[d.n-1] == 0 {
		d.n--
	}
	return d
}

// numberLen gives the length of the number at the beginning of v, -1 if there is none.
func numberLen(v []byte) int {
	if len(v) == 0 {
		return -1
	}
	if v[0] >= boundBelow && v[0] <= boundAbove {
		if n := numberLen(v[1:]); n > 0 && v[1] <= signPositive {
			return n + 1
		}
		return -1
	}
	end := byte(0)
	switch v[0] {
	case signZero:
		return 1
	case signNegative:
		end = 0xFF
	case signPositive:
	default:
		return -1
	}
	for i := 3; i < len(v); i++ {
		if v[i] == end {
			return i + 1
		}
	}
	return -1
}

// numberQuery is a number as a query writes it: its point, and the range that its precision (or ap) gives.
type numberQuery struct {
	prefix        Prefix
	at, low, high []byte // as values; low and high are nil where the prefix does not need them
}

// readNumber reads what a query writes; in is the unit that its values are brought to, nil for none.
// Without a prefix the literal's precision gives the range: 100 is 99.5 to below 100.5; 1e2 is 95 to below 105, as the
// specification has it. https://hl7.org/fhir/R4/search.html#number
func readNumber(p Prefix, literal string, in *scale) (q numberQuery, ok bool) {
	if len(literal) > 64 {
		return q, false
	}
	d, ok := readDecimal(literal)
	if !ok || d.exp < -1000 || d.exp > 1000 {
		return q, false
	}
	q.prefix, q.at = p, inUnit(d, in)
	if p == PrefixEQ || p == PrefixNE || p == PrefixAP {
		low, high, ok := precisionRange(p, literal)
		if !ok {
			return q, false
		}
		q.low, q.high = inUnit(low, in), inUnit(high, in)
	}
	return q, true
}

func inUnit(d decimal, in *scale) []byte {
	if in != nil {
		d = d.times(in)
	}
	return d.append(nil)
}

// spans finds the numbers.
func (q numberQuery) spans() []span {
	end := []byte{numberEnd}
	switch q.prefix {
	case PrefixGT, PrefixSA:
		return []span{{low: successor(q.at), high: end}}
	case PrefixLT, PrefixEB:
		return []span{{high: q.at}}
	case PrefixGE:
		return []span{{low: q.at, high: end}}
	case PrefixLE:
		return []span{{high: successor(q.at)}}
	case PrefixNE:
		return []span{{high: q.low}, {low: q.high, high: end}}
	case PrefixAP:
		return []span{{low: q.low, high: successor(q.high)}}
	}
	return []span{{low: q.low, high: q.high}}
}

// numberSpans finds numbers by a prefix and a literal.
func numberSpans(p Prefix, literal string) ([]span, bool) {
	q, ok := readNumber(p, literal, nil)
	if !ok {
		return nil, false
	}
	return q.spans(), true
}

// unrounded computes without rounding what these short literals need.
var unrounded = apd.BaseContext.WithPrecision(2200)

// precisionRange gives the bounds of what a literal means: half a unit of its last digit, or a tenth of it for ap.
func precisionRange(p Prefix, literal string) (low, high decimal, ok bool) {
	x, _, err := apd.NewFromString(literal)
	if err != nil || x.Form != apd.Finite {
		return low, high, false
	}
	var half, a, b apd.Decimal
	switch {
	case p == PrefixAP:
		half.Abs(x)
		half.Exponent--
	case x.Exponent > 0 && strings.ContainsAny(literal, "eE"):
		half = *apd.New(5, x.Exponent-2)
	default:
		half = *apd.New(5, x.Exponent-1)
	}
	if _, err := unrounded.Sub(&a, x, &half); err != nil {
		return low, high, false
	}
	if _, err := unrounded.Add(&b, x, &half); err != nil {
		return low, high, false
	}
	low, ok1 := readDecimal(a.Text('E'))
	high, ok2 := readDecimal(b.Text('E'))
	return low, high, ok1 && ok2
}
