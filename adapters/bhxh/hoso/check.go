package hoso

import (
	"slices"
	"strconv"
	"time"

	"github.com/lienthong/lienthong/fhir"
)

// CheckOptions are what the pre-checks need besides the file.
type CheckOptions struct {
	// Now decides what lies in the future (DATE-06); zero: not looked at.
	Now time.Time
	// MoreCodes are codes by field that later decisions added to the lists, such as KET_QUA_DTRI: {"8"}.
	MoreCodes map[string][]string
	// FreeOfCharge are facilities (MA_CSKCB) whose patients pay no share on route: commune stations (AMT-09).
	FreeOfCharge []string
	// Known is what happened before (DUP-02, DUP-03); nil: not looked at.
	Known Known
}

// Known is what is known of earlier files and other facilities.
type Known interface {
	// Accepted says whether this version of the episode was accepted before.
	Accepted(maCSKCB, maLK string, version uint64) bool
	// StayedElsewhere says whether the person was an inpatient of another facility at some time in from to, both
	// yyyyMMddHHmm.
	StayedElsewhere(soCCCD, maCSKCB, from, to string) bool
}

// maxFindings bounds the answer for a file, or an episode of it, that is wrong throughout.
const maxFindings = 1000

// Check runs the pre-checks over a file. Findings come in the order of the episodes and, for each, of the rules.
func Check(f *File, o CheckOptions) []Finding {
	out := CheckFile(f, len(f.HoSo), o)
	for _, h := range f.HoSo {
		if len(out) >= maxFindings {
			break
		}
		out = append(out, CheckEpisode(f, h, o)...)
	}
	return out[:min(len(out), maxFindings)]
}

// CheckFile runs the pre-checks that are about the file itself, of which n episodes were read. f.HoSo is not looked at.
func CheckFile(f *File, n int, o CheckOptions) []Finding {
	c := &checker{o: o, f: f, n: n, whole: true}
	for _, x := range checks {
		if x.file || x.texts {
			c.run(x)
		}
	}
	return c.out
}

// CheckEpisode runs the pre-checks over one episode of f; f nil: it stands in no file yet. f.HoSo is not looked at, so
// that episodes of one file can be checked by many at once.
func CheckEpisode(f *File, h HoSo, o CheckOptions) []Finding {
	return newChecker(f, h, o).episode(func(x check) bool { return !x.known || o.Known != nil })
}

// CheckKnown runs only the pre-checks that ask o.Known, for who checks episodes of a file by many at once and knows the
// past by their order.
func CheckKnown(f *File, h HoSo, o CheckOptions) []Finding {
	return newChecker(f, h, o).episode(func(x check) bool { return x.known })
}

func newChecker(f *File, h HoSo, o CheckOptions) *checker {
	if f == nil {
		f = &File{MaCSKCB: h.MaCSKCB()}
	}
	c := &checker{o: o, f: f, h: h, maLK: h.MaLK()}
	for i := range h.Tables {
		c.byTable = append(c.byTable, c.rowsOf(&h.Tables[i]))
	}
	c.x = at{c: c, table: XML1.String(), stt: 1}
	if rows := c.rows(XML1); len(rows) > 0 {
		c.x = rows[0]
	}
	return c
}

func (c *checker) episode(wanted func(check) bool) []Finding {
	for _, x := range checks {
		if !x.file && wanted(x) {
			c.run(x)
		}
	}
	return c.out
}

// checker is one run of the pre-checks: over a file, or over one of its episodes.
type checker struct {
	o     CheckOptions
	f     *File
	n     int  // episodes of the file
	whole bool // over the file
	h     HoSo
	maLK  string

	byTable [][]at // as h.Tables
	x       at     // XML1; without fields if there is none

	sums   Totals // of the lines, once they were asked for
	summed bool   // they were
	adds   bool   // each line has its amounts, so that sums mean something

	rule string // the one that is being decided
	out  []Finding
}

func (c *checker) run(x check) {
	if x.envelope && c.f.Bare {
		return
	}
	for _, id := range x.needs {
		if c.f.Bare && c.h.Table(id) == nil {
			return
		}
	}
	c.rule = x.rule
	x.look(c)
}

// fail adds a finding of the rule that is being decided.
func (c *checker) fail(table string, row int, field string) *Finding {
	if len(c.out) >= maxFindings {
		return &Finding{}
	}
	f := NewFinding(c.rule, table, row, field)
	f.MaLK = c.maLK
	c.out = append(c.out, f)
	return &c.out[len(c.out)-1]
}

// at is a row under check: where it is, so that findings name it.
type at struct {
	Row
	c     *checker
	table string
	stt   int
}

func (a at) fail(field string) *Finding { return a.c.fail(a.table, a.stt, field) }

func (a at) id() ID { return a.layout.ID }

func (c *checker) rowsOf(t *Table) []at {
	out := make([]at, len(t.Rows))
	name := t.Layout.ID.String()
	for i, r := range t.Rows {
		stt, err := strconv.Atoi(r.Get("STT"))
		if err != nil || stt < 1 {
			stt = i + 1
		}
		out[i] = at{Row: r, c: c, table: name, stt: stt}
	}
	return out
}

// rows gives the rows of a table, of the first one if it is repeated.
func (c *checker) rows(id ID) []at {
	for i, t := range c.h.Tables {
		if t.Layout.ID == id {
			return c.byTable[i]
		}
	}
	return nil
}

// every calls look for each row of the given tables; of all tables if none is given.
func (c *checker) every(look func(at), ids ...ID) {
	for i, t := range c.h.Tables {
		if len(ids) > 0 && !slices.Contains(ids, t.Layout.ID) {
			continue
		}
		for _, r := range c.byTable[i] {
			look(r)
		}
	}
}

// lower makes a finding a warning, for lists that are not complete.
func (f *Finding) lower() { f.Severity = fhir.SeverityWarning }
