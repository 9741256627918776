package evidence

import (
	"bytes"
	"fmt"

	"codeberg.org/go-pdf/fpdf"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/printed"
)

// Measures of the page in mm: A4, across.
const (
	margin   = 12.0
	pageWide = 297 - 2*margin
	pageEnd  = 210 - margin
	lineHigh = 4.0
)

// page is the case to print.
func page(c cases.Case, m Manifest, lang outcome.Language) ([]byte, error) {
	w := in(lang)
	p := printed.New("L", margin, w.title, m.Exported)
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
		p.MultiCell(0, 5, printed.Clean(fact[1], maxPrinted), "", "L", false)
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
		texts := make([]string, len(row))
		for i, text := range row {
			texts[i] = printed.Clean(text, maxPrinted)
		}
		cut := printed.Cut(p, texts, wide)
		tall := asWidth(cut.Lines)*lineHigh + 1
		if p.GetY()+tall > pageEnd {
			p.AddPage()
			head()
		}
		cut.Draw(p, tall, lineHigh, 0.5)
	}
}

// maxPrinted bounds a text on paper, so that a row fits a page.
const maxPrinted = 600
