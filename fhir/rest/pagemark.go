package rest

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/lienthong/lienthong/fhir/interaction"
)

// Going back needs the place where the page before begins. A token cannot hold those of all pages, so it holds the nearest
// ones, and of those farther off each second, fourth, … page: twice the logarithm of them. What lies between is counted
// from the place before it, and the places that are met on the way are held from then on. So going back all the way costs
// each page a few, and not, as counting from the start would, all that lie before it.
type mark struct {
	offset int    // matches before the place
	place  []byte // order of the last of them
}

// maxMarks bounds the bytes of the places in a token, which is part of a URL.
const maxMarks = 2 << 10

// marksOf gives all places that are known when a page was shown, from the nearest on: those of its token, where it began,
// and those passed on the way to it.
func marksOf(tok token, page interaction.Page) []mark {
	all := slices.Clone(tok.marks)
	if tok.after != nil {
		all = append(all, mark{tok.base, tok.after})
	}
	for _, p := range page.Passed {
		all = append(all, mark{tok.base + p.Matches, p.Place})
	}
	slices.SortFunc(all, func(a, b mark) int { return cmp.Compare(b.offset, a.offset) })
	return slices.CompactFunc(all, func(a, b mark) bool { return a.offset == b.offset })
}

// to makes the token of a page that begins after offset matches, out of the known places.
func (t token) to(offset, count int, known []mark) token {
	t.offset, t.base, t.after, t.marks = offset, 0, nil, nil
	size := 0
	for _, m := range known {
		if m.offset > offset {
			continue
		}
		if t.after == nil {
			t.base, t.after = m.offset, m.place
			continue
		}
		page := max(m.offset/count, 1)
		near := (offset-m.offset)/count <= 2<<bits.TrailingZeros(uint(page))
		if size += len(m.place); near && size <= maxMarks {
			t.marks = append(t.marks, m)
		} else if near {
			break
		} else {
			size -= len(m.place)
		}
	}
	return t
}
