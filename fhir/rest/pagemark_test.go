package rest

import (
	"encoding/binary"
	"testing"

	"github.com/lienthong/lienthong/fhir/interaction"
)

// Going back over a thousand pages passes over a few pages for each, not over all that lie before it, and each page begins
// where it must.
func TestGoingBackCostsAFewPages(t *testing.T) {
	const count, pages = 20, 1000
	place := func(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) } // after n matches
	passed := 0
	show := func(tok token) (interaction.Page, []mark) {
		page := interaction.Page{Count: count}
		if tok.after != nil {
			if n, _ := binary.Uvarint(tok.after); int(n) != tok.base {
				t.Fatalf("%d matches lie before the place, not %d", n, tok.base)
			}
		}
		skip := tok.offset - tok.base
		passed += skip
		for n := 1; n <= skip; n++ {
			if (skip-n)%count == 0 {
				page.Passed = append(page.Passed, interaction.Passed{Matches: n, Place: place(tok.base + n)})
			}
		}
		return page, marksOf(tok, page)
	}
	tok := token{}
	for p := 1; p < pages; p++ {
		_, known := show(tok)
		offset := p * count
		tok = token{}.to(offset, count, append([]mark{{offset, place(offset)}}, known...))
		if len(tok.marks) > 24 {
			t.Fatalf("page %d: %d places", p, len(tok.marks))
		}
	}
	if passed > 0 {
		t.Errorf("going on passed over %d matches", passed)
	}
	for tok.offset > 0 {
		_, known := show(tok)
		was := tok.offset
		if tok = (token{}).to(tok.offset-count, count, known); tok.offset != was-count || len(tok.marks) > 24 {
			t.Fatalf("back from %d to %d, %d places", was, tok.offset, len(tok.marks))
		}
	}
	if passed > 10*pages*count {
		t.Errorf("going back over %d pages passed over %d", pages, passed/count)
	}
	t.Logf("%d pages passed over on the way back over %d; counting from the start would pass over %d", passed/count, pages, pages*pages/2)

	_, known := show(token{offset: 999 * count}) // the last page, by counting
	passed = 0
	for tok = (token{}).to(998*count, count, known); tok.offset > 900*count; {
		_, known = show(tok)
		tok = token{}.to(tok.offset-count, count, known)
	}
	if passed > 1000*count {
		t.Errorf("going back from the last page passed over %d pages", passed/count)
	}
}
