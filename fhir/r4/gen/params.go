package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// param is the part of a SearchParameter that the tables need.
type param struct {
	ID, URL, Code, Type, Expression string
	Base, Target                    []string
	Component                       []struct{ Definition, Expression string }
}

// compartment is the part of a CompartmentDefinition that the tables need.
type compartment struct {
	Code     string
	Resource []struct {
		Code  string
		Param []string
	}
}

const (
	paramPrefix = "http://hl7.org/fhir/SearchParameter/"
	// firstParam is the first number that the generator gives out; those below belong to the store.
	firstParam = 16
)

// reservedParam holds the numbers that the store has given to parameters it keeps itself.
var reservedParam = map[string]uint64{"Resource\t_lastUpdated": 1}

// typeTable numbers the resource types, keeping the numbers of the table at path.
func (d *definitionSet) typeTable(path string) ([]byte, error) {
	known, err := readNumbers(path, 1)
	if err != nil {
		return nil, err
	}
	for _, name := range d.resourceTypes() {
		known.use(name, name)
	}
	return known.table(), nil
}

// paramTable writes a row for each parameter of each type that it is defined on; the expression is cut to that type.
// Columns: number, base, code, type, definition (without http://hl7.org/fhir/SearchParameter/), targets ("*" any),
// expression, components ("definition=expression", separated by ";").
func (d *definitionSet) paramTable(path string) ([]byte, error) {
	known, err := readNumbers(path, firstParam)
	if err != nil {
		return nil, err
	}
	for key, n := range reservedParam {
		known.number[key] = n
	}
	var rows []string
	cells := map[string]string{}
	all := len(d.resourceTypes())
	for _, p := range d.params {
		id, ok := strings.CutPrefix(p.URL, paramPrefix)
		if !ok {
			return nil, fmt.Errorf("search parameter %s: unexpected url %s", p.ID, p.URL)
		}
		var parts []string
		for _, c := range p.Component {
			parts = append(parts, strings.TrimPrefix(c.Definition, paramPrefix)+"="+c.Expression)
		}
		target := strings.Join(p.Target, ",")
		if p.Type == "reference" && (len(p.Target) >= all-1 || len(p.Target) == 0) {
			target = "*"
		}
		for _, base := range p.Base {
			key := base + "\t" + p.Code
			if _, twice := cells[key]; twice {
				return nil, fmt.Errorf("two search parameters %s of %s", p.Code, base)
			}
			expression := cut(p.Expression, base)
			if p.Expression != "" && expression == "" {
				return nil, fmt.Errorf("search parameter %s has no expression for %s", p.ID, base)
			}
			rows = append(rows, key)
			cells[key] = strings.TrimRight(strings.Join(
				[]string{key, p.Type, id, target, expression, strings.Join(parts, ";")}, "\t"), "\t")
		}
	}
	slices.Sort(rows)
	for _, key := range rows {
		known.use(key, cells[key])
	}
	return known.table(), nil
}

// cut keeps of a union the alternatives that start at base: "(A.x as T) | B.y" is "(A.x as T)" for A.
// One parameter (InsurancePlan-name) has alternatives without a type in front; they get base.
func cut(expression, base string) string {
	var keep []string
	for _, alt := range strings.Split(expression, "|") {
		alt = strings.TrimSpace(alt)
		root := strings.TrimLeft(alt, "(")
		if i := strings.IndexFunc(root, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') }); i >= 0 {
			root = root[:i]
		}
		switch {
		case root == "":
		case root[0] >= 'a' && root[0] <= 'z':
			keep = append(keep, base+"."+alt)
		case root == base:
			keep = append(keep, alt)
		}
	}
	return strings.Join(keep, " | ")
}

// compartmentTable writes which parameters put a resource of a type into a compartment. "{def}" (the resource is the
// compartment's own) is left out: that holds for every compartment.
func (d *definitionSet) compartmentTable() []byte {
	var rows []string
	for _, c := range d.compartments {
		for _, r := range c.Resource {
			params := slices.DeleteFunc(slices.Clone(r.Param), func(p string) bool { return p == "{def}" })
			if len(params) > 0 {
				rows = append(rows, c.Code+"\t"+r.Code+"\t"+strings.Join(params, ",")+"\n")
			}
		}
	}
	slices.Sort(rows)
	return []byte(banner + strings.Join(rows, ""))
}

// numbers are the rows of a table by number: those that were there before and those of this run.
type numbers struct {
	number map[string]uint64
	rows   map[uint64]string
	next   uint64
}

// readNumbers reads the numbers of the table at path. A table that is not there is empty.
func readNumbers(path string, first uint64) (*numbers, error) {
	n := &numbers{number: map[string]uint64{}, rows: map[uint64]string{}, next: first}
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, line := range strings.Split(string(raw), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		num, rest, _ := strings.Cut(line, "\t")
		v, err := strconv.ParseUint(num, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%s: %q has no number: %w", path, line, err)
		}
		key := strings.TrimSuffix(rest, "\tretired") // a type: one column; a parameter: base and code
		if f := strings.SplitN(key, "\t", 3); len(f) > 2 {
			key = f[0] + "\t" + f[1]
		}
		n.number[key] = v
		n.rows[v] = key + "\tretired"
		n.next = max(n.next, v+1)
	}
	return n, nil
}

// use gives key its old number, or the next free one, and sets its row.
func (n *numbers) use(key, row string) {
	v, ok := n.number[key]
	if !ok {
		v = n.next
		n.next++
		n.number[key] = v
	}
	n.rows[v] = row
}

// table writes all rows by number.
func (n *numbers) table() []byte {
	order := make([]uint64, 0, len(n.rows))
	for v := range n.rows {
		order = append(order, v)
	}
	slices.Sort(order)
	var b bytes.Buffer
	b.WriteString(banner)
	for _, v := range order {
		fmt.Fprintf(&b, "%d\t%s\n", v, n.rows[v])
	}
	return b.Bytes()
}
