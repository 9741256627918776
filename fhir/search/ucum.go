package search

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Units of UCUM are compared through what they are made of: mg/dL and g/L are both g.m-3, a million apart by a factor.
//
//	unit   digits, prefixes and atoms of ucum_units.txt, joined by . and /, with exponents, (…) and annotations {…}
//	scale  its bases with exponents, as text, and the factor to them: num/den × 10^exp, exact
//
// What is not of that form, what has no table row, and what is nothing but an annotation ({score}) is unknown: such units
// are compared literally. https://ucum.org/ucum

// SystemUCUM is the system of units of UCUM.
const SystemUCUM = "http://unitsofmeasure.org"

//go:embed ucum_units.txt
var unitsTable string

// scale is what a unit is made of.
type scale struct {
	bases    string // "g.m-3"; "" for plain numbers
	num, den uint64 // both not 0
	exp      int
}

// maxFactor bounds num and den, so that the arithmetic of decimal.times cannot overflow.
const maxFactor = 1e17

// atom is a row of the table.
type atom struct {
	metric bool
	factor string
	unit   string // "!" = a base
}

var atoms = sync.OnceValue(func() map[string]atom {
	m := map[string]atom{}
	for line := range strings.Lines(unitsTable) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 4 && line[0] != '#' {
			m[f[0]] = atom{metric: f[1] == "m", factor: f[2], unit: f[3]}
		}
	}
	return m
})

// prefixExponents are the metric prefixes.
var prefixExponents = map[string]int{
	"Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
	"d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}

// scales remembers units that were seen; foreign text must not fill it without end.
var (
	scales     sync.Map // of string to *scale, nil for unknown ones
	scaleCount atomic.Int32
)

const maxScales, maxUnit = 4096, 60

// scaleOf gives the scale of a unit's code, nil if it is unknown.
func scaleOf(code string) *scale {
	if s, ok := scales.Load(code); ok {
		return s.(*scale)
	}
	if code == "" || len(code) > maxUnit {
		return nil
	}
	p := unitParser{rest: code, made: product{num: 1, den: 1}}
	var s *scale
	if p.term(1) && p.rest == "" && p.atoms > 0 {
		s = p.made.scale()
	}
	if scaleCount.Load() < maxScales {
		scaleCount.Add(1)
		scales.Store(strings.Clone(code), s)
	}
	return s
}

// product is a scale in the making.
type product struct {
	num, den uint64
	exp      int
	bases    []base
}

type base struct {
	name string
	n    int
}

func (p *product) scale() *scale {
	if p.num > maxFactor || p.den > maxFactor {
		return nil
	}
	slices.SortFunc(p.bases, func(a, b base) int { return strings.Compare(a.name, b.name) })
	var text []string
	for _, b := range p.bases {
		switch b.n {
		case 0:
		case 1:
			text = append(text, b.name)
		default:
			text = append(text, b.name+strconv.Itoa(b.n))
		}
	}
	return &scale{bases: strings.Join(text, "."), num: p.num, den: p.den, exp: p.exp}
}

// times multiplies by (num × 10^exp)^n; false where the numbers grow too large.
func (p *product) times(num uint64, exp, n int) bool {
	for ; n > 0; n-- {
		if p.num = mul(p.num, num); p.num == 0 {
			return false
		}
		p.exp += exp
	}
	for ; n < 0; n++ {
		if p.den = mul(p.den, num); p.den == 0 {
			return false
		}
		p.exp -= exp
	}
	g := divisor(p.num, p.den)
	p.num, p.den = p.num/g, p.den/g
	for p.num%10 == 0 {
		p.num, p.exp = p.num/10, p.exp+1
	}
	for p.den%10 == 0 {
		p.den, p.exp = p.den/10, p.exp-1
	}
	return true
}

// mul gives 0 if the product is too large.
func mul(a, b uint64) uint64 {
	if b != 0 && a > maxFactor/b {
		return 0
	}
	return a * b
}

func divisor(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (p *product) base(name string, n int) {
	for i := range p.bases {
		if p.bases[i].name == name {
			p.bases[i].n += n
			return
		}
	}
	p.bases = append(p.bases, base{name, n})
}

// unitParser reads a unit from the left.
type unitParser struct {
	rest  string
	made  product
	atoms int // atoms and numbers seen: a unit of annotations alone has none
	depth int
}

// term reads components joined by . and /; sign is 1, or -1 below a division.
func (p *unitParser) term(sign int) bool {
	if p.depth++; p.depth > 16 {
		return false
	}
	defer func() { p.depth-- }()
	n := sign
	if p.cut('/') {
		n = -sign
	}
	for {
		if !p.component(n) {
			return false
		}
		switch {
		case p.cut('.'):
			n = sign
		case p.cut('/'):
			n = -sign
		default:
			return true
		}
	}
}

func (p *unitParser) cut(c byte) bool {
	if p.rest != "" && p.rest[0] == c {
		p.rest = p.rest[1:]
		return true
	}
	return false
}

// component reads (term), a number, an atom with prefix and exponent, or an annotation.
func (p *unitParser) component(n int) bool {
	if p.cut('(') {
		return p.term(n) && p.cut(')')
	}
	if p.annotation() {
		return true
	}
	end := 0
	for end < len(p.rest) && !strings.ContainsRune("./(){}", rune(p.rest[end])) {
		if p.rest[end] == '[' { // what is in brackets is part of the atom
			if i := strings.IndexByte(p.rest[end:], ']'); i > 0 {
				end += i
			}
		}
		end++
	}
	text := p.rest[:end]
	p.rest = p.rest[end:]
	if !p.simple(text, n) {
		return false
	}
	p.annotation()
	return true
}

func (p *unitParser) annotation() bool {
	if p.rest == "" || p.rest[0] != '{' {
		return false
	}
	i := strings.IndexByte(p.rest, '}')
	if i < 0 {
		return false
	}
	p.rest = p.rest[i+1:]
	return true
}

// simple takes a number, or an atom with its exponent.
func (p *unitParser) simple(text string, n int) bool {
	if text == "" {
		return false
	}
	if v, err := strconv.ParseUint(text, 10, 32); err == nil && v > 0 {
		p.atoms++
		return p.made.times(v, 0, n)
	}
	name, power := text, 1
	if i := exponentAt(text); i < len(text) {
		v, err := strconv.Atoi(text[i:])
		if err != nil || v == 0 || v < -30 || v > 30 {
			return false
		}
		name, power = text[:i], v
	}
	p.atoms++
	return p.atom(name, n*power)
}

// exponentAt gives where the exponent of text begins, its length if there is none. "10*" and "10^" have digits in front.
func exponentAt(text string) int {
	i := len(text)
	for i > 0 && text[i-1] >= '0' && text[i-1] <= '9' {
		i--
	}
	if i < len(text) && i > 0 && (text[i-1] == '-' || text[i-1] == '+') {
		i--
	}
	if i == 0 {
		return len(text)
	}
	return i
}

// atom multiplies by an atom of the table to the power n.
func (p *unitParser) atom(name string, n int) bool {
	a, known := atoms()[name]
	exp := 0
	for cut := 1; !known && cut <= 2 && cut < len(name); cut++ {
		if e, ok := prefixExponents[name[:cut]]; ok {
			if a, known = atoms()[name[cut:]]; known && a.metric {
				name, exp = name[cut:], e
			} else {
				known = false
			}
		}
	}
	if !known {
		return false
	}
	if !p.made.times(1, exp, n) {
		return false
	}
	if a.unit == "!" {
		p.made.base(name, n)
		return true
	}
	d, ok := readDecimal(a.factor)
	if !ok {
		return false
	}
	num, digits := uint64(0), d.n
	for i := range digits {
		num = num*10 + uint64(d.digits[i])
	}
	if !p.made.times(num, d.exp-digits, n) {
		return false
	}
	inner := unitParser{rest: a.unit, depth: p.depth, made: p.made}
	if !inner.term2(n) || inner.rest != "" {
		return false
	}
	p.made = inner.made
	return true
}

// term2 reads a unit of the table to the power n.
func (p *unitParser) term2(n int) bool {
	text, sign := p.rest, 1
	if n < 0 {
		sign, n = -1, -n
	}
	for ; n > 0; n-- {
		p.rest = text
		if !p.term(sign) {
			return false
		}
	}
	return true
}

// times gives d in the bases of s. The quotient is cut after maxDigits digits, the same for equal values of any unit.
func (d *decimal) times(s *scale) decimal {
	out := decimal{negative: d.negative}
	if d.n == 0 {
		return out
	}
	var room [maxDigits + 20]byte
	at, carry := len(room), uint64(0)
	for i := d.n - 1; i >= 0; i-- {
		t := uint64(d.digits[i])*s.num + carry
		at--
		room[at], carry = byte(t%10), t/10
	}
	for ; carry > 0; carry /= 10 {
		at--
		room[at] = byte(carry % 10)
	}
	digits := room[at:]
	out.exp = d.exp + len(digits) - d.n + s.exp
	rest := uint64(0)
	for i := 0; (i < len(digits) || rest > 0) && out.n < maxDigits; i++ {
		rest *= 10
		if i < len(digits) {
			rest += uint64(digits[i])
		}
		q := byte(rest / s.den)
		rest %= s.den
		if q == 0 && out.n == 0 {
			out.exp--
			continue
		}
		out.digits[out.n] = q
		out.n++
	}
	for out.n > 0 && out.digits[out.n-1] == 0 {
		out.n--
	}
	return out
}
