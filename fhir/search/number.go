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
// Of a negative number all bytes after the sign are inverted. 1.10 and 1.1 are the same value: how precise a document
// was does not count in R4, only how precise the query is. Digits after the 64th are left out on both sides.

const (
	signNegative = 1
	signZero     = 2
	signPositive = 3
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

// numberLen gives the length of the number at the beginning of v, -1 if there is none.
func numberLen(v []byte) int {
	if len(v) == 0 {
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

// numberSpans finds numbers by a prefix and a literal. Without a prefix the literal's precision gives the range: 100 is
// 99.5 to below 100.5; 1e2 is 95 to below 105, as the specification has it.
// https://hl7.org/fhir/R4/search.html#number
func numberSpans(p Prefix, literal string) ([]span, bool) {
	if len(literal) > 64 {
		return nil, false
	}
	d, ok := readDecimal(literal)
	if !ok || d.exp < -1000 || d.exp > 1000 {
		return nil, false
	}
	at := d.append(nil)
	switch p {
	case PrefixGT, PrefixSA:
		return []span{{low: successor(at)}}, true
	case PrefixLT, PrefixEB:
		return []span{{high: at}}, true
	case PrefixGE:
		return []span{{low: at}}, true
	case PrefixLE:
		return []span{{high: successor(at)}}, true
	}
	low, high, ok := precisionRange(p, literal)
	if !ok {
		return nil, false
	}
	switch p {
	case PrefixNE:
		return []span{{high: low}, {low: high}}, true
	case PrefixAP:
		return []span{{low: low, high: successor(high)}}, true
	}
	return []span{{low: low, high: high}}, true
}

// unrounded computes without rounding what these short literals need.
var unrounded = apd.BaseContext.WithPrecision(2200)

// precisionRange gives the bounds of what a literal means: half a unit of its last digit, or a tenth of it for ap.
func precisionRange(p Prefix, literal string) (low, high []byte, ok bool) {
	x, _, err := apd.NewFromString(literal)
	if err != nil || x.Form != apd.Finite {
		return nil, nil, false
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
		return nil, nil, false
	}
	if _, err := unrounded.Add(&b, x, &half); err != nil {
		return nil, nil, false
	}
	low, ok1 := AppendNumber(nil, a.Text('E'))
	high, ok2 := AppendNumber(nil, b.Text('E'))
	return low, high, ok1 && ok2
}
