package history

import (
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lienthong/lienthong/fhir/resource"
)

// Entry is a stored resource that goes into a document as it is.
type Entry struct {
	Ref string // Type/id
	Raw resource.Literal
}

// Document writes the summary in the style of the International Patient Summary: a Bundle of type document whose
// Composition has the section of immunizations, and one of what is planned. Sections about other things than vaccinations
// are not in it, so it is no whole IPS. The same state, day and language give the same document but for its time.
//
// base is the FHIR base that full URLs begin with; stored are the Patients and Immunizations, the person first; state tells
// one state of the store from another.
// Source: http://hl7.org/fhir/uv/ips/, https://hl7.org/fhir/R4/documents.html
func (w Writer) Document(s *Summary, base string, stored []Entry, state string, at time.Time) resource.ObjectOf {
	name := func(part string) string {
		return "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.Join([]string{base, w.Patient, state, s.At.Format(time.DateOnly), string(w.Language), part}, "|"))).String()
	}
	given, planned := w.section("11369-6", "History of Immunization", w.say("Lịch sử tiêm chủng", "History of immunizations"), w.Given(s)), resource.ObjectOf(nil)
	var references resource.ListOf
	entries := resource.ListOf{nil}
	for _, e := range stored {
		entries = append(entries, resource.ObjectOf{"fullUrl", base + "/" + e.Ref, "resource", e.Raw})
		if strings.HasPrefix(e.Ref, "Immunization/") {
			references = append(references, resource.ObjectOf{"reference", e.Ref})
		}
	}
	if len(references) == 0 {
		given = append(given, "emptyReason", resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", "http://terminology.hl7.org/CodeSystem/list-empty-reason", "code", "unavailable"}}})
	}
	given = append(given, "entry", references)
	if recommended := w.Recommendation(&s.Assessment); recommended != nil {
		planned = w.section("18776-5", "Plan of care note", w.say("Dự báo tiêm chủng", "Immunization forecast"), w.Planned(s))
		planned = append(planned, "entry", resource.ListOf{resource.ObjectOf{"reference", name("recommendation")}})
		entries = append(entries, resource.ObjectOf{"fullUrl", name("recommendation"), "resource", recommended})
	}
	entries[0] = resource.ObjectOf{"fullUrl", name("composition"), "resource", resource.ObjectOf{
		"resourceType", "Composition", "language", string(w.Language), "status", "final",
		"type", loinc("60591-5", "Patient summary Document"),
		"subject", resource.ObjectOf{"reference", w.Patient},
		"date", at.UTC().Format(time.RFC3339),
		"author", resource.ListOf{resource.ObjectOf{"type", "Device", "display", "Lienthong"}},
		"title", w.say("Tóm tắt tiêm chủng", "Immunization summary"),
		"section", resource.ListOf{given, planned},
	}}
	return resource.ObjectOf{
		"resourceType", "Bundle",
		"identifier", resource.ObjectOf{"system", "urn:ietf:rfc:3986", "value", name("document")},
		"type", "document", "timestamp", at.UTC().Format(time.RFC3339), "entry", entries,
	}
}

func loinc(code, display string) resource.ObjectOf {
	return resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", "http://loinc.org", "code", code, "display", display}}}
}

func (w Writer) section(code, display, title, table string) resource.ObjectOf {
	return resource.ObjectOf{
		"title", title, "code", loinc(code, display),
		"text", resource.ObjectOf{"status", "generated", "div", `<div xmlns="http://www.w3.org/1999/xhtml">` + table + `</div>`},
	}
}

// row writes cells of a table, escaped.
func row(b *strings.Builder, tag string, cells ...string) {
	b.WriteString("<tr>")
	for _, c := range cells {
		fmt.Fprintf(b, "<%s>%s</%[1]s>", tag, html.EscapeString(c))
	}
	b.WriteString("</tr>")
}

// Given is what was given and what it counts for, as XHTML.
func (w Writer) Given(s *Summary) string {
	if len(s.Doses) == 0 {
		return "<p>" + html.EscapeString(w.say("Chưa có bản ghi nào.", "There are no records.")) + "</p>"
	}
	var b strings.Builder
	b.WriteString("<table>")
	row(&b, "th", w.say("Ngày", "Date"), w.say("Vắc xin", "Vaccine"), w.say("Số lô", "Lot"), w.say("Nơi tiêm", "Given by"), w.say("Đánh giá", "Counts"))
	for i := range s.Doses {
		d := &s.Doses[i]
		r := d.Leading()
		on := occurrence(r.Doc)
		if !r.On.IsZero() {
			on = r.On.Format(time.DateOnly)
		}
		var counts []string
		for _, e := range d.Evaluations {
			text := w.say("hợp lệ", "valid")
			if len(e.Reasons) > 0 {
				text = w.say(e.Reasons[0].Vi(), e.Reasons[0].En())
			}
			if e.Series != nil {
				text = e.Series.Name + ": " + text
			}
			counts = append(counts, text)
		}
		row(&b, "td", on, w.Vaccine(s.Schedules, r), strings.Join(d.Lots(), ", "), actorOf(r.Doc.Get("performer").At(0).Get("actor")), strings.Join(counts, "; "))
	}
	b.WriteString("</table>")
	return b.String()
}

// Planned is the forecast, as XHTML.
func (w Writer) Planned(s *Summary) string {
	var b strings.Builder
	b.WriteString("<table>")
	row(&b, "th", w.say("Bệnh", "Disease"), w.say("Tình trạng", "Status"), w.say("Mũi", "Dose"), w.say("Ngày khuyến cáo", "Recommended"))
	for i := range s.Result.Series {
		f := &s.Result.Series[i]
		number, on := "", ""
		if f.Number > 0 {
			number = fmt.Sprint(f.Number)
			on = f.Recommended.Format(time.DateOnly)
		}
		row(&b, "td", w.say(f.Series.DiseaseVi, f.Series.DiseaseEn), w.say(stateTexts[f.State][0], stateTexts[f.State][1]), number, on)
	}
	b.WriteString("</table>")
	return b.String()
}
