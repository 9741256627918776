package resource

import (
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/lienthong/lienthong/fhir"
)

// ReplaceString makes s the text of a string value in all later output and in Text; Raw stays as received.
// It does nothing to other kinds of values. No one may read the document meanwhile.
func (v Value) ReplaceString(s string) {
	if v.Kind() != String {
		return
	}
	if v.d.edits == nil {
		v.d.edits = make(map[int32]string)
	}
	v.d.edits[v.n] = s
	v.node().flags |= flagEdited
}

// splice says that text takes the place of raw[from:to] in the output; a mark says that the served meta goes there.
type splice struct {
	from, to uint32
	text     []byte
	mark     bool
}

// appendEdits adds the replacements within v, in document order.
func (v Value) appendEdits(s []splice) []splice {
	if len(v.d.edits) == 0 {
		return s
	}
	for i, end := v.n, v.node().next; i < end; i++ {
		if n := &v.d.nodes[i]; n.flags&flagEdited != 0 {
			s = append(s, splice{from: n.start, to: n.end, text: quote(v.d.edits[i])})
		}
	}
	return s
}

// quote gives s as a JSON string; what is not UTF-8 in it becomes U+FFFD.
func quote(s string) []byte {
	b, _ := jsontext.AppendQuote(make([]byte, 0, len(s)+2), s)
	return b
}

// AppendTo appends the literal text of v with its edits.
func (v Value) AppendTo(dst []byte) []byte {
	if v.d == nil {
		return dst
	}
	n := v.node()
	pos := n.start
	for _, s := range v.appendEdits(nil) {
		dst = append(append(dst, v.d.raw[pos:s.from]...), s.text...)
		pos = s.to
	}
	return append(dst, v.d.raw[pos:n.end]...)
}

// View decodes v, with its edits, into a typed struct such as fhir.Claim of samply's models, for reading only:
// such structs drop what they do not know, so they never become a stored document again.
// The error has Kind Unprocessable and code "view-mismatch".
func View[T any](v Value) (T, error) {
	var t T
	raw := v.Raw()
	if v.d != nil && len(v.d.edits) > 0 {
		raw = v.AppendTo(nil)
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		e := fhir.Wrap(fhir.Unprocessable, "view-mismatch", err, string(v.ResourceType()))
		e.Path = v.Path()
		return t, e
	}
	return t, nil
}
