package tabular

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"
)

// What is written is read back, in either form; in CSV but for the apostrophe before what could be a formula.
func TestTablesComeBack(t *testing.T) {
	cell := rapid.StringMatching(`[A-Za-zÀ-ỹ0-9,;"'| .\n]{0,12}`)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(rt, "columns")
		in := &Table{Name: "Bảng"}
		for i := range n {
			in.Head = append(in.Head, "cột "+string(rune('a'+i)))
		}
		for range rapid.IntRange(0, 6).Draw(rt, "rows") {
			var row []string
			for range n {
				row = append(row, strings.TrimSpace(cell.Draw(rt, "cell")))
			}
			row[0] = "x" + row[0]
			in.Rows = append(in.Rows, row)
		}
		for _, write := range []func() ([]byte, error){in.XLSX, in.CSV} {
			raw, err := write()
			if err != nil {
				rt.Fatal(err)
			}
			out, first, err := Read(raw, DefaultLimits)
			if err != nil || first != 2 || !slices.Equal(out.Head, in.Head) {
				rt.Fatalf("%v %d %q", err, first, out)
			}
			rows := slices.DeleteFunc(out.Rows, func(r []string) bool { return r[0] == "" }) // lines within cells
			if !slices.EqualFunc(rows, in.Rows, func(a, b []string) bool { return slices.Equal(a, b) }) {
				rt.Fatalf("%q, want %q", rows, in.Rows)
			}
		}
	})
}

func TestFormulasAreTexts(t *testing.T) {
	in := &Table{Head: []string{"a"}, Rows: [][]string{{`=HYPERLINK("http://x")`}, {"+84"}, {"@x"}, {"-1"}}}
	raw, err := in.CSV()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.TrimPrefix(string(raw), mark)) {
		if strings.ContainsAny(line[:1], "=+-@") {
			t.Errorf("%q", line)
		}
	}
	if raw, err = in.XLSX(); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if f, err := book.GetCellFormula("Sheet1", "A2"); err != nil || f != "" {
		t.Errorf("%v %q", err, f)
	}
}

func TestReadingCSV(t *testing.T) {
	for text, want := range map[string]string{
		"a,b\n1,2\n":                 "[a b] [[1 2]] 2",
		"\ufeffa;b\r\n1;2,5\r\n":     "[a b] [[1 2,5]] 2",
		"a\tb\n 1 \t\n":              "[a b] [[1 ]] 2",
		"\n\na,b\n\n1,\n,\n":         "[a b] [[ ] [1 ]] 4",
		"sep=;\r\na;b\r\n1;2,5\r\n":  "[a b] [[1 2,5]] 3",
		"\ufeffSEP=\t\na\tb\n1\t2\n": "[a b] [[1 2]] 3",
		"a,b\n\"x\ny\",2\n3,4\n,,":   "[a b] [[x\ny 2] [ ] [3 4]] 2",
	} {
		got, first, err := Read([]byte(text), DefaultLimits)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if shown := strings.ReplaceAll(strings.Join([]string{show(got.Head), showAll(got.Rows), string(rune('0' + first))}, " "), "  ", " "); shown != strings.ReplaceAll(want, "  ", " ") {
			t.Errorf("%q: %s, want %s", text, shown, want)
		}
	}
	for text, want := range map[string]error{
		"": ErrForm, "\n \n": ErrForm, "a,b\n1,2,3\n": ErrForm, "a\n\"x\n": ErrForm, "a\n\xff\n": ErrForm, "a\x00b": ErrForm, "PK\x03\x04nonsense": ErrForm,
		"a\n" + strings.Repeat("1\n", 6): ErrLarge, "a,b,c,d\n": ErrLarge, "a\n123456\n": ErrLarge,
	} {
		if _, _, err := Read([]byte(text), Limits{Rows: 5, Columns: 3, Cell: 5, Bytes: 1 << 20}); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

func show(row []string) string { return "[" + strings.Join(row, " ") + "]" }

func showAll(rows [][]string) string {
	var all []string
	for _, r := range rows {
		all = append(all, show(r))
	}
	return show(all)
}

func FuzzRead(f *testing.F) {
	x, err := (&Table{Head: []string{"a", "b"}, Rows: [][]string{{"1", "2"}}}).XLSX()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(x)
	f.Add([]byte("a,b\n1,2\n"))
	f.Add([]byte("\ufeffa;b\n\"x\n\"\";\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, first, err := Read(raw, Limits{Rows: 100, Columns: 20, Cell: 100, Bytes: 1 << 20})
		if err != nil {
			return
		}
		if first < 2 || len(got.Head) == 0 || len(got.Rows) > 100 {
			t.Fatalf("%d %q", first, got)
		}
		for _, r := range got.Rows {
			if len(r) != len(got.Head) {
				t.Fatalf("%q under %q", r, got.Head)
			}
		}
	})
}
