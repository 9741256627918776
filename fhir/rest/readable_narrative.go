package rest

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/lienthong/lienthong/fhir/resource"
)

// pageSection is a section of a Composition as a page shows it.
type pageSection struct {
	Title    string
	Blocks   []narrativeBlock
	Sections []pageSection
}

// narrativeBlock is a paragraph of a narrative, or a table.
type narrativeBlock struct {
	Text  string
	Table *pageTable
}

// sectionsOf are the sections of a Composition, or of a section, in their words.
func sectionsOf(v resource.Value) (out []pageSection) {
	for s := range v.Get("section").Elements() {
		out = append(out, pageSection{s.Get("title").Text(), narrative(s.Get("text").Get("div").Text()), sectionsOf(s)})
	}
	return out
}

// narrative reads the XHTML of a Narrative into paragraphs and tables. Of its markup only that much is taken, and its text is text: what
// somebody sent never becomes markup of ours. A div that is not well-formed gives what stands before the fault.
// Source: https://hl7.org/fhir/R4/narrative.html
func narrative(div string) []narrativeBlock {
	d := xml.NewDecoder(strings.NewReader(div))
	d.Entity = xml.HTMLEntity
	var n narrativeReader
	for {
		token, err := d.Token()
		if err != nil {
			if n.flush(); errors.Is(err, io.EOF) {
				n.endTable()
			}
			return n.blocks
		}
		switch token := token.(type) {
		case xml.StartElement:
			n.start(token.Name.Local)
		case xml.EndElement:
			n.end(token.Name.Local)
		case xml.CharData:
			n.text.Write(token)
		}
	}
}

// narrativeReader is where a narrative is read.
type narrativeReader struct {
	blocks []narrativeBlock
	text   strings.Builder // since the last block or cell
	table  *pageTable      // that is open, if any
	row    []pageCell
	head   bool // the row has header cells only
}

// flush makes a paragraph of the text so far; inside of a table there are none.
func (n *narrativeReader) flush() {
	if n.table != nil {
		return
	}
	if text := n.taken(); text != "" {
		n.blocks = append(n.blocks, narrativeBlock{Text: text})
	}
}

func (n *narrativeReader) taken() string {
	text := strings.Join(strings.Fields(n.text.String()), " ")
	n.text.Reset()
	return text
}

func (n *narrativeReader) start(name string) {
	switch name {
	case "table":
		n.flush()
		if n.table == nil { // one in a cell is text
			n.table = &pageTable{}
		}
	case "tr":
		n.row, n.head = nil, true
	case "td":
		n.text.Reset()
		n.head = false
	case "th":
		n.text.Reset()
	case "p", "div", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "br", "blockquote", "pre", "dl", "dt", "dd", "hr":
		n.flush()
		n.text.WriteByte(' ')
	}
}

func (n *narrativeReader) end(name string) {
	switch name {
	case "td", "th":
		if n.table != nil {
			n.row = append(n.row, pageCell{{Text: n.taken()}})
		}
	case "tr":
		n.endRow()
	case "table":
		n.endTable()
	case "p", "div", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "dl", "dt", "dd":
		n.flush()
		n.text.WriteByte(' ')
	}
}

func (n *narrativeReader) endRow() {
	switch {
	case n.table == nil || len(n.row) == 0:
	case n.head && len(n.table.Columns) == 0 && len(n.table.Rows) == 0:
		for _, cell := range n.row {
			n.table.Columns = append(n.table.Columns, cell[0].Text)
		}
	default:
		n.table.Rows = append(n.table.Rows, n.row)
	}
	n.row = nil
}

func (n *narrativeReader) endTable() {
	if n.table != nil && len(n.table.Columns)+len(n.table.Rows) > 0 {
		n.blocks = append(n.blocks, narrativeBlock{Table: n.table})
	}
	n.table = nil
	n.text.Reset()
}
