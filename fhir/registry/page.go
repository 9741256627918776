package registry

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir/outcome"
)

//go:embed parts.html page.html list.html
var pageFiles embed.FS

// pages are the templates: page.html and list.html, of the parts that both have.
var pages = template.Must(template.ParseFS(pageFiles, "*.html"))

// bar is one bar of a chart; its numbers are those of the drawing.
type bar struct {
	Label, Value string
	Y            int
	Width        int // of 400
	Late         int // of Width, the part that was not given in time
	Growing      bool
}

// chart is a drawing with all that is in it in words, for who does not see it.
type chart struct {
	ID, Title, Says string
	Height          int
	Bars            []bar
}

const (
	full    = 400 // of a bar
	rowHigh = 26
)

func (c *chart) add(label string, value, ontime string, growing bool) {
	b := bar{Label: label, Value: value + " %", Y: len(c.Bars) * rowHigh, Width: length(value), Growing: growing}
	if value == "" {
		b.Value = "–"
	}
	if on := length(ontime); ontime != "" && on < b.Width {
		b.Late = b.Width - on
	}
	c.Bars = append(c.Bars, b)
	c.Height = len(c.Bars) * rowHigh
}

// length is how long a bar of so many percent is.
func length(percent string) int {
	whole, tenth, _ := strings.Cut(percent, ".")
	w, err1 := strconv.Atoi(whole)
	t, err2 := strconv.Atoi(tenth)
	if err1 != nil || err2 != nil {
		return 0
	}
	return min(full, (w*10+t)*full/1000)
}

// most groups and doses that are drawn; the table has all.
const mostBars = 60

// Page writes the coverage for people: charts, and the same as a table. It needs no script, no font and no other file.
func (c *Coverage) Page(l outcome.Language) ([]byte, error) {
	table := c.Table(l)
	var charts []chart
	for i := range c.Groups {
		if g := &c.Groups[i]; len(c.Groups) <= 3 || i == 0 && g.Commune == "" {
			charts = append(charts, c.coverageOf(l, g, i), dropOutsOf(l, g, i))
		}
	}
	if len(c.Groups) > 1 {
		charts = append(charts, c.groupsOf(l)...)
	}
	var b bytes.Buffer
	err := pages.ExecuteTemplate(&b, "page.html", map[string]any{
		"Language": string(l), "Title": l.Pick("Tỷ lệ tiêm chủng", "Vaccination coverage"),
		"Lead":   fmt.Sprintf(l.Pick("Người sinh từ %d đến %d, tính đến ngày %s.", "Persons born from %d to %d, as of %s."), c.From, c.To, c.Day),
		"Behind": map[bool]string{true: l.Pick("Một số bản ghi mới nhất chưa được tính.", "Some of the newest records are not counted yet.")}[c.Behind],
		"Rounded": map[bool]string{true: l.Pick("Số liệu được làm tròn đến bội số của 5; số từ 1 đến 4 ghi là <5, để không ai nhận ra được cá nhân.",
			"Numbers are rounded to multiples of 5, and 1 to 4 shown as <5, so that nobody can be recognised.")}[!c.Exact],
		"Key":   l.Pick("Phần nhạt: tiêm muộn. Dấu *: nhóm chưa đủ tuổi tiêm hết.", "Light part: given late. *: the group is not all old enough yet."),
		"Table": table, "TableTitle": l.Pick("Bảng số liệu", "The numbers"), "Charts": charts, "Full": full,
	})
	return b.Bytes(), err
}

// title names a group.
func (g *Group) title(l outcome.Language) string {
	var parts []string
	if g.Commune != "" {
		parts = append(parts, g.called(l))
	}
	if g.Cohort != "" {
		parts = append(parts, fmt.Sprintf(l.Pick("sinh năm %s", "born in %s"), g.Cohort))
	}
	if parts == nil {
		return l.Pick("tất cả", "all")
	}
	return strings.Join(parts, ", ")
}

func (c *Coverage) coverageOf(l outcome.Language, g *Group, n int) chart {
	out := chart{ID: fmt.Sprint("c", n), Title: l.Pick("Tỷ lệ đã tiêm từng mũi: ", "Coverage by dose: ") + g.title(l)}
	var said []string
	for i := range g.Doses {
		d := &g.Doses[i]
		label := fmt.Sprintf("%s %d", d.Series.Name, d.Number)
		if d.Growing {
			label += " *"
		}
		out.add(label, d.Given.Percent(g.People), d.Timely.Percent(g.People), d.Growing)
		said = append(said, label+": "+out.Bars[i].Value)
	}
	out.Says = strings.Join(said, "; ")
	return out
}

func dropOutsOf(l outcome.Language, g *Group, n int) chart {
	out := chart{ID: fmt.Sprint("d", n), Title: l.Pick("Tỷ lệ bỏ mũi: ", "Drop-out: ") + g.title(l)}
	var said []string
	for i, d := range g.DropOuts {
		label := fmt.Sprintf("%s %d–%d", d.Series.Name, d.From, d.To)
		if d.Then != d.Series {
			label = fmt.Sprintf("%s %d – %s %d", d.Series.Name, d.From, d.Then.Name, d.To)
		}
		if d.Growing {
			label += " *"
		}
		out.add(label, d.Lost(), "", d.Growing)
		said = append(said, label+": "+out.Bars[i].Value)
	}
	out.Says = strings.Join(said, "; ")
	return out
}

// groupsOf compares the groups: the last dose of each series, a chart each.
func (c *Coverage) groupsOf(l outcome.Language) (charts []chart) {
	for i := range c.Groups[0].Doses {
		first := &c.Groups[0].Doses[i]
		if !first.Last || len(charts)*len(c.Groups) > 10*mostBars {
			continue
		}
		out := chart{ID: fmt.Sprint("g", i), Title: fmt.Sprintf("%s %d – %s", first.Series.Name, first.Number, l.Pick(first.Series.DiseaseVi, first.Series.DiseaseEn))}
		var said []string
		for j := range c.Groups {
			if j == mostBars {
				break
			}
			g := &c.Groups[j]
			out.add(g.title(l), g.Doses[i].Given.Percent(g.People), g.Doses[i].Timely.Percent(g.People), g.Doses[i].Growing)
			said = append(said, out.Bars[j].Label+": "+out.Bars[j].Value)
		}
		out.Says = strings.Join(said, "; ")
		charts = append(charts, out)
	}
	return charts
}

// OnTime is how long the part of the bar is that was given in time.
func (b bar) OnTime() int { return b.Width - b.Late }
