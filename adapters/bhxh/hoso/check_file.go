package hoso

import (
	"slices"
	"strconv"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// facility is ENV-01. Without XML1 there is nothing to compare with, and ENV-04 says so.
func facility(c *checker) {
	if c.x.layout != nil && c.f.MaCSKCB != c.h.MaCSKCB() {
		c.fail("", 0, "MACSKCB")
	}
}

// episodeCount is ENV-02. A file that is not written yet has no number.
func episodeCount(c *checker) {
	if (c.f.read || c.f.SoLuong != "") && c.f.SoLuong != strconv.Itoa(c.n) {
		c.fail("", 0, "SOLUONGHOSO")
	}
}

// unreadTables is ENV-03; the reader saw it.
func unreadTables(c *checker) {
	for _, table := range c.h.unread {
		c.fail(table, 0, "NOIDUNGFILE")
	}
}

// tablesOnce is ENV-04: XML1 once and first, each table at most once.
func tablesOnce(c *checker) {
	var seen [len(layouts)]int
	for _, t := range c.h.Tables {
		id := t.Layout.ID
		seen[id]++
		if seen[id] == 2 {
			c.fail(id.String(), 0, "")
		}
		if t.Layout.Single() && len(t.Rows) > 1 {
			c.fail(id.String(), 2, "")
		}
	}
	if ts := c.h.Tables; len(ts) == 0 || ts[0].Layout.ID != XML1 || len(ts[0].Rows) == 0 && !slices.Contains(c.h.unread, "XML1") {
		c.fail("XML1", 0, "")
	}
}

// sameEpisode is ENV-05. Without XML1 there is nothing to compare with, and ENV-04 says so; XML12 has no MA_LK.
func sameEpisode(c *checker) {
	if c.x.layout == nil {
		return
	}
	c.every(func(r at) {
		if r.id() != XML1 && r.layout.Index("MA_LK") >= 0 && r.Get("MA_LK") != c.maLK {
			r.fail("MA_LK")
		}
	})
}

// fieldOrder is FLD-05; the reader saw it.
func fieldOrder(c *checker) {
	for i, t := range c.h.Tables {
		for _, row := range t.odd {
			stt := row
			if row > 0 {
				stt = c.byTable[i][row-1].stt
			}
			c.fail(t.Layout.ID.String(), stt, "")
		}
	}
}

// numbering is STT-01: the rows of a list are numbered 1..n.
func numbering(c *checker) {
	for _, t := range c.h.Tables {
		if t.Layout.ID < XML2 || t.Layout.ID > XML5 {
			continue
		}
		for i, r := range t.Rows {
			if stt, err := strconv.Atoi(r.Get("STT")); err != nil || stt != i+1 {
				c.fail(t.Layout.ID.String(), i+1, "STT")
				break // the first one tells it; the rest would follow from it
			}
		}
	}
}

// sentBefore is DUP-02.
func sentBefore(c *checker) {
	if c.o.Known != nil && c.maLK != "" && c.o.Known.Accepted(c.h.MaCSKCB(), c.maLK, c.h.Version()) {
		c.x.fail("MA_LK")
	}
}

// inpatient are the kinds of care (MA_LOAI_KCB) with a bed overnight.
var inpatient = map[string]bool{"03": true, "06": true}

// stayedElsewhere is DUP-03. Who has no number cannot be told from others of that name.
func stayedElsewhere(c *checker) {
	person, in, out, ok := c.h.Stay()
	if ok && c.o.Known != nil && c.o.Known.StayedElsewhere(person, c.h.MaCSKCB(), in, out) {
		c.x.fail("NGAY_VAO")
	}
}

// Stay gives the inpatient stay of an identified person, yyyyMMddHHmm; ok is false if the episode is none.
func (h HoSo) Stay() (soCCCD, in, out string, ok bool) {
	x := h.XML1()
	soCCCD, in, out = x.Get("SO_CCCD"), x.Get("NGAY_VAO"), x.Get("NGAY_RA")
	return soCCCD, in, out, inpatient[x.Get("MA_LOAI_KCB")] && idForm.MatchString(soCCCD) && minute(in) && minute(out)
}

// Version is the version of the claim file (PB in DU_PHONG of XML1), 1 if it says nothing.
func (h HoSo) Version() uint64 { return wire.ParsePhienBan(h.XML1().Get("DU_PHONG")).So }

// noted fails each text that has one of the notes.
func (c *checker) noted(notes ...wire.Note) {
	has := func(all []wire.Note) bool {
		return slices.ContainsFunc(notes, func(n wire.Note) bool { return slices.Contains(all, n) })
	}
	if c.whole && has(c.f.notes) {
		c.fail("", 0, "")
	}
	for _, t := range c.h.Tables {
		if has(t.notes) {
			c.fail(t.Layout.ID.String(), 0, "")
		}
	}
}

// declaredEncoding is ENC-01.
func declaredEncoding(c *checker) { c.noted(wire.NoteBOM, wire.NoteCharset, wire.NoteUTF16) }

// lineEnds is ENC-03.
func lineEnds(c *checker) { c.noted(wire.NoteCRLF) }

// oldEncoding is ENC-04.
func oldEncoding(c *checker) { c.noted(wire.NoteLegacy) }

// normalForm is ENC-02, once for each row.
func normalForm(c *checker) {
	c.every(func(r at) {
		for _, v := range r.values {
			if !norm.NFC.IsNormalString(v) {
				r.fail("")
				return
			}
		}
	})
}

// decisionKnown is VER-01.
func decisionKnown(c *checker) {
	if !c.h.Decision().Known {
		c.x.fail("NGAY_RA")
	}
}
