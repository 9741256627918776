package hoso

import (
	"slices"
	"strconv"
)

// ID is the number of a table: 1 for XML1.
type ID uint8

// The tables that the claim of this facility is made of; the others are reached by their number.
const (
	XML0 ID = 0
	XML1 ID = 1
	XML2 ID = 2
	XML3 ID = 3
	XML4 ID = 4
)

// String gives the name in LOAIHOSO, such as "XML1".
func (id ID) String() string { return "XML" + strconv.Itoa(int(id)) }

// ParseID reads the name in LOAIHOSO.
func ParseID(s string) (ID, bool) {
	for i := range layouts {
		if ID(i).String() == s {
			return ID(i), true
		}
	}
	return 0, false
}

// Decision is a version of the claim file. It holds for discharges from From on.
type Decision struct {
	Name  string // "3176/QĐ-BYT"
	From  string // yyyy-MM-dd
	Known bool   // false: announced, its tables are not established; those of the decision before are used, with a warning
}

// DecisionAt gives the decision for a day of discharge, yyyyMMdd or longer (NGAY_RA). Before the first decision, and for
// what is no date, it is the first.
func DecisionAt(ngayRa string) Decision {
	found := decisions[0]
	if len(ngayRa) < 8 {
		return found
	}
	day := ngayRa[:4] + "-" + ngayRa[4:6] + "-" + ngayRa[6:8]
	for _, d := range decisions {
		if d.From <= day {
			found = d
		}
	}
	return found
}

// First says whether d is the oldest decision (4750), whose files go to a path of their own.
func (d Decision) First() bool { return d.Name == decisions[0].Name }

// Layout gives the layout of a table by this decision, nil if there is no such table.
// All decisions that are known have the same one.
func (d Decision) Layout(id ID) *Layout {
	if int(id) >= len(layouts) {
		return nil
	}
	return &layouts[id]
}

// Layout is the definition of a table.
type Layout struct {
	ID      ID
	Root    string // root element
	List    string // element that holds the rows; "" if the table is one row directly under Root
	Element string // element of a row in List
	Fields  []Field
}

// Single says that the table has exactly one row.
func (l *Layout) Single() bool { return l.List == "" }

// Index gives the place of a field in Fields, -1 if there is none. The search is linear: 66 short names at most.
func (l *Layout) Index(name string) int {
	return slices.IndexFunc(l.Fields, func(f Field) bool { return f.Name == name })
}

// Field is the definition of a field.
type Field struct {
	Name      string
	Type      FieldType
	MaxLength int // characters; 0 = no limit
	Required  bool
	Format    Format
	When      *Nhom // further condition for being required; nil if none
}

// FieldType is what the decision calls the type: chữ or số. Codes of digits are often Number: 01 stays 01.
type FieldType uint8

// Types of fields.
const (
	Text FieldType = iota
	Number
)

// Format is the form of dates, local time of Asia/Ho_Chi_Minh.
type Format uint8

// Formats of fields.
const (
	NoFormat Format = iota
	Day             // yyyyMMdd
	Minute          // yyyyMMddHHmm
)

// Nhom is a condition on the row's MA_NHOM.
type Nhom struct {
	Codes  []int
	Except bool // the condition holds for all other codes
}

func whenNhom(codes ...int) *Nhom   { return &Nhom{Codes: codes} }
func exceptNhom(codes ...int) *Nhom { return &Nhom{Codes: codes, Except: true} }

// Holds says whether the condition holds for a MA_NHOM; not for one that is no number.
func (n *Nhom) Holds(maNhom string) bool {
	code, err := strconv.Atoi(maNhom)
	return err == nil && slices.Contains(n.Codes, code) != n.Except
}

// CodeList is the list of codes that a field may hold.
type CodeList struct {
	Partial bool // the source is not complete: an unknown code is a warning
	Codes   []Code
}

// Code is an entry of a CodeList.
type Code struct {
	Code, VI, EN string
	Class        string // Encounter.class (v3-ActCode) for MA_LOAI_KCB, else ""
}

// Codes gives the list for a field, with ok false if there is none.
func Codes(field string) (CodeList, bool) {
	l, ok := codeLists[field]
	return l, ok
}

// Find gives the entry of a code.
func (l CodeList) Find(code string) (Code, bool) {
	i := slices.IndexFunc(l.Codes, func(c Code) bool { return c.Code == code })
	if i < 0 {
		return Code{}, false
	}
	return l.Codes[i], true
}
