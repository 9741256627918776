package outcome

import (
	"bufio"
	"bytes"
	"embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/lienthong/lienthong/fhir"
)

//go:embed catalogue/*.tsv
var files embed.FS

// Row is one line of the catalogue.
type Row struct {
	Type       string // FHIR IssueType, such as "structure"
	English    string
	Vietnamese string
}

// catalogue reads the embedded files, once. Lines that cannot be read are left out here and are failures of the tests.
var catalogue = sync.OnceValue(func() map[string]Row {
	rows, _ := readCatalogue()
	return rows
})

func readCatalogue() (rows map[string]Row, faults []error) {
	rows = make(map[string]Row)
	entries, err := files.ReadDir("catalogue")
	if err != nil {
		return rows, []error{err}
	}
	for _, entry := range entries {
		raw, err := files.ReadFile(path.Join("catalogue", entry.Name()))
		if err != nil {
			return rows, append(faults, err)
		}
		lines := bufio.NewScanner(bytes.NewReader(raw))
		for n := 1; lines.Scan(); n++ {
			line := lines.Text()
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			f := strings.Split(line, "\t")
			if len(f) != 4 || slices.Contains(f, "") {
				faults = append(faults, fmt.Errorf("%s:%d: want four fields, none empty", entry.Name(), n))
				continue
			}
			if _, twice := rows[f[0]]; twice {
				faults = append(faults, fmt.Errorf("%s:%d: %s is already taken", entry.Name(), n, f[0]))
				continue
			}
			rows[f[0]] = Row{Type: f[1], English: f[2], Vietnamese: f[3]}
		}
		if err := lines.Err(); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", entry.Name(), err))
		}
	}
	return rows, faults
}

// Lookup gives the row of a code.
func Lookup(code string) (Row, bool) {
	row, ok := catalogue()[code]
	return row, ok
}

// Codes gives all codes of the catalogue, sorted.
func Codes() []string { return slices.Sorted(maps.Keys(catalogue())) }

// Text gives the catalogue's text for a code with args in their places. A code without a row gives a general text
// that names the code.
func Text(code string, lang Language, args ...any) string {
	row, ok := Lookup(code)
	if !ok {
		row, _ = Lookup("unlisted")
		args = []any{code}
	}
	text := row.English
	if lang == Vietnamese {
		text = row.Vietnamese
	}
	return fill(text, lang, args)
}

// fill puts args in the places {0} to {9} of text; a place without an arg becomes "?".
func fill(text string, lang Language, args []any) string {
	if !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '{')
		if i < 0 || i+2 >= len(text) {
			break
		}
		d := text[i+1]
		if d < '0' || d > '9' || text[i+2] != '}' {
			b.WriteString(text[:i+1])
			text = text[i+1:]
			continue
		}
		b.WriteString(text[:i])
		if n := int(d - '0'); n < len(args) {
			b.WriteString(show(args[n], lang))
		} else {
			b.WriteByte('?')
		}
		text = text[i+3:]
	}
	return b.String() + text
}

// longestArg bounds foreign text in an answer, in bytes.
const longestArg = 300

func show(arg any, lang Language) string {
	if w, ok := arg.(fhir.Word); ok {
		return Text(string(w), lang)
	}
	s := fmt.Sprint(arg)
	if len(s) > longestArg {
		s = s[:longestArg] + "…"
	}
	return strings.ToValidUTF8(s, "�")
}
