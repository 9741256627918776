package searchtest

import (
	"math/big"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
)

// searchable are the parameters that queries use.
var searchable = map[fhir.Type][]string{
	"Patient":      {"gender", "active", "identifier", "name", "family", "given", "birthdate", "organization", "_tag", "_profile"},
	"Observation":  {"code", "status", "subject", "patient", "encounter", "date", "value-quantity", "value-concept", "combo-code", "has-member", "code-value-quantity", "_tag"},
	"Encounter":    {"status", "class", "subject", "date", "service-provider"},
	"Organization": {"name", "partof", "identifier", "active"},
	"ValueSet":     {"url", "status", "_profile"},
	"List":         {"item", "status"},
	"Location":     {"near", "near", "name"},
}

var prefixes = []string{"", "eq", "ne", "gt", "ge", "lt", "le", "sa", "eb"}

var escape = strings.NewReplacer(`\`, `\\`, ",", `\,`, "|", `\|`, "$", `\$`).Replace

// want is a value that is asked for, and what it means.
type want struct {
	p       *r4.SearchParam
	raw     string // as _filter has it
	written string // as a parameter has it
	equal   func(place) bool
	ordered func(at place, prefix string) bool // nil if the type has no prefixes
}

// plain makes a parameter with its values, perhaps with a modifier.
func (g *Generator) plain(t fhir.Type) node {
	if g.chance(6) {
		a, b := g.keyOf(t).ID, g.keyOf(t).ID
		if g.chance(30) {
			return node{"_id:not", string(a), func(at place) bool { return at.key.ID != a }}
		}
		return node{"_id", string(a + "," + b), func(at place) bool { return at.key.ID == a || at.key.ID == b }}
	}
	p := r4.Param(t, pick(g.r, searchable[t]))
	if g.chance(10) {
		is := g.chance(50)
		value := map[bool]string{true: "true", false: "false"}[is]
		return node{p.Code + ":missing", value, func(at place) bool { return is != present(p, at) }}
	}
	if p.Code == "near" {
		return g.near(p)
	}
	if g.chance(35) {
		if n, ok := g.modified(t, p); ok {
			return n
		}
	}
	a, b := g.want(t, p), g.want(t, p)
	n := node{key: p.Code, value: a.written, holds: a.equal}
	if a.ordered != nil && g.chance(70) {
		prefix := pick(g.r, prefixes)
		n.value, n.holds = prefix+a.written, func(at place) bool { return a.ordered(at, prefix) }
	}
	if g.chance(30) {
		first := n.holds
		n.value, n.holds = n.value+","+b.written, func(at place) bool { return first(at) || b.equal(at) }
	}
	return n
}

// modified makes a parameter with a modifier of its type.
func (g *Generator) modified(t fhir.Type, p *r4.SearchParam) (n node, ok bool) {
	w := g.want(t, p)
	any := func(ok func(fhirpath.Item) bool) func(place) bool {
		return func(at place) bool { return slices.ContainsFunc(values(p, at), ok) }
	}
	switch p.Type {
	case r4.ParamString:
		if g.chance(50) {
			part := fold(w.raw)
			return node{p.Code + ":contains", w.written, func(at place) bool {
				return w.anyString(at, true, func(s string) bool { return strings.Contains(s, part) })
			}}, true
		}
		return node{p.Code + ":exact", w.written, any(func(i fhirpath.Item) bool {
			parts, _ := stringsOf(i)
			return slices.Contains(parts, w.raw)
		})}, true
	case r4.ParamURI:
		s := strings.TrimSuffix(w.raw, "/")
		switch {
		case strings.HasPrefix(s, "urn:"):
			return n, false
		case g.chance(50):
			return node{p.Code + ":below", w.written, any(func(i fhirpath.Item) bool {
				return strings.HasPrefix(i.Text()+"/", s+"/")
			})}, true
		}
		return node{p.Code + ":above", w.written, any(func(i fhirpath.Item) bool {
			return strings.HasPrefix(s+"/", strings.TrimSuffix(i.Text(), "/")+"/")
		})}, true
	case r4.ParamReference:
		if g.chance(30) {
			id := token{pick(g.r, systems), pick(g.r, codes)}
			return node{p.Code + ":identifier", escape(id.system) + "|" + escape(id.code), any(func(i fhirpath.Item) bool {
				have := i.Value.Get("identifier")
				return have.Get("system").Text() == id.system && have.Get("value").Text() == id.code
			})}, true
		}
		for _, l := range links[t] {
			if l.param == p.Code {
				k := g.keyOf(l.to)
				return node{p.Code + ":" + string(k.Type), string(k.ID), func(at place) bool { return slices.Contains(targets(p, at), k) }}, true
			}
		}
	case r4.ParamToken:
		return g.modifiedToken(p, w)
	}
	return n, false
}

func (g *Generator) modifiedToken(p *r4.SearchParam, w want) (node, bool) {
	label := pick(g.r, []string{"huyet", "HUYẾT áp", "sys", "pressure blood", "glu", "mau", "x"})
	kind := token{pick(g.r, systems[:2]), pick(g.r, codes)}
	value := pick(g.r, codes)
	any := func(ok func(fhirpath.Item) bool) func(place) bool {
		return func(at place) bool { return slices.ContainsFunc(values(p, at), ok) }
	}
	switch {
	case g.chance(40):
		return node{p.Code + ":not", w.written, func(at place) bool { return !w.equal(at) }}, true
	case p.Code == "identifier" && g.chance(50):
		return node{p.Code + ":of-type", escape(kind.system) + "|" + escape(kind.code) + "|" + escape(value), any(func(i fhirpath.Item) bool {
			for c := range i.Value.Get("type").Get("coding").Elements() {
				if c.Get("system").Text() == kind.system && c.Get("code").Text() == kind.code && i.Value.Get("value").Text() == value {
					return true
				}
			}
			return false
		})}, true
	case p.Code == "class":
		code := pick(g.r, classes)
		return node{"class:below", systemAct + "|" + code, any(func(i fhirpath.Item) bool {
			have := i.Value.Get("code").Text()
			return have == code || code == "IMP" && have == "ACUTE"
		})}, true
	case p.Code == "gender":
		is := g.chance(50)
		name := map[bool]string{true: "gender:in", false: "gender:not-in"}[is]
		return node{name, "http://hl7.org/fhir/ValueSet/administrative-gender", func(at place) bool { return is == (len(values(p, at)) > 0) }}, true
	case slices.Contains([]string{"code", "value-concept", "combo-code", "identifier", "_tag"}, p.Code):
		return node{p.Code + pick(g.r, []string{":text", ":code-text"}), label, any(func(i fhirpath.Item) bool {
			return slices.ContainsFunc(labels(i), func(s string) bool { return beginWords(fold(label), fold(s)) })
		})}, true
	}
	return node{}, false
}

// anyString says whether some string of the parameter is accepted, folded; names: also whole names in any rotation.
func (w want) anyString(at place, names bool, ok func(string) bool) bool {
	for _, i := range values(w.p, at) {
		parts, whole := stringsOf(i)
		if names {
			parts = append(parts, whole...)
		}
		if slices.ContainsFunc(parts, func(s string) bool { return ok(fold(s)) }) {
			return true
		}
	}
	return false
}

func (w want) meets(at place, prefix string, x stretch) bool {
	return slices.ContainsFunc(values(w.p, at), func(i fhirpath.Item) bool {
		have, ok := stretchOfItem(i)
		return ok && have.meets(prefix, x)
	})
}

// want makes a value for a parameter. In _filter strings are equal as a whole; as a parameter they begin so.
func (g *Generator) want(t fhir.Type, p *r4.SearchParam) want {
	w := want{p: p}
	any := func(ok func(fhirpath.Item) bool) func(place) bool {
		return func(at place) bool { return slices.ContainsFunc(values(p, at), ok) }
	}
	switch p.Type {
	case r4.ParamString:
		g.wantString(&w)
	case r4.ParamURI:
		w.raw = pick(g.r, urls)
		w.equal = any(func(i fhirpath.Item) bool { return i.Text() == w.raw })
	case r4.ParamDate:
		w.raw = pick(g.r, dates)
		x, _ := stretchOf(w.raw)
		w.ordered = func(at place, prefix string) bool { return w.meets(at, prefix, x) }
		w.equal = func(at place) bool { return w.meets(at, "eq", x) }
	case r4.ParamReference:
		g.wantReference(&w, t)
	case r4.ParamQuantity:
		number, system, code := g.number()
		w.raw, w.written = number+unit(system, code), number+unit(escape(system), escape(code))
		w.ordered = func(at place, prefix string) bool {
			return slices.ContainsFunc(values(p, at), func(i fhirpath.Item) bool {
				a, ok := amountOf(i.Value, system, code)
				return ok && a.meets(prefix, rat(number), half(number))
			})
		}
		w.equal = func(at place) bool { return w.ordered(at, "eq") }
		return w
	case r4.ParamComposite:
		g.wantComposite(&w)
		return w
	default:
		g.wantToken(&w, t)
		return w
	}
	w.written = escape(w.raw)
	return w
}

func (g *Generator) number() (number, system, code string) {
	number = pick(g.r, numbers)
	if g.chance(60) {
		code = pick(g.r, units[:6])
		system = pick(g.r, []string{systemUCUM, systemUCUM, "http://else", ""})
	}
	return number, system, code
}

func unit(system, code string) string {
	if code == "" {
		return ""
	}
	return "|" + system + "|" + code
}

// half is half a unit of the last digit of a literal.
func half(number string) *big.Rat {
	_, fraction, _ := strings.Cut(number, ".")
	return new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Mul(big.NewInt(2), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(fraction))), nil)))
}

func (g *Generator) wantString(w *want) {
	w.raw = pick(g.r, slices.Concat(families, givens, places))
	if g.chance(40) {
		w.raw = pick(g.r, givens) + " " + pick(g.r, families)
	}
	if runes := []rune(w.raw); g.chance(40) && len(runes) > 2 {
		w.raw = strings.TrimSpace(string(runes[:2+g.r.IntN(len(runes)-2)]))
	}
	sought := fold(w.raw)
	w.equal = func(at place) bool {
		for _, i := range values(w.p, at) {
			parts, names := stringsOf(i)
			if slices.ContainsFunc(parts, func(s string) bool { return strings.HasPrefix(fold(s), sought) }) ||
				slices.ContainsFunc(names, func(s string) bool { return beginWords(sought, s) }) {
				return true
			}
		}
		return false
	}
}

func (g *Generator) wantReference(w *want, t fhir.Type) {
	to := pick(g.r, Types)
	for _, l := range links[t] {
		if l.param == w.p.Code {
			to = l.to
		}
	}
	k := g.keyOf(to)
	w.raw = k.String()
	switch g.r.IntN(4) {
	case 0:
		w.raw = "http://else/fhir/" + w.raw
		w.equal = func(at place) bool {
			return slices.ContainsFunc(values(w.p, at), func(i fhirpath.Item) bool { return i.Value.Get("reference").Text() == w.raw })
		}
		return
	case 1:
		if w.p.Targets != nil {
			w.raw = string(k.ID)
		}
	}
	w.equal = func(at place) bool { return slices.Contains(targets(w.p, at), k) }
}

func (g *Generator) wantToken(w *want, t fhir.Type) {
	of := implied[string(t)+"."+w.p.Code]
	var ask token
	bar := false
	switch {
	case w.p.Code == "active":
		ask.code = g.boolean()
	case of != "":
		ask = token{of, pick(g.r, slices.Concat(genders, statuses, stages, []string{"active"}))}
		bar = g.chance(40)
		if bar && g.chance(30) {
			ask.system = pick(g.r, []string{"", "http://s/a"})
		}
	case w.p.Code == "class":
		ask, bar = token{systemAct, pick(g.r, classes)}, g.chance(50)
	case w.p.Code == "status": // of List
		ask = token{"", "current"}
	default:
		ask, bar = token{pick(g.r, systems), pick(g.r, codes)}, g.chance(60)
		if bar && ask.system != "" && g.chance(20) {
			ask.code = ""
		}
	}
	w.written = escape(ask.code)
	if bar {
		w.written = escape(ask.system) + "|" + w.written
	}
	w.raw = strings.NewReplacer(`\,`, ",", `\$`, "$").Replace(w.written) // _filter knows no lists; "|" is still escaped
	w.raw = strings.ReplaceAll(w.raw, `\\`, `\`)
	w.equal = func(at place) bool {
		for _, i := range values(w.p, at) {
			for _, have := range tokens(i) {
				switch {
				case ask.code != "" && have.code != ask.code:
				case !bar:
					return true
				case i.TypeName() == "code":
					if ask.system == "" || ask.system == of {
						return true
					}
				case have.system == ask.system:
					return true
				}
			}
		}
		return false
	}
}

func (g *Generator) wantComposite(w *want) {
	code := pick(g.r, codes[:4]) // _filter cannot tell a "$" of a code from one between parts
	number, system, unitCode := g.number()
	prefix := pick(g.r, prefixes)
	w.written = escape(code) + "$" + prefix + number + unit(escape(system), escape(unitCode))
	w.raw = strings.ReplaceAll(w.written, `\,`, ",")
	w.raw = strings.ReplaceAll(w.raw, `\\`, `\`)
	w.equal = func(at place) bool {
		value := at.doc.Get("valueQuantity")
		if value.Get("value").Text() == "" {
			return false
		}
		a, ok := amountOf(value, system, unitCode)
		if !ok || !a.meets(prefix, rat(number), half(number)) {
			return false
		}
		for c := range at.doc.Get("code").Get("coding").Elements() {
			if c.Get("code").Text() == code {
				return true
			}
		}
		return false
	}
}
