package resource

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/lienthong/lienthong/fhir"
)

func tooLong(lim Limits) error {
	return fhir.Errorf(fhir.TooLarge, "body-too-large", "", lim.Bytes)
}

// broken turns what the decoder said into a fault with a place: the element if it is known, and the byte.
func (p *parser) broken(err error) error {
	var refused *fhir.Error
	if errors.As(err, &refused) {
		return refused
	}
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax):
	case errors.Is(err, io.EOF) && len(p.open) == 0:
		return fhir.Errorf(fhir.Invalid, "body-empty", "")
	default:
		return p.unreadable(err)
	}
	path := p.pointerPath(syntax.JSONPointer)
	at := syntax.ByteOffset
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fhir.Errorf(fhir.Invalid, "json-duplicate-key", path, at)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fhir.Errorf(fhir.Invalid, "json-cut-off", path, at)
	case strings.Contains(syntax.Err.Error(), "UTF-8"), strings.Contains(syntax.Err.Error(), "surrogate"):
		return fhir.Errorf(fhir.Invalid, "json-utf8", path, at)
	}
	return fhir.Errorf(fhir.Invalid, "json-syntax", path, at)
}

func (p *parser) unreadable(err error) error {
	return fhir.Wrap(fhir.Invalid, "body-unreadable", err)
}

func isSyntax(err error) bool {
	var syntax *jsontext.SyntacticError
	return errors.As(err, &syntax)
}

// path gives the place of the token that was just read, or of the container that was just closed.
func (p *parser) path() string { return p.pointerPath(p.dec.StackPointer()) }

// openPath gives the place of the innermost open object.
func (p *parser) openPath() string { return p.pointerPath(p.dec.StackPointer().Parent()) }

// pointerPath turns a JSON Pointer into the FHIRPath-like form; names that cannot be element names are cut short, since
// they are foreign text which goes into an answer.
func (p *parser) pointerPath(ptr jsontext.Pointer) string {
	var b strings.Builder
	b.WriteString((&Document{raw: p.raw, nodes: p.nodes}).rootName(true))
	for token := range ptr.Tokens() {
		if _, err := strconv.ParseUint(token, 10, 31); err == nil {
			b.WriteString("[" + token + "]")
			continue
		}
		if len(token) > 64 {
			token = token[:64] + "…"
		}
		b.WriteString("." + strings.ToValidUTF8(token, "�"))
	}
	return b.String()
}

// rootName gives the resourceType of the root for paths, or "Resource" where there is none that looks like one.
// While the document is still being read the tape's ends are not set, so partly looks at every node with parent 0.
func (d *Document) rootName(partly bool) string {
	for i := 1; i < len(d.nodes); {
		n := &d.nodes[i]
		if n.parent == 0 && n.kind == String && d.nameOf(n) == "resourceType" {
			if t := d.text(n.start+1, n.end-1); isTypeName(t) {
				return t
			}
			break
		}
		if partly {
			i++
		} else {
			i = int(n.next)
		}
	}
	return "Resource"
}

func isTypeName(s string) bool {
	if s == "" || len(s) > 64 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return true
}
