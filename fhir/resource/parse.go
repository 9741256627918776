package resource

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/lienthong/lienthong/fhir"
)

// New parses raw within DefaultLimits. The document keeps raw: the caller must not change it any more.
func New(raw []byte) (*Document, error) { return Parse(raw, DefaultLimits) }

// Parse reads one JSON object. The document keeps raw: the caller must not change it any more.
// Errors have Kind Invalid or TooLarge, one of the json-… or body-… codes, and the place where reading stopped.
func Parse(raw []byte, lim Limits) (*Document, error) {
	lim = lim.orDefault()
	if int64(len(raw)) > lim.Bytes {
		return nil, tooLong(lim)
	}
	h := decoders.Get().(*decoder)
	defer decoders.Put(h)
	h.parser = parser{raw: raw, lim: lim, dec: &h.dec, total: len(raw), nodes: h.nodes[:0], open: h.open[:0]}
	doc, err := h.parser.whole(&h.buffer)
	if err == nil && len(doc.nodes) <= len(h.nodes) {
		doc.nodes = slices.Clone(doc.nodes)
	}
	h.parser = parser{}
	return doc, err
}

// whole reads a text that is in memory.
func (p *parser) whole(b *bytes.Buffer) (*Document, error) {
	*b = *bytes.NewBuffer(p.raw)
	p.dec.Reset(b)
	doc, err := p.document()
	*b = bytes.Buffer{}
	p.dec.Reset(b)
	return doc, err
}

// decoder is what Parse needs besides the tape; it is reused, since most documents are small.
type decoder struct {
	dec    jsontext.Decoder
	buffer bytes.Buffer
	parser parser
	open   [16]frame
	nodes  [128]node // a tape that fits is copied at its true length: how long it will be can only be guessed
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// Read reads one JSON object from r up to its end, and refuses at the first token that breaks a rule: what follows is
// neither read nor kept. An error of r that is a *fhir.Error comes back as it is; any other is "body-unreadable".
func Read(r io.Reader, lim Limits) (*Document, error) { return ReadSized(r, 0, lim) }

// ReadSized is Read with a hint how many bytes will come, such as Content-Length; a false hint costs at most 1 MiB.
func ReadSized(r io.Reader, size int64, lim Limits) (*Document, error) {
	lim = lim.orDefault()
	if size > lim.Bytes {
		return nil, tooLong(lim)
	}
	p := parser{in: r, lim: lim, total: int(max(size, 0))}
	p.raw = make([]byte, 0, min(max(size, 2<<10), 1<<20))
	p.dec = jsontext.NewDecoder(&p)
	return p.document()
}

// parser makes the tape from the tokens of dec. When it streams, it is dec's reader and keeps what passes through.
type parser struct {
	raw   []byte
	in    io.Reader // nil if raw is the whole text
	total int       // expected length of the text; 0 = unknown
	lim   Limits
	dec   *jsontext.Decoder
	done  int // offset after the last token
	nodes []node
	open  []frame
}

// frame is an object or array that is not closed yet.
type frame struct {
	node     int32
	children int32
	array    bool
	named    bool // an object whose next token is a value: its name is pending
}

// Read hands bytes to the decoder and keeps them (io.Reader).
func (p *parser) Read(b []byte) (int, error) {
	// The end of the limit is asked for with one byte more, so that a body of exactly lim.Bytes passes.
	if room := p.lim.Bytes + 1 - int64(len(p.raw)); int64(len(b)) > room {
		b = b[:room]
	}
	n, err := p.in.Read(b)
	if len(p.raw)+n > cap(p.raw) && p.total > len(p.raw)+n {
		// The hint is believed step by step: what it may cost grows with what has really come.
		p.raw = slices.Grow(p.raw, min(p.total-len(p.raw), max(3*len(p.raw), n)))
	}
	p.raw = append(p.raw, b[:n]...)
	if int64(len(p.raw)) > p.lim.Bytes {
		return 0, tooLong(p.lim)
	}
	if gap := p.raw[p.done:]; len(gap) > maxGap && allBlank(gap[:maxGap+1]) {
		return 0, fhir.Errorf(fhir.TooLarge, "json-whitespace", "", maxGap)
	}
	return n, err
}

func isBlank(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ',' || c == ':'
}

func allBlank(b []byte) bool {
	for _, c := range b {
		if !isBlank(c) {
			return false
		}
	}
	return true
}

// document reads the root and then the end of the text.
func (p *parser) document() (*Document, error) {
	var names [16]frame
	p.open = names[:0]
	if err := p.tape(); err != nil {
		return nil, err
	}
	if _, err := p.dec.ReadToken(); err != io.EOF {
		var refused *fhir.Error
		if errors.As(err, &refused) {
			return nil, refused
		}
		if p.in != nil && err != nil && !isSyntax(err) {
			return nil, p.unreadable(err)
		}
		return nil, fhir.Errorf(fhir.Invalid, "json-trailing", "", p.done)
	}
	if len(p.raw)-p.done > maxGap {
		return nil, fhir.Errorf(fhir.TooLarge, "json-whitespace", "", maxGap)
	}
	return &Document{raw: p.raw, nodes: p.nodes}, nil
}

// tape reads tokens until the root is closed.
func (p *parser) tape() error {
	var nameStart, nameLen int
	var nameEscaped bool
	for {
		_, err := p.dec.ReadToken()
		if err != nil {
			return p.broken(err)
		}
		start, end := p.done, int(p.dec.InputOffset())
		for isBlank(p.raw[start]) {
			start++
		}
		if start-p.done > maxGap {
			return fhir.Errorf(fhir.TooLarge, "json-whitespace", "", maxGap)
		}
		p.done = end

		c := p.raw[start]
		if len(p.open) == 0 && c != '{' {
			return fhir.Errorf(fhir.Invalid, "json-not-object", "")
		}
		if c == '}' || c == ']' {
			last := len(p.open) - 1
			f := &p.open[last]
			if f.children == 0 {
				return fhir.Errorf(fhir.Invalid, "json-empty", p.path())
			}
			n := &p.nodes[f.node]
			n.end, n.next = uint32(end), int32(len(p.nodes))
			p.open = p.open[:last]
			if last == 0 {
				return nil
			}
			continue
		}

		n := node{start: uint32(start), end: uint32(end), parent: -1}
		if len(p.open) > 0 {
			f := &p.open[len(p.open)-1]
			if !f.array && !f.named {
				nameStart, nameLen = start+1, end-start-2
				nameEscaped = bytes.IndexByte(p.raw[start:end], '\\') >= 0
				if nameLen > maxName {
					return fhir.Errorf(fhir.TooLarge, "json-name-long", p.openPath(), maxName)
				}
				if f.children++; f.children > maxMembers {
					return fhir.Errorf(fhir.TooLarge, "json-members", p.openPath(), maxMembers)
				}
				f.named = true
				continue
			}
			n.parent = f.node
			if f.array {
				f.children++
				if c == '[' {
					return fhir.Errorf(fhir.Invalid, "json-array-in-array", p.path())
				}
			} else {
				f.named = false
				n.name, n.nameLen, n.flags = uint32(nameStart), uint16(nameLen), flagNamed
				if nameEscaped {
					n.flags |= flagNameEscaped
				}
				if c == 'n' {
					return fhir.Errorf(fhir.Invalid, "json-null", p.path())
				}
			}
		}
		if len(p.nodes) >= p.lim.Nodes {
			return fhir.Errorf(fhir.TooLarge, "json-nodes", "", p.lim.Nodes)
		}

		switch c {
		case '{', '[':
			if len(p.open) >= p.lim.Depth {
				return fhir.Errorf(fhir.TooLarge, "json-depth", p.path(), p.lim.Depth)
			}
			n.kind = Object
			if c == '[' {
				n.kind = Array
			}
			p.open = append(p.open, frame{node: int32(len(p.nodes)), array: c == '['})
		case '"':
			n.kind = String
			if bytes.IndexByte(p.raw[start:end], '\\') >= 0 {
				n.flags |= flagEscaped
			}
		case 't', 'f':
			n.kind = Bool
		case 'n':
			n.kind = Null
		default:
			n.kind = Number
			if end-start > maxNumber {
				return fhir.Errorf(fhir.TooLarge, "json-number-long", p.path(), maxNumber)
			}
		}
		n.next = int32(len(p.nodes) + 1)
		if len(p.nodes) == cap(p.nodes) {
			p.grow()
		}
		p.nodes = append(p.nodes, n)
	}
}

// grow makes room on the tape for what the rest of the text will need if it is like the part already read.
func (p *parser) grow() {
	want := 2 * len(p.nodes)
	if len(p.nodes) == 0 {
		want = max(16, min(p.total, 1<<20)/32)
	} else if p.total > 0 && p.done > 0 {
		likely := int(float64(len(p.nodes)) * float64(p.total) / float64(p.done) * 1.02)
		want = min(want*4, max(likely, len(p.nodes)+len(p.nodes)/4))
	} else if len(p.nodes) > 1<<18 {
		want = len(p.nodes) + len(p.nodes)/2
	}
	want = min(max(want, len(p.nodes)+16), p.lim.Nodes)
	nodes := make([]node, len(p.nodes), want)
	copy(nodes, p.nodes)
	p.nodes = nodes
}
