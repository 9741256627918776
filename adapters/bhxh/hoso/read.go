package hoso

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
)

// Limits bound what a reader takes.
type Limits = wire.Limits

// DefaultLimits are those of the envelope.
func DefaultLimits() Limits { return wire.DefaultLimits() }

// Decode reads a claim file. What is odd but readable is a finding (ENC-01, FLD-05, ENV-03 for a table that cannot be
// read while others can); a text that is no envelope at all is a fhir.Error of Kind Invalid or TooLarge.
// The file still has to be checked (Check).
func Decode(raw []byte, lim Limits) (*File, []Finding, error) {
	e, notes, err := wire.ReadEnvelope(raw, lim)
	if err != nil {
		return nil, nil, refusal(err)
	}
	f := &File{MaCSKCB: e.MaCSKCB, NgayLap: e.NgayLap, SoLuong: e.SoLuongHoSo, ChuKyDonVi: e.ChuKyDonVi}
	fs := fromNotes(notes, "")
	if e.SoLuongHoSo == "" {
		fs = append(fs, NewFinding("ENV-02", "", 0, "SOLUONGHOSO"))
	}
	for _, ep := range e.HoSo {
		h, more := decodeEpisode(ep, lim)
		f.HoSo = append(f.HoSo, h)
		fs = append(fs, more...)
	}
	return f, fs, nil
}

func decodeEpisode(ep wire.Episode, lim Limits) (h HoSo, fs []Finding) {
	for _, file := range ep.Files {
		id, ok := ParseID(file.LoaiHoSo)
		if !ok || file.Bad {
			fs = append(fs, NewFinding("ENV-03", known(file.LoaiHoSo, ok), 0, "NOIDUNGFILE"))
			if ok {
				h.Tables = append(h.Tables, Table{Layout: &layouts[id]})
			}
			continue
		}
		t, more, err := ReadTable(file.NoiDung, &layouts[id], lim)
		fs = append(fs, more...)
		if err != nil {
			fs = append(fs, NewFinding("ENV-03", id.String(), 0, "NOIDUNGFILE"))
			t = Table{Layout: &layouts[id]}
		}
		h.Tables = append(h.Tables, t)
	}
	maLK := h.MaLK()
	for i := range fs {
		fs[i].MaLK = maLK
	}
	return h, fs
}

// known keeps foreign text out of a finding.
func known(loaiHoSo string, ok bool) string {
	if ok {
		return loaiHoSo
	}
	return ""
}

func fromNotes(notes []wire.Note, table string) []Finding {
	if len(notes) == 0 {
		return nil
	}
	return []Finding{NewFinding("ENC-01", table, 0, "")}
}

// refusal gives the error for the caller; the parser's own words stay in the cause.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	for e := err; e != nil; {
		if e == wire.ErrTooLarge {
			return fhir.Wrap(fhir.TooLarge, "bhxh-file-too-large", err)
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	return fhir.Wrap(fhir.Invalid, "bhxh-file-unreadable", err)
}

// ReadTable reads the XML text of a table. Fields may be missing, unknown or out of order (FLD-05); another root, a
// document type declaration, more than lim or broken XML is an error.
func ReadTable(raw []byte, l *Layout, lim Limits) (Table, []Finding, error) {
	d, notes, err := wire.NewDecoder(raw, lim.Bytes)
	if err != nil {
		return Table{Layout: l}, nil, fmt.Errorf("%s: %w", l.ID, err)
	}
	r := tableReader{d: d, lim: lim, t: Table{Layout: l}, fs: fromNotes(notes, l.ID.String())}
	if err := r.read(); err != nil {
		return Table{Layout: l}, r.fs, fmt.Errorf("%s: %w", l.ID, err)
	}
	return r.t, r.fs, nil
}

type tableReader struct {
	d   *xml.Decoder
	lim Limits
	t   Table
	fs  []Finding
}

func (r *tableReader) read() error {
	l := r.t.Layout
	root, err := wire.Root(r.d)
	if err != nil {
		return err
	}
	if root != l.Root {
		return fmt.Errorf("the root is not %s", l.Root)
	}
	if l.Single() {
		err = r.row()
	} else {
		err = wire.Children(r.d, func(name string) error {
			if name != l.List {
				r.odd(0, "")
				return r.d.Skip()
			}
			return wire.Children(r.d, func(name string) error {
				if name != l.Element {
					r.odd(0, "")
					return r.d.Skip()
				}
				return r.row()
			})
		})
	}
	if err != nil {
		return err
	}
	return wire.End(r.d)
}

// row reads the fields of one row; the start of their parent was just read.
func (r *tableReader) row() error {
	if len(r.t.Rows) >= r.lim.Rows {
		return wire.ErrTooLarge
	}
	l := r.t.Layout
	row := r.t.Add()
	last, seen := -1, make([]bool, len(l.Fields))
	disorder := false
	err := wire.Children(r.d, func(name string) error {
		i := last + 1 // the usual case: the next one
		if i >= len(l.Fields) || l.Fields[i].Name != name {
			i = l.Index(name)
		}
		if i < 0 || seen[i] {
			disorder = true
			return r.d.Skip()
		}
		disorder = disorder || i < last
		last, seen[i] = i, true
		text, err := wire.Leaf(r.d, r.lim.Bytes)
		row.values[i] = text
		return err
	})
	if disorder {
		r.odd(len(r.t.Rows), "")
	}
	return err
}

// odd notes an unknown or misplaced element, once for each row.
func (r *tableReader) odd(row int, field string) {
	f := NewFinding("FLD-05", r.t.Layout.ID.String(), row, field)
	if !slices.Contains(r.fs, f) {
		r.fs = append(r.fs, f)
	}
}

// split gives the values of a field that holds several, separated by ";"; blanks around them are dropped.
func split(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
