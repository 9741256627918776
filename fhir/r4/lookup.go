package r4

import "math/bits"

// lookup finds an element by its JSON name: an open-addressed table at most half full. Its hash reads the length and
// three bytes only, which tells the names of one structure apart well enough (a name is compared 1.2 times on average)
// and costs less than half of a Go map, on the path of every element of every stored document.
type lookup struct {
	cells []uint16 // 1 + index into Elements; 0 = empty
	mask  uint32
}

func newLookup(elements []*Element) lookup {
	size := uint32(1) << bits.Len(uint(2*len(elements)))
	t := lookup{cells: make([]uint16, size), mask: size - 1}
	for i, e := range elements {
		n := e.Name
		at := hash(len(n), n[0], n[len(n)/2], n[len(n)-1]) & t.mask
		for t.cells[at] != 0 {
			at = (at + 1) & t.mask
		}
		t.cells[at] = uint16(i + 1)
	}
	return t
}

// find gives the index of the element with that name, -1 if there is none.
func (t *lookup) find(elements []*Element, name string) int {
	if name == "" {
		return -1
	}
	at := hash(len(name), name[0], name[len(name)/2], name[len(name)-1]) & t.mask
	for {
		i := t.cells[at]
		if i == 0 {
			return -1
		}
		if elements[i-1].Name == name {
			return int(i - 1)
		}
		at = (at + 1) & t.mask
	}
}

func hash(length int, first, middle, last byte) uint32 {
	h := uint32(length)<<24 | uint32(first)<<16 | uint32(middle)<<8 | uint32(last)
	h *= 0x9E3779B1 // 2³²/φ: spreads what differs in a few bits
	return h ^ h>>15
}
