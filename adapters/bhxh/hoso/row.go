package hoso

import (
	"fmt"

	"github.com/cockroachdb/apd/v3"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// Row is one row of a table: a text for each field of its layout, in the layout's order; "" is an empty field.
// Rows are references: a copy shares the texts.
type Row struct {
	layout *Layout
	values []string
}

// NewRow makes an empty row.
func NewRow(l *Layout) Row { return Row{layout: l, values: make([]string, len(l.Fields))} }

// Layout gives the definition of the row's fields; nil for the zero Row.
func (r Row) Layout() *Layout { return r.layout }

// Get gives the text of a field, "" if it is empty or the table has no such field. The zero Row has no fields.
func (r Row) Get(name string) string {
	if r.layout == nil {
		return ""
	}
	if i := r.layout.Index(name); i >= 0 {
		return r.values[i]
	}
	return ""
}

// Set sets the text of a field. A name that the table does not have is a mistake in the program: it panics.
func (r Row) Set(name, value string) {
	i := r.layout.Index(name)
	if i < 0 {
		panic(fmt.Sprintf("hoso: %s has no field %s", r.layout.ID, name))
	}
	r.values[i] = value
}

// Values gives the texts in the layout's order; they belong to the row.
func (r Row) Values() []string { return r.values }

// Decimal reads a number field. ok is false for an empty field and for what is no plain number (digits, at most one
// decimal point, no sign, no exponent).
func (r Row) Decimal(name string) (d apd.Decimal, ok bool) { return ParseDecimal(r.Get(name)) }

// SetMoney sets an amount with its two decimals.
func (r Row) SetMoney(name string, d *apd.Decimal) { r.Set(name, Money(d)) }

// Dropped gives the places, such as XML3[4].GHI_CHU_RIENG, of elements with content that were read and have no place in the layout, or
// came twice: what was in them is not in the table. At most twenty.
func (t Table) Dropped() []string { return t.dropped }

// Table is a filled table. Layout is never nil.
type Table struct {
	Layout *Layout
	Rows   []Row
	// ChuKyDonVi is the signature of a check-in file (XML0), which has no envelope, as inner XML.
	ChuKyDonVi string

	notes   []wire.Note // what was odd about the text that was read
	dropped []string    // places of elements that were passed over with what was in them
	odd     []int       // rows (from 1; 0: outside of rows) with elements that are unknown, repeated or in the wrong place
}

// Add appends an empty row and gives it.
func (t *Table) Add() Row {
	r := NewRow(t.Layout)
	t.Rows = append(t.Rows, r)
	return r
}

// HoSo is one treatment episode: each table at most once, XML1 first.
type HoSo struct {
	Tables []Table

	unread []string // tables whose text could not be read; "" for one whose LOAIHOSO says nothing
}

// NewHoSo makes an episode with empty tables of the given decision.
func NewHoSo(d Decision, ids ...ID) HoSo {
	var h HoSo
	for _, id := range ids {
		h.Tables = append(h.Tables, Table{Layout: d.Layout(id)})
	}
	return h
}

// Table gives a table, nil if the episode has none. The pointer is good until Tables is changed.
func (h HoSo) Table(id ID) *Table {
	for i := range h.Tables {
		if h.Tables[i].Layout.ID == id {
			return &h.Tables[i]
		}
	}
	return nil
}

// Rows gives the rows of a table, none if the episode does not have it.
func (h HoSo) Rows(id ID) []Row {
	if t := h.Table(id); t != nil {
		return t.Rows
	}
	return nil
}

// XML1 gives the summary row; the zero Row if there is none.
func (h HoSo) XML1() Row {
	if rows := h.Rows(XML1); len(rows) > 0 {
		return rows[0]
	}
	return Row{}
}

// MaLK is MA_LK of XML1: the episode.
func (h HoSo) MaLK() string { return h.XML1().Get("MA_LK") }

// MaCSKCB is MA_CSKCB of XML1: the facility.
func (h HoSo) MaCSKCB() string { return h.XML1().Get("MA_CSKCB") }

// Decision is the one in force at the episode's discharge.
func (h HoSo) Decision() Decision { return DecisionAt(h.XML1().Get("NGAY_RA")) }

// File is a claim file: one envelope.
type File struct {
	MaCSKCB    string // facility
	NgayLap    string // yyyyMMdd
	SoLuong    string // SOLUONGHOSO as it stood in a file that was read; "" in a new one
	HoSo       []HoSo
	ChuKyDonVi string // signature, as inner XML; "" if not signed
	// Bare says that the file was no envelope but the text of one table, such as a check-in (XML0). Rules about the
	// envelope, and about tables that are not there, then say nothing.
	Bare bool

	read  bool        // by Decode or Scan, so that SoLuong must be there
	notes []wire.Note // what was odd about the text that was read
}
