package certificate

import (
	"bytes"
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/printed"
)

// Measures of the printed page, in mm: A4.
const (
	margin    = 15.0
	pageWide  = 210 - 2*margin
	pageEnd   = 297 - margin
	lineHigh  = 5.0
	codeWide  = 84.0 // edge of a QR code: version 22 then has modules of 0.7 mm
	codeSpace = 12.0
)

// widths of the table's columns: number, date, vaccine, lot, performer.
var widths = []float64{11, 25, 62, 27, 55}

// printer writes one certificate.
type printer struct {
	*fpdf.Fpdf
	w    words
	lang outcome.Language
	s    *Service
}

// PDF is the certificate as a page to print, A4, with the QR codes of both forms.
func (s *Service) PDF(i Issued, lang outcome.Language) ([]byte, error) {
	w, ok := wordsOf[lang]
	if !ok {
		w, lang = wordsOf[outcome.English], outcome.English
	}
	p := &printer{Fpdf: printed.New("P", margin, w.title, i.Card.Issued), w: w, lang: lang, s: s}
	p.SetAuthor(s.Authority, true)
	p.SetLang(string(lang))
	p.SetFooterFunc(func() {
		p.SetY(297 - 10)
		p.font("", 8)
		p.CellFormat(0, 4, fmt.Sprintf(w.page, p.PageNo()), "", 0, "C", false, 0, "")
	})
	p.AddPage()
	p.head(i.Card)
	p.table(i.Card)
	if err := p.codes(i); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err := p.Output(&b)
	return b.Bytes(), err
}

func (p *printer) font(style string, size float64) { p.SetFont("sans", style, size) }

// room begins a page if less than so many mm are left.
func (p *printer) room(high float64) bool {
	if p.GetY()+high <= pageEnd {
		return false
	}
	p.AddPage()
	return true
}

func (p *printer) head(c Card) {
	p.font("B", 17)
	p.CellFormat(0, 12, p.w.title, "", 1, "C", false, 0, "")
	p.Ln(3)
	day := func(t time.Time) string { return Day(DayOf(t), p.lang) }
	rows := [][2]string{{p.w.name, c.FullName()}, {p.w.birth, Day(c.BirthDate, p.lang)}, {p.w.issuer, p.s.Authority}, {p.w.issued, day(c.Issued)}}
	if !c.Expires.IsZero() {
		rows = append(rows, [2]string{p.w.expires, day(c.Expires)})
	}
	for _, r := range rows {
		p.font("", 10)
		p.CellFormat(38, 6, r[0]+":", "", 0, "L", false, 0, "")
		p.font("B", 11)
		p.MultiCell(0, 6, printed.Clean(r[1], maxPrinted), "", "L", false)
	}
	p.Ln(3)
}

func (p *printer) table(c Card) {
	header := func() {
		p.font("B", 9)
		p.SetFillColor(232, 238, 244)
		for i, title := range []string{p.w.number, p.w.date, p.w.vaccine, p.w.lot, p.w.performer} {
			p.CellFormat(widths[i], 7, title, "1", 0, "L", true, 0, "")
		}
		p.Ln(7)
		p.font("", 9)
	}
	header()
	for i, d := range c.Doses {
		vaccine := VaccineName(d, p.s.Schedules, p.lang)
		if code := codeName(d); code != "" && code != vaccine {
			vaccine += " (" + code + ")"
		}
		cells := []string{fmt.Sprint(i + 1), Day(d.Date, p.lang), vaccine, or(d.Lot, "–"), or(d.Performer, "–")}
		for j, text := range cells {
			cells[j] = printed.Clean(text, maxPrinted)
		}
		row := printed.Cut(p.Fpdf, cells, widths)
		high := float64(row.Lines)*lineHigh + 2
		if p.room(high) {
			header()
		}
		row.Draw(p.Fpdf, high, lineHigh, 1)
	}
	if c.Undated > 0 {
		p.Ln(1)
		p.MultiCell(0, lineHigh, fmt.Sprintf(p.w.undated, c.Undated), "", "L", false)
	}
	p.Ln(4)
}

// codes draws all QR codes, two in a row, and where they can be checked.
func (p *printer) codes(i Issued) error {
	type labelled struct {
		label string
		code  code
	}
	var all []labelled
	parts := Numeric(i.JWS)
	for n, text := range parts {
		c, err := newCode(text)
		if err != nil {
			return err
		}
		label := p.w.shc
		if len(parts) > 1 {
			label += ", " + fmt.Sprintf(p.w.part, n+1, len(parts))
		}
		all = append(all, labelled{label, c})
	}
	note := ""
	if c, err := newCode(i.HC1); err == nil {
		all = append(all, labelled{p.w.hc1, c})
	} else {
		note = p.w.noHC1
	}
	for n := 0; n < len(all); n += 2 {
		p.room(codeWide + 8)
		y := p.GetY()
		for side, l := range all[n:min(n+2, len(all))] {
			x := margin + float64(side)*(codeWide+codeSpace)
			p.SetXY(x, y)
			p.font("B", 9)
			p.CellFormat(codeWide, 6, l.label, "", 0, "L", false, 0, "")
			p.code(l.code, x, y+7)
		}
		p.SetXY(margin, y+codeWide+10)
	}
	p.room(4 * lineHigh)
	p.font("", 8)
	if note != "" {
		p.MultiCell(0, lineHigh, note, "", "L", false)
	}
	p.MultiCell(0, lineHigh, p.w.verify+": "+p.s.Issuer+"/verify", "", "L", false)
	p.MultiCell(0, lineHigh, p.w.key+": "+i.Card.KeyID, "", "L", false)
	return p.Error()
}

// code draws black modules; white is the paper.
func (p *printer) code(c code, x, y float64) {
	p.SetFillColor(0, 0, 0)
	unit := codeWide / float64(len(c))
	c.runs(func(row, column, length int) {
		p.Rect(x+float64(column)*unit, y+float64(row)*unit, float64(length)*unit, unit, "F")
	})
}

// maxPrinted bounds a text on paper.
const maxPrinted = 300
