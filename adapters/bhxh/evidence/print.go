package evidence

import (
	"bytes"
	"fmt"
	"strings"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"codeberg.org/go-pdf/fpdf"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// Measures of the page in mm: A4, across.
const (
	margin   = 12.0
	pageWide = 297 - 2*margin
	pageEnd  = 210 - margin
	lineHigh = 4.0
)

// page is the case to print, in an embedded font that has the letters of Vietnamese (Liberation Sans, OFL 1.1).
func page(c cases.Case, m Manifest, lang outcome.Language) ([]byte, error) {
	w := in(lang)
	p := fpdf.New("L", "mm", "A4", "")
	p.AddUTF8FontFromBytes("sans", "", liberationsansregular.TTF)
	p.AddUTF8FontFromBytes("sans", "B", liberationsansbold.TTF)
	p.SetMargins(margin, margin, margin)
	p.SetAutoPageBreak(false, margin)
	p.SetTitle(w.title, true)
	p.SetCreator("Lienthong", true)
	p.SetCreationDate(m.Exported)
	p.SetModificationDate(m.Exported)
	p.SetCatalogSort(true)
	p.SetFooterFunc(func() {
		p.SetY(210 - 9)
		p.SetFont("sans", "", 7)
		p.CellFormat(0, 4, fmt.Sprintf("%s · %d", c.Claim, p.PageNo()), "", 0, "C", false, 0, "")
	})
	p.AddPage()
	p.SetFont("sans", "B", 15)
	p.CellFormat(0, 9, w.title, "", 1, "L", false, 0, "")
	for _, fact := range append(summary(c, w), [2]string{w.exported, clock(m.Exported)}) {
		p.SetFont("sans", "", 9)
		p.CellFormat(45, 5, fact[0]+":", "", 0, "L", false, 0, "")
		p.SetFont("sans", "B", 9)
		p.MultiCell(0, 5, clean(fact[1]), "", "L", false)
	}
	p.SetFont("sans", "", 8)
	if m.Masked {
		p.MultiCell(0, 5, w.masked, "", "L", false)
	}
	p.MultiCell(0, 5, w.proof, "", "L", false)
	for _, t := range tables(c, w) {
		if len(t.rows) > 0 || t.always {
			draw(p, t)
		}
	}
	var b bytes.Buffer
	err := p.Output(&b)
	return b.Bytes(), err
}

// draw prints a table whose cells may take several lines.
func draw(p *fpdf.Fpdf, t table) {
	total := 0
	for _, n := range t.wide {
		total += n
	}
	wide := make([]float64, len(t.wide))
	for i, n := range t.wide {
		wide[i] = asWidth(n) * pageWide / asWidth(total)
	}
	head := func() {
		p.SetFont("sans", "B", 7)
		p.SetFillColor(232, 238, 244)
		for i, title := range t.head {
			p.CellFormat(wide[i], 5, title, "1", 0, "L", true, 0, "")
		}
		p.Ln(5)
		p.SetFont("sans", "", 7)
	}
	if p.GetY() > pageEnd-30 {
		p.AddPage()
	}
	p.Ln(3)
	p.SetFont("sans", "B", 10)
	p.CellFormat(0, 6, t.name, "", 1, "L", false, 0, "")
	head()
	for _, row := range t.rows {
		cut, high := make([][]string, len(row)), 1
		for i, text := range row {
			cut[i] = p.SplitText(clean(text), wide[i]-2)
			high = max(high, len(cut[i]))
		}
		tall := asWidth(high)*lineHigh + 1
		if p.GetY()+tall > pageEnd {
			p.AddPage()
			head()
		}
		x, y := p.GetXY()
		for i, lines := range cut {
			p.Rect(x, y, wide[i], tall, "D")
			for n, line := range lines {
				p.SetXY(x, y+0.5+asWidth(n)*lineHigh)
				p.CellFormat(wide[i], lineHigh, line, "", 0, "L", false, 0, "")
			}
			x += wide[i]
		}
		p.SetXY(margin, y+tall)
	}
}

// maxPrinted bounds a text on paper, so that a row fits a page.
const maxPrinted = 600

// clean keeps foreign text on its line: no control characters, and nothing beyond the Basic Multilingual Plane, which the
// writer of the PDF cannot put into its tables.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r > 0xffff {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxPrinted {
		return string(r[:maxPrinted]) + "…"
	}
	return s
}
