package registry

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

// A list gathers persons many at once: each row is to be the very one that the person gathered alone would have, whoever of
// them is merged, contraindicated, or has no doses.
func TestAListSaysOfEachWhatIsSaidOfOneAlone(t *testing.T) {
	o := open(t, "2025-11-20", nil)
	var docs []string
	for n := range 57 {
		id := fmt.Sprintf("s%02d", n)
		docs = append(docs, someone(id, fmt.Sprintf("2025-0%d-1%d", 1+n%5, n%7), "Xã Ba Tơ", ""))
		for d := range n % 4 {
			docs = append(docs, given(fmt.Sprintf("%s-%d", id, d), id, []string{"08", "198", "178"}[d], fmt.Sprintf("2025-0%d-20", 6+d), ""))
		}
		switch n % 9 {
		case 3:
			docs = append(docs, fmt.Sprintf(`{"resourceType":"Condition","id":"%s-c","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"D81.1"}]},"subject":{"reference":"Patient/%[1]s"}}`, id))
		case 4: // everything is deferred
			docs = append(docs, fmt.Sprintf(`{"resourceType":"Condition","id":"%s-c","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"I50"}]},"subject":{"reference":"Patient/%[1]s"}}`, id))
		case 5:
			docs = append(docs, strings.Replace(someone(id+"-old", "2025-01-10", "Xã Ba Tơ", fmt.Sprintf(`,"active":false,"link":[{"other":{"reference":"Patient/%s"},"type":"replaced-by"}]`, id)), `"home"`, `"old"`, 1))
		}
	}
	o.write(t, docs...)
	o.catchUp(t)
	d, err := o.Due(ours(), DueQuery{Commune: "Xã Ba Tơ", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for _, p := range d.Persons {
		_, r := history.Writer{Language: outcome.English, Patient: p.Patient}.ImmDS(&p.Assessment)
		shown[p.Patient] = string(resource.AppendJSON(nil, r))
	}
	deferred := 0
	for n := range 57 {
		key := fhir.Key{Type: "Patient", ID: fhir.ID(fmt.Sprintf("s%02d", n))}
		alone, err := o.Given.Whole(ours(), key, 0)
		if err != nil {
			t.Fatal(err)
		}
		p, err := history.PersonOf(alone.Person.Lead.Doc, d.Until)
		if err != nil {
			t.Fatal(err)
		}
		alone.Contraindicate(&p, d.Until)
		a := history.Assess(o.Schedules, &p, alone.Records, d.Until)
		a.Result.Series = slices.DeleteFunc(a.Result.Series, func(f forecast.Forecast) bool { return !settled(&f) || f.Recommended.After(d.Until) })
		_, r := history.Writer{Language: outcome.English, Patient: key.String()}.ImmDS(&a)
		want := ""
		if r != nil {
			want = string(resource.AppendJSON(nil, r))
		} else {
			deferred++
		}
		if shown[key.String()] != want {
			t.Errorf("%s: %s, alone %s", key, shown[key.String()], want)
		}
	}
	if deferred == 0 || deferred == 57 {
		t.Errorf("%d of 57 are not on the list: the cases say nothing", deferred)
	}
	for _, limit := range []int{1, 20, 40, 41} {
		var all []string
		for _, p := range d.Persons {
			all = append(all, p.Patient)
		}
		if got := walk(t, o, ours(), DueQuery{Commune: "Xã Ba Tơ", Limit: limit}); !slices.Equal(got, all) {
			t.Errorf("by pages of %d another list", limit)
		}
	}
}

// A link to a Patient of another server does not make one here a part of the person, who has the same id by chance.
func TestALinkToAnotherServerJoinsNobodyHere(t *testing.T) {
	o := open(t, "2025-11-20", nil)
	o.write(t, someone("a", "2025-01-10", "Xã Ba Tơ", `,"link":[{"other":{"reference":"https://elsewhere.example/fhir/Patient/b"},"type":"seealso"}]`),
		someone("b", "2025-02-10", "Xã Ba Tơ", ""), given("d", "b", "08", "2025-02-10", ""))
	o.catchUp(t)
	for id, doses := range map[fhir.ID]int{"a": 0, "b": 1} {
		who, err := o.Given.Whole(ours(), fhir.Key{Type: "Patient", ID: id}, 0)
		if err != nil || len(who.Person.Merged) > 0 || len(who.Records) != doses {
			t.Errorf("%s: %v, merged %v, %d doses", id, err, who.Person.Merged, len(who.Records))
		}
	}
	c, err := o.Coverage(ours(), CoverageQuery{From: 2025, To: 2025, Series: []string{"HepB-birth"}}, true)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Groups[0].People.N; got != 2 {
		t.Errorf("%d persons are counted, want 2", got)
	}
}
