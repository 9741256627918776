package tabular

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Limits of a file that is read.
type Limits struct {
	Rows    int // beside the head
	Columns int
	Cell    int   // bytes
	Bytes   int64 // that an XLSX file may unpack to
}

// DefaultLimits are for tables that people fill in.
var DefaultLimits = Limits{Rows: 10_000, Columns: 200, Cell: 4096, Bytes: 256 << 20}

// Errors of Read, which may be wrapped with what was wrong.
var (
	ErrForm  = errors.New("this is neither CSV in UTF-8 nor XLSX")
	ErrLarge = errors.New("the table is larger than is read at once")
)

// Read takes a table from a CSV or an XLSX file (its first sheet), whichever it is; the first row that is not empty is the
// head. CSV is separated by commas, semicolons or tabs, as the head is; a line "sep=;" before it is passed over. Rows are as long as the head; cells beyond it are
// dropped if they are empty and an error otherwise. Cells are without blanks around them; empty rows stay, so that the
// number of a row is that which people see: Rows[0] is the row after the head, which is row First of the file.
//
// Dates of XLSX are numbers, as the file has them: how they are shown depends on who looks.
func Read(raw []byte, l Limits) (t *Table, first int, err error) {
	var rows [][]string
	if bytes.HasPrefix(raw, []byte("PK\x03\x04")) {
		rows, err = readXLSX(raw, l)
	} else {
		rows, err = readCSV(raw, l)
	}
	if err != nil {
		return nil, 0, err
	}
	return head(rows, l)
}

func head(rows [][]string, l Limits) (*Table, int, error) {
	for i, r := range rows {
		r = trim(r)
		if len(r) == 0 {
			continue
		}
		if len(r) > l.Columns || len(rows)-i-1 > l.Rows {
			return nil, 0, ErrLarge
		}
		t := &Table{Head: r}
		for n, cells := range rows[i+1:] {
			cells = trim(cells)
			if len(cells) > len(r) {
				return nil, 0, fmt.Errorf("row %d has more cells than the head: %w", i+n+2, ErrForm)
			}
			for _, c := range cells {
				if len(c) > l.Cell {
					return nil, 0, fmt.Errorf("row %d has a cell of %d bytes: %w", i+n+2, len(c), ErrLarge)
				}
			}
			t.Rows = append(t.Rows, append(cells, make([]string, len(r)-len(cells))...))
		}
		for len(t.Rows) > 0 && len(trim(t.Rows[len(t.Rows)-1])) == 0 {
			t.Rows = t.Rows[:len(t.Rows)-1]
		}
		return t, i + 2, nil
	}
	return nil, 0, fmt.Errorf("there is no row: %w", ErrForm)
}

// trim takes blanks off the cells and empty cells off the end.
func trim(row []string) []string {
	out := make([]string, len(row))
	last := 0
	for i, c := range row {
		if out[i] = strings.TrimSpace(c); out[i] != "" {
			last = i + 1
		}
	}
	return out[:last]
}

// sepLine is a first line that tells a spreadsheet how cells are separated; the head tells it as well.
var sepLine = regexp.MustCompile(`^(?i:sep)=[,;\t]\r?$`)

func readCSV(raw []byte, l Limits) ([][]string, error) {
	raw = bytes.TrimPrefix(raw, []byte(mark))
	if !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0 {
		return nil, ErrForm
	}
	r := csv.NewReader(bytes.NewReader(raw))
	r.FieldsPerRecord, r.LazyQuotes = -1, false
	line, rest, _ := bytes.Cut(bytes.TrimLeft(raw, "\r\n"), []byte("\n"))
	told := sepLine.FindSubmatch(line)
	if told != nil {
		line, _, _ = bytes.Cut(rest, []byte("\n"))
	}
	for _, c := range []rune{';', '\t'} {
		if bytes.Count(line, []byte(string(c))) > bytes.Count(line, []byte(string(r.Comma))) {
			r.Comma = c
		}
	}
	var rows [][]string
	for {
		row, err := r.Read()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrForm, err)
		}
		line, _ := r.FieldPos(0)
		for len(rows) < line-1 && len(rows) <= l.Rows { // empty lines, which the reader passes over, and those within cells
			rows = append(rows, nil)
		}
		if told != nil { // it is no row of the table, and yet one of the file
			row, told = nil, nil
		}
		if rows = append(rows, row); len(rows) > l.Rows+100 {
			return nil, ErrLarge
		}
	}
}

func readXLSX(raw []byte, l Limits) ([][]string, error) {
	book, err := excelize.OpenReader(bytes.NewReader(raw), excelize.Options{RawCellValue: true, UnzipSizeLimit: l.Bytes, UnzipXMLSizeLimit: l.Bytes})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	defer book.Close()
	sheets := book.GetSheetList()
	if len(sheets) == 0 {
		return nil, ErrForm
	}
	it, err := book.Rows(sheets[0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	defer it.Close()
	var rows [][]string
	for it.Next() {
		row, err := it.Columns()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrForm, err)
		}
		if rows = append(rows, row); len(rows) > l.Rows+100 {
			return nil, ErrLarge
		}
	}
	return rows, it.Error()
}
