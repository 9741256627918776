package intake

import (
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/tabular"
	"github.com/lienthong/lienthong/fhir/wording"
)

// Parameters writes the report: dryRun, added, present, refused, ignored* (columns), then row* with number, outcome,
// patient, newPerson, dose, issue*(severity, code, column, text).
func (r *Report) Parameters(l outcome.Language) resource.ObjectOf {
	var list resource.ListOf
	put := func(to *resource.ListOf, name, element string, value any) {
		*to = append(*to, resource.ObjectOf{"name", name, element, value})
	}
	added, present, refused := r.Counts()
	put(&list, "dryRun", "valueBoolean", r.DryRun)
	put(&list, "added", "valueInteger", added)
	put(&list, "present", "valueInteger", present)
	put(&list, "refused", "valueInteger", refused)
	for _, h := range r.Ignored {
		put(&list, "ignored", "valueString", h)
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		var p resource.ListOf
		put(&p, "number", "valueInteger", row.Number)
		put(&p, "outcome", "valueCode", string(row.Outcome))
		if row.Patient != "" {
			put(&p, "patient", "valueReference", resource.ObjectOf{"reference", row.Patient})
		}
		if row.NewPerson {
			put(&p, "newPerson", "valueBoolean", true)
		}
		if row.Dose != "" {
			put(&p, "dose", "valueReference", resource.ObjectOf{"reference", row.Dose})
		}
		for _, f := range row.Faults {
			var q resource.ListOf
			put(&q, "severity", "valueCode", severity(f.Severity))
			put(&q, "code", "valueCode", f.Code)
			if f.Column != "" {
				put(&q, "column", "valueString", f.Column)
			}
			put(&q, "text", "valueString", outcome.Text(f.Code, l, f.Args...))
			p = append(p, resource.ObjectOf{"name", "issue", "part", q})
		}
		list = append(list, resource.ObjectOf{"name", "row", "part", p})
	}
	return resource.ObjectOf{"resourceType", "Parameters", "parameter", list}
}

func severity(s fhir.Severity) string {
	switch s {
	case fhir.SeverityError, fhir.SeverityFatal:
		return "error"
	case fhir.SeverityWarning:
		return "warning"
	}
	return "information"
}

// Table writes the report for a spreadsheet: a row for each row, and one more for each further issue.
func (r *Report) Table(l outcome.Language) *tabular.Table {
	t := &tabular.Table{Name: l.Pick("Kết quả", "Report"), Head: []string{
		l.Pick("Dòng", "Row"), l.Pick("Kết quả", "Outcome"), l.Pick("Người mới", "New person"), l.Pick("Mức độ", "Severity"), l.Pick("Mã", "Code"),
		l.Pick("Cột", "Column"), l.Pick("Nội dung", "Text"), "Patient", "Immunization"}}
	for i := range r.Rows {
		row := &r.Rows[i]
		what := row.Outcome.In(l, r.DryRun)
		fresh := ""
		if row.NewPerson {
			fresh = l.Pick("có", "yes")
		}
		line := []string{strconv.Itoa(row.Number), what, fresh, "", "", "", "", row.Patient, row.Dose}
		for _, f := range row.Faults {
			line[3], line[4], line[5], line[6] = wording.Of("issue-severity", severity(f.Severity), l), f.Code, f.Column, outcome.Text(f.Code, l, f.Args...)
			t.Rows = append(t.Rows, append([]string(nil), line...))
		}
		if len(row.Faults) == 0 {
			t.Rows = append(t.Rows, line)
		}
	}
	return t
}

// In says the outcome in words.
func (o Outcome) In(l outcome.Language, dryRun bool) string {
	words := map[Outcome][2]string{Added: {"đã thêm", "added"}, Present: {"đã có", "present"}, Refused: {"từ chối", "refused"}}[o]
	if dryRun && o == Added {
		words = [2]string{"sẽ thêm", "would be added"}
	}
	return l.Pick(words[0], words[1])
}

// Template is an empty table with all columns, to be filled in.
func (f *Fields) Template(l outcome.Language) *tabular.Table {
	t := &tabular.Table{}
	for _, field := range f.All {
		head := l.Pick(field.Vi, field.En)
		if field.Required {
			head += " *"
		}
		t.Head = append(t.Head, strings.TrimSpace(head))
	}
	return t
}
