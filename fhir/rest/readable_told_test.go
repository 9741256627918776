package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/store"
)

// TestDosesAreATable: what follows each other under one name is a table on a page, and what a list tells better stays one.
func TestDosesAreATable(t *testing.T) {
	part := func(name, text string, parts ...string) string {
		switch {
		case len(parts) > 0:
			return fmt.Sprintf(`{"name":%q,"part":[%s]}`, name, strings.Join(parts, ","))
		case text == "":
			return fmt.Sprintf(`{"name":%q}`, name)
		}
		return fmt.Sprintf(`{"name":%q,"valueString":%q}`, name, text)
	}
	page := func(parameters ...string) string {
		s := serve(t, func(_ *interaction.Config, c *rest.Config) {
			c.Operations = []rest.Operation{{Name: "told", Type: "Patient", Reads: true, Run: func(context.Context, rest.Asked) ([]byte, error) {
				return []byte(`{"resourceType":"Parameters","parameter":[` + strings.Join(parameters, ",") + `]}`), nil
			}}}
		})
		return string(s.do(t, "GET", "/Patient/$told?_format=html", nil).want(t, 200).raw)
	}
	dose := func(parts ...string) string { return part("dose", "", parts...) }
	for name, c := range map[string]struct {
		parameters []string
		want       []string
		tables     int
	}{
		"two": {
			[]string{part("patient", "x"), dose(part("date", "2024-12-01"), part("lot", "A-1")), dose(part("date", "2025-02-10"), part("note", "given at home"), part("note", "late"))},
			[]string{`<th scope="col">date</th><th scope="col">lot</th><th scope="col">note</th>`, `<td><div class="word">2024-12-01</div></td><td><div class="word">A-1</div></td><td></td>`,
				`<td><div class="word">2025-02-10</div></td><td></td><td><div class="words">given at home</div><div class="word">late</div></td>`}, 1,
		},
		"parts in a cell":      {[]string{dose(part("e", "", part("series", "OPV"), part("n", "1"))), dose(part("e", "", part("series", "IPV")))}, []string{`<div class="words">OPV · 1</div>`, `<div class="word">IPV</div>`}, 1},
		"two kinds":            {[]string{dose(part("a", "1")), dose(part("a", "2")), part("forecast", "", part("b", "3")), part("forecast", "", part("b", "4"))}, nil, 2},
		"one":                  {[]string{dose(part("date", "2024-12-01"))}, []string{"<dt>date</dt><dd>2024-12-01</dd>"}, 0},
		"values of their own":  {[]string{part("dose", "1"), part("dose", "2")}, nil, 0},
		"apart":                {[]string{dose(part("a", "1")), part("x", "1"), dose(part("a", "2"))}, nil, 0},
		"tables in tables":     {[]string{dose(part("a", "", part("b", "1")), part("a", "", part("b", "2"))), dose(part("c", "3"))}, nil, 1},
		"too wide to be a row": {[]string{dose(wide(part)...), dose(wide(part)...)}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := page(c.parameters...)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %s in\n%s", want, got[strings.Index(got, "<main"):])
				}
			}
			if n := strings.Count(got, "<table"); n != c.tables {
				t.Errorf("%d tables, want %d", n, c.tables)
			}
		})
	}
}

// wide are the parts of more columns than a table has.
func wide(part func(name, text string, parts ...string) string) (parts []string) {
	for i := range 17 {
		parts = append(parts, part(fmt.Sprint("c", i), "1"))
	}
	return parts
}

// TestACollectionIsToldPartByPart: entries of a collection need no address, and still each says what it is; Parameters among them are read, not
// unfolded.
func TestACollectionIsToldPartByPart(t *testing.T) {
	var base string
	s := serve(t, func(_ *interaction.Config, c *rest.Config) {
		c.Operations = []rest.Operation{{Name: "case", Type: "Claim", Reads: true, Run: func(_ context.Context, a rest.Asked) ([]byte, error) {
			base = a.Base
			return []byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Parameters","parameter":[{"name":"paid","valueMoney":{"value":39360.80,"currency":"VND"}},
				{"name":"dose","valueQuantity":{"value":0.5,"unit":"mL","code":"mL"}},{"name":"bare","valueQuantity":{"value":2}},{"name":"next","valueUri":"` + a.Base + `/Claim?page=2"},{"name":"away","valueUri":"https://elsewhere.example/"}]}},
				{"resource":{"resourceType":"Claim","id":"c1","status":"active"}}]}`), nil
		}}}
	})
	page := string(s.do(t, "GET", "/Claim/$case?_format=html", nil).want(t, 200).raw)
	for _, want := range []string{
		"<h2>Parameters</h2>", `<h2><a href="` + base + `/Claim/c1">Claim/c1</a></h2>`, "<dd>39360.80\u00a0VND</dd>", "<dd>0.5\u00a0mL</dd>", "<dd>2</dd>",
		`<dd><a href="` + base + `/Claim?page=2">`, "<dd>https://elsewhere.example/</dd>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page[strings.Index(page, "<main"):])
		}
	}
	for _, not := range []string{"<details open", "<form"} {
		if strings.Contains(page, not) {
			t.Errorf("%s in\n%s", not, page[strings.Index(page, "<main"):])
		}
	}
}

// TestADocumentIsReadBySections: a Composition's sections stand on the page in their words, of which none becomes markup.
func TestADocumentIsReadBySections(t *testing.T) {
	s := serve(t, func(_ *interaction.Config, c *rest.Config) {
		c.Operations = []rest.Operation{{Name: "summary", Type: "Patient", Reads: true, Run: func(context.Context, rest.Asked) ([]byte, error) {
			return []byte(`{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Composition","title":"Tóm tắt","section":[{"title":"Dị ứng <x>","text":{"status":"generated",
				"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>&lt;script&gt;no&lt;/script&gt;</p><table><tr><th>Ngày</th></tr><tr><td>2024-12-01</td></tr></table><a href=\"javascript:x\">link</a></div>"},
				"section":[{"title":"Bên trong"}]}]}}]}`), nil
		}}}
	})
	page := string(s.do(t, "GET", "/Patient/$summary?_format=html", nil).want(t, 200).raw)
	page = page[strings.Index(page, "<main"):]
	for _, want := range []string{"Tóm tắt", "<h3>Dị ứng &lt;x&gt;</h3>", "<p>&lt;script&gt;no&lt;/script&gt;</p>", `<th scope="col">Ngày</th>`, `<td><div class="word">2024-12-01</div></td>`, "<p>link</p>", "<h3>Bên trong</h3>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
	for _, not := range []string{"<script", `href="javascript`, "<x>"} {
		if strings.Contains(page, not) {
			t.Errorf("%s in\n%s", not, page)
		}
	}
}

// TestAPageLeadsToWhatMayBeAsked: the page of a resource has links to operations that people ask of it, in their language, and none that the caller
// may not ask.
func TestAPageLeadsToWhatMayBeAsked(t *testing.T) {
	link := map[outcome.Language]string{outcome.English: "Who looked", outcome.Vietnamese: "Ai đã xem"}
	run := func(context.Context, rest.Asked) ([]byte, error) { return []byte(`{"resourceType":"Parameters"}`), nil }
	fence := store.OpenFence()
	s := serve(t, func(_ *interaction.Config, c *rest.Config) {
		c.Operations = []rest.Operation{
			{Name: "looked", Type: "Patient", Instance: true, Reads: true, Link: link, Run: run},
			{Name: "quiet", Type: "Patient", Instance: true, Reads: true, Run: run},
			{Name: "of-all", Type: "Patient", Reads: true, Link: link, Run: run},
			{Name: "elsewhere", Type: "Claim", Instance: true, Reads: true, Link: link, Run: run},
		}
		c.Authenticate = func(r *http.Request) (context.Context, error) {
			return store.WithFence(r.Context(), fence), nil
		}
	})
	s.do(t, "PUT", "/Patient/a", []byte(`{"resourceType":"Patient","id":"a"}`)).want(t, 201)
	page := func(language string) string {
		return string(s.do(t, "GET", "/Patient/a?_format=html", nil, "Accept-Language: "+language).want(t, 200).raw)
	}
	if got := page("en"); !strings.Contains(got, `/Patient/a/$looked">Who looked</a>`) || !strings.Contains(got, "/Patient/a/$everything") ||
		strings.Contains(got, "$quiet") || strings.Contains(got, "$of-all") || strings.Contains(got, "$elsewhere") {
		t.Error(got)
	}
	if got := page("vi"); !strings.Contains(got, `/Patient/a/$looked">Ai đã xem</a>`) {
		t.Error(got)
	}
	var reads store.Grants
	reads[store.ActionRead] = store.Grant{All: true}
	fence = store.NewFence(map[fhir.Type]*store.Grants{"Patient": &reads}, "").Allowing(map[string]bool{"quiet": true})
	if got := page("en"); strings.Contains(got, "/$") {
		t.Error(got)
	}
}

// TestTheBareAddressLeadsOn: who opens the server's address in a browser comes to what is there, and nobody else is answered there.
func TestTheBareAddressLeadsOn(t *testing.T) {
	s := serve(t)
	root := strings.TrimSuffix(s.base, "fhir")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for method, want := range map[string]int{"GET": http.StatusFound, "POST": http.StatusMethodNotAllowed} {
		r, err := http.NewRequestWithContext(t.Context(), method, root, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Body.Close(); answer.StatusCode != want {
			t.Errorf("%s: %s", method, answer.Status)
		}
		if at, err := answer.Location(); want == http.StatusFound && (err != nil || at.String() != s.base+"/metadata") {
			t.Errorf("it leads to %v, %v", at, err)
		}
	}
}
