package searchtest

import (
	"iter"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// World is the documents that a search is answered from.
type World interface {
	// Document gives the current document of a key; ok is false if there is none.
	Document(key fhir.Key) (doc resource.Value, ok bool)
	// Documents yields all current documents of a type.
	Documents(t fhir.Type) iter.Seq2[fhir.Key, resource.Value]
}

// place is a resource that a condition is asked of.
type place struct {
	key    fhir.Key
	doc    resource.Value
	w      World
	around resource.Value // of a contained resource: the document that it is in; else doc
}

// inside gives the first contained resource with an id, of which nothing knows where it is but the document around it.
func (at place) inside(id string) (place, bool) {
	for doc := range at.around.Get("contained").Elements() {
		if have, _ := doc.ID(); have == id {
			return place{fhir.Key{Type: doc.ResourceType()}, doc, at.w, at.around}, true
		}
	}
	return place{}, false
}

// values gives what a parameter finds in a document.
func values(p *r4.SearchParam, at place) []fhirpath.Item {
	return expressionOf(p).Append(nil, fhirpath.ResourceItem(at.around), fhirpath.ResourceItem(at.doc))
}

// present says whether a document has the element of a parameter; of the composite, all its parts.
func present(p *r4.SearchParam, at place) bool {
	if p.Type != r4.ParamComposite {
		return len(values(p, at)) > 0
	}
	doc := at.doc
	return doc.Get("valueQuantity").Kind() != resource.None && doc.Get("code").Get("coding").Kind() != resource.None
}

// expressions are those of parameters, parsed.
var expressions sync.Map // of *r4.SearchParam to *fhirpath.Expr

func expressionOf(p *r4.SearchParam) *fhirpath.Expr {
	if e, ok := expressions.Load(p); ok {
		return e.(*fhirpath.Expr)
	}
	e, err := fhirpath.Parse(p.Expression)
	if err != nil {
		panic(err)
	}
	expressions.Store(p, e)
	return e
}

// token is a code with its system; plain if it has none by its type, implied if by its definition.
type token struct{ system, code string }

// implied are the systems of code elements, by parameter.
var implied = map[string]string{
	"Patient.gender": "http://hl7.org/fhir/administrative-gender", "Observation.status": "http://hl7.org/fhir/observation-status",
	"Encounter.status": "http://hl7.org/fhir/encounter-status", "ValueSet.status": "http://hl7.org/fhir/publication-status",
}

func tokens(item fhirpath.Item) (out []token) {
	add := func(v resource.Value, code string) {
		if s := v.Get(code).Text(); s != "" {
			out = append(out, token{v.Get("system").Text(), s})
		}
	}
	switch item.TypeName() {
	case "CodeableConcept":
		for c := range item.Value.Get("coding").Elements() {
			add(c, "code")
		}
	case "Coding":
		add(item.Value, "code")
	case "Identifier":
		add(item.Value, "value")
	default:
		if item.Text() != "" {
			out = append(out, token{code: item.Text()})
		}
	}
	return out
}

// labels gives the texts that go with the tokens of an item.
func labels(item fhirpath.Item) (out []string) {
	of := item.Value
	switch item.TypeName() {
	case "Coding":
		return []string{of.Get("display").Text()}
	case "Identifier":
		return []string{of.Get("type").Get("text").Text()}
	}
	for c := range of.Get("coding").Elements() {
		out = append(out, c.Get("display").Text())
	}
	return append(out, of.Get("text").Text())
}

// stringsOf gives the strings of an item, and the whole names begun at each word.
func stringsOf(item fhirpath.Item) (parts, names []string) {
	if item.Value.Kind() == resource.String {
		return []string{item.Text()}, nil
	}
	var whole []string
	for _, name := range []string{"text", "family", "given"} {
		for one := range item.Value.Get(name).Elements() {
			parts = append(parts, one.Text())
			if name != "text" {
				whole = append(whole, one.Text())
			}
		}
	}
	for _, name := range []string{item.Value.Get("text").Text(), strings.Join(whole, " ")} {
		list := strings.Fields(fold(name))
		for i := range list {
			names = append(names, strings.Join(slices.Concat(list[i:], list[:i]), " "))
		}
	}
	return parts, names
}

// fold is what strings are compared by, written with the simplest tools.
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r), strings.ContainsRune("'.`’", r):
			return -1
		case unicode.IsPunct(r):
			return ' '
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(s))
	s = strings.NewReplacer("đ", "d", "ß", "ss", "æ", "ae", "ø", "o").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}

// beginWords says whether each word of want begins a word of have.
func beginWords(want, have string) bool {
	list := strings.Fields(have)
	for _, w := range strings.Fields(want) {
		if !slices.ContainsFunc(list, func(h string) bool { return strings.HasPrefix(h, w) }) {
			return false
		}
	}
	return true
}

// stretch is a time from first up to, not including, after.
type stretch struct{ first, after time.Time }

var (
	longAgo = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	never   = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	zone    = time.FixedZone("", 7*3600)
)

func stretchOf(s string) (stretch, bool) {
	var layout string
	after := func(t time.Time) time.Time { return t.Add(time.Second) }
	switch len(s) {
	case 4:
		layout, after = "2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }
	case 7:
		layout, after = "2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }
	case 10:
		layout, after = "2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }
	case 20, 25:
		layout = time.RFC3339
	default:
		layout, after = time.RFC3339Nano, func(t time.Time) time.Time { return t.Add(100 * time.Millisecond) }
	}
	t, err := time.ParseInLocation(layout, s, zone)
	return stretch{t, after(t)}, err == nil
}

func stretchOfItem(item fhirpath.Item) (stretch, bool) {
	if item.TypeName() != "Period" {
		return stretchOf(item.Text())
	}
	out := stretch{longAgo, never}
	start, hasStart := stretchOf(item.Value.Get("start").Text())
	end, hasEnd := stretchOf(item.Value.Get("end").Text())
	if hasStart {
		out.first = start.first
	}
	if hasEnd {
		out.after = end.after
	}
	return out, hasStart || hasEnd
}

func (have stretch) meets(prefix string, want stretch) bool {
	switch prefix {
	case "", "eq":
		return !have.first.Before(want.first) && !have.after.After(want.after)
	case "ne":
		return have.first.Before(want.first) || have.after.After(want.after)
	case "gt":
		return have.after.After(want.after)
	case "ge":
		return have.after.After(want.first)
	case "lt":
		return have.first.Before(want.first)
	case "le":
		return have.first.Before(want.after)
	case "sa":
		return !have.first.Before(want.after)
	case "eb":
		return !have.after.After(want.first)
	case "po":
		return have.first.Before(want.after) && have.after.After(want.first)
	}
	panic(prefix)
}

// scales of the units in the vocabulary: to mg and to Pa.
var scales = map[string]struct {
	of string
	by *big.Rat
}{
	"mg": {"mass", big.NewRat(1, 1)}, "g": {"mass", big.NewRat(1000, 1)}, "ug": {"mass", big.NewRat(1, 1000)},
	"kPa": {"pressure", big.NewRat(1000, 1)}, "mm[Hg]": {"pressure", big.NewRat(133322, 1000)},
}

func rat(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		panic(s)
	}
	return r
}

// amount is a range of numbers: one, or all beyond it.
type amount struct {
	at          *big.Rat
	below, with bool // all below (else above); at itself is one of them
	open        bool // there is a below or above
}

// meets says whether an amount meets a prefix and a number of which half is half a unit of the last digit.
func (a amount) meets(prefix string, x, half *big.Rat) bool {
	c := a.at.Cmp(x)
	low, high := new(big.Rat).Sub(x, half), new(big.Rat).Add(x, half)
	within := !a.open && a.at.Cmp(low) >= 0 && a.at.Cmp(high) < 0
	reachesAbove := a.open && !a.below || c > 0 // some of it is greater than x
	reachesBelow := a.open && a.below || c < 0
	hasX := a.open && (a.below && c > 0 || !a.below && c < 0 || a.with && c == 0) || !a.open && c == 0
	switch prefix {
	case "", "eq":
		return within
	case "ne":
		return !within
	case "gt":
		return reachesAbove
	case "ge":
		return reachesAbove || hasX
	case "lt":
		return reachesBelow
	case "le":
		return reachesBelow || hasX
	case "sa":
		return reachesAbove && !reachesBelow && !hasX
	case "eb":
		return reachesBelow && !reachesAbove && !hasX
	}
	panic(prefix)
}

// amountOf reads a Quantity as an amount in the unit that system and code name; ok is false if it is of another.
func amountOf(v resource.Value, system, code string) (a amount, ok bool) {
	a.at = rat(v.Get("value").Text())
	c := v.Get("comparator").Text()
	a.open, a.below, a.with = c != "", strings.HasPrefix(c, "<"), strings.HasSuffix(c, "=")
	has, of := v.Get("code").Text(), v.Get("system").Text()
	from, known := scales[has]
	to, wanted := scales[code]
	switch {
	case code == "":
		return a, true
	case system == systemUCUM && wanted:
		if of != systemUCUM || !known || from.of != to.of {
			return a, false
		}
		a.at.Mul(a.at, from.by).Quo(a.at, to.by)
		return a, true
	case system != "":
		return a, has == code && of == system
	}
	return a, has == code || v.Get("unit").Text() == code
}
