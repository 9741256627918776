package hoso

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
)

// Limits bound what a reader takes.
type Limits = wire.Limits

// DefaultLimits are those of the envelope.
func DefaultLimits() Limits { return wire.DefaultLimits() }

// Decode reads a claim file whole. What is odd but readable is left to Check; a text that is no claim file at all is a
// fhir.Error of Kind Invalid or TooLarge.
func Decode(raw []byte, lim Limits) (*File, error) {
	if len(raw) > lim.Bytes {
		return nil, refusal(wire.ErrTooLarge)
	}
	var episodes []HoSo
	f, err := Scan(bytes.NewReader(raw), lim, func(_ File, e Raw) error {
		episodes = append(episodes, e.Read(lim))
		return nil
	})
	if err != nil {
		return nil, err
	}
	f.HoSo = episodes
	return f, nil
}

// Raw is an episode as it stands in the file, its tables not yet read: reading them is the greater part of the work, and
// can be done by many at once.
type Raw struct {
	files []wire.FileHoSo
	table *Table // of a Bare file
}

// Scan reads a claim file of any length: an envelope, the same in base64 as a whole (fileHSBase64), or the bare text of
// one table. It hands over each episode with what is known of the file by then: the facility stands first. Only the
// episode at hand is kept. An error of episode ends it and comes back as it is; what can be wrong with the file is as in
// Decode. The File that is returned has no HoSo.
func Scan(in io.Reader, lim Limits, episode func(head File, e Raw) error) (*File, error) {
	bounded := &budget{in: in, max: 2 * int64(lim.Bytes)}
	d, notes, err := wire.NewStream(bounded)
	if err != nil {
		return nil, refusal(err)
	}
	root, err := wire.Root(d)
	if err != nil {
		return nil, refusal(err)
	}
	head := File{read: true}
	if id, ok := byRoot(root); ok {
		head.Bare = true
		r := tableReader{d: d, lim: lim, t: Table{Layout: &layouts[id], notes: notes}}
		if err := r.read(); err != nil {
			return nil, refusal(fmt.Errorf("%s: %w", id, err))
		}
		return &head, episode(head, Raw{table: &r.t})
	}
	if root != "GIAMDINHHS" {
		return nil, refusal(wire.ErrNotEnvelope)
	}
	head.notes = notes
	var theirs error
	e, err := wire.ScanEnvelope(d, lim, func(e *wire.Envelope, ep wire.Episode) error {
		head.MaCSKCB, head.NgayLap, head.SoLuong = e.MaCSKCB, e.NgayLap, e.SoLuongHoSo
		theirs, bounded.used = episode(head, Raw{files: ep.Files}), 0
		return theirs
	})
	if theirs != nil {
		return nil, theirs
	}
	if err != nil {
		return nil, refusal(err)
	}
	head.MaCSKCB, head.NgayLap, head.SoLuong, head.ChuKyDonVi = e.MaCSKCB, e.NgayLap, e.SoLuongHoSo, e.ChuKyDonVi
	return &head, nil
}

// budget bounds what is read for one episode: a decoder keeps a text whole before anybody can look at its length.
type budget struct {
	in        io.Reader
	used, max int64
}

func (b *budget) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if b.used += int64(n); b.used > b.max {
		return n, wire.ErrTooLarge
	}
	return n, err
}

// Read reads the tables. One that cannot be read is there without rows, and ENV-03 tells it.
func (e Raw) Read(lim Limits) (h HoSo) {
	if e.table != nil {
		return HoSo{Tables: []Table{*e.table}}
	}
	for _, file := range e.files {
		id, ok := ParseID(file.LoaiHoSo)
		if !ok {
			h.unread = append(h.unread, "") // foreign text stays out of the findings
			continue
		}
		t := Table{Layout: &layouts[id]}
		var err error
		if !file.Bad {
			t, err = ReadTable(file.NoiDung, &layouts[id], lim)
		}
		if file.Bad || err != nil {
			h.unread = append(h.unread, id.String())
		}
		h.Tables = append(h.Tables, t)
	}
	return h
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

// ReadTable reads the XML text of a table. Fields may be missing, unknown or out of order; another root, a document type
// declaration, more than lim or broken XML is an error, and the table then has no rows.
func ReadTable(raw []byte, l *Layout, lim Limits) (Table, error) {
	text, notes, err := wire.Text(raw, lim.Bytes)
	empty := Table{Layout: l, notes: notes}
	if err != nil {
		return empty, fmt.Errorf("%s: %w", l.ID, err)
	}
	d := wire.PlainDecoder(text)
	root, err := wire.Root(d)
	if err == nil && root != l.Root {
		err = fmt.Errorf("the root is not %s", l.Root)
	}
	r := tableReader{d: d, lim: lim, t: empty}
	if err == nil {
		err = r.read()
	}
	if err != nil {
		return empty, fmt.Errorf("%s: %w", l.ID, err)
	}
	return r.t, nil
}

type tableReader struct {
	d   *wire.Decoder
	lim Limits
	t   Table
}

// read reads a table whose root was just begun.
func (r *tableReader) read() (err error) {
	l := r.t.Layout
	if l.Single() {
		err = r.row()
	} else {
		err = wire.Children(r.d, func(name string) error {
			if name == "CHUKYDONVI" && l.ID == XML0 {
				r.t.ChuKyDonVi, err = wire.Inner(r.d, name)
				return err
			}
			if name != l.List {
				r.odd(0)
				return r.drop(0, name)
			}
			return wire.Children(r.d, func(name string) error {
				if name != l.Element {
					r.odd(0)
					return r.drop(0, name)
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
			return r.drop(len(r.t.Rows), name)
		}
		disorder = disorder || i < last
		last, seen[i] = i, true
		text, err := wire.Leaf(r.d, r.lim.Bytes)
		row.values[i] = text
		return err
	})
	if disorder {
		r.odd(len(r.t.Rows))
	}
	return err
}

// odd notes an unknown or misplaced element, once for each row.
func (r *tableReader) odd(row int) {
	if n := len(r.t.odd); n == 0 || r.t.odd[n-1] != row {
		r.t.odd = append(r.t.odd, row)
	}
}

// maxDropped bounds what is remembered of a table.
const maxDropped = 20

// drop passes over an element that the layout has no place for, and remembers it if there is something in it.
func (r *tableReader) drop(row int, name string) error {
	inner, err := wire.Inner(r.d, name)
	if err != nil || strings.TrimSpace(inner) == "" || len(r.t.dropped) == maxDropped {
		return err
	}
	place := r.t.Layout.ID.String()
	if row > 0 {
		place += "[" + strconv.Itoa(row) + "]"
	}
	r.t.dropped = append(r.t.dropped, place+"."+clipped(name))
	return nil
}

// clipped bounds a foreign name.
func clipped(name string) string {
	if len(name) > 64 {
		return strings.ToValidUTF8(name[:64], "")
	}
	return name
}

// several gives the values of a field that holds several, separated by ";"; blanks around them are dropped.
func several(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
