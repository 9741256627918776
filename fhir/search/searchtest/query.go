package searchtest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Query is a search and its meaning.
type Query struct {
	Type   fhir.Type
	Text   string // query string, percent-encoded
	Own    bool   // it finds resources on their own
	Inside bool   // it finds contained resources
	of     []node
}

// Matches says whether a resource of the world is found.
func (q Query) Matches(key fhir.Key, w World) bool {
	doc, ok := w.Document(key)
	return ok && key.Type == q.Type && q.holds(place{key, doc, w, doc})
}

// MatchesInside says whether doc, which a document of the world contains, is found.
func (q Query) MatchesInside(around, doc resource.Value, w World) bool {
	id, _ := doc.ID()
	key := fhir.Key{Type: doc.ResourceType(), ID: fhir.ID(id)}
	return key.Type == q.Type && q.holds(place{key, doc, w, around})
}

func (q Query) holds(at place) bool {
	return !slices.ContainsFunc(q.of, func(n node) bool { return !n.holds(at) })
}

// node is one parameter of a query: how it is written, and whether it holds.
type node struct {
	key, value string
	holds      func(place) bool
}

// Query makes a search of one to three conditions.
func (g *Generator) Query() Query {
	q := Query{Type: pick(g.r, Types), Own: true}
	var parts []string
	switch n := g.r.IntN(100); {
	case n < 10:
		q.Own, q.Inside = false, true
		parts = append(parts, "_contained=true")
	case n < 15:
		q.Inside = true
		parts = append(parts, "_contained=both")
	}
	if q.Inside && g.chance(50) {
		parts = append(parts, "_containedType="+pick(g.r, []string{"container", "contained"}))
	}
	g.within = q.Inside
	for range 1 + g.r.IntN(3) {
		n := g.condition(q.Type, 3)
		q.of = append(q.of, n)
		parts = append(parts, url.QueryEscape(n.key)+"="+url.QueryEscape(n.value))
	}
	g.within = false
	q.Text = strings.Join(parts, "&")
	return q
}

// condition makes a condition on a type that follows at most depth references.
func (g *Generator) condition(t fhir.Type, depth int) node {
	if depth > 0 {
		switch n := g.r.IntN(100); {
		case n < 15:
			return g.chain(t, depth)
		case n < 28 && !g.within:
			return g.has(t, depth)
		case n < 32 && !g.within:
			return g.list(t)
		case n < 45:
			f := g.filter(t, 2)
			return node{"_filter", f.text, f.holds}
		case n < 48:
			return g.words()
		}
	}
	return g.plain(t)
}

// link is a reference parameter with one of the types that it leads to.
type link struct {
	param string
	to    fhir.Type
	typed bool // must be written with its type: too many have the parameters that follow
}

var links = map[fhir.Type][]link{
	"Patient":      {{"organization", "Organization", false}},
	"Observation":  {{"subject", "Patient", false}, {"patient", "Patient", false}, {"encounter", "Encounter", false}, {"has-member", "Observation", true}},
	"Encounter":    {{"subject", "Patient", false}, {"service-provider", "Organization", false}, {"patient", "Patient", false}},
	"Organization": {{"partof", "Organization", false}},
	"List":         {{"item", "Patient", true}, {"item", "Observation", true}, {"item", "Encounter", true}},
}

// targets gives the resources of this server that a reference parameter of a document points at.
func targets(p *r4.SearchParam, at place) (out []fhir.Key) {
	for _, item := range values(p, at) {
		if r := fhir.ParseReference(item.Value.Get("reference").Text()); r.Base == "" && r.Key.ID != "" {
			out = append(out, r.Key)
		}
	}
	return out
}

func (g *Generator) chain(t fhir.Type, depth int) node {
	if len(links[t]) == 0 {
		return g.plain(t)
	}
	l := pick(g.r, links[t])
	within := g.within
	g.within = false
	inner := g.condition(l.to, depth-1)
	g.within = within
	if inner.key == "_filter" { // its text has parameters of one type
		l.typed = true
	}
	key, typed := l.param, l.typed || g.chance(50)
	if typed {
		key += ":" + string(l.to)
	}
	p := r4.Param(t, l.param)
	return node{key + "." + inner.key, inner.value, func(at place) bool { return leads(p, l.to, at, inner.holds) }}
}

// leads says whether a reference leads to a resource of a type for which holds does, on its own or in the same document.
func leads(p *r4.SearchParam, to fhir.Type, at place, holds func(place) bool) bool {
	for _, item := range values(p, at) {
		id, inside := strings.CutPrefix(item.Value.Get("reference").Text(), "#")
		if !inside {
			continue
		}
		if in, ok := at.inside(id); ok && in.key.Type == to && holds(in) {
			return true
		}
	}
	return slices.ContainsFunc(targets(p, at), func(k fhir.Key) bool {
		doc, ok := at.w.Document(k)
		return ok && k.Type == to && holds(place{k, doc, at.w, doc})
	})
}

func (g *Generator) has(t fhir.Type, depth int) node {
	type source struct {
		of fhir.Type
		l  link
	}
	var sources []source
	for _, of := range Types {
		for _, l := range links[of] {
			if l.to == t {
				sources = append(sources, source{of, l})
			}
		}
	}
	if len(sources) == 0 {
		return g.plain(t)
	}
	s := pick(g.r, sources)
	inner := g.condition(s.of, depth-1)
	p := r4.Param(s.of, s.l.param)
	return node{fmt.Sprintf("_has:%s:%s:%s", s.of, s.l.param, inner.key), inner.value, func(at place) bool {
		return pointedAt(p, s.of, at, inner.holds)
	}}
}

// pointedAt says whether a resource of a type points here and holds does for it.
func pointedAt(p *r4.SearchParam, of fhir.Type, at place, holds func(place) bool) bool {
	for k, doc := range at.w.Documents(of) {
		from := place{k, doc, at.w, doc}
		if slices.Contains(targets(p, from), at.key) && holds(from) {
			return true
		}
	}
	return false
}

func (g *Generator) list(fhir.Type) node {
	id := g.keyOf("List").ID
	p := r4.Param("List", "item")
	return node{"_list", string(id), func(at place) bool {
		return pointedAt(p, "List", at, func(l place) bool { return l.key.ID == id })
	}}
}

func (g *Generator) words() node {
	one, two := pick(g.r, words), pick(g.r, words)
	has := func(at place, w string) bool {
		return slices.Contains(strings.Fields(fold(narrative(at.doc))), fold(w))
	}
	if g.chance(50) {
		return g.content()
	}
	if g.chance(50) {
		return node{"_text", one + " " + two, func(at place) bool { return has(at, one) && has(at, two) }}
	}
	return node{"_text", one + "," + two, func(at place) bool { return has(at, one) || has(at, two) }}
}

// narrative gives the text of a document's narrative, as these are made.
func narrative(doc resource.Value) string {
	div := doc.Get("text").Get("div").Text()
	if _, after, ok := strings.Cut(div, `title="a>b">`); ok {
		div = strings.NewReplacer("<b>", " ", "</b>", " ", "</div>", " ", "&amp;", " ").Replace(after)
	}
	return div
}

// content asks for a word anywhere in a document.
func (g *Generator) content() node {
	word := pick(g.r, strings.Fields(pick(g.r, slices.Concat(words, families, givens, displays, places, statuses, units[:3]))))
	word = strings.Trim(word, ",()")
	whole := strings.Fields(fold(word))
	prefix := g.chance(30)
	value := escape(word)
	if prefix {
		value += "*"
	}
	return node{"_content", value, func(at place) bool {
		have := strings.Fields(fold(strings.Join(texts(at.doc), " ")))
		for i, w := range whole {
			if !slices.ContainsFunc(have, func(h string) bool {
				return h == w || prefix && i == len(whole)-1 && strings.HasPrefix(h, w)
			}) {
				return false
			}
		}
		return true
	}}
}

// texts gives all texts of a document: no references, no addresses.
func texts(v resource.Value) (list []string) {
	switch v.Name() {
	case "resourceType", "id", "reference", "system", "url":
		if v.Kind() == resource.String {
			return nil
		}
	case "div":
		return []string{strings.NewReplacer("<b>", " ", "</b>", " ", "</div>", " ", "&amp;", " ").Replace(v.Text()[strings.Index(v.Text(), `>b">`)+4:])}
	}
	if v.Kind() == resource.String {
		return []string{v.Text()}
	}
	for c := v.First(); c.Kind() != resource.None; c = c.Next() {
		list = append(list, texts(c)...)
	}
	return list
}

// expression is an expression of _filter.
type expression struct {
	text  string
	holds func(place) bool
}

func (g *Generator) filter(t fhir.Type, depth int) expression {
	if depth == 0 || g.chance(40) {
		return g.test(t, 2)
	}
	a, b := g.filter(t, depth-1), g.filter(t, depth-1)
	switch g.r.IntN(3) {
	case 0:
		return expression{"(" + a.text + ") and (" + b.text + ")", func(at place) bool { return a.holds(at) && b.holds(at) }}
	case 1:
		return expression{"(" + a.text + ") or (" + b.text + ")", func(at place) bool { return a.holds(at) || b.holds(at) }}
	}
	return expression{"not (" + a.text + ")", func(at place) bool { return !a.holds(at) }}
}

// test makes a test of _filter, over at most depth references.
func (g *Generator) test(t fhir.Type, depth int) expression {
	if depth > 0 && len(links[t]) > 0 && g.chance(30) {
		l := pick(g.r, links[t])
		inner, p := g.test(l.to, depth-1), r4.Param(t, l.param)
		name := l.param + ":" + string(l.to)
		if !g.chance(30) {
			return expression{name + "." + inner.text, func(at place) bool { return leads(p, l.to, at, inner.holds) }}
		}
		also := g.test(l.to, 0)
		return expression{name + "[" + also.text + "]." + inner.text, func(at place) bool {
			return leads(p, l.to, at, func(to place) bool { return also.holds(to) && inner.holds(to) })
		}}
	}
	p := r4.Param(t, pick(g.r, searchable[t]))
	if p.Code == "near" { // which _filter has no operator for
		p = r4.Param(t, "name")
	}
	w := g.want(t, p)
	quoted := text(w.raw)
	if p.Type == r4.ParamString { // here the whole string counts, not how it begins
		whole := fold(w.raw)
		w.equal = func(at place) bool { return w.anyString(at, true, func(s string) bool { return s == whole }) }
	}
	switch op := g.r.IntN(10); {
	case op == 0:
		return expression{p.Code + " pr true", func(at place) bool { return present(p, at) }}
	case op == 1:
		return expression{p.Code + " ne " + quoted, func(at place) bool { return !w.equal(at) }}
	case op < 4 && p.Type == r4.ParamString:
		part := fold(w.raw)
		return expression{p.Code + " co " + quoted, func(at place) bool {
			return w.anyString(at, true, func(s string) bool { return strings.Contains(s, part) })
		}}
	case op < 6 && p.Type == r4.ParamString:
		end := fold(w.raw)
		return expression{p.Code + " ew " + quoted, func(at place) bool {
			return w.anyString(at, false, func(s string) bool { return strings.HasSuffix(s, end) })
		}}
	case op < 6 && p.Type == r4.ParamDate:
		want, _ := stretchOf(w.raw)
		return expression{p.Code + " po " + quoted, func(at place) bool { return w.meets(at, "po", want) }}
	case op < 6 && w.ordered != nil:
		prefix := pick(g.r, prefixes[3:]) // ne is what eq is not
		return expression{p.Code + " " + prefix + " " + quoted, func(at place) bool { return w.ordered(at, prefix) }}
	}
	return expression{p.Code + " eq " + quoted, w.equal}
}
