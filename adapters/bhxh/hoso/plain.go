package hoso

import (
	"bytes"
	"strings"
)

// readPlain reads a table in the form that nearly all have: tags without attributes, known fields in the table's order, no
// comments. It takes a tenth of the time of an XML parser and is held against it by a fuzz test. ok is false for any
// other form, valid or not: the parser then decides.
func readPlain(text []byte, l *Layout, most int) (rows []Row, ok bool) {
	p := plain{rest: string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))}
	for _, head := range [...]string{`<?xml version="1.0" encoding="utf-8"?>`, `<?xml version="1.0" encoding="UTF-8"?>`, `<?xml version="1.0"?>`} {
		if rest, found := strings.CutPrefix(p.rest, head); found {
			p.rest = rest
			break
		}
	}
	if !p.tag("", l.Root) {
		return nil, false
	}
	if l.Single() {
		row, ok := p.row(l, l.Root)
		return []Row{row}, ok && strings.TrimLeft(p.rest, " \t\n") == ""
	}
	if !p.tag("", l.List) {
		return nil, false
	}
	for p.tag("", l.Element) {
		if len(rows) >= most {
			return nil, false
		}
		row, ok := p.row(l, l.Element)
		if !ok {
			return nil, false
		}
		rows = append(rows, row)
	}
	return rows, p.tag("/", l.List) && p.tag("/", l.Root) && strings.TrimLeft(p.rest, " \t\n") == ""
}

// plain is the text that is left.
type plain struct{ rest string }

// tag reads white space and a start tag, or with slash "/" an end tag; if something else stands there nothing is read.
func (p *plain) tag(slash, name string) bool {
	s := strings.TrimLeft(p.rest, " \t\n")
	n := 1 + len(slash) + len(name)
	if len(s) <= n || s[0] != '<' || s[1:1+len(slash)] != slash || s[1+len(slash):n] != name || s[n] != '>' {
		return false
	}
	p.rest = s[n+1:]
	return true
}

// row reads the fields of a row and the end tag of their parent.
func (p *plain) row(l *Layout, parent string) (Row, bool) {
	row := NewRow(l)
	for i := 0; ; i++ {
		s := strings.TrimLeft(p.rest, " \t\n")
		name, _, found := strings.Cut(s[:min(len(s), 64)], ">")
		if !found || !strings.HasPrefix(name, "<") {
			return row, false
		}
		if strings.HasPrefix(name, "</") {
			return row, p.tag("/", parent)
		}
		p.rest = s[len(name)+1:]
		name, closed := strings.CutSuffix(name[1:], "/")
		for i < len(l.Fields) && l.Fields[i].Name != name {
			i++
		}
		if i == len(l.Fields) {
			return row, false // unknown, repeated, or out of order
		}
		if closed {
			continue
		}
		end := strings.IndexByte(p.rest, '<')
		if end < 0 {
			return row, false
		}
		v, ok := unescaped(p.rest[:end])
		if p.rest = p.rest[end:]; !ok || !strings.HasPrefix(p.rest, "</") || !p.tag("/", name) {
			return row, false
		}
		row.values[i] = v
	}
}

// unescaped gives the characters of a text; ok is false if it needs a closer look: other references than the five of XML,
// "]]>", characters that XML does not have.
func unescaped(s string) (string, bool) {
	if strings.Contains(s, "]]>") || strings.Contains(s, "\xEF\xBF") {
		return "", false
	}
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' && s[i] != '\n' {
			return "", false
		}
	}
	if !strings.Contains(s, "&") {
		return strings.Clone(s), true
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "&")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		name, rest, _ := strings.Cut(after, ";")
		c, ok := map[string]byte{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''}[name]
		if !ok {
			return "", false
		}
		b.WriteByte(c)
		s = rest
	}
}
