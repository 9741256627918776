package index_test

import (
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
)

// modified is a search with a modifier, and what the documents say to it.
type modified struct {
	key, value string
	matches    func(resource.Value) bool
}

// anyItem says whether a value of the parameter is accepted.
func anyItem(p *r4.SearchParam, ok func(fhirpath.Item) bool) func(resource.Value) bool {
	return func(v resource.Value) bool { return slices.ContainsFunc(expression(p).Evaluate(v), ok) }
}

// modifiedQuestions makes searches with modifiers from one value of a parameter.
func modifiedQuestions(r *rand.Rand, p *r4.SearchParam, item fhirpath.Item) (out []modified) {
	add := func(key, value string, ok func(resource.Value) bool) {
		out = append(out, modified{p.Code + key, value, ok})
	}
	add(":missing", "true", func(v resource.Value) bool { return len(expression(p).Evaluate(v)) == 0 })
	add(":missing", "false", func(v resource.Value) bool { return len(expression(p).Evaluate(v)) > 0 })
	switch p.Type {
	case r4.ParamToken:
		for _, t := range tokens(item) {
			if strings.Contains(t[0]+t[1], "|") {
				continue
			}
			add(":not", escape(t[1]), func(v resource.Value) bool {
				return !anyItem(p, func(i fhirpath.Item) bool {
					return slices.ContainsFunc(tokens(i), func(u [2]string) bool { return u[1] == t[1] })
				})(v)
			})
		}
		for _, s := range labels(item) {
			words := strings.Fields(plain(s))
			if len(words) == 0 {
				continue
			}
			sought := []string{words[len(words)-1], words[r.IntN(len(words))]}
			sought[1] = string([]rune(sought[1])[:1])
			add(":text", escape(strings.Join(sought, " ")), anyItem(p, func(i fhirpath.Item) bool {
				return slices.ContainsFunc(labels(i), func(s string) bool { return beginWords(sought, strings.Fields(plain(s))) })
			}))
		}
		for c := range item.Value.Get("type").Get("coding").Elements() {
			system, code, value := c.Get("system").Text(), c.Get("code").Text(), item.Value.Get("value").Text()
			if item.TypeName() != "Identifier" || system == "" || code == "" || value == "" || strings.Contains(value, "|") {
				continue
			}
			add(":of-type", system+"|"+code+"|"+value, anyItem(p, func(i fhirpath.Item) bool {
				for c := range i.Value.Get("type").Get("coding").Elements() {
					if c.Get("system").Text() == system && c.Get("code").Text() == code && i.Value.Get("value").Text() == value {
						return true
					}
				}
				return false
			}))
		}
	case r4.ParamString:
		for _, s := range texts(item) {
			runes := []rune(s)
			from := r.IntN(max(1, len(runes)))
			part := string(runes[from : from+r.IntN(len(runes)-from)/2])
			if sought := plain(part); sought != "" && len(sought) <= 100 && len(s) < 20_000 && len(part) == len(strings.TrimSpace(part)) {
				add(":contains", escape(part), anyItem(p, func(i fhirpath.Item) bool {
					return slices.ContainsFunc(texts(i), func(s string) bool { return strings.Contains(plain(s), sought) })
				}))
			}
			if item.TypeName() != "HumanName" && plain(s) != "" {
				add(":exact", escape(s), anyItem(p, func(i fhirpath.Item) bool { return slices.Contains(texts(i), s) }))
			}
		}
	case r4.ParamReference:
		id := item.Value.Get("identifier")
		system, value := id.Get("system").Text(), id.Get("value").Text()
		if value != "" && !strings.Contains(system+value, "|") {
			add(":identifier", system+"|"+escape(value), anyItem(p, func(i fhirpath.Item) bool {
				id := i.Value.Get("identifier")
				return id.Get("system").Text() == system && id.Get("value").Text() == value
			}))
		}
	case r4.ParamURI:
		if s := item.Text(); strings.Contains(s, "://") && !strings.ContainsAny(s, "|,$") {
			parent := s[:strings.LastIndexByte(s, '/')]
			if strings.HasSuffix(parent, "/") || strings.HasSuffix(parent, ":/") {
				parent = s
			}
			add(":below", parent, anyItem(p, func(i fhirpath.Item) bool { return i.Text() == parent || strings.HasPrefix(i.Text(), parent+"/") }))
			add(":above", s+"/x/y", anyItem(p, func(i fhirpath.Item) bool {
				return strings.HasPrefix(s+"/x/y/", strings.TrimSuffix(i.Text(), "/")+"/") && strings.Contains(i.Text(), "://")
			}))
		}
	}
	return out
}

// labels gives the texts that go with the tokens of an item.
func labels(item fhirpath.Item) []string {
	v := item.Value
	switch item.TypeName() {
	case "Coding":
		return []string{v.Get("display").Text()}
	case "Identifier":
		return []string{v.Get("type").Get("text").Text()}
	case "CodeableConcept":
		out := []string{v.Get("text").Text()}
		for c := range v.Get("coding").Elements() {
			out = append(out, c.Get("display").Text())
		}
		return out
	}
	return nil
}

func beginWords(words, of []string) bool {
	for _, w := range words {
		if !slices.ContainsFunc(of, func(s string) bool { return strings.HasPrefix(s, w) }) {
			return false
		}
	}
	return true
}

// TestModifiersFindWhatDocumentsSay holds searches with modifiers against FHIRPath, on Synthea's documents and on the
// official examples.
func TestModifiersFindWhatDocumentsSay(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	x := index.New(index.Options{})
	byType := map[fhir.Type][]resource.Value{}
	for _, v := range append(synthea(t, 6), examples(t)...) {
		if r4.IsResource(v.ResourceType()) && len(v.Raw()) < 50_000 {
			byType[v.ResourceType()] = append(byType[v.ResourceType()], v)
		}
	}
	asked, matched := map[string]int{}, 0
	for _, of := range slices.Sorted(maps.Keys(byType)) {
		docs := byType[of]
		r.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
		var kept []resource.Value
		var entries [][]search.Entry
		var all []modified
		for _, v := range docs[:min(60, len(docs))] {
			list, issues := x.Resource(v, 0)
			if issues != nil {
				continue // contradicts the definitions; see fhir/walk
			}
			kept, entries = append(kept, v), append(entries, list)
			for _, p := range r4.Params(of) {
				if p.Expression == "" || p.Code == "_id" || p.Code == "_lastUpdated" || p.Type == r4.ParamSpecial || p.Type == r4.ParamComposite {
					continue
				}
				if items := expression(p).Evaluate(v); len(items) > 0 {
					all = append(all, modifiedQuestions(r, p, items[r.IntN(len(items))])...)
				}
			}
		}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, q := range all[:min(150, len(all))] {
			params, err := search.Parse(q.key + "=" + url.QueryEscape(q.value))
			if err != nil {
				t.Fatalf("%s?%s=%s: %v", of, q.key, q.value, err)
			}
			req, err := search.Bind(of, params, search.Options{})
			if err != nil {
				t.Errorf("%s?%s=%s: %v", of, q.key, q.value, err)
				continue
			}
			_, modifier, _ := strings.Cut(q.key, ":")
			asked[modifier]++
			for i, v := range kept {
				got, want := search.Matches(req.Query, fhir.Key{Type: of, ID: "x"}, entries[i], nil), q.matches(v)
				if want {
					matched++
				}
				if got != want {
					t.Errorf("%s?%s=%s: entries say %v, the document %v: %.600s", of, q.key, q.value, got, want, v.Raw())
					break
				}
			}
		}
	}
	t.Log(asked, matched, "matches")
	for _, m := range []string{"missing", "not", "text", "contains", "exact", "of-type", "below", "above"} {
		if asked[m] == 0 {
			t.Errorf("no search with :%s", m)
		}
	}
}
