package search

import (
	"cmp"
	"slices"
	"sync"

	"github.com/lienthong/lienthong/fhir/r4"
)

// The shape of a document says which search parameters of R4 find something in it: one entry of ParamShape for each document,
// whose value has two bits for each parameter: it finds something, and that is a value of its own (not only one of
// ParamAside). Documents of one source have few shapes, so that what lacks an element is found by its shapes, without an entry
// for each of the many parameters that a document lacks.
//
// The first bits are for the parameters of all types, the others for those of the type, by their numbers. Added parameters
// have none.

const commonBits = 16

// shapeBits gives half the place of the first bit of each parameter, by its number; -1 = it has none.
var shapeBits = sync.OnceValue(func() []int16 {
	var bits []int16
	give := func(list []*r4.SearchParam, from int) {
		slices.SortFunc(list, func(a, b *r4.SearchParam) int { return cmp.Compare(a.ID, b.ID) })
		for i, p := range list {
			for int(p.ID) >= len(bits) {
				bits = append(bits, -1)
			}
			bits[p.ID] = int16(from + i)
		}
	}
	common := func(p *r4.SearchParam) bool { return p.Base == "Resource" || p.Base == "DomainResource" }
	give(slices.DeleteFunc(slices.Clone(r4.Params("Basic")), func(p *r4.SearchParam) bool { return !common(p) }), 0)
	for _, t := range r4.Types() {
		give(slices.DeleteFunc(slices.Clone(r4.Params(t)), func(p *r4.SearchParam) bool { return p.Base != t }), commonBits)
	}
	return bits
})

func shapeBit(p ParamID) (bit int, ok bool) {
	bits := shapeBits()
	if n := int(p.Number()); n < len(bits) && bits[n] >= 0 {
		return 2 * int(bits[n]), true
	}
	return 0, false
}

// AppendShape adds an entry of p or p|ParamAside to the shape that begins at from in dst.
func AppendShape(dst []byte, from int, p ParamID) []byte {
	bit, ok := shapeBit(p)
	if !ok {
		return dst
	}
	for from+bit/8 >= len(dst) {
		dst = append(dst, 0)
	}
	dst[from+bit/8] |= 1 << (bit % 8)
	if p < ParamLimit {
		dst[from+bit/8] |= 2 << (bit % 8)
	}
	return dst
}

// lacking gives the condition that a document has nothing of a parameter, or no value of its own, by its shape; nil if that
// does not tell.
func lacking(param *r4.SearchParam, name string, own bool) Condition {
	bit, ok := shapeBit(ParamID(param.ID))
	if !ok || param.Expression == "" || ParamID(param.ID) == ParamLastUpdated {
		return nil
	}
	if own {
		bit++
	}
	return Terms{Name: name, Any: []Term{{Param: ParamShape, Accept: func(shape []byte) bool {
		return bit/8 >= len(shape) || shape[bit/8]&(1<<(bit%8)) == 0
	}}}}
}

// notAmong gives the condition that none of terms holds, and where such documents are to be looked for: they have another
// value, or none.
func notAmong(param *r4.SearchParam, name string, terms Terms) Condition {
	not := Not{Condition: terms}
	without := lacking(param, name, true)
	if without == nil {
		return not
	}
	p := ParamID(param.ID)
	other := Terms{Name: name, Any: []Term{{Param: p, Accept: func(v []byte) bool {
		return !slices.ContainsFunc(terms.Any, func(t Term) bool { return t.Param == p && t.holds(v) })
	}}}}
	not.Among = Either{Of: []Condition{other, without}}
	return not
}

// Marks says whether documents with several values of a parameter have an entry SeveralValue: not those of names and
// addresses, which nearly always have several.
func Marks(param *r4.SearchParam) bool {
	switch {
	case param.Type == r4.ParamComposite || param.Type == r4.ParamSpecial || isWords(param):
		return false
	case param.Type == r4.ParamString:
		return !slices.ContainsFunc(elementsOf(param), func(e *r4.Element) bool { return e.TypeName == "HumanName" || e.TypeName == "Address" })
	}
	return true
}
