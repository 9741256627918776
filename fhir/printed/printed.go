// Package printed has what printed pages have in common: a PDF in a font with the letters of Vietnamese, and rows whose cells take
// several lines. What is on the pages is their rooms' own.
//
// It may import nothing of ours. Start reading at New.
package printed

import (
	"strings"
	"time"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"codeberg.org/go-pdf/fpdf"
)

// New begins a document of A4 pages, "P" upright or "L" across, with a margin in mm. Its font "sans", plain and "B", is embedded
// (Liberation Sans, OFL 1.1). The same content made at the same time gives the same bytes.
func New(layout string, margin float64, title string, made time.Time) *fpdf.Fpdf {
	p := fpdf.New(layout, "mm", "A4", "")
	p.AddUTF8FontFromBytes("sans", "", liberationsansregular.TTF)
	p.AddUTF8FontFromBytes("sans", "B", liberationsansbold.TTF)
	p.SetMargins(margin, margin, margin)
	p.SetAutoPageBreak(false, margin)
	p.SetTitle(title, true)
	p.SetCreator("Lienthong", true)
	p.SetCreationDate(made)
	p.SetModificationDate(made)
	p.SetCatalogSort(true)
	return p
}

// Clean keeps foreign text on its line: no control characters, nothing beyond the Basic Multilingual Plane, which the writer of
// the PDF cannot put into its tables, and no more than most characters.
func Clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r > 0xffff {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// Row is a row of a table, its cells cut into lines.
type Row struct {
	wide  []float64
	cells [][]string
	Lines int // of the cell that has most of them
}

// Cut cuts clean texts into lines for columns of these widths.
func Cut(p *fpdf.Fpdf, texts []string, wide []float64) Row {
	r := Row{wide, make([][]string, len(texts)), 1}
	for i, text := range texts {
		r.cells[i] = p.SplitText(text, wide[i]-2)
		r.Lines = max(r.Lines, len(r.cells[i]))
	}
	return r
}

// Draw draws the row here, high mm in all, its lines line mm apart and above mm below its edge; the next one begins under it.
func (r Row) Draw(p *fpdf.Fpdf, high, line, above float64) {
	x, y := p.GetXY()
	for i, cell := range r.cells {
		p.Rect(x, y, r.wide[i], high, "D")
		for n, text := range cell {
			p.SetXY(x, y+above+float64(n)*line)
			p.CellFormat(r.wide[i], line, text, "", 0, "L", false, 0, "")
		}
		x += r.wide[i]
	}
	left, _, _, _ := p.GetMargins()
	p.SetXY(left, y+high)
}
