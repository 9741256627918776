package index_test

import (
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
)

// The oracle decides whether a document matches by evaluating the parameter's FHIRPath over it and comparing values in
// the plainest way: strings.HasPrefix, time.Time, equality. It shares no code with encodings, trie, or spans.

// question is one search: a parameter and a plain value.
type question struct {
	param  *r4.SearchParam
	prefix string // of a date
	text   string // as in the query string, not escaped
}

func (q question) query() string {
	return q.param.Code + "=" + url.QueryEscape(q.prefix+escape(q.text))
}

var expressions = map[*r4.SearchParam]*fhirpath.Expr{}

func expression(p *r4.SearchParam) *fhirpath.Expr {
	if expressions[p] == nil {
		e, err := fhirpath.Parse(p.Expression)
		if err != nil {
			panic(err)
		}
		expressions[p] = e
	}
	return expressions[p]
}

func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `$`, `\$`).Replace(s)
}

// matches is the answer of the oracle.
func (q question) matches(v resource.Value) bool {
	for _, item := range expression(q.param).Evaluate(v) {
		if q.takes(item) {
			return true
		}
	}
	return false
}

func (q question) takes(item fhirpath.Item) bool {
	switch q.param.Type {
	case r4.ParamToken:
		system, code, bar := strings.Cut(q.text, "|")
		return slices.ContainsFunc(tokens(item), func(t [2]string) bool {
			if !bar {
				return t[1] == system
			}
			return t[0] == system && t[1] == code
		})
	case r4.ParamString:
		return slices.ContainsFunc(texts(item), func(s string) bool { return strings.HasPrefix(plain(s), plain(q.text)) }) ||
			slices.ContainsFunc(names(item), func(name []string) bool { return eachBeginsOne(strings.Fields(plain(q.text)), name) })
	case r4.ParamReference:
		return item.Value.Get("reference").Text() == q.text
	case r4.ParamURI:
		return item.Text() == q.text
	case r4.ParamDate:
		return q.overlaps(item)
	}
	return false
}

// tokens gives system and code of all tokens of an item.
func tokens(item fhirpath.Item) (out [][2]string) {
	add := func(v resource.Value, code string) {
		if s := v.Get(code).Text(); s != "" {
			out = append(out, [2]string{v.Get("system").Text(), s})
		}
	}
	switch item.TypeName() {
	case "CodeableConcept":
		for c := range item.Value.Get("coding").Elements() {
			add(c, "code")
		}
	case "Coding":
		add(item.Value, "code")
	case "Identifier", "ContactPoint":
		add(item.Value, "value")
	default:
		if item.Text() != "" {
			out = append(out, [2]string{"", item.Text()})
		}
	}
	return out
}

// texts gives the strings of an item.
func texts(item fhirpath.Item) (out []string) {
	if item.Value.Kind() == resource.String {
		return []string{item.Text()}
	}
	for name, v := range item.Value.Members() {
		switch name {
		case "use", "period", "type", "system", "extension", "id":
			continue
		}
		for one := range v.Elements() {
			out = append(out, one.Text())
		}
	}
	for _, words := range names(item) {
		for i := range words {
			out = append(out, strings.Join(slices.Concat(words[i:], words[:i]), " "))
		}
	}
	return out
}

// names gives the words of a name as it is written, and of its parts in the order of Vietnamese names.
func names(item fhirpath.Item) [][]string {
	if item.TypeName() != "HumanName" {
		return nil
	}
	parts := []string{item.Value.Get("family").Text()}
	for g := range item.Value.Get("given").Elements() {
		parts = append(parts, g.Text())
	}
	return [][]string{strings.Fields(plain(item.Value.Get("text").Text())), strings.Fields(plain(strings.Join(parts, " ")))}
}

// eachBeginsOne says whether each word begins one of the others; two may begin the same.
func eachBeginsOne(words, of []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool {
		return !slices.ContainsFunc(of, func(o string) bool { return strings.HasPrefix(o, w) })
	})
}

// plain is the folding of strings, written with the simplest tools.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r), strings.ContainsRune("'.`’", r):
			return -1
		case unicode.IsPunct(r):
			return ' '
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(s))
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "đ", "d")), " ")
}

// span is a stretch of time from first up to, not including, after.
type stretch struct{ first, after time.Time }

var (
	always = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)
	never  = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	local  = time.FixedZone("", 7*3600)
)

func stretchOf(s string) (stretch, bool) {
	for layout, after := range map[string]func(time.Time) time.Time{
		"2006":                          func(t time.Time) time.Time { return t.AddDate(1, 0, 0) },
		"2006-01":                       func(t time.Time) time.Time { return t.AddDate(0, 1, 0) },
		"2006-01-02":                    func(t time.Time) time.Time { return t.AddDate(0, 0, 1) },
		"2006-01-02T15:04:05Z07:00":     func(t time.Time) time.Time { return t.Add(time.Second) },
		"2006-01-02T15:04:05.000Z07:00": func(t time.Time) time.Time { return t.Add(time.Millisecond) },
	} {
		if t, err := time.ParseInLocation(layout, s, local); err == nil && (len(s) <= 10 || strings.Contains(layout, ".") == strings.Contains(s, ".")) {
			return stretch{t, after(t)}, true
		}
	}
	return stretch{}, false
}

func (q question) overlaps(item fhirpath.Item) bool {
	var at stretch
	var ok bool
	switch item.TypeName() {
	case "Period":
		start, hasStart := stretchOf(item.Value.Get("start").Text())
		end, hasEnd := stretchOf(item.Value.Get("end").Text())
		at, ok = stretch{always, never}, hasStart || hasEnd
		if hasStart {
			at.first = start.first
		}
		if hasEnd {
			at.after = end.after
		}
	case "date", "dateTime", "instant":
		at, ok = stretchOf(item.Text())
	}
	want, _ := stretchOf(q.text)
	if !ok {
		return false
	}
	within := !at.first.Before(want.first) && !at.after.After(want.after)
	switch q.prefix {
	case "", "eq":
		return within
	case "ne":
		return !within
	case "gt":
		return at.after.After(want.after)
	case "ge":
		return at.after.After(want.first)
	case "lt":
		return at.first.Before(want.first)
	case "le":
		return at.first.Before(want.after)
	case "sa":
		return !at.first.Before(want.after)
	case "eb":
		return !at.after.After(want.first)
	}
	return false
}

// questions makes searches from the values of a document: for each parameter of the types that the oracle knows.
func questions(r *rand.Rand, v resource.Value) (out []question) {
	for _, p := range r4.Params(v.ResourceType()) {
		if p.Expression == "" || p.Code == "_id" || p.Code == "_lastUpdated" || p.Type == r4.ParamSpecial {
			continue
		}
		items := expression(p).Evaluate(v)
		for _, item := range items[:min(3, len(items))] {
			out = append(out, ask(r, p, item)...)
		}
	}
	return out
}

func ask(r *rand.Rand, p *r4.SearchParam, item fhirpath.Item) (out []question) {
	switch p.Type {
	case r4.ParamToken:
		for _, t := range tokens(item) {
			if strings.Contains(t[0]+t[1], "|") {
				continue
			}
			out = append(out, question{param: p, text: t[1]})
			if t[0] != "" {
				out = append(out, question{param: p, text: t[0] + "|" + t[1]})
			}
		}
	case r4.ParamString:
		for _, s := range texts(item) {
			runes := []rune(s)
			if n := 1 + r.IntN(max(1, len(runes))); plain(string(runes[:min(n, len(runes))])) != "" {
				out = append(out, question{param: p, text: string(runes[:min(n, len(runes))])})
			}
		}
	case r4.ParamReference:
		if s := item.Value.Get("reference").Text(); s != "" && !strings.HasPrefix(s, "#") && !strings.Contains(s, "?") {
			out = append(out, question{param: p, text: s})
		}
	case r4.ParamURI:
		out = append(out, question{param: p, text: item.Text()})
	case r4.ParamDate:
		for _, s := range []string{item.Text(), item.Value.Get("start").Text(), item.Value.Get("end").Text()} {
			for _, n := range []int{4, 7, 10, len(s)} {
				if len(s) >= n && n > 0 {
					if _, ok := stretchOf(s[:n]); ok {
						out = append(out, question{param: p, text: s[:n], prefix: []string{"", "eq", "ne", "gt", "ge", "lt", "le", "sa", "eb"}[r.IntN(9)]})
					}
				}
			}
		}
	}
	return out
}

// TestIndexFindsWhatDocumentsSay: for searches made of the values of Synthea documents, entries within the bound ranges
// give exactly the documents that the oracle picks by reading each one.
func TestIndexFindsWhatDocumentsSay(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	x := index.New(index.Options{})

	byType := map[fhir.Type][]resource.Value{}
	for _, v := range synthea(t, 12) {
		byType[v.ResourceType()] = append(byType[v.ResourceType()], v)
	}
	asked, matched := 0, 0
	for _, of := range slices.Sorted(maps.Keys(byType)) {
		docs := byType[of]
		r.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
		docs = docs[:min(120, len(docs))]
		entries := make([][]search.Entry, len(docs))
		var all []question
		for i, v := range docs {
			list, issues := x.Resource(v, 0)
			if issues != nil {
				t.Fatal(issues)
			}
			entries[i] = list
			all = append(all, questions(r, v)...)
		}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, q := range all[:min(400, len(all))] {
			params, err := search.Parse(q.query())
			if err != nil {
				t.Fatalf("%s?%s: %v", of, q.query(), err)
			}
			req, err := search.Bind(of, params, search.Options{})
			if err != nil {
				t.Errorf("%s?%s: %v", of, q.query(), err)
				continue
			}
			asked++
			for i, v := range docs {
				got := search.Matches(req.Query, fhir.Key{Type: of, ID: "x"}, entries[i], nil)
				want := q.matches(v)
				if want {
					matched++
				}
				if got != want {
					t.Errorf("%s?%s: entries say %v, the document %v: %.600s", of, q.query(), got, want, v.Raw())
					break
				}
			}
		}
	}
	t.Logf("%d searches, %d matches", asked, matched)
	if asked < 1000 || matched < asked/2 {
		t.Error("too few for a proof: the test data or the questions are not what they were")
	}
}

// TestParametersFindTheirExamples: on the official examples of all types, each parameter finds the documents whose own
// values it is asked for.
func TestParametersFindTheirExamples(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	x := index.New(index.Options{})
	asked := 0
	for _, v := range examples(t) {
		of := v.ResourceType()
		if !r4.IsResource(of) || len(v.Raw()) > 100_000 {
			continue
		}
		entries, issues := x.Resource(v, 0)
		if issues != nil {
			continue // contradicts the definitions; see fhir/walk
		}
		for _, q := range questions(r, v) {
			if !q.matches(v) {
				continue // a prefix that excludes, or a value of a type that the parameter does not look at
			}
			params, err := search.Parse(q.query())
			if err != nil {
				t.Fatalf("%s?%s: %v", of, q.query(), err)
			}
			req, err := search.Bind(of, params, search.Options{})
			if err != nil {
				t.Errorf("%s?%s: %v", of, q.query(), err)
				continue
			}
			asked++
			if !search.Matches(req.Query, fhir.Key{Type: of, ID: "x"}, entries, nil) {
				t.Errorf("%s?%s does not find its document: %.300s", of, q.query(), v.Raw())
			}
		}
	}
	t.Log(asked, "searches")
}
