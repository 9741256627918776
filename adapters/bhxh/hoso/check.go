package hoso

import (
	"slices"
	"strconv"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
)

// CheckOptions are what the pre-checks need besides the file.
type CheckOptions struct {
	// Now decides what lies in the future (DATE-06); zero: not looked at.
	Now time.Time
	// MoreCodes are codes by field that later decisions added to the lists, such as KET_QUA_DTRI: {"8"}.
	MoreCodes map[string][]string
}

// maxFindings bounds the answer for a file that is wrong throughout.
const maxFindings = 1000

// Check runs the pre-checks over a file. Findings come in the order of the tables; there are at most 1000.
func Check(f *File, o CheckOptions) []Finding {
	c := &checker{o: o}
	if f.SoLuong != "" && f.SoLuong != strconv.Itoa(len(f.HoSo)) {
		c.add("ENV-02", "", 0, "SOLUONGHOSO")
	}
	for _, h := range f.HoSo {
		c.maLK = h.MaLK()
		if f.MaCSKCB != h.MaCSKCB() {
			c.add("ENV-01", "", 0, "MACSKCB")
		}
		c.episode(h)
	}
	return c.out
}

// CheckEpisode runs the pre-checks over one episode, without its envelope.
func CheckEpisode(h HoSo, o CheckOptions) []Finding {
	c := &checker{o: o, maLK: h.MaLK()}
	c.episode(h)
	return c.out
}

// checker gathers the findings of one episode after the other.
type checker struct {
	o    CheckOptions
	maLK string
	out  []Finding
}

func (c *checker) add(rule, table string, row int, field string) {
	c.addAs(rule, table, row, field, nil)
}

// addAs adds a finding with another severity than the rule's.
func (c *checker) addAs(rule, table string, row int, field string, severity *fhir.Severity) {
	if len(c.out) >= maxFindings {
		return
	}
	f := NewFinding(rule, table, row, field)
	f.MaLK = c.maLK
	if severity != nil {
		f.Severity = *severity
	}
	c.out = append(c.out, f)
}

// at is a row under check: where it is, so that findings name it.
type at struct {
	Row
	c     *checker
	table string
	stt   int
}

func (a at) fail(rule, field string) { a.c.add(rule, a.table, a.stt, field) }

func (c *checker) rows(t *Table) []at {
	out := make([]at, len(t.Rows))
	for i, r := range t.Rows {
		stt, err := strconv.Atoi(r.Get("STT"))
		if err != nil || stt < 1 {
			stt = i + 1
		}
		out[i] = at{Row: r, c: c, table: t.Layout.ID.String(), stt: stt}
	}
	return out
}

func (c *checker) episode(h HoSo) {
	c.tables(h)
	if d := h.Decision(); !d.Known {
		c.add("VER-01", "XML1", 0, "NGAY_RA")
	}
	for i := range h.Tables {
		t := &h.Tables[i]
		for _, r := range c.rows(t) {
			if t.Layout.ID != XML1 && r.Get("MA_LK") != h.MaLK() {
				r.fail("ENV-05", "MA_LK")
			}
			c.fields(r)
		}
		c.numbering(t)
	}
	if t := h.Table(XML1); t != nil {
		for _, r := range c.rows(t) {
			c.person(r)
			c.codes1(r)
			c.stay(r)
			c.totals(r, h)
		}
	}
	for _, id := range [...]ID{XML2, XML3} {
		t := h.Table(id)
		if t == nil {
			continue
		}
		for _, r := range c.rows(t) {
			c.codes23(r)
			c.dates23(r, h.XML1())
			c.line(r, h.XML1())
		}
		c.duplicates(t)
	}
	c.results(h)
}

// tables is ENV-04: XML1 once and first, each table at most once.
func (c *checker) tables(h HoSo) {
	var seen [len(layouts)]int
	for _, t := range h.Tables {
		seen[t.Layout.ID]++
		if seen[t.Layout.ID] == 2 {
			c.add("ENV-04", t.Layout.ID.String(), 0, "")
		}
		if t.Layout.Single() && len(t.Rows) > 1 {
			c.add("ENV-04", t.Layout.ID.String(), 2, "")
		}
	}
	if len(h.Tables) == 0 || h.Tables[0].Layout.ID != XML1 || len(h.Tables[0].Rows) == 0 {
		c.add("ENV-04", "XML1", 0, "")
	}
}

// fields are the rules that hold for each field of each table: FLD-01 to FLD-04.
func (c *checker) fields(r at) {
	nfc := true
	for i, f := range r.layout.Fields {
		v := r.values[i]
		if v == "" {
			if f.Required {
				r.fail("FLD-01", f.Name)
			} else if f.When != nil && f.When.Holds(r.Get("MA_NHOM")) {
				if r.layout.ID == XML3 && (f.Name == "NGUOI_THUC_HIEN" || f.Name == "NGAY_TH_YL") {
					r.fail("REF-03", f.Name)
				} else {
					r.fail("FLD-01", f.Name)
				}
			}
			continue
		}
		if f.MaxLength > 0 && len(v) > f.MaxLength && runes(v) > f.MaxLength {
			r.fail("FLD-02", f.Name)
		}
		switch {
		case f.Format != NoFormat:
			if !dated(f, v) {
				r.fail("FLD-04", f.Name)
			}
		case f.Type == Number:
			if !isNumber(v) {
				r.fail("FLD-03", f.Name)
			}
		default:
			nfc = nfc && norm.NFC.IsNormalString(v)
		}
	}
	if !nfc {
		r.fail("ENC-02", "")
	}
}

func runes(s string) int {
	n := 0
	for range s {
		n++
	}
	return n
}

// numbering is STT-01: the rows of a list are numbered 1..n.
func (c *checker) numbering(t *Table) {
	if t.Layout.ID < XML2 || t.Layout.ID > 5 {
		return
	}
	for i, r := range t.Rows {
		if stt, err := strconv.Atoi(r.Get("STT")); err != nil || stt != i+1 {
			c.add("STT-01", t.Layout.ID.String(), i+1, "STT")
			return // the first one tells it; the rest would follow from it
		}
	}
}

// duplicates is DUP-01: no two rows equal in all but STT.
func (c *checker) duplicates(t *Table) {
	stt := t.Layout.Index("STT")
	seen := make(map[string]bool, len(t.Rows))
	var key []byte
	for _, r := range c.rows(t) {
		key = key[:0]
		for i, v := range r.values {
			if i != stt {
				key = append(append(key, v...), 0)
			}
		}
		if seen[string(key)] {
			r.fail("DUP-01", "")
		}
		seen[string(key)] = true
	}
}

// results are REF-01 and REF-02; they are looked at only in a file that carries results (XML4).
func (c *checker) results(h HoSo) {
	t := h.Table(XML4)
	if t == nil {
		return
	}
	has := func(rows []Row, code string) bool {
		return slices.ContainsFunc(rows, func(r Row) bool { return r.Get("MA_DICH_VU") == code })
	}
	for _, r := range c.rows(t) {
		if !has(h.Rows(XML3), r.Get("MA_DICH_VU")) {
			r.fail("REF-01", "MA_DICH_VU")
		}
	}
	services := h.Table(XML3)
	if services == nil {
		return
	}
	for _, r := range c.rows(services) {
		switch r.Get("MA_NHOM") {
		case "1", "2", "3":
			if r.Get("NGAY_KQ") != "" && !has(t.Rows, r.Get("MA_DICH_VU")) {
				r.fail("REF-02", "MA_DICH_VU")
			}
		}
	}
}

// dated is FLD-04 for one field.
func dated(f Field, v string) bool {
	switch f.Name {
	case "NGAY_SINH":
		return birth(v)
	case "NGAY_MIEN_CCT": // by its definition a day where the certificate was given, a minute where it was not yet
		return day(v) || minute(v)
	case "GT_THE_TU", "GT_THE_DEN", "NGAY_TAI_KHAM": // lists
		return !slices.ContainsFunc(split(v), func(d string) bool { return !day(d) })
	}
	if f.Format == Day {
		return day(v)
	}
	return minute(v)
}

// birth says whether v is a birth date: yyyyMMddHHmm, where month-day may be 0000 (then so is the time).
func birth(v string) bool {
	if len(v) == 12 && v[4:8] == "0000" {
		return v[8:] == "0000" && day(v[:4]+"0101")
	}
	return minute(v)
}

func day(v string) bool {
	_, ok := parseDay(v)
	return ok
}

func parseDay(v string) (time.Time, bool) {
	if len(v) != 8 || !isNumber(v) {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation("20060102", v, wire.Zone)
	return t, err == nil && t.Year() >= 1850
}

func minute(v string) bool {
	_, ok := parseMinute(v)
	return ok
}

func parseMinute(v string) (time.Time, bool) {
	if len(v) != 12 || !isNumber(v) {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation("200601021504", v, wire.Zone)
	return t, err == nil && t.Year() >= 1850
}
