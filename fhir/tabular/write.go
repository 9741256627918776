package tabular

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Media types.
const (
	CSV  = "text/csv; charset=utf-8"
	XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// Table is a head and rows, each as long as the head.
type Table struct {
	Name string // of the sheet
	Head []string
	Rows [][]string
}

// mark tells spreadsheets that a file is UTF-8; without it they take Vietnamese for something else.
const mark = "\ufeff"

// CSV writes the table as RFC 4180 has it, in UTF-8.
func (t *Table) CSV() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(mark)
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	safe := make([]string, 0, len(t.Head))
	for i := -1; i < len(t.Rows); i++ {
		cells := t.Head
		if i >= 0 {
			cells = t.Rows[i]
		}
		safe = safe[:0]
		for _, c := range cells {
			safe = append(safe, harmless(c))
		}
		if err := w.Write(safe); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// harmless keeps a cell from being run as a formula.
// Source: https://owasp.org/www-community/attacks/CSV_Injection
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// widths of columns, in characters.
const (
	narrow = 10
	wide   = 40
)

// XLSX writes the table as one sheet.
func (t *Table) XLSX() ([]byte, error) {
	book := excelize.NewFile()
	defer book.Close()
	name := t.Name
	if name == "" {
		name = "Sheet1"
	}
	if err := book.SetSheetName("Sheet1", name); err != nil {
		return nil, err
	}
	rows, err := book.NewStreamWriter(name)
	if err != nil {
		return nil, err
	}
	bold, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return nil, err
	}
	for i, h := range t.Head {
		if err := rows.SetColWidth(i+1, i+1, float64(min(wide, max(narrow, len([]rune(h))+2)))); err != nil {
			return nil, err
		}
	}
	if err := rows.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return nil, err
	}
	if err := rows.SetRow("A1", cells(t.Head), excelize.RowOpts{StyleID: bold}); err != nil {
		return nil, err
	}
	for i, r := range t.Rows {
		if err := rows.SetRow("A"+strconv.Itoa(i+2), cells(r)); err != nil {
			return nil, err
		}
	}
	if err := rows.Flush(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := book.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func cells(row []string) []any {
	out := make([]any, len(row))
	for i, c := range row {
		out[i] = c
	}
	return out
}
