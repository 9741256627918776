package cmd_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// floats are the places in adapters/ where a float is no amount: file (from the top of the repository) and declaration.
var floats = map[string]string{
	"adapters/bhxh/config.go Config":           "files a second",
	"adapters/bhxh/plan.go Plan":               "files a second",
	"adapters/bhxh/pace.go newPace":            "files a second",
	"adapters/bhxhmock/faults.go Fault":        "a probability",
	"adapters/bhxhmock/faults.go acts":         "a probability",
	"adapters/bhxh/precheck/write.go asWidth":  "the width of a column",
	"adapters/bhxh/evidence/sheet.go asWidth":  "the width of a column",
	"adapters/bhxh/evidence/print.go margin":   "mm of a page",
	"adapters/bhxh/evidence/print.go lineHigh": "mm of a page",
	"adapters/bhxh/evidence/print.go draw":     "mm of a page",
}

// Money is exact decimal: a float on the path of an amount loses đồng that nobody finds again.
func TestNoAmountIsAFloat(t *testing.T) {
	used := map[string]bool{}
	err := filepath.WalkDir("../adapters", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(file, "../"))
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		for _, found := range floatsOf(f) {
			place := name + " " + found[0]
			used[place] = true
			if _, ok := floats[place]; !ok {
				t.Errorf("%s has %s: amounts are apd.Decimal; what is no amount stands in the list of this test", place, found[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for place := range floats {
		if !used[place] {
			t.Errorf("%s has no float: take it off the list", place)
		}
	}
}

// floatsOf gives (declaration, what) for each float of a file: its types, literals, and calls that make one.
func floatsOf(f *ast.File) (found [][2]string) {
	for _, decl := range f.Decls {
		for _, one := range parts(decl) {
			ast.Inspect(one.node, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					switch n.Name {
					case "float32", "float64", "Float64", "SetFloat64", "ParseFloat", "AppendFloat", "FormatFloat":
						found = append(found, [2]string{one.name, n.Name})
					}
				case *ast.BasicLit:
					if n.Kind == token.FLOAT {
						found = append(found, [2]string{one.name, n.Value})
					}
				}
				return true
			})
		}
	}
	return found
}

type part struct {
	name string
	node ast.Node
}

// parts gives the functions, types and values that a declaration declares.
func parts(decl ast.Decl) (out []part) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return []part{{d.Name.Name, d}}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				out = append(out, part{s.Name.Name, s})
			case *ast.ValueSpec:
				out = append(out, part{s.Names[0].Name, s})
			}
		}
	}
	return out
}

func TestTheFloatLintSeesFloats(t *testing.T) {
	const source = `package x
type Line struct{ Price float64 }
var rate = 0.5
func sum(s string) { v, _ := strconv.ParseFloat(s, 64); _ = v; d.Float64() }
func fine() { n := 5; _ = "0.5"; _ = n }`
	f, err := parser.ParseFile(token.NewFileSet(), "x.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := floatsOf(f); len(got) != 4 || got[0] != [2]string{"Line", "float64"} || got[1] != [2]string{"rate", "0.5"} {
		t.Errorf("%v", got)
	}
}
