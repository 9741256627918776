package hoso

import (
	"strconv"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// Rule is a pre-check: what it says when it fails, and whether that holds the claim (error) or is only shown (warning).
type Rule struct {
	Severity fhir.Severity
	VI, EN   string
}

// ourRules are what no rule of the insurer's workbook covers.
var ourRules = map[string]Rule{
	"ENC-01": {fhir.SeverityWarning, "Tệp có dấu BOM hoặc khai báo bảng mã sai; đã đọc theo UTF-8", "Byte order mark or wrongly declared encoding; read as UTF-8"},
	"ENC-02": {fhir.SeverityWarning, "Chữ không ở dạng Unicode dựng sẵn (NFC)", "Text is not in Unicode NFC"},
	"ENC-03": {fhir.SeverityInformation, "Tệp xuống dòng kiểu Windows (CRLF); đã đọc như xuống dòng thường", "Lines end with CR LF; read as plain line ends"},
	"ENC-04": {fhir.SeverityWarning, "Tệp dùng bảng mã cũ (windows-1258 hoặc TCVN3); đã chuyển sang UTF-8, cần soát lại chữ có dấu", "The text has an encoding from before Unicode (windows-1258 or TCVN3); turned into UTF-8, names must be looked at"},
	"VER-01": {fhir.SeverityWarning, "Chưa có cấu trúc của quyết định áp dụng cho ngày ra viện; dùng cấu trúc trước đó", "The tables of the decision in force at discharge are not known; those before it are used"},
}

// RuleByID gives a rule by its id, such as "AMT-01".
func RuleByID(id string) (Rule, bool) {
	if r, ok := rules[id]; ok {
		return r, true
	}
	r, ok := ourRules[id]
	return r, ok
}

// Finding is a failed pre-check. It names places, never contents: it can be logged and shown.
type Finding struct {
	Rule     string // id of the rule: AMT-01, FLD-03, ...
	Severity fhir.Severity
	MaLK     string // episode; "" for the envelope
	Table    string // XML1, XML2, ...; "" for the envelope
	Row      int    // STT of the row, or its place from 1 if STT is no number; 0 for the whole table
	Field    string // "" for the whole row
	Element  string // FHIRPath of the element that the field comes from, such as Claim.patient; "" if the finding is about a file
	VI, EN   string // message
}

// NewFinding makes a finding of a rule; an unknown id is a mistake in the program.
func NewFinding(rule, table string, row int, field string) Finding {
	r, ok := RuleByID(rule)
	if !ok {
		panic("hoso: no rule " + rule)
	}
	return Finding{Rule: rule, Severity: r.Severity, Table: table, Row: row, Field: field, VI: r.VI, EN: r.EN}
}

// In is the message in the words of a language.
func (f Finding) In(l outcome.Language) string { return l.Pick(f.VI, f.EN) }

// Path gives the place, such as XML3[4].SO_LUONG.
func (f Finding) Path() string {
	p := f.Table
	if p == "" {
		p = "GIAMDINHHS"
	}
	if f.Row > 0 && p != "XML1" {
		p += "[" + strconv.Itoa(f.Row) + "]"
	}
	if f.Field != "" {
		p += "." + f.Field
	}
	return p
}

// Issue turns the finding into an issue; the rule's id is a code of the catalogue.
func (f Finding) Issue() fhir.Issue {
	return fhir.Issue{Severity: f.Severity, Code: f.Rule, Path: f.Path()}
}

// Held says whether the findings hold the claim: at least one is an error.
func Held(fs []Finding) bool {
	for _, f := range fs {
		if f.Severity == fhir.SeverityError || f.Severity == fhir.SeverityFatal {
			return true
		}
	}
	return false
}

// Level gives the severity as rules.json and OperationOutcome write it.
func (f Finding) Level() string { return f.Severity.String() }

// Level gives the rule's severity as rules.json writes it.
func (r Rule) Level() string { return r.Severity.String() }
