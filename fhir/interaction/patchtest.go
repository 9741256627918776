package interaction

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/go-json-experiment/json/jsontext"
)

// pointerSteps undoes the escapes of a step of a JSON Pointer.
var pointerSteps = strings.NewReplacer("~1", "/", "~0", "~")

// locate gives the value that a JSON Pointer (RFC 6901) points at in a document.
func locate(raw []byte, pointer string) (jsontext.Value, bool) {
	d := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true))
	if pointer != "" {
		for step := range strings.SplitSeq(pointer[1:], "/") {
			if !descend(d, pointerSteps.Replace(step)) {
				return nil, false
			}
		}
	}
	v, err := d.ReadValue()
	return v, err == nil
}

// descend moves d, which stands before a value, to the member or element of it that step names.
func descend(d *jsontext.Decoder, step string) bool {
	kind := d.PeekKind()
	if kind != '{' && kind != '[' {
		return false
	}
	index := uint64(0)
	if kind == '[' {
		var err error
		if index, err = strconv.ParseUint(step, 10, 32); err != nil {
			return false
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return false
	}
	for n := uint64(0); d.PeekKind() != '}' && d.PeekKind() != ']'; n++ {
		found := kind == '[' && n == index
		if kind == '{' {
			name, err := d.ReadToken()
			if err != nil {
				return false
			}
			found = name.String() == step
		}
		if found {
			return true
		}
		if d.SkipValue() != nil {
			return false
		}
	}
	return false
}

// equalJSON says whether two values are equal as a test of RFC 6902 has it (§4.6): numbers by their value, strings by their
// characters, objects whatever the order of their members.
func equalJSON(a, b jsontext.Value) bool {
	x, err1 := readTree(jsontext.NewDecoder(bytes.NewReader(a)))
	y, err2 := readTree(jsontext.NewDecoder(bytes.NewReader(b)))
	return err1 == nil && err2 == nil && x.equal(y)
}

// tree is a JSON value.
type tree struct {
	kind    jsontext.Kind
	text    string // of a string; the literal of a number
	members map[string]*tree
	items   []*tree
}

func readTree(d *jsontext.Decoder) (*tree, error) {
	tok, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	t := &tree{kind: tok.Kind()}
	switch t.kind {
	case '"', '0':
		t.text = tok.String()
	case '[':
		for d.PeekKind() != ']' {
			item, err := readTree(d)
			if err != nil {
				return nil, err
			}
			t.items = append(t.items, item)
		}
		_, err = d.ReadToken()
	case '{':
		t.members = map[string]*tree{}
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			member := name.String()
			if t.members[member], err = readTree(d); err != nil {
				return nil, err
			}
		}
		_, err = d.ReadToken()
	}
	return t, err
}

func (t *tree) equal(o *tree) bool {
	if t.kind != o.kind || len(t.items) != len(o.items) || len(t.members) != len(o.members) {
		return false
	}
	for i := range t.items {
		if !t.items[i].equal(o.items[i]) {
			return false
		}
	}
	for name, v := range t.members {
		if other := o.members[name]; other == nil || !v.equal(other) {
			return false
		}
	}
	if t.kind == '0' {
		return sameNumber(t.text, o.text)
	}
	return t.text == o.text
}

// longestNumber is the length of literals beyond which only equal ones count as equal numbers.
const longestNumber = 4096

// sameNumber says whether two literals are the same number: 1.10, 1.1 and 11e-1 are.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	if len(a) > longestNumber || len(b) > longestNumber {
		return false
	}
	x, _, err1 := apd.NewFromString(a)
	y, _, err2 := apd.NewFromString(b)
	return err1 == nil && err2 == nil && x.Cmp(y) == 0
}
