package hoso

import (
	"slices"
	"strconv"
	"strings"
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
	XML5 ID = 5
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

// byRoot gives the table that has this root element.
func byRoot(root string) (ID, bool) {
	i := slices.IndexFunc(layouts[:], func(l Layout) bool { return l.Root == root })
	return ID(max(i, 0)), i >= 0
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

	places map[string]int // of the fields, by name
}

func init() {
	for i := range layouts {
		l := &layouts[i]
		l.places = make(map[string]int, len(l.Fields))
		for at := range l.Fields {
			l.places[l.Fields[at].Name] = at
		}
	}
}

// Single says that the table has exactly one row.
func (l *Layout) Single() bool { return l.List == "" }

// Index gives the place of a field in Fields, -1 if there is none.
func (l *Layout) Index(name string) int {
	if at, ok := l.places[name]; ok {
		return at
	}
	return -1
}

// Field is the definition of a field.
type Field struct {
	Name      string
	Type      FieldType
	MaxLength int // characters; 0 = no limit
	Required  bool
	Format    Format
	When      *Condition // further condition for being required; nil if none
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

// Condition says when a field must not be empty, by other fields of its row.
type Condition struct {
	Fields []string // one, but for NoneGiven
	Op     Op
	Codes  []string // of Is and IsNot
}

// Op is the form of a Condition.
type Op uint8

// Forms of conditions: a field has one of the codes; has a code that is none of them; is not empty; all are empty.
const (
	Is Op = iota
	IsNot
	Given
	NoneGiven
)

// Holds says whether the condition holds for a row. An empty field has no code, so neither Is nor IsNot holds.
func (c *Condition) Holds(r Row) bool {
	v := r.Get(c.Fields[0])
	switch c.Op {
	case Is:
		return c.has(v)
	case IsNot:
		return v != "" && !c.has(v)
	case Given:
		return v != ""
	}
	return !slices.ContainsFunc(c.Fields, func(f string) bool { return r.Get(f) != "" })
}

// has finds a code as it stands and with leading zeros, which the field has.
func (c *Condition) has(code string) bool {
	return slices.Contains(c.Codes, code) || slices.Contains(c.Codes, strings.TrimLeft(code, "0"))
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
