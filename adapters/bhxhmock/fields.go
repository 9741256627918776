package bhxhmock

import (
	"fmt"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// fields are the fields of one row of a table. They keep the text of the whole table in memory.
type fields struct {
	of     *columns
	values []string
}

// columns are the names of fields in their order, which the rows of a table share as long as they have the same.
type columns struct {
	names []string
	at    map[string]int // the place of each; of one that is there twice the last
}

// get gives the value of a field, "" if it is not there.
func (f fields) get(name string) string {
	if f.of != nil {
		if i, ok := f.of.at[name]; ok {
			return f.values[i]
		}
	}
	return ""
}

// readTable reads a table of any kind: rows are the elements at the given depth below the root.
func readTable(raw []byte, root string, depth, limit int) ([]fields, error) {
	d, _, err := wire.NewDecoder(raw, limit)
	if err != nil {
		return nil, err
	}
	name, err := wire.Root(d)
	if err != nil {
		return nil, err
	}
	if name != root {
		return nil, fmt.Errorf("the root is not %s", root)
	}
	r := tableReader{d: d, limit: limit}
	if err := r.descend(depth); err != nil {
		return nil, err
	}
	return r.rows, wire.End(d)
}

type tableReader struct {
	d     *wire.Decoder
	limit int
	rows  []fields
	last  *columns // of the row before
}

// descend reads the element whose start was just read.
func (r *tableReader) descend(depth int) error {
	if depth == 0 {
		return r.row()
	}
	return wire.Children(r.d, func(string) error { return r.descend(depth - 1) })
}

func (r *tableReader) row() error {
	var like, own []string
	if r.last != nil {
		like = r.last.names
	}
	values := make([]string, 0, len(like))
	err := wire.Children(r.d, func(name string) error {
		if n := len(values); own == nil && (n >= len(like) || like[n] != name) {
			own = append(make([]string, 0, max(2*n, 80)), like[:n]...)
		}
		if own != nil {
			own = append(own, name)
		}
		value, err := wire.LentLeaf(r.d, r.limit)
		values = append(values, value)
		return err
	})
	if own == nil && len(values) < len(like) {
		own = like[:len(values)]
	}
	if own != nil || r.last == nil {
		r.last = columnsOf(own)
	}
	r.rows = append(r.rows, fields{r.last, values})
	return err
}

func columnsOf(names []string) *columns {
	c := columns{names: names, at: make(map[string]int, len(names))}
	for i, name := range names {
		c.at[name] = i
	}
	return &c
}
