package rest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/resource"
)

// Of random Patients with lists in lists, what $diff says makes the one the other.
func TestDiffOfRandomListsIsAPatch(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	s := serve(t)
	s.do(t, "PUT", "/Patient/r", randomPatient(r)).want(t, 201)
	for range 150 {
		a, b := randomPatient(r), randomPatient(r)
		s.do(t, "PUT", "/Patient/r", a).want(t, 200)
		from := s.do(t, "GET", "/Patient/r", nil).Header.Get("Etag")
		s.do(t, "PUT", "/Patient/r", b).want(t, 200)
		patch := s.do(t, "GET", "/Patient/r/$diff?fromVersion="+strings.Trim(from, `W/"`), nil).want(t, 200)
		s.do(t, "PUT", "/Patient/r", a).want(t, 200)
		if string(patch.raw) == `{"resourceType":"Parameters"}` {
			continue
		}
		got := s.do(t, "PATCH", "/Patient/r", patch.raw).want(t, 200)
		want, err := resource.New(b)
		if err != nil {
			t.Fatal(err)
		}
		if !resource.EqualResource(got.doc(t), want.Root()) {
			t.Fatalf("seed %d: from\n%s\nto\n%s\ngave\n%s\nby\n%s", seed, a, b, got.raw, patch.raw)
		}
	}
}

func randomPatient(r *rand.Rand) []byte {
	list := func(name string, most int, one func() string) string {
		n := r.IntN(most + 1)
		if n == 0 {
			return ""
		}
		var all []string
		for range n {
			all = append(all, one())
		}
		return fmt.Sprintf(`,"%s":[%s]`, name, strings.Join(all, ","))
	}
	letter := func() string { return fmt.Sprintf("%q", string(rune('a'+r.IntN(4)))) }
	text := `{"resourceType":"Patient","id":"r"`
	text += list("identifier", 5, func() string { return `{"value":` + letter() + `}` })
	text += list("name", 3, func() string {
		return `{"use":"usual"` + list("given", 4, letter) + list("suffix", 2, letter) + `}`
	})
	text += list("contact", 3, func() string {
		return `{"gender":"male"` + list("telecom", 3, func() string { return `{"value":` + letter() + `}` }) + `}`
	})
	for i, choice := range []string{`"deceasedBoolean":true`, `"deceasedDateTime":"2020"`, `"birthDate":"1990"`, `"_birthDate":{"id":"b"}`, `"gender":"male"`} {
		if r.IntN(2) == 0 && (i != 1 || !strings.Contains(text, "deceased")) {
			text += "," + choice
		}
	}
	return []byte(text + "}")
}
