package history

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"pgregory.net/rapid"
)

func read(t interface{ Fatal(...any) }, id, status, cvx, on, more string) Record {
	d, err := resource.New(fmt.Appendf(nil, `{"resourceType":"Immunization","id":%q,"status":%q,"vaccineCode":{"coding":[{"system":%q,"code":%q}]},"occurrenceDateTime":%q%s}`, id, status, CVX, cvx, on, more))
	if err != nil {
		t.Fatal(err)
	}
	return Read(d.Root())
}

// called reads a record whose product has a name, and codes if there are any, given on 1 March 2025.
func called(t interface{ Fatal(...any) }, id, text, codings string) Record {
	d, err := resource.New(fmt.Appendf(nil, `{"resourceType":"Immunization","id":%q,"status":"completed","vaccineCode":{%s"text":%q},"occurrenceDateTime":"2025-03-01"}`, id, codings, text))
	if err != nil {
		t.Fatal(err)
	}
	return Read(d.Root())
}

// shape writes events as "id+id id".
func shape(events []Event) string {
	var b []string
	for _, e := range events {
		var ids []string
		for _, s := range e.Sources {
			ids = append(ids, strings.TrimPrefix(s.Ref, "Immunization/"))
		}
		b = append(b, strings.Join(ids, "+"))
	}
	return strings.Join(b, " ")
}

// A code without a name is called by the series whose vaccine it is, and never by that of another product.
func TestVaccinesAreCalledWhatTheyAre(t *testing.T) {
	for code, want := range map[string]string{
		"05": "Sởi đơn", "04": "Sởi - Rubella", "19": "BCG", "198": "DPT-VGB-Hib (5 trong 1)", "01": "DPT nhắc lại",
		"03": "Sởi (CVX 03)", "146": "Bạch hầu, ho gà, uốn ván, viêm gan B, Hib (CVX 146)", "888": CVX + "|888",
	} {
		r := read(t, "a", "completed", code, "2025-03-01", "")
		if got := (Writer{Language: outcome.Vietnamese}).Vaccine(immunization.Standard(), &r); got != want {
			t.Errorf("CVX %s is called %q, want %q", code, got, want)
		}
	}
	named := called(t, "a", "MVVac", `"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"04"}],`)
	if got := (Writer{}).Vaccine(immunization.Standard(), &named); got != "MVVac" {
		t.Errorf("a name that was sent became %q", got)
	}
}

func TestRecordsOfOneDoseAreOneEvent(t *testing.T) {
	lot := `,"lotNumber":"L1"`
	five, pneumo := `"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"198"}],`, `"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"178"}],`
	local := `"coding":[{"system":"https://hospital.example/vaccine","code":"5"}],`
	both := `"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"198"},{"system":"https://hospital.example/vaccine","code":"5"}],`
	for _, c := range []struct {
		name    string
		records []Record
		want    string
	}{
		{"the same day and group", []Record{read(t, "a", "completed", "198", "2025-03-01", ""), read(t, "b", "completed", "102", "2025-03-01", "")}, "a+b"},
		{"the same day in Vietnam", []Record{read(t, "a", "completed", "198", "2025-03-01", ""), read(t, "b", "completed", "198", "2025-02-28T18:00:00Z", "")}, "a+b"},
		{"another group", []Record{read(t, "a", "completed", "198", "2025-03-01", ""), read(t, "b", "completed", "178", "2025-03-01", "")}, "b a"},
		{"a day apart and the same lot", []Record{read(t, "a", "completed", "198", "2025-03-01", lot), read(t, "b", "completed", "198", "2025-03-02", `,"lotNumber":" l1 "`)}, "a+b"},
		{"a day apart without a lot", []Record{read(t, "a", "completed", "198", "2025-03-01", ""), read(t, "b", "completed", "198", "2025-03-02", "")}, "a b"},
		{"a day apart and another lot", []Record{read(t, "a", "completed", "198", "2025-03-01", lot), read(t, "b", "completed", "198", "2025-03-02", `,"lotNumber":"L2"`)}, "a b"},
		{"two days apart and the same lot", []Record{read(t, "a", "completed", "198", "2025-03-01", lot), read(t, "b", "completed", "198", "2025-03-03", lot)}, "a b"},
		{"a day apart and the same lot, beside one of no day", []Record{read(t, "u", "completed", "08", "", ""), read(t, "a", "completed", "198", "2025-03-01", lot), read(t, "b", "completed", "198", "2025-03-02", lot)}, "a+b u"},
		{"a row of days is no one event", []Record{read(t, "a", "completed", "198", "2025-03-01", lot), read(t, "b", "completed", "198", "2025-03-02", lot), read(t, "c", "completed", "198", "2025-03-03", lot)}, "a+b c"},
		{"a day apart and the lot of a record that is not the first", []Record{read(t, "a", "completed", "198", "2025-03-01", ""), read(t, "b", "completed", "198", "2025-03-01", lot), read(t, "c", "completed", "198", "2025-03-02", lot)}, "b+c+a"},
		{"a day apart and the lot of a record of the second day that is not its first", []Record{read(t, "a", "completed", "198", "2025-03-01", lot), read(t, "b", "completed", "198", "2025-03-02", ""), read(t, "c", "completed", "198", "2025-03-02", lot)}, "a+c+b"},
		{"a name alone does not make one dose of two vaccines", []Record{called(t, "a", "vắc xin", ""), called(t, "b", "vắc xin", five), called(t, "c", "vắc xin", pneumo)}, "a+c b"},
		{"a name alone does not hide what the codes share", []Record{called(t, "a", "vắc xin", ""), called(t, "b", "vắc xin", five), called(t, "c", "SII", five)}, "a+b+c"},
		{"a code of another system is no other vaccine", []Record{called(t, "a", "5 trong 1", both), called(t, "b", "5 trong 1", five), called(t, "c", "5 trong 1", local)}, "a+b+c"},
		{"given and not given", []Record{read(t, "a", "completed", "198", "2025-03-01", ""), read(t, "b", "not-done", "198", "2025-03-01", "")}, "a b"},
		{"entered in error", []Record{read(t, "a", "completed", "198", "2025-03-01", ""), read(t, "b", "entered-in-error", "198", "2025-03-01", "")}, "a"},
		{"no day is nobody's duplicate, and last", []Record{read(t, "a", "completed", "198", "2025", ""), read(t, "b", "completed", "198", "2025", ""), read(t, "c", "completed", "198", "2025-03-01", "")}, "c a b"},
		{"who gave it leads, then who has a lot", []Record{read(t, "a", "completed", "198", "2025-03-01", ""), read(t, "b", "completed", "198", "2025-03-01", lot), read(t, "c", "completed", "198", "2025-03-01", `,"primarySource":true`)}, "c+b+a"},
		{"8 is 08", []Record{read(t, "a", "completed", "8", "2025-03-01", ""), read(t, "b", "completed", "08", "2025-03-01", "")}, "a+b"},
		{"the same code of no schedule", []Record{read(t, "a", "completed", "140", "2025-03-01", ""), read(t, "b", "completed", "140", "2025-03-01", "")}, "a+b"},
	} {
		for range 2 {
			events, _ := Fold(immunization.Standard(), c.records)
			if got := shape(events); got != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
			slices.Reverse(c.records)
		}
	}
}

func TestFoldingLosesNothingAndKnowsNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := make([]Record, rapid.IntRange(0, 12).Draw(t, "n"))
		for i := range records {
			records[i] = read(t, fmt.Sprint("r", i), rapid.SampledFrom([]string{"completed", "completed", "not-done", "entered-in-error"}).Draw(t, "status"),
				rapid.SampledFrom([]string{"198", "102", "178", "140"}).Draw(t, "cvx"),
				rapid.SampledFrom([]string{"2025-03-01", "2025-03-02", "2025-03-03", "2025-03"}).Draw(t, "on"),
				rapid.SampledFrom([]string{"", `,"lotNumber":"L1"`, `,"primarySource":true`}).Draw(t, "more"))
		}
		events, retracted := Fold(immunization.Standard(), records)
		n := retracted
		for _, e := range events {
			n += len(e.Sources)
		}
		if n != len(records) {
			t.Fatalf("%d of %d records are left", n, len(records))
		}
		again, _ := Fold(immunization.Standard(), rapid.Permutation(records).Draw(t, "order"))
		if shape(again) != shape(events) {
			t.Fatalf("in another order %s, before %s", shape(again), shape(events))
		}
	})
}
