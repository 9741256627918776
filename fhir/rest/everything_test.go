package rest_test

import (
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// A patient's record is complete: $everything has each resource of the pushed bundle once, over all its pages, and none
// of another patient.
func TestEverythingIsComplete(t *testing.T) {
	s := serve(t)
	files := syntheaFiles(t)
	pushed := map[int]map[fhir.Key]bool{}
	for i, file := range files[:4] {
		pushed[i] = map[fhir.Key]bool{}
		for e := range s.do(t, "POST", "", bunzip(t, file)).want(t, 200).doc(t).Get("entry").Elements() {
			pushed[i][fhir.ParseReference(e.Get("response").Get("location").Text()).Key] = true
		}
	}
	for i := 2; i < 4; i++ {
		var patient fhir.Key
		for key := range pushed[i] {
			if key.Type == "Patient" {
				patient = key
			}
		}
		got := map[fhir.Key]bool{}
		matches := 0
		url := "/" + patient.String() + "/$everything?_count=200"
		for url != "" {
			page := s.do(t, "GET", url, nil).want(t, 200).doc(t)
			url = ""
			for e := range page.Get("entry").Elements() {
				v := e.Get("resource")
				id, _ := v.ID()
				key := fhir.Key{Type: v.ResourceType(), ID: fhir.ID(id)}
				if got[key] {
					t.Fatalf("%s is shown twice", key)
				}
				got[key] = true
				if e.Get("search").Get("mode").Text() == "match" {
					matches++
				}
			}
			for l := range page.Get("link").Elements() {
				if l.Get("relation").Text() == "next" {
					url = l.Get("url").Text()
				}
			}
			if url == "" && page.Get("total").Kind() == resource.Number {
				if n, _ := fhir.ParseVersion(page.Get("total").Text()); int(n) != matches {
					t.Errorf("total %d, %d shown", n, matches)
				}
			}
		}
		for key := range pushed[i] {
			if !got[key] {
				t.Errorf("%s is missing", key)
			}
		}
		for key := range pushed[5-i] {
			if got[key] {
				t.Errorf("%s is another patient's", key)
			}
		}
	}
}
