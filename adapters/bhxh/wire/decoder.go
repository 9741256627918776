package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Decoder reads the tokens of a text of XML. Nearly all that is exchanged has the plain form that programs write: an XML
// declaration, tags without attributes, text without comments. That form is read here, in a tenth of the time of an XML
// parser; where a text leaves it, encoding/xml goes on from there and decides. A fuzz test holds one against the other.
type Decoder struct {
	rest string // what is not read yet, while parser is nil
	open []tag  // of the elements that are open
	// closing says that the element begun last has no content (<X/>), so that its end comes next.
	closing bool
	parser  *xml.Decoder
}

// tag is a start tag as it stood between < and >.
type tag struct {
	text string
	name int // length of the name, which it begins with
}

func (t tag) local() string { return t.text[:t.name] }

type tokenKind uint8

const (
	startTag tokenKind = iota
	endTag
	charData
)

// token is a start or an end tag, of which name is the local name, or text.
type token struct {
	kind tokenKind
	name string
	text []byte // of the parser, good until the next token
	read string // of the plain form
}

// declarations are those of the plain form.
var declarations = [...]string{`<?xml version="1.0" encoding="utf-8"?>`, `<?xml version="1.0" encoding="UTF-8"?>`, `<?xml version="1.0"?>`}

// PlainDecoder is a reader of XML that is UTF-8, as NewDecoder.
func PlainDecoder(text []byte) *Decoder {
	d := &Decoder{rest: string(text)}
	for _, head := range declarations {
		if rest, ok := strings.CutPrefix(d.rest, head); ok {
			d.rest = rest
			break
		}
	}
	return d
}

// next gives the next start, end or text token; comments and processing instructions are passed over. Nothing is expanded
// but the five entities of XML itself, and a document type declaration is ErrDirective.
func (d *Decoder) next() (token, error) {
	if d.parser == nil {
		if t, ok := d.plain(); ok {
			return t, nil
		}
		if d.rest == "" && len(d.open) == 0 {
			return token{}, io.EOF
		}
		if err := d.handOver(); err != nil {
			return token{}, err
		}
	}
	for {
		t, err := d.parser.Token()
		if err != nil {
			return token{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return token{kind: startTag, name: t.Name.Local}, nil
		case xml.EndElement:
			return token{kind: endTag, name: t.Name.Local}, nil
		case xml.CharData:
			return token{kind: charData, text: t}, nil
		case xml.Directive:
			return token{}, ErrDirective
		}
	}
}

// plain reads a token of the plain form; if something else stands there nothing is read.
func (d *Decoder) plain() (token, bool) {
	if d.closing {
		d.closing = false
		return d.close(), true
	}
	if d.rest == "" {
		return token{}, false
	}
	if d.rest[0] != '<' {
		end := strings.IndexByte(d.rest, '<')
		if end < 0 {
			end = len(d.rest)
		}
		text, ok := unescaped(d.rest[:end])
		if ok {
			d.rest = d.rest[end:]
		}
		return token{kind: charData, read: text}, ok
	}
	if strings.HasPrefix(d.rest, "</") && len(d.open) > 0 {
		if rest, ok := d.afterEnd(d.rest); ok {
			d.rest = rest
			return d.close(), true
		}
		return token{}, false
	}
	n := plainName(d.rest[1:])
	if n == 0 {
		return token{}, false
	}
	begun := tag{d.rest[1 : 1+n], n}
	rest := d.rest[1+n:]
	if after, ok := strings.CutPrefix(rest, namespaces); ok { // of an envelope's root
		begun.text, rest = d.rest[1:1+n+len(namespaces)], after
	}
	switch {
	case strings.HasPrefix(rest, ">"):
		d.rest = rest[1:]
	case strings.HasPrefix(rest, "/>"):
		d.rest, d.closing = rest[2:], true
	default:
		return token{}, false
	}
	d.open = append(d.open, begun)
	return token{kind: startTag, name: begun.local()}, true
}

// afterEnd gives what follows the end tag of the innermost element, if a text begins with it.
func (d *Decoder) afterEnd(text string) (rest string, ok bool) {
	name := d.open[len(d.open)-1].local()
	if n := 2 + len(name); len(text) > n && text[0] == '<' && text[1] == '/' && text[2:n] == name && text[n] == '>' {
		return text[n+1:], true
	}
	return "", false
}

// close ends the innermost element.
func (d *Decoder) close() token {
	last := len(d.open) - 1
	name := d.open[last].local()
	d.open = d.open[:last]
	return token{kind: endTag, name: name}
}

// plainLeaf reads the rest of an element of which the start tag was just read, if it is nothing but a text and the end tag. It
// does what three tokens do.
func (d *Decoder) plainLeaf() (text string, ok bool) {
	if d.parser != nil || d.closing || len(d.open) == 0 {
		return "", false
	}
	end := strings.IndexByte(d.rest, '<')
	if end < 0 {
		return "", false
	}
	rest, ok := d.afterEnd(d.rest[end:])
	if !ok {
		return "", false
	}
	if text, ok = unescaped(d.rest[:end]); ok {
		d.rest, d.open = rest, d.open[:len(d.open)-1]
	}
	return text, ok
}

// passBlanks passes over the white space between two tags.
func (d *Decoder) passBlanks() {
	if d.parser != nil || d.closing {
		return
	}
	for i := range len(d.rest) {
		switch d.rest[i] {
		case ' ', '\n', '\t':
		case '<':
			d.rest = d.rest[i:]
			return
		default:
			return
		}
	}
}

// plainName gives the length of the name that s begins with, 0 if it has others than letters, digits, "_", "-" and "."
// of ASCII.
func plainName(s string) int {
	for i := range len(s) {
		switch c := classes[s[i]]; {
		case c&nameStart != 0, c&nameRest != 0 && i > 0:
		case c&nameEnd != 0:
			return i
		default:
			return 0
		}
	}
	return 0
}

// Classes of bytes.
const (
	nameStart uint8 = 1 << iota // letters and "_"
	nameRest                    // digits, "-" and "."
	nameEnd
	high      // of a character beyond ASCII
	reference // "&"
	rare      // ">" and control characters but LF and tab, which text has hardly ever
)

// classes has the classes of each byte.
var classes = func() (c [256]uint8) {
	for b := range c {
		switch b := byte(b); {
		case b >= 'A' && b <= 'Z', b >= 'a' && b <= 'z', b == '_':
			c[b] = nameStart
		case b >= '0' && b <= '9', b == '-', b == '.':
			c[b] = nameRest
		case b == '>':
			c[b] = nameEnd | rare
		case b == '/', b == ' ':
			c[b] = nameEnd
		case b == '&':
			c[b] = reference
		case b >= utf8.RuneSelf:
			c[b] = high
		case isControl(rune(b)):
			c[b] = rare
		}
	}
	return c
}()

// unescaped gives the characters of a text between two tags; ok is false if it needs a closer look: other references than
// the five of XML, a carriage return (which XML turns into LF), "]]>", characters that XML does not have.
func unescaped(s string) (_ string, ok bool) {
	var has uint8
	for i := range len(s) {
		has |= classes[s[i]]
	}
	if has&rare != 0 && (strings.Contains(s, "]]>") || strings.ContainsFunc(s, isControl)) {
		return "", false
	}
	if has&high != 0 && (!utf8.ValidString(s) || strings.Contains(s, "\xEF\xBF")) { // U+FFFE and U+FFFF begin so
		return "", false
	}
	if has&reference == 0 {
		return s, true
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "&")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		name, rest, ended := strings.Cut(after, ";")
		c, ok := entities[name]
		if !ok || !ended {
			return "", false
		}
		b.WriteByte(c)
		s = rest
	}
}

// isControl says whether a character is one of the control characters that a text is not to have as it is.
func isControl(c rune) bool { return c < ' ' && c != '\n' && c != '\t' }

// entities are the entities that XML itself has.
var entities = map[string]byte{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''}

// handOver lets encoding/xml go on: it reads the tags of the open elements again, and then what is left.
func (d *Decoder) handOver() error {
	var text []byte
	for _, t := range d.open {
		text = append(append(append(text, '<'), t.text...), '>')
	}
	d.parser = parser(bytes.NewReader(append(text, d.rest...)))
	for range d.open {
		if _, err := d.parser.Token(); err != nil {
			return err
		}
	}
	d.rest, d.open = "", nil
	return nil
}

// parser is encoding/xml for a text that is UTF-8 whatever it declares.
func parser(in io.Reader) *xml.Decoder {
	d := xml.NewDecoder(in)
	d.Strict = true
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	return d
}

// Root reads up to the start of the root element and gives its local name.
func Root(d *Decoder) (string, error) {
	for {
		t, err := d.next()
		if err != nil {
			return "", noEOF(err)
		}
		if t.kind == startTag {
			return t.name, nil
		}
	}
}

// End reads to the end of the text, where nothing but white space and comments may stand.
func End(d *Decoder) error {
	for {
		t, err := d.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !t.blank() {
			return errors.New("something follows the root element")
		}
	}
}

// blank says whether a token is white space.
func (t token) blank() bool {
	return t.kind == charData && strings.TrimSpace(t.read) == "" && len(bytes.TrimSpace(t.text)) == 0
}

// Children calls f after the start of each element inside the one whose start was just read; f must read to its end.
func Children(d *Decoder, f func(name string) error) error {
	for {
		d.passBlanks()
		t, err := d.next()
		if err != nil {
			return noEOF(err)
		}
		switch t.kind {
		case startTag:
			if err := f(t.name); err != nil {
				return noEOF(err)
			}
		case endTag:
			return nil
		case charData:
			if !t.blank() {
				return errors.New("text where elements are expected")
			}
		}
	}
}

// maxDepth is how deep elements may be nested in what is passed over; the decoder keeps a name of each that is open, so that
// a file of start tags alone would take many times its size. A signature takes about ten.
const maxDepth = 64

// Skip reads to the end of the element whose start was just read.
func Skip(d *Decoder) error {
	for depth := 1; depth > 0; {
		t, err := d.next()
		if err != nil {
			return noEOF(err)
		}
		switch t.kind {
		case startTag:
			if depth++; depth > maxDepth {
				return ErrTooDeep
			}
		case endTag:
			depth--
		}
	}
	return nil
}

// Leaf gives the text of the element whose start was just read, up to its end; an element inside is an error.
func Leaf(d *Decoder, limit int) (string, error) {
	text, err := LentLeaf(d, limit)
	return strings.Clone(text), err
}

// LentLeaf is Leaf for those who soon forget what it gives: while they do not, the whole text that is read stays in memory.
func LentLeaf(d *Decoder, limit int) (string, error) {
	if text, ok := d.plainLeaf(); ok {
		if len(text) > limit {
			return "", ErrTooLarge
		}
		return text, nil
	}
	var first string // nearly always there is one piece
	var all strings.Builder
	for {
		t, err := d.next()
		if err != nil {
			return "", err
		}
		switch t.kind {
		case charData:
			if len(first)+all.Len()+len(t.read)+len(t.text) > limit {
				return "", ErrTooLarge
			}
			if t.text == nil && first == "" && all.Len() == 0 {
				first = t.read
				continue
			}
			all.WriteString(first)
			all.WriteString(t.read)
			all.Write(t.text)
			first = ""
		case endTag:
			if all.Len() > 0 {
				return all.String(), nil
			}
			return first, nil
		case startTag:
			return "", fmt.Errorf("element %s where text is expected", t.name)
		}
	}
}

// Inner gives the text between the tags of the element whose start was just read, tags included.
func Inner(d *Decoder, name string) (string, error) {
	if d.closing {
		_, err := d.next()
		return "", err
	}
	if d.parser == nil {
		if err := d.handOver(); err != nil {
			return "", err
		}
	}
	var inner struct {
		XML  string  `xml:",innerxml"`
		Rest skipped `xml:",any"`
	}
	err := d.parser.DecodeElement(&inner, &xml.StartElement{Name: xml.Name{Local: name}})
	return inner.XML, err
}

// skipped reads elements as Skip does, within its bound.
type skipped struct{}

func (*skipped) UnmarshalXML(d *xml.Decoder, _ xml.StartElement) error {
	return Skip(&Decoder{parser: d})
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
