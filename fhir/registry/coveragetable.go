package registry

import (
	"strconv"

	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/tabular"
)

// Table writes the coverage for a spreadsheet: a row for each group and dose.
func (c *Coverage) Table(l outcome.Language) *tabular.Table {
	t := &tabular.Table{Name: l.Pick("Tỷ lệ tiêm", "Coverage"), Head: words(l,
		"Mã xã", "Commune code", "Xã, phường", "Commune", "Năm sinh", "Born in", "Loạt", "Series", "Bệnh", "Disease", "Mũi", "Dose",
		"Số người", "Persons", "Đã tiêm", "Given", "Tỷ lệ (%)", "Coverage (%)", "Đúng hạn", "In time", "Đúng hạn (%)", "In time (%)",
		"Đến hạn", "Due", "Quá hạn", "Overdue", "Còn chưa đến tuổi", "Too young yet", "Bỏ mũi từ mũi đầu (%)", "Drop-out from first dose (%)")}
	for i := range c.Groups {
		g := &c.Groups[i]
		for j := range g.Doses {
			d := &g.Doses[j]
			commune, cohort := "", g.Cohort
			if g.Commune != "" {
				commune = g.called(l)
			}
			due, overdue, lost, growing := "", "", "", ""
			if d.Last {
				due, overdue = d.Due.String(), d.Overdue.String()
				lost = g.lost(d)
			}
			if d.Growing {
				growing = l.Pick("có", "yes")
			}
			t.Rows = append(t.Rows, []string{g.Commune, commune, cohort, d.Series.Name, l.Pick(d.Series.DiseaseVi, d.Series.DiseaseEn), strconv.Itoa(d.Number),
				g.People.String(), d.Given.String(), d.Given.Percent(g.People), d.Timely.String(), d.Timely.Percent(g.People), due, overdue, growing, lost})
		}
	}
	return t
}

// lost is the drop-out within the series of a dose.
func (g *Group) lost(d *DoseCount) string {
	for _, o := range g.DropOuts {
		if o.Series == d.Series && o.Then == d.Series && o.To == d.Number {
			return o.Lost()
		}
	}
	return ""
}

// words takes of pairs, Vietnamese and English, those of a language.
func words(l outcome.Language, pairs ...string) []string {
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, l.Pick(pairs[i], pairs[i+1]))
	}
	return out
}
