package wire

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"

	"golang.org/x/text/encoding/unicode"
)

// NewStream gives a reader of XML of any length: as NewDecoder, but for the encodings, of which it knows UTF-8 and UTF-16.
// That is enough for an envelope, whose tables are base64. A text that is base64 as a whole, as in fileHSBase64, is
// decoded first.
func NewStream(in io.Reader) (*Decoder, []Note, error) {
	b := bufio.NewReaderSize(in, 64<<10)
	if isBase64(b) {
		b = bufio.NewReaderSize(base64.NewDecoder(base64.StdEncoding, withoutBlanks{b}), 64<<10)
	}
	var notes []Note
	head, err := b.Peek(512)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		_, _ = b.Discard(3) // it was just seen
		head, notes = head[3:], append(notes, NoteBOM)
	case bytes.HasPrefix(head, []byte("\xFF\xFE")), bytes.HasPrefix(head, []byte("\xFE\xFF")):
		b = bufio.NewReaderSize(unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Reader(b), 64<<10)
		notes = append(notes, NoteUTF16)
		head, _ = b.Peek(512)
	}
	if bytes.Contains(head, []byte("\r\n")) {
		notes = append(notes, NoteCRLF)
	}
	return &Decoder{parser: parser(b)}, misdeclared(declared(head), notes), nil
}

// isBase64 says whether a text begins as base64 and not as XML.
func isBase64(b *bufio.Reader) bool {
	head, _ := b.Peek(64)
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) < 16 {
		return false
	}
	for _, c := range head {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/', c == '=', c == '\r', c == '\n':
		default:
			return false
		}
	}
	return true
}

// withoutBlanks leaves out blanks and tabs; line ends are the base64 decoder's own business.
type withoutBlanks struct{ in io.Reader }

func (w withoutBlanks) Read(p []byte) (int, error) {
	for {
		n, err := w.in.Read(p)
		kept := p[:0]
		for _, c := range p[:n] {
			if c != ' ' && c != '\t' {
				kept = append(kept, c)
			}
		}
		if len(kept) > 0 || err != nil || n == 0 {
			return len(kept), err
		}
	}
}
