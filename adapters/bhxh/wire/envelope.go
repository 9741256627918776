package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Envelope is a GIAMDINHHS file: what a facility sends in one go.
type Envelope struct {
	MaCSKCB     string // MACSKCB
	NgayLap     string // NGAYLAP, yyyyMMdd
	SoLuongHoSo string // SOLUONGHOSO as it stood; Append writes the true number
	HoSo        []Episode
	ChuKyDonVi  string // inner XML of CHUKYDONVI, the facility's signature; "" if not signed
}

// Episode is one HOSO: the tables of one treatment episode.
type Episode struct{ Files []FileHoSo }

// FileHoSo is one FILEHOSO: a table, as the XML text that NOIDUNGFILE holds in base64.
type FileHoSo struct {
	LoaiHoSo string // XML1 to XML15
	NoiDung  []byte // decoded; nil if Bad
	Bad      bool   // NOIDUNGFILE is no base64
}

// Limits bound what a reader takes.
type Limits struct {
	Bytes int // of the envelope and of each decoded table
	HoSo  int // episodes of one envelope
	Rows  int // rows of one table
}

// DefaultLimits: 32 MiB, 10,000 episodes, 20,000 rows. A facility's daily file stays far below.
func DefaultLimits() Limits { return Limits{Bytes: 32 << 20, HoSo: 10_000, Rows: 20_000} }

// ErrNotEnvelope says that the root is another element.
var ErrNotEnvelope = errors.New("the root is not GIAMDINHHS")

// maxFiles is more than there are tables (16), so that a repeated table is seen by the pre-checks and not here.
const maxFiles = 64

// namespaces is what stands in the tag of an envelope's root.
const namespaces = ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"`

const envelopeHead = `<?xml version="1.0" encoding="utf-8"?>
<GIAMDINHHS` + namespaces + ">\n"

// Append writes the envelope in its one canonical form: two spaces a level, LF, no byte order mark.
func (e *Envelope) Append(b []byte) []byte {
	b = append(b, envelopeHead...)
	b = append(b, "  <THONGTINDONVI>\n    <MACSKCB>"...)
	b = AppendText(b, e.MaCSKCB)
	b = append(b, "</MACSKCB>\n  </THONGTINDONVI>\n  <THONGTINHOSO>\n    <NGAYLAP>"...)
	b = AppendText(b, e.NgayLap)
	b = append(b, "</NGAYLAP>\n    <SOLUONGHOSO>"...)
	b = strconv.AppendInt(b, int64(len(e.HoSo)), 10)
	b = append(b, "</SOLUONGHOSO>\n    <DANHSACHHOSO>\n"...)
	for _, h := range e.HoSo {
		b = append(b, "      <HOSO>\n"...)
		for _, f := range h.Files {
			b = append(b, "        <FILEHOSO>\n          <LOAIHOSO>"...)
			b = AppendText(b, f.LoaiHoSo)
			b = append(b, "</LOAIHOSO>\n          <NOIDUNGFILE>"...)
			b = base64.StdEncoding.AppendEncode(b, f.NoiDung)
			b = append(b, "</NOIDUNGFILE>\n        </FILEHOSO>\n"...)
		}
		b = append(b, "      </HOSO>\n"...)
	}
	b = append(b, "    </DANHSACHHOSO>\n  </THONGTINHOSO>\n"...)
	if e.ChuKyDonVi == "" {
		b = append(b, "  <CHUKYDONVI/>\n"...)
	} else {
		b = append(append(append(b, "  <CHUKYDONVI>"...), e.ChuKyDonVi...), "</CHUKYDONVI>\n"...)
	}
	return append(b, "</GIAMDINHHS>\n"...)
}

// ReadEnvelope reads a GIAMDINHHS file. It takes what is seen in the field (byte order mark, CRLF, wrapped base64,
// unknown elements) and refuses what cannot be meant: another root, a document type declaration, more than lim.
func ReadEnvelope(raw []byte, lim Limits) (*Envelope, []Note, error) {
	d, notes, err := NewDecoder(raw, lim.Bytes)
	if err != nil {
		return nil, notes, err
	}
	root, err := Root(d)
	if err == nil && root != "GIAMDINHHS" {
		err = ErrNotEnvelope
	}
	var e *Envelope
	if err == nil {
		var episodes []Episode
		e, err = ScanEnvelope(d, lim, func(_ *Envelope, ep Episode) error {
			episodes = append(episodes, ep)
			return nil
		})
		e.HoSo = episodes
	}
	if err != nil {
		return nil, notes, fmt.Errorf("envelope: %w", err)
	}
	return e, notes, nil
}

// ScanEnvelope reads an envelope whose root was just begun (Root) and hands over each episode when it was read, with
// what is known of the envelope by then: the facility stands before the episodes. Nothing but the episode at hand is
// kept, so the size of a file is bounded by its source alone; the table of an episode by lim. The envelope that is
// returned has no HoSo.
func ScanEnvelope(d *Decoder, lim Limits, episode func(head *Envelope, ep Episode) error) (*Envelope, error) {
	r := envelopeReader{d: d, lim: lim, episode: episode}
	err := r.read()
	return &r.e, err
}

// envelopeReader walks the tokens; each method is called after the start of its element and returns after its end.
type envelopeReader struct {
	d       *Decoder
	lim     Limits
	e       Envelope
	n       int     // episodes so far
	at      Episode // the one being read
	episode func(head *Envelope, ep Episode) error
}

func (r *envelopeReader) read() error {
	err := r.children(func(name string) error {
		switch name {
		case "THONGTINDONVI":
			return r.children(func(name string) error { return r.leaf(name, "MACSKCB", &r.e.MaCSKCB) })
		case "THONGTINHOSO":
			return r.children(r.hoSoInfo)
		case "CHUKYDONVI":
			var err error
			r.e.ChuKyDonVi, err = Inner(r.d, name)
			return err
		}
		return Skip(r.d)
	})
	if err != nil {
		return err
	}
	return End(r.d)
}

func (r *envelopeReader) hoSoInfo(name string) error {
	switch name {
	case "NGAYLAP":
		return r.leaf(name, name, &r.e.NgayLap)
	case "SOLUONGHOSO":
		return r.leaf(name, name, &r.e.SoLuongHoSo)
	case "DANHSACHHOSO":
		return r.children(func(name string) error {
			if name != "HOSO" {
				return Skip(r.d)
			}
			if r.n++; r.n > r.lim.HoSo {
				return ErrTooLarge
			}
			r.at = Episode{}
			if err := r.children(r.file); err != nil {
				return err
			}
			return r.episode(&r.e, r.at)
		})
	}
	return Skip(r.d)
}

func (r *envelopeReader) file(name string) error {
	if name != "FILEHOSO" {
		return Skip(r.d)
	}
	if len(r.at.Files) >= maxFiles {
		return ErrTooLarge
	}
	var f FileHoSo
	var content string
	err := r.children(func(name string) error {
		if name == "NOIDUNGFILE" {
			var err error
			content, err = LentLeaf(r.d, r.lim.Bytes)
			return err
		}
		return r.leaf(name, "LOAIHOSO", &f.LoaiHoSo)
	})
	if err != nil {
		return err
	}
	f.NoiDung, err = DecodeBase64([]byte(strings.TrimSpace(content)))
	f.Bad = err != nil
	r.at.Files = append(r.at.Files, f)
	return nil
}

// leaf reads the element name into at if it is the wanted one, else passes over it.
func (r *envelopeReader) leaf(name, want string, at *string) error {
	if name != want {
		return Skip(r.d)
	}
	s, err := Leaf(r.d, r.lim.Bytes)
	*at = strings.TrimSpace(s)
	return err
}

func (r *envelopeReader) children(f func(name string) error) error { return Children(r.d, f) }

// DecodeBase64 reads base64 with or without white space in it. Line ends are passed over by the decoder itself.
func DecodeBase64(b []byte) ([]byte, error) {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	n, err := base64.StdEncoding.Strict().Decode(out, b)
	if err == nil {
		return out[:n], nil
	}
	if !bytes.ContainsAny(b, " \t") {
		return nil, err
	}
	return DecodeBase64(bytes.Map(func(r rune) rune {
		if r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, b))
}

// AppendText appends s as the text of an element: &, <, > are escaped, and so are CR (which XML would turn into LF)
// and characters that XML 1.0 cannot hold (they become U+FFFD).
func AppendText(b []byte, s string) []byte {
	for _, c := range s {
		switch {
		case c == '&':
			b = append(b, "&amp;"...)
		case c == '<':
			b = append(b, "&lt;"...)
		case c == '>':
			b = append(b, "&gt;"...)
		case c == '\r':
			b = append(b, "&#xD;"...)
		case c < 0x20 && c != '\n' && c != '\t', c == 0xFFFE, c == 0xFFFF:
			b = append(b, "\uFFFD"...)
		default:
			b = append(b, string(c)...)
		}
	}
	return b
}
