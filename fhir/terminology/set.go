package terminology

import (
	"iter"
	"math/bits"

	"github.com/lienthong/lienthong/fhir"
)

// Coding names a code of a system.
type Coding struct{ System, Code string }

// Set is the codes of a value set. It is immutable, cheap to copy, and safe for concurrent use; the zero Set is empty.
type Set struct {
	url   string
	parts []part // one for each system
}

// part is what a set has of one system: the codes in, or, of an open system, all but the codes out.
type part struct {
	system string
	open   bool
	in     codes
	out    codes
}

// codes are some concepts of a table: those whose bit is set.
type codes struct {
	t    *table
	bits []uint64 // nil = all
	n    int
}

func allOf(t *table) codes { return codes{t: t, n: len(t.concepts)} }

func (c codes) has(code string) bool {
	if c.n == 0 {
		return false
	}
	i := c.t.find(code)
	return i >= 0 && (c.bits == nil || c.bits[i>>6]&(1<<(i&63)) != 0)
}

// each gives the numbers of the concepts, in the order of the table.
func (c codes) each(yield func(int32) bool) {
	if c.n == 0 {
		return
	}
	if c.bits == nil {
		for i := range int32(len(c.t.concepts)) {
			if !yield(i) {
				return
			}
		}
		return
	}
	for w, word := range c.bits {
		for ; word != 0; word &= word - 1 {
			if !yield(int32(w<<6 + bits.TrailingZeros64(word))) {
				return
			}
		}
	}
}

// where gives those of c that keep takes.
func (c codes) where(keep func(i int32) bool) codes {
	if c.n == 0 {
		return codes{}
	}
	out := codes{t: c.t, bits: make([]uint64, (len(c.t.concepts)+63)/64)}
	for i := range c.each {
		if keep(i) {
			out.bits[i>>6] |= 1 << (i & 63)
			out.n++
		}
	}
	return out
}

// and, but and or combine codes, also of different tables of the same system.
func (c codes) and(d codes) codes { return c.where(func(i int32) bool { return d.has(c.t.code(i)) }) }

func (c codes) but(d codes) codes {
	if d.n == 0 {
		return c
	}
	return c.where(func(i int32) bool { return !d.has(c.t.code(i)) })
}

func (c codes) or(d codes) (codes, error) {
	switch {
	case d.n == 0:
		return c, nil
	case c.n == 0:
		return d, nil
	case c.t == d.t && (c.bits == nil || d.bits == nil):
		return allOf(c.t), nil
	case c.t == d.t:
		out := codes{t: c.t, bits: make([]uint64, len(c.bits))}
		for w := range out.bits {
			out.bits[w] = c.bits[w] | d.bits[w]
			out.n += bits.OnesCount64(out.bits[w])
		}
		return out, nil
	}
	b := newBuilder(c.t.system, "", DefaultLimits)
	b.t.fold = c.t.fold || d.t.fold
	for _, from := range []codes{c, d} {
		for i := range from.each {
			k := from.t.concept(i)
			if _, err := b.add(k.Code, k.Display, -1); err != nil {
				return codes{}, err
			}
		}
	}
	return allOf(b.finish()), nil
}

// bytes is what the codes take beside a table that others have too.
func (c codes) bytes() int {
	n := 8 * len(c.bits)
	if c.t != nil && c.t.version == "" {
		n += c.t.bytes()
	}
	return n
}

func (p part) has(code string) bool {
	if p.open {
		return !p.out.has(code)
	}
	return p.in.has(code)
}

func (p part) or(q part) (_ part, err error) {
	switch {
	case p.open && q.open:
		p.out = p.out.and(q.out)
	case p.open:
		p.out = p.out.but(q.in)
	case q.open:
		p.open, p.out, p.in = true, q.out.but(p.in), codes{}
	default:
		p.in, err = p.in.or(q.in)
	}
	return p, err
}

func (p part) and(q part) (_ part, err error) {
	switch {
	case p.open && q.open:
		p.out, err = p.out.or(q.out)
	case p.open:
		p.open, p.in, p.out = false, q.in.but(p.out), codes{}
	case q.open:
		p.in = p.in.but(q.out)
	default:
		p.in = p.in.and(q.in)
	}
	return p, err
}

func (p part) but(q part) (_ part, err error) {
	switch {
	case p.open && q.open:
		p.open, p.in, p.out = false, q.out.but(p.out), codes{}
	case p.open:
		p.out, err = p.out.or(q.in)
	case q.open:
		p.in = p.in.and(q.out)
	default:
		p.in = p.in.but(q.in)
	}
	return p, err
}

func (s *Set) find(system string) *part {
	for i := range s.parts {
		if s.parts[i].system == system {
			return &s.parts[i]
		}
	}
	return nil
}

// add makes s the union of s and o; the parts of s must be its own.
func (s *Set) add(o Set) (err error) {
	for _, q := range o.parts {
		if p := s.find(q.system); p == nil {
			s.parts = append(s.parts, q)
		} else if *p, err = p.or(q); err != nil {
			return err
		}
	}
	return nil
}

func (s Set) and(o Set) (out Set, err error) {
	for _, p := range s.parts {
		q := o.find(p.system)
		if q == nil {
			continue
		}
		if p, err = p.and(*q); err != nil {
			return out, err
		}
		if p.open || p.in.n > 0 {
			out.parts = append(out.parts, p)
		}
	}
	return out, nil
}

func (s Set) but(o Set) (out Set, err error) {
	for _, p := range s.parts {
		if q := o.find(p.system); q != nil {
			if p, err = p.but(*q); err != nil {
				return out, err
			}
		}
		if p.open || p.in.n > 0 {
			out.parts = append(out.parts, p)
		}
	}
	return out, nil
}

func (s Set) bytes() int {
	n := 128
	for _, p := range s.parts {
		n += 128 + p.in.bytes() + p.out.bytes()
	}
	return n
}

// Contains tells whether the code of the system belongs to the set. It does not allocate.
func (s Set) Contains(system, code string) bool {
	p := s.find(system)
	return p != nil && p.has(code)
}

// ContainsCode looks for a code without its system, as elements of type code have it. Open systems are not asked: any text
// would be a code of theirs. It gives the first system that has the code.
func (s Set) ContainsCode(code string) (system string, ok bool) {
	for i := range s.parts {
		if p := &s.parts[i]; !p.open && p.in.has(code) {
			return p.system, true
		}
	}
	return "", false
}

// Len counts the codes that can be listed: those of open systems are not among them.
func (s Set) Len() int {
	n := 0
	for i := range s.parts {
		n += s.parts[i].in.n
	}
	return n
}

// Open gives the systems of which every code belongs to the set (but for Except) and whose codes are not known here.
func (s Set) Open() []string {
	var out []string
	for i := range s.parts {
		if s.parts[i].open {
			out = append(out, s.parts[i].system)
		}
	}
	return out
}

// Except gives the codes which are taken out of an open system.
func (s Set) Except(system string) []string {
	p := s.find(system)
	if p == nil || !p.open {
		return nil
	}
	var out []string
	for i := range p.out.each {
		out = append(out, p.out.t.code(i))
	}
	return out
}

// Concepts yields the codes that can be listed with what is known of them, by system, in the order of their definition.
func (s Set) Concepts() iter.Seq[Concept] {
	return func(yield func(Concept) bool) {
		for _, p := range s.parts {
			for i := range p.in.each {
				if !yield(p.in.t.concept(i)) {
					return
				}
			}
		}
	}
}

// Codes yields the codes that can be listed, in the order of Concepts.
func (s Set) Codes() iter.Seq[Coding] {
	return func(yield func(Coding) bool) {
		for _, p := range s.parts {
			for i := range p.in.each {
				if !yield(Coding{p.system, p.in.t.code(i)}) {
					return
				}
			}
		}
	}
}

// List gives the codes that can be listed. More than limit are refused with code "valueset-too-costly", Kind TooCostly.
func (s Set) List(limit int) ([]Coding, error) {
	n := s.Len()
	if n > limit {
		return nil, fhir.Errorf(fhir.TooCostly, "valueset-too-costly", "", s.url, limit)
	}
	out := make([]Coding, 0, n)
	for c := range s.Codes() {
		out = append(out, c)
	}
	return out, nil
}
