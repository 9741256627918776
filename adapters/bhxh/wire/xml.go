package wire

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Note says what was odd about a text that could nevertheless be read: it is reported, not refused.
type Note uint8

const (
	NoteBOM     Note = iota + 1 // a byte order mark
	NoteCharset                 // the declared encoding is not the one of the bytes
	NoteUTF16                   // the bytes were UTF-16
	NoteCRLF                    // lines end with CR LF
	NoteLegacy                  // the bytes were of an encoding from before Unicode (Legacy)
)

// Errors of NewDecoder and of the readers that stand on it.
var (
	ErrTooLarge  = errors.New("the text is larger than allowed")
	ErrEncoding  = errors.New("the text is not UTF-8")
	ErrDirective = errors.New("document type declarations are refused")
	ErrTooDeep   = errors.New("the elements are nested deeper than allowed")
)

// NewDecoder gives a reader of the XML in raw, whose encoding is brought in order first (Text).
func NewDecoder(raw []byte, limit int) (*Decoder, []Note, error) {
	text, notes, err := Text(raw, limit)
	if err != nil {
		return nil, notes, err
	}
	return PlainDecoder(text), notes, nil
}

// Text gives XML as UTF-8: byte order marks and UTF-16 are taken off, a wrongly declared encoding is ignored if the bytes
// are UTF-8, and bytes that cannot be UTF-8 are taken for one of the old encodings (Legacy).
func Text(raw []byte, limit int) ([]byte, []Note, error) {
	if len(raw) > limit {
		return nil, nil, ErrTooLarge
	}
	var notes []Note
	switch {
	case bytes.HasPrefix(raw, []byte("\xEF\xBB\xBF")):
		raw, notes = raw[3:], append(notes, NoteBOM)
	case bytes.HasPrefix(raw, []byte("\xFF\xFE")), bytes.HasPrefix(raw, []byte("\xFE\xFF")):
		raw, notes = fromUTF16(raw), append(notes, NoteUTF16)
	}
	if !utf8.Valid(raw) {
		s, ok := Legacy(raw)
		if !ok {
			return nil, notes, ErrEncoding
		}
		raw, notes = []byte(s), append(notes, NoteLegacy)
	}
	if bytes.Contains(raw, []byte("\r\n")) {
		notes = append(notes, NoteCRLF)
	}
	return raw, misdeclared(declared(raw), notes), nil
}

// misdeclared notes an encoding that is declared and is not UTF-8; where the bytes were of an old one, that is told already.
func misdeclared(enc string, notes []Note) []Note {
	if enc != "" && !strings.EqualFold(enc, "utf-8") && !slices.Contains(notes, NoteLegacy) {
		notes = append(notes, NoteCharset)
	}
	return notes
}

// fromUTF16 decodes by the byte order mark; an odd last byte is dropped.
func fromUTF16(raw []byte) []byte {
	big := raw[0] == 0xFE
	u := make([]uint16, 0, len(raw)/2)
	for i := 2; i+1 < len(raw); i += 2 {
		if big {
			u = append(u, uint16(raw[i])<<8|uint16(raw[i+1]))
		} else {
			u = append(u, uint16(raw[i+1])<<8|uint16(raw[i]))
		}
	}
	return []byte(string(utf16.Decode(u)))
}

// declared gives the encoding of the XML declaration, "" if there is none.
func declared(raw []byte) string {
	if !bytes.HasPrefix(raw, []byte("<?xml")) {
		return ""
	}
	head, _, ok := bytes.Cut(raw[:min(len(raw), 200)], []byte("?>"))
	if !ok {
		return ""
	}
	_, rest, ok := bytes.Cut(head, []byte("encoding"))
	if !ok {
		return ""
	}
	rest = bytes.TrimLeft(rest, " \t\r\n=")
	if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	enc, _, _ := bytes.Cut(rest[1:], rest[:1])
	return string(enc)
}
