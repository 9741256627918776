package outcome

import (
	"bytes"
	"compress/gzip"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
)

func TestCatalogueCanBeRead(t *testing.T) {
	rows, faults := readCatalogue()
	for _, err := range faults {
		t.Error(err)
	}
	if len(rows) == 0 {
		t.Fatal("the catalogue is empty")
	}
	place := regexp.MustCompile(`\{[^}]*\}`)
	for code, row := range rows {
		for _, text := range []string{row.English, row.Vietnamese} {
			for _, p := range place.FindAllString(text, -1) {
				if len(p) != 3 || p[1] < '0' || p[1] > '9' {
					t.Errorf("%s: %q has a place %s; want {0} to {9}", code, text, p)
				}
				if !strings.Contains(row.English, p) || !strings.Contains(row.Vietnamese, p) {
					t.Errorf("%s: %s is in one language only", code, p)
				}
			}
		}
	}
}

func TestIssueTypesAreThoseOfFHIR(t *testing.T) {
	types := issueTypes(t)
	for code, row := range catalogue() {
		if !types[row.Type] {
			t.Errorf("%s: %q is no issue type", code, row.Type)
		}
	}
	for k, of := range kinds {
		if !types[of.typ] {
			t.Errorf("kind %d: %q is no issue type", k, of.typ)
		}
	}
}

// issueTypes reads the code system from the official definitions.
func issueTypes(t *testing.T) map[string]bool {
	raw, err := os.ReadFile(fhirtest.Data(t, "data", "fhir-r4", "valuesets.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := resource.Read(z, resource.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	types := make(map[string]bool)
	var add func(concepts resource.Value)
	add = func(concepts resource.Value) {
		for c := range concepts.Elements() {
			types[c.Get("code").Text()] = true
			add(c.Get("concept"))
		}
	}
	for e := range doc.Root().Get("entry").Elements() {
		if r := e.Get("resource"); r.Get("url").Text() == "http://hl7.org/fhir/issue-type" {
			add(r.Get("concept"))
		}
	}
	if len(types) < 30 {
		t.Fatalf("only %d issue types found", len(types))
	}
	return types
}

// TestEachCodeHasItsRow reads the sources of all rooms: what is returned as an error must have a text in both languages,
// and as many args as its text has places.
func TestEachCodeHasItsRow(t *testing.T) {
	root, err := fhirtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata") {
			return fs.SkipDir
		}
		for _, u := range usesIn(t, path) {
			seen++
			row, ok := Lookup(u.code)
			if !ok {
				t.Errorf("%s: %s has no row in fhir/outcome/catalogue", u.at, u.code)
				continue
			}
			if u.args >= 0 {
				for _, text := range []string{row.English, row.Vietnamese} {
					if n := places(text); n > u.args {
						t.Errorf("%s: %s has %d args, its text wants %d: %s", u.at, u.code, u.args, n, text)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Errorf("only %d uses of codes found: the test looks in the wrong place", seen)
	}
}

// places counts the args that a text needs.
func places(text string) int {
	for n := 9; n >= 0; n-- {
		if strings.Contains(text, "{"+strconv.Itoa(n)+"}") {
			return n + 1
		}
	}
	return 0
}

// use is one place in the sources where a code stands; args is -1 if their number cannot be seen.
type use struct {
	at   token.Position
	code string
	args int
}

// usesIn finds fhir.Errorf, fhir.Wrap, fhir.Error{Code: …} and fhir.Issue{Code: …} in the files of one folder, without
// tests. A code may be a literal or a constant of the same folder.
func usesIn(t *testing.T, dir string) []use {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	constants := make(map[string]string)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		files = append(files, file)
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				for i, name := range spec.Names {
					if i < len(spec.Values) {
						if s, ok := literal(spec.Values[i]); ok {
							constants[name.Name] = s
						}
					}
				}
			}
			return true
		})
	}
	var uses []use
	add := func(at ast.Expr, args int) {
		code, ok := literal(at)
		if id, isName := at.(*ast.Ident); isName {
			code, ok = constants[id.Name]
		}
		if ok && code != "" {
			uses = append(uses, use{set.Position(at.Pos()), code, args})
		}
	}
	for _, file := range files {
		inVocabulary := file.Name.Name == "fhir"
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if name := vocabulary(n.Fun, inVocabulary); len(n.Args) >= 3 && (name == "Errorf" || name == "Wrap") {
					args := len(n.Args) - 3
					if n.Ellipsis.IsValid() {
						args = -1
					}
					add(n.Args[1], args)
				}
			case *ast.CompositeLit:
				name := vocabulary(n.Type, inVocabulary)
				if list, ok := n.Type.(*ast.ArrayType); ok {
					name = vocabulary(list.Elt, inVocabulary)
					for _, e := range n.Elts {
						if lit, ok := e.(*ast.CompositeLit); ok && lit.Type == nil && name == "Issue" {
							addFields(lit, add)
						}
					}
					return true
				}
				if name == "Issue" || name == "Error" {
					addFields(n, add)
				}
			}
			return true
		})
	}
	return uses
}

func addFields(lit *ast.CompositeLit, add func(ast.Expr, int)) {
	args := 0
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, _ := kv.Key.(*ast.Ident); key != nil && key.Name == "Args" {
				args = -1
				if list, ok := kv.Value.(*ast.CompositeLit); ok {
					args = len(list.Elts)
				}
			}
		}
	}
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, _ := kv.Key.(*ast.Ident); key != nil && key.Name == "Code" {
				add(kv.Value, args)
			}
		}
	}
}

// vocabulary gives the name X of fhir.X, or of X in the root package itself.
func vocabulary(e ast.Expr, inside bool) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		if pkg, ok := e.X.(*ast.Ident); ok && pkg.Name == "fhir" {
			return e.Sel.Name
		}
	case *ast.Ident:
		if inside {
			return e.Name
		}
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}
