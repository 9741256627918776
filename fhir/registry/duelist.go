package registry

import (
	"strconv"

	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/tabular"
)

// Bundle writes the page as a searchset: an ImmunizationRecommendation for each person, with what is due alone, and the
// Patients. next is the address of the page after it, "" if there is none.
func (d *Due) Bundle(l outcome.Language, self, next string) resource.ObjectOf {
	links := resource.ListOf{resource.ObjectOf{"relation", "self", "url", self}}
	if next != "" {
		links = append(links, resource.ObjectOf{"relation", "next", "url", next})
	}
	var entries, included resource.ListOf
	for i := range d.Persons {
		p := &d.Persons[i]
		recommended := history.Writer{Language: l, Patient: p.Patient}.Recommendation(&p.Assessment)
		entries = append(entries, resource.ObjectOf{"resource", recommended, "search", resource.ObjectOf{"mode", "match"}})
		included = append(included, resource.ObjectOf{"resource", resource.Literal(p.Doc.Raw()), "search", resource.ObjectOf{"mode", "include"}})
	}
	return resource.ObjectOf{"resourceType", "Bundle", "language", string(l), "type", "searchset", "link", links, "entry", append(entries, included...)}
}

// Table writes the page for a spreadsheet: a row for each dose that is due.
func (d *Due) Table(l outcome.Language) *tabular.Table {
	t := &tabular.Table{Name: l.Pick("Đến hạn tiêm", "Due"), Head: words(l,
		"Họ tên", "Name", "Ngày sinh", "Birth date", "Giới tính", "Gender", "Điện thoại", "Phone", "Người giám hộ", "Guardian", "Địa chỉ", "Address",
		"Xã, phường", "Commune", "Vắc xin", "Vaccine", "Loạt", "Series", "Mũi", "Dose", "Tình trạng", "Status", "Ngày khuyến cáo", "Recommended", "Quá hạn từ", "Overdue from", "Hạn cuối", "Latest", "Mã hồ sơ", "Patient")}
	for i := range d.Persons {
		p := &d.Persons[i]
		for _, n := range p.Doses {
			vaccine := n.Series.VaccineVi
			if l == outcome.English && n.Series.VaccineEn != "" {
				vaccine = n.Series.VaccineEn
			}
			t.Rows = append(t.Rows, []string{p.Name, p.Birth, gender(l, p.Gender), p.Phones, p.Guardian, p.Address, p.Commune,
				vaccine, n.Series.Name, strconv.Itoa(n.Number), stateOf(l, n.State.String()), date(n.Recommended), date(n.Overdue), date(n.Latest), p.Patient})
		}
	}
	return t
}

func gender(l outcome.Language, code string) string {
	switch code {
	case "male":
		return l.Pick("Nam", "male")
	case "female":
		return l.Pick("Nữ", "female")
	}
	return code
}

func stateOf(l outcome.Language, state string) string {
	switch state {
	case "due":
		return l.Pick("Đến hạn", "due")
	case "overdue":
		return l.Pick("Quá hạn", "overdue")
	}
	return l.Pick("Sắp đến hạn", "coming up")
}
