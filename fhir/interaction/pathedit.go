package interaction

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/lienthong/lienthong/fhir/resource"
)

// edit puts text in the place of the bytes from from to to. The zero edit changes nothing.
type edit struct {
	from, to int
	text     []byte
}

func (e edit) applied(raw []byte) []byte {
	if e.to == 0 {
		return raw
	}
	out := make([]byte, 0, len(raw)-(e.to-e.from)+len(e.text))
	return append(append(append(out, raw[:e.from]...), e.text...), raw[e.to:]...)
}

// appendMember appends a member to the text of an object that is open.
func appendMember(dst []byte, name string, text []byte) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst, _ = jsontext.AppendQuote(dst, name)
	return append(append(dst, ':'), text...)
}

// appendWritten appends a member and its companion, as far as there is something of them.
func appendWritten(dst []byte, name string, w written) []byte {
	if w.text != nil {
		dst = appendMember(dst, name, w.text)
	}
	if w.companion != nil {
		dst = appendMember(dst, "_"+name, w.companion)
	}
	return dst
}

// changeMember makes the edit of object by which the member old, with its companion, becomes name with v, in its place. old
// "" = a new member at the end; v without text and companion = the member goes. An object of which nothing is left goes too.
func changeMember(object resource.Value, old, name string, v written) edit {
	out, done := []byte{'{'}, false
	put := func() {
		if !done {
			out, done = appendWritten(out, name, v), true
		}
	}
	for m := object.First(); m.Kind() != resource.None; m = m.Next() {
		if old != "" && (m.Name() == old || m.Name() == "_"+old) {
			put()
			continue
		}
		out = appendMember(out, m.Name(), m.Raw())
	}
	put()
	if len(out) == 1 && object.Parent().Kind() != resource.None {
		return remove(object)
	}
	from, to := object.Span()
	return edit{from, to, append(out, '}')}
}

// remove makes the edit that takes v out of the object or array that holds it.
func remove(v resource.Value) edit {
	parent := v.Parent()
	if parent.Kind() != resource.Array {
		return changeMember(parent, v.Name(), v.Name(), written{})
	}
	l := listOf(parent.Parent(), parent.Name())
	i := indexOf(v)
	return l.set(append(l.values[:i:i], l.values[i+1:]...))
}

// indexOf gives the place of v in the array that holds it.
func indexOf(v resource.Value) int {
	i := 0
	for one := v.Parent().First(); one != v; one = one.Next() {
		i++
	}
	return i
}

// list is a member of an object that is an array, with the array of companions beside it.
type list struct {
	object resource.Value
	name   string
	values []written
	there  bool
}

func listOf(object resource.Value, name string) list {
	l := list{object: object, name: name}
	for _, companion := range []bool{false, true} {
		array := object.Get(name)
		if companion {
			array = object.Get("_" + name)
		}
		if array.Kind() == resource.None {
			continue
		}
		l.there = true
		i := 0
		for v := range array.Elements() {
			if i == len(l.values) {
				l.values = append(l.values, written{})
			}
			switch {
			case v.Kind() == resource.Null:
			case companion:
				l.values[i].companion = v.Raw()
			default:
				l.values[i].text = v.Raw()
			}
			i++
		}
	}
	return l
}

// set makes the edit that gives the list these values.
func (l list) set(values []written) edit {
	old := ""
	if l.there {
		old = l.name
	}
	return changeMember(l.object, old, l.name, joined(values))
}

// joined writes values as an array, and their companions as another if there are any.
func joined(values []written) written {
	var w written
	for i, v := range values {
		if v.text != nil && w.text == nil {
			w.text = nulls(i)
		}
		if v.companion != nil && w.companion == nil {
			w.companion = nulls(i)
		}
		w.text, w.companion = appendElement(w.text, v.text), appendElement(w.companion, v.companion)
	}
	if w.text != nil {
		w.text = append(w.text, ']')
	}
	if w.companion != nil {
		w.companion = append(w.companion, ']')
	}
	return w
}

// nulls begins an array with n elements that are not there.
func nulls(n int) []byte {
	b := []byte{'['}
	for range n {
		b = appendElement(b, nil)
	}
	return b
}

// appendElement appends an element to an array that was begun.
func appendElement(dst, text []byte) []byte {
	if dst == nil {
		return nil
	}
	if len(dst) > 1 {
		dst = append(dst, ',')
	}
	if text == nil {
		text = []byte("null")
	}
	return append(dst, text...)
}
