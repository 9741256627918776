package registry

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
)

// recounted is what the naive recount finds: all persons are read, nothing is taken over from before.
type recounted struct {
	tallies map[string]string // commune|year -> tally
	due     map[string]bool   // d and o rows
}

// naive counts by going through all Patients and asking for the summary of each.
func (o *office) naive(t *rapid.T) recounted {
	out := recounted{map[string]string{}, map[string]bool{}}
	page, err := o.Interactions.Search(ours(), "Patient", "_count=1000", interaction.SearchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tallies := map[string]*tally{}
	counted := map[fhir.Key]bool{}
	day := o.today()
	for _, f := range page.Matches {
		sum, err := o.Given.Summarize(ours(), f.Key, vaccination.Query{AssessmentDate: day}, 0)
		if err != nil {
			t.Fatal(err)
		}
		lead := sum.Person.Lead
		if counted[lead.Key] {
			continue
		}
		counted[lead.Key] = true
		if lead.Doc.Get("active").Text() == "false" || lead.Doc.Get("deceasedBoolean").Text() == "true" {
			continue
		}
		where, _ := commune(lead.Doc)
		birth := lead.Doc.Get("birthDate").Text()
		at := where + "|"
		if birth != "" {
			at += birth[:4]
		}
		if tallies[at] == nil {
			tallies[at] = &tally{}
		}
		r := row{Unknown: !sum.Known}
		if sum.Known {
			r.Series = stand(&sum.Assessment)
		}
		tallies[at].add(&r, 1)
		var ids []string
		for _, k := range sum.Person.Keys() {
			ids = append(ids, string(k.ID))
		}
		if due := r.due(); due != "" {
			out.due[key("d", where, due, slices.Min(ids))] = true
			for _, c := range clinics(lead.Doc) {
				out.due[key("o", string(c), due, slices.Min(ids))] = true
			}
		}
	}
	for at, sum := range tallies {
		out.tallies[at] = string(sum.encode())
	}
	return out
}

// kept is what the registry has.
func (o *office) kept(t *rapid.T) recounted {
	out := recounted{map[string]string{}, map[string]bool{}}
	for rec, err := range o.Store.Records(ours(), Space, "", "") {
		if err != nil {
			t.Fatal(err)
		}
		switch p := parts(rec.Key); p[0] {
		case "c":
			out.tallies[p[1]+"|"+p[2]] = string(rec.Value)
		case "d", "o":
			out.due[rec.Key] = true
		}
	}
	return out
}

func (o *office) compare(t *rapid.T) {
	want, got := o.naive(t), o.kept(t)
	if !maps.Equal(want.tallies, got.tallies) {
		t.Fatalf("on %s the tallies are\n%v\nwant\n%v", o.today(), got.tallies, want.tallies)
	}
	if !maps.Equal(want.due, got.due) {
		t.Fatalf("on %s the lists have\n%q\nwant\n%q", o.today(), slices.Sorted(maps.Keys(got.due)), slices.Sorted(maps.Keys(want.due)))
	}
}

// bounded is a schedule whose series end and wait for each other, so that time runs out on days that are no date of a dose.
const bounded = `{"id":"bounded","version":"1","title_vi":"x","source":"invented","effectiveFrom":"2020-01-01","rules":{"liveVaccineMinIntervalDays":28},"series":[
{"series":"A","disease_vi":"a","disease_en":"a","vaccine_vi":"a","cvx":["03"],"live":true,"doses":[{"dose":1,"minAge":"9m","recommendedAge":"9m","maxAge":"2y"},{"dose":2,"minAge":"1y","recommendedAge":"1y","maxAge":"25m","minIntervalFromPrevious":"3m"}]},
{"series":"B","disease_vi":"b","disease_en":"b","vaccine_vi":"b","cvx":["19"],"live":true,"after":"A:2","doses":[{"dose":1,"minAge":"18m","recommendedAge":"18m","maxAge":"3y","minIntervalFromPrevious":"6m"}]},
{"series":"C","disease_vi":"c","disease_en":"c","vaccine_vi":"c","cvx":["21"],"live":true,"after":"B:1","givenFrom":"2025-06-01","givenTo":"2026-12-31","doses":[{"dose":1,"minAge":"1y","recommendedAge":"20m","minIntervalFromPrevious":"1m"}]}]}`

// Whatever is written, corrected, moved, merged, parted and deleted, in whatever pieces it is counted, after restarts and by
// two servers, and whatever day it becomes: the counters are those of a recount of everything.
func TestCountersAreThoseOfARecount(t *testing.T) {
	schedule, err := immunization.Parse([]byte(bounded))
	if err != nil {
		t.Fatal(err)
	}
	set, err := immunization.NewSet(immunization.National(), schedule)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		o := open(t, "2025-11-20", set)
		other := New(o.Config)
		ids := []string{"a", "b", "c", "d"}
		births := []string{"2025-09-30", "2024-02-29", "2023-12-31", "2018-05-05", "1990-01-01", "2024", "2026-01-15"}
		cities := []string{"Xã Bình Sơn", "xã  bình sơn", "Đức Phổ"}
		more := []string{"", "", "", `,"deceasedBoolean":true`, `,"active":false`, `,"managingOrganization":{"reference":"Organization/s1"},"generalPractitioner":[{"reference":"Organization/s2"}]`}
		cvx := []string{"198", "198", "178", "03", "05", "19", "08", "21", "01", "10"}
		status := []string{"", "", "", `,"x":1`, `,"statusReason":{"coding":[{"code":"IMMUNE"}]}`}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			id := rapid.SampledFrom(ids).Draw(rt, "patient")
			switch rapid.SampledFrom([]string{"patient", "dose", "dose", "dose", "link", "delete patient", "delete dose", "count", "count by another", "restart", "days"}).Draw(rt, "what") {
			case "patient":
				o.write(t, someone(id, rapid.SampledFrom(births).Draw(rt, "birth"), rapid.SampledFrom(cities).Draw(rt, "city"), rapid.SampledFrom(more).Draw(rt, "more")))
			case "link":
				to := rapid.SampledFrom(ids).Draw(rt, "to")
				o.write(t, someone(id, rapid.SampledFrom(births).Draw(rt, "birth"), "Ba Tơ", fmt.Sprintf(`,"link":[{"type":"replaced-by","other":{"reference":"Patient/%s"}}]`, to)))
			case "dose":
				on := o.today().AddDate(0, 0, -rapid.IntRange(0, 700).Draw(rt, "ago")).Format(time.DateOnly)
				text := given(fmt.Sprint("i", rapid.IntRange(0, 8).Draw(rt, "dose")), id, rapid.SampledFrom(cvx).Draw(rt, "cvx"), on, "")
				switch s := rapid.SampledFrom(status).Draw(rt, "status"); s {
				case "":
				case `,"x":1`:
					text = strings.Replace(text, `"completed"`, `"entered-in-error"`, 1)
				default:
					text = strings.Replace(text, `"completed"`, `"not-done"`, 1)
					text = text[:len(text)-1] + s + "}"
				}
				o.write(t, text)
			case "delete patient":
				o.remove(t, "Patient", id)
			case "delete dose":
				o.remove(t, "Immunization", fmt.Sprint("i", rapid.IntRange(0, 8).Draw(rt, "dose")))
			case "count":
				o.catchUp(t)
				o.compare(rt)
			case "count by another":
				if err := other.CatchUp(ours()); err != nil {
					rt.Fatal(err)
				}
				o.compare(rt)
			case "restart":
				o.again()
			case "days":
				o.clock = o.clock.AddDate(0, 0, rapid.SampledFrom([]int{1, 1, 7, 28, 90, 400}).Draw(rt, "days"))
			}
		}
		o.catchUp(t)
		o.compare(rt)
	})
}
