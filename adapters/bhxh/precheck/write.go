package precheck

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/xuri/excelize/v2"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/wording"
)

// Writer writes findings as they come. Close ends the document and gives the first error; it does not close what the
// Writer writes to.
type Writer interface {
	Write(file string, f hoso.Finding) error
	Close() error
}

// Formats of NewWriter.
const (
	Table       = "table"
	JSON        = "json"
	Spreadsheet = "xlsx"
)

// NewWriter gives the Writer of a format, nil if there is no such format.
func NewWriter(format string, out io.Writer, l outcome.Language) Writer {
	b := bufio.NewWriterSize(out, 64<<10)
	switch format {
	case Table:
		return &tableWriter{out: b, l: l}
	case JSON:
		return &jsonWriter{out: b, l: l}
	case Spreadsheet:
		return newSheet(out, l)
	}
	return nil
}

// tableOf is the table as rules.json names it.
func tableOf(f hoso.Finding) string {
	if f.Table == "" {
		return "envelope"
	}
	return f.Table
}

// severityOf is the severity of a finding in words.
func severityOf(f hoso.Finding, l outcome.Language) string {
	return wording.Of("issue-severity", f.Level(), l)
}

// jsonWriter writes one object a line. The first seven members are the contract; the others help to find the place.
type jsonWriter struct {
	out *bufio.Writer
	l   outcome.Language
	b   []byte
}

func (w *jsonWriter) Write(file string, f hoso.Finding) error {
	b := append(w.b[:0], '{')
	text := func(name, v string) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, name) // what is not UTF-8 becomes U+FFFD
		b, _ = jsontext.AppendQuote(append(b, ':'), v)
	}
	text("file", file)
	text("rule", f.Rule)
	text("severity", f.Level())
	text("table", tableOf(f))
	b = strconv.AppendInt(append(b, `,"row":`...), int64(f.Row), 10)
	text("field", f.Field)
	text("message", f.In(w.l))
	text("message_vi", f.VI)
	text("message_en", f.EN)
	text("episode", f.MaLK)
	text("path", f.Element)
	w.b = append(b, '}', '\n')
	_, err := w.out.Write(w.b)
	return err
}

func (w *jsonWriter) Close() error { return w.out.Flush() }

// tableWriter writes lines for people. Columns have a fixed width, since the widest text is not known before the end.
type tableWriter struct {
	out  *bufio.Writer
	l    outcome.Language
	file string
}

func (w *tableWriter) Write(file string, f hoso.Finding) error {
	if file != w.file {
		fmt.Fprintf(w.out, "%s\n", printable(file))
		w.file = file
	}
	_, err := fmt.Fprintf(w.out, "  %-7s  %s  %s  %s  %s\n", f.Rule, pad(severityOf(f, w.l), 8), pad(printable(f.MaLK), 20), pad(f.Path(), 28), f.In(w.l))
	return err
}

func (w *tableWriter) Close() error { return w.out.Flush() }

func pad(s string, width int) string {
	for n := utf8.RuneCountInString(s); n < width; n++ {
		s += " "
	}
	return s
}

// printable keeps control characters of foreign texts off the terminal.
func printable(s string) string {
	out := []rune(s)
	for i, r := range out {
		if !strconv.IsPrint(r) {
			out[i] = '\uFFFD'
		}
	}
	return string(out)
}

// maxSheetRows is what a sheet can hold, without its head.
const maxSheetRows = 1_048_575

// sheet writes a spreadsheet; rows go to a temporary file as they come.
type sheet struct {
	out    io.Writer
	l      outcome.Language
	book   *excelize.File
	rows   *excelize.StreamWriter
	n      int
	err    error
	header []any
}

func newSheet(out io.Writer, l outcome.Language) *sheet {
	s := &sheet{out: out, l: l, book: excelize.NewFile()}
	s.header = []any{"Tệp", "Quy tắc", "Mức độ", "MA_LK", "Bảng", "Dòng", "Trường", "Nội dung", "FHIR"}
	if l == outcome.English {
		s.header = []any{"File", "Rule", "Severity", "MA_LK", "Table", "Row", "Field", "Message", "FHIR"}
	}
	s.begin()
	return s
}

func (s *sheet) begin() {
	const name = "precheck"
	if s.err = s.book.SetSheetName("Sheet1", name); s.err != nil {
		return
	}
	if s.rows, s.err = s.book.NewStreamWriter(name); s.err != nil {
		return
	}
	for i, width := range [...]int{28, 10, 10, 24, 10, 7, 22, 60, 50} {
		s.err = s.rows.SetColWidth(i+1, i+1, asWidth(width))
	}
	bold, err := s.book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if s.err == nil {
		s.err = err
	}
	if s.err == nil {
		s.err = s.rows.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
	}
	if s.err == nil {
		s.err = s.rows.SetRow("A1", s.header, excelize.RowOpts{StyleID: bold})
	}
}

func (s *sheet) Write(file string, f hoso.Finding) error {
	if s.err != nil {
		return s.err
	}
	if s.n++; s.n > maxSheetRows {
		return fmt.Errorf("a spreadsheet holds %d findings and no more; use the json format", maxSheetRows)
	}
	s.err = s.rows.SetRow("A"+strconv.Itoa(s.n+1), []any{file, f.Rule, severityOf(f, s.l), f.MaLK, tableOf(f), f.Row, f.Field, f.In(s.l), f.Element})
	return s.err
}

func (s *sheet) Close() error {
	if s.err == nil {
		s.err = s.rows.Flush()
	}
	if s.err == nil {
		_, s.err = s.book.WriteTo(s.out)
	}
	if err := s.book.Close(); s.err == nil {
		s.err = err
	}
	return s.err
}

// asWidth is a width of a column, which the library wants as a float; no amount is one.
func asWidth(n int) float64 { return float64(n) }
