package evidence

import (
	"bytes"
	"strconv"

	"github.com/xuri/excelize/v2"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// sheet is the case as a spreadsheet: a sheet for the summary and one for each table.
func sheet(c cases.Case, lang outcome.Language) ([]byte, error) {
	w := in(lang)
	book := excelize.NewFile()
	defer book.Close()
	bold, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return nil, err
	}
	if err := book.SetSheetName("Sheet1", w.summary); err != nil {
		return nil, err
	}
	rows := [][]string{}
	for _, fact := range summary(c, w) {
		rows = append(rows, fact[:])
	}
	if err := fill(book, table{name: w.summary, head: []string{w.title, ""}, wide: []int{26, 70}, rows: rows}, bold); err != nil {
		return nil, err
	}
	for _, t := range tables(c, w) {
		if _, err := book.NewSheet(t.name); err != nil {
			return nil, err
		}
		if err := fill(book, t, bold); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	_, err = book.WriteTo(&b)
	return b.Bytes(), err
}

func fill(book *excelize.File, t table, bold int) error {
	s, err := book.NewStreamWriter(t.name)
	if err != nil {
		return err
	}
	for i, wide := range t.wide {
		if err := s.SetColWidth(i+1, i+1, asWidth(wide)); err != nil {
			return err
		}
	}
	if err := s.SetRow("A1", cells(t.head), excelize.RowOpts{StyleID: bold}); err != nil {
		return err
	}
	for i, row := range t.rows {
		if err := s.SetRow("A"+strconv.Itoa(i+2), cells(row)); err != nil {
			return err
		}
	}
	return s.Flush()
}

// maxCell is what a cell of a spreadsheet can hold.
const maxCell = 32_000

func cells(row []string) []any {
	out := make([]any, len(row))
	for i, text := range row {
		if r := []rune(text); len(r) > maxCell {
			text = string(r[:maxCell]) + "…"
		}
		out[i] = text
	}
	return out
}

// asWidth is a width of a column, which the library wants as a float; no amount is one.
func asWidth(n int) float64 { return float64(n) }
