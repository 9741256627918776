package registry

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

// village is an office with persons of two communes: 12 born in May 2024 in the first, of whom 9 had the first dose of
// five-in-one (one of them late), 3 the second; and one born in 2023 in the second.
func village(t testing.TB) *office {
	o := open(t, "2025-11-20", nil)
	for i := range 12 {
		id := fmt.Sprint("k", i)
		texts := []string{someone(id, "2024-05-10", "Xã Bình Sơn", `,"managingOrganization":{"reference":"Organization/s1"}`)}
		switch {
		case i == 8:
			texts = append(texts, given("five-"+id, id, "198", "2025-01-10", `,"lotNumber":"L-9"`))
		case i < 8:
			texts = append(texts, given("five-"+id, id, "198", "2024-07-10", `,"lotNumber":"L-1"`))
		}
		if i < 3 {
			texts = append(texts, given("second-"+id, id, "198", "2024-08-10", ""))
		}
		o.write(t, texts...)
	}
	o.write(t, someone("far", "2023-01-01", "Xã Ba Tơ", ""), someone("when", "2024", "Xã Ba Tơ", ""))
	o.catchUp(t)
	return o
}

func dose(g *Group, series string, number int) *DoseCount {
	for i := range g.Doses {
		if d := &g.Doses[i]; d.Series.Name == series && d.Number == number {
			return d
		}
	}
	return nil
}

func TestCoverageByCommuneAndCohort(t *testing.T) {
	o := village(t)
	c, err := o.Coverage(ours(), CoverageQuery{From: 2020, To: 2025, ByCommune: true, ByCohort: true}, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Groups) != 3 || c.Behind || c.Day != "2025-11-20" {
		t.Fatalf("%d groups, %+v", len(c.Groups), c.AsOf)
	}
	g := &c.Groups[2]
	if g.Name != "Xã Bình Sơn, Quảng Ngãi" || g.Cohort != "2024" || g.People.N != 12 {
		t.Errorf("%+v", g)
	}
	first, third := dose(g, "DTP-HepB-Hib", 1), dose(g, "DTP-HepB-Hib", 3)
	if first.Given.N != 9 || first.Given.Percent(g.People) != "75.0" || first.Timely.N != 8 || third.Given.N != 0 || third.Overdue.N != 12 {
		t.Errorf("%+v %+v", first, third)
	}
	if lost := g.lost(third); lost != "100.0" {
		t.Errorf("drop-out %s", lost)
	}
	if d := dose(g, "JE", 3); !d.Growing || first.Growing {
		t.Error("who was born in 2024 is not two years old in 2025, but was two months")
	}
	if u := c.Groups[1]; u.Cohort != "2024" || u.People.N != 0 || u.Unknown.N != 1 {
		t.Errorf("who has no whole birth date is not counted as unknown: %+v", u)
	}
	for _, name := range []string{"xã bình sơn, quảng ngãi", "Xã Bình Sơn", "XÃ BÌNH SƠN, Quảng Ngãi"} {
		one, err := o.Coverage(ours(), CoverageQuery{From: 2020, To: 2025, Communes: []string{name}}, true)
		if err != nil || len(one.Groups) != 1 || one.Groups[0].People.N != 12 {
			t.Errorf("%s: %v %+v", name, err, one)
		}
	}
	if _, err := o.Coverage(ours(), CoverageQuery{From: 2020, To: 2025, ByCommune: true, AtMostRows: 3}, true); err == nil {
		t.Error("a bound on the rows does not hold")
	}
}

// Whoever may not know small numbers cannot get at them by sums and differences either: each number is rounded for itself.
func TestSmallNumbersAreNotTold(t *testing.T) {
	for n, want := range map[int]string{0: "0", 1: "<5", 4: "<5", 5: "5", 7: "5", 8: "10", 12: "10", 13: "15"} {
		if got := number(n, false).String(); got != want {
			t.Errorf("%d is told as %s, want %s", n, got, want)
		}
	}
	o := village(t)
	c, err := o.Coverage(ours(), CoverageQuery{From: 2020, To: 2025, ByCommune: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	text := string(resource.AppendJSON(nil, c.MeasureReport(outcome.English, noon("2025-11-20"))))
	if strings.Contains(text, `"count":3,`) || strings.Contains(text, `"count":1}`) || strings.Contains(text, `"count":12`) {
		t.Errorf("%s", text)
	}
	if d := dose(&c.Groups[1], "DTP-HepB-Hib", 2); !d.Given.Hidden || d.Given.Percent(c.Groups[1].People) != "" {
		t.Errorf("%+v", d)
	}
}

func TestCoverageIsAMeasureReport(t *testing.T) {
	o := village(t)
	for _, q := range []CoverageQuery{{From: 2020, To: 2025}, {From: 2020, To: 2025, ByCommune: true, ByCohort: true}, {From: 1900, To: 1901, ByCohort: true}} {
		for _, exact := range []bool{true, false} {
			c, err := o.Coverage(ours(), q, exact)
			if err != nil {
				t.Fatal(err)
			}
			text := string(resource.AppendJSON(nil, c.MeasureReport(outcome.Vietnamese, noon("2025-11-20"))))
			o.write(t, strings.Replace(text, `"resourceType":"MeasureReport"`, `"resourceType":"MeasureReport","id":"m"`, 1)) // which checks it
		}
	}
}

// The page is well-formed, needs nothing from elsewhere, and says in words what its drawings show.
func TestPageIsForEverybody(t *testing.T) {
	o := village(t)
	o.write(t, someone("evil", "2024-01-01", `<script>alert(1)</script>`, ""))
	o.catchUp(t)
	for _, l := range []outcome.Language{outcome.Vietnamese, outcome.English} {
		c, err := o.Coverage(ours(), CoverageQuery{From: 2020, To: 2025, ByCommune: true}, true)
		if err != nil {
			t.Fatal(err)
		}
		page, err := c.Page(l)
		if err != nil {
			t.Fatal(err)
		}
		text := string(page)
		d := xml.NewDecoder(strings.NewReader(strings.Replace(strings.Replace(strings.Replace(text, "<!DOCTYPE html>", "", 1), `<meta charset="utf-8">`, "", 1), `<meta name="viewport" content="width=device-width, initial-scale=1">`, "", 1)))
		images, said := 0, 0
		for {
			tok, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("the page is not well-formed: %v", err)
			}
			if s, ok := tok.(xml.StartElement); ok {
				switch s.Name.Local {
				case "svg":
					images++
				case "desc":
					said++
				case "script", "img", "link", "iframe":
					t.Errorf("the page has a <%s>", s.Name.Local)
				}
			}
		}
		if images == 0 || said != images || !strings.Contains(text, `lang="`+string(l)+`"`) || !strings.Contains(text, "<th scope=\"col\">") {
			t.Errorf("%d drawings, %d in words", images, said)
		}
		if strings.Contains(text, "<script") || strings.Contains(text, "http") {
			t.Error("something foreign is in the page")
		}
	}
}

// Other schedules: nothing is told until every row is judged by them, and then it is what they say.
func TestOtherSchedules(t *testing.T) {
	o := village(t)
	schedule, err := immunization.Parse([]byte(bounded))
	if err != nil {
		t.Fatal(err)
	}
	set, err := immunization.NewSet(schedule)
	if err != nil {
		t.Fatal(err)
	}
	c := o.Config
	c.Schedules = set
	o.Registry = New(c)
	p, raw, err := o.state(ours())
	if err != nil {
		t.Fatal(err)
	}
	half := p
	half.Next = "other"
	if err := o.save(ours(), raw, half, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Coverage(ours(), CoverageQuery{From: 2020, To: 2025}, true); code(err) != "registry-building" {
		t.Errorf("in the middle: %v", err)
	}
	o.catchUp(t)
	found, err := o.Coverage(ours(), CoverageQuery{From: 2020, To: 2025}, true)
	if err != nil || dose(&found.Groups[0], "A", 1) == nil || dose(&found.Groups[0], "OPV", 1) != nil {
		t.Errorf("%v %+v", err, found)
	}
	for rec, err := range o.Store.Records(ours(), Space, key("c"), end("c")) {
		if err != nil || strings.Contains(string(rec.Value), "OPV") {
			t.Errorf("%v %s", err, rec.Value)
		}
	}
}

func TestNothingIsCountedYet(t *testing.T) {
	o := open(t, "2025-11-20", nil)
	if _, err := o.Coverage(ours(), CoverageQuery{From: 2020, To: 2025}, true); err != nil {
		t.Errorf("an empty store: %v", err)
	}
	o.write(t, someone("a", "2024-01-01", "Xã Ba Tơ", ""))
	if _, err := o.Coverage(ours(), CoverageQuery{From: 2020, To: 2025}, true); code(err) != "registry-building" {
		t.Errorf("before anything is counted: %v", err)
	}
	o.catchUp(t)
	o.write(t, someone("b", "2024-01-01", "Xã Ba Tơ", ""))
	c, err := o.Coverage(ours(), CoverageQuery{From: 2020, To: 2025}, true)
	if err != nil || !c.Behind || c.Groups[0].People.N != 1 {
		t.Errorf("what is not counted yet is not said: %v %+v", err, c)
	}
}

// Where somebody lives.
func TestCommuneOfAnAddress(t *testing.T) {
	coded := `{"url":"` + CommuneExtension + `","valueCode":"21905"}`
	for text, want := range map[string]string{
		`{"use":"home","city":"Xã  Ba Tơ","state":"Quảng Ngãi"}`: "xã ba tơ, quảng ngãi",
		`{"district":"Ba Tơ"}`: "ba tơ",
		`{"use":"old","city":"Huế"},{"use":"temp","city":"Hội An"}`:                       "hội an",
		`{"use":"temp","city":"Hội An"},{"city":"Ba Tơ"},{"use":"home","city":"Đức Phổ"}`: "đức phổ",
		`{"city":"Xã Bình Sơn","extension":[` + coded + `]}`:                              "21905",
		`{"city":"Xã Bình Sơn","_city":{"extension":[` + coded + `]}}`:                    "21905",
		`{"text":"somewhere"}`:                                    "",
		`{"type":"postal","city":"Huế"}`:                          "",
		`{"use":"home","text":"x"},{"use":"old","city":"Hội An"}`: "",
	} {
		d, err := resource.New([]byte(`{"resourceType":"Patient","address":[` + text + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := commune(d.Root()); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func code(err error) string {
	if e, ok := err.(*fhir.Error); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

// Who is too young for the later dose has not dropped out: the rate is marked as one that is still to come.
func TestADropOutOfWhoIsTooYoungIsMarked(t *testing.T) {
	o := open(t, "2025-11-20", nil)
	o.write(t, someone("a", "2023-01-10", "Xã Ba Tơ", ""), given("d", "a", "01", "2024-12-01", ""))
	o.catchUp(t)
	c, err := o.Coverage(ours(), CoverageQuery{From: 2023, To: 2023, ByCohort: true}, true)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"OPV 1 OPV 3": false, "DTP-HepB-Hib 3 DTP-booster 1": false, "DTP-booster 1 Td-booster 1": true}
	for _, d := range c.Groups[0].DropOuts {
		name := fmt.Sprint(d.Series.Name, " ", d.From, " ", d.Then.Name, " ", d.To)
		if growing, ok := want[name]; ok && growing != d.Growing {
			t.Errorf("%s: marked %v, want %v", name, d.Growing, growing)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("there is no drop-out %v", want)
	}
	page, err := c.Page(outcome.English)
	if err != nil || !strings.Contains(string(page), "DTP-booster 1 – Td-booster 1 *") || strings.Contains(string(page), "OPV 1–3 *") {
		t.Errorf("the page does not mark it: %v", err)
	}
}
