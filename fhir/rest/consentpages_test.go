package rest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/access/accesstest"
)

// A Consent by date, by code or for a group holds from the moment that it is there: in the pages that are left of a search
// and of $everything, in totals and history, and again for a member who joins the group.
func TestConsentInTheMiddleOfPages(t *testing.T) {
	_, s := matrixServer(t)
	load := &matrix{t: t, s: s, name: "load operator"}
	put := func(path, body string) {
		t.Helper()
		if status, raw := load.ask("PUT", "/"+path, body); status != 200 && status != 201 {
			t.Fatalf("%s: %d %s", path, status, raw)
		}
	}
	const denies = `{"resourceType":"Consent","id":"c","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/p"},"provision":{"type":"permit","provision":[%s]}}`
	put("Patient/p", `{"resourceType":"Patient","id":"p","generalPractitioner":[{"reference":"Organization/k1"}]}`)
	put("Group/g", `{"resourceType":"Group","id":"g","type":"practitioner","actual":true}`)
	for i := range 12 {
		year, code := 2010+i%2, fmt.Sprint("c", i%3)
		put(fmt.Sprintf("Immunization/i%02d", i), fmt.Sprintf(`{"resourceType":"Immunization","id":"i%02d","status":"completed","vaccineCode":{"coding":[{"system":"urn:v","code":"%s"}]},"patient":{"reference":"Patient/p"},"occurrenceDateTime":"%d-05-05"}`, i, code, year))
	}
	nurse := &matrix{t: t, s: s, name: "clinic", caller: accesstest.Callers()["clinic"]}
	page := func(path string) (ids []string, next string) {
		t.Helper()
		status, raw := nurse.ask("GET", path, "")
		if status != 200 {
			t.Fatalf("%s: %d %s", path, status, raw)
		}
		for rest := string(raw); ; {
			at := strings.Index(rest, `"resourceType":"Immunization","id":"`)
			if at < 0 {
				break
			}
			rest = rest[at+len(`"resourceType":"Immunization","id":"`):]
			ids = append(ids, rest[:3])
		}
		if _, link, is := strings.Cut(string(raw), `"relation":"next","url":"`); is {
			next, _, _ = strings.Cut(strings.TrimPrefix(link, s.base), `"`)
		}
		return ids, next
	}
	for name, c := range map[string]struct {
		provision string
		shown     func(i int) bool
	}{
		"by date":  {`{"type":"deny","dataPeriod":{"start":"2011","end":"2011"}}`, func(i int) bool { return i%2 == 0 }},
		"by code":  {`{"type":"deny","code":[{"coding":[{"system":"urn:v","code":"c1"}]}]}`, func(i int) bool { return i%3 != 1 }},
		"by class": {`{"type":"deny","class":[{"code":"Immunization"}]}`, func(int) bool { return false }},
		"by both":  {`{"type":"deny","code":[{"coding":[{"system":"urn:v","code":"c1"}]}],"dataPeriod":{"end":"2010"}}`, func(i int) bool { return i%3 != 1 || i%2 != 0 }},
	} {
		for _, search := range []string{"/Immunization?patient=p&_count=3&_sort=_id", "/Patient/p/$everything?_count=3", "/Immunization?patient._has:Immunization:patient:_id=i00&_count=3&_sort=_id"} {
			put("Consent/c", fmt.Sprintf(denies, `{"type":"permit"}`))
			before, next := page(search)
			put("Consent/c", fmt.Sprintf(denies, c.provision))
			var after []string
			for next != "" {
				var ids []string
				ids, next = page(next)
				after = append(after, ids...)
			}
			want := 0
			for i := range 12 {
				id := fmt.Sprintf("i%02d", i)
				if slices.Contains(after, id) && !c.shown(i) {
					t.Errorf("FENCED: %s: %s shows %s after the Consent", name, search, id)
				}
				if c.shown(i) {
					want++
					if !slices.Contains(before, id) && !slices.Contains(after, id) && !strings.Contains(search, "_has") {
						t.Errorf("%s: %s does not show %s, which is not denied", name, search, id)
					}
				}
			}
			if _, total := nurse.keys("/Immunization?patient=p&_total=accurate"); total != want {
				t.Errorf("%s: total %d, want %d", name, total, want)
			}
			for path, want := range map[string]int{"/Immunization/_history?_count=100": want, "/Immunization?patient=p&_count=100": want} {
				if got, _ := nurse.keys(path); len(got) != want {
					t.Errorf("%s: %s has %v, want %d", name, path, got, want)
				}
			}
		}
	}
	put("Consent/c", fmt.Sprintf(denies, `{"type":"deny","actor":[{"role":{"text":"x"},"reference":{"reference":"Group/g"}}]}`))
	before, next := page("/Immunization?patient=p&_count=3")
	put("Group/g", `{"resourceType":"Group","id":"g","type":"practitioner","actual":true,"member":[{"entity":{"reference":"Practitioner/n1"}}]}`)
	after, _ := page(next)
	if got, _ := nurse.keys("/Immunization?patient=p"); len(before) != 3 || len(after)+len(got) != 0 {
		t.Errorf("a member of the group sees %v and %v, before %v", after, got, before)
	}
}
