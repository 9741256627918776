package access

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// mask hides elements of some types, and extensions of any, from a role, wherever they would show: in the resources themselves
// and as contained ones, in narratives and in displays of references; of numbers the end may stay. It is a store.Hider.
type mask struct {
	elements map[fhir.Type]map[string]bool
	last     map[fhir.Type]map[string]int          // of an element, how many characters at the end stay
	params   map[fhir.Type]map[search.ParamID]bool // by which nothing may be searched
	text     map[search.ParamID]bool               // the same of all types
	fields   maskFields
}

func newMask(in map[string][]string) (*mask, error) {
	if len(in) == 0 {
		return nil, nil
	}
	m := &mask{elements: map[fhir.Type]map[string]bool{}, last: map[fhir.Type]map[string]int{}, params: map[fhir.Type]map[search.ParamID]bool{}, text: map[search.ParamID]bool{}}
	var err error
	if m.fields, err = newMaskFields(in[maskedExtension]); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if name == maskedExtension {
			continue
		}
		t := fhir.Type(name)
		if !r4.IsResource(t) {
			return nil, fmt.Errorf("%s: there is no such type", name)
		}
		m.elements[t], m.last[t] = map[string]bool{}, map[string]int{}
		for _, e := range in[name] {
			e, last, err := parseMasked(e)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			known := false
			for _, el := range r4.Resource(t).Elements {
				if el.Name == e || el.Base == e {
					if known, m.elements[t][el.Name] = true, true; last > 0 {
						if el.TypeName != "Identifier" && el.TypeName != "string" {
							return nil, fmt.Errorf("%s: of %s, which is no identifier and no string, no last characters can stay", name, e)
						}
						m.last[t][el.Name] = last
					}
				}
			}
			if !known || e == "id" || e == "meta" {
				return nil, fmt.Errorf("%s: %q is no element of it that can be hidden", name, e)
			}
		}
		m.params[t] = m.telling(t)
	}
	for _, code := range []string{"_text", "_content"} {
		if p := r4.Param("Patient", code); p != nil {
			m.text[search.ParamID(p.ID)] = true
		}
	}
	return m, nil
}

// parseMasked reads an element of a mask: name, or "name last n", of which the last n characters stay.
func parseMasked(text string) (element string, last int, err error) {
	element, number, some := strings.Cut(text, " last ")
	if !some {
		return element, 0, nil
	}
	if last, err = strconv.Atoi(number); err != nil || last < 1 || last > lastMost {
		return "", 0, fmt.Errorf("%q: an element, the word last and a number from 1 to %d", text, lastMost)
	}
	return element, last, nil
}

// lastMost is how many characters a mask may leave: of a card of 15 the smaller part.
const lastMost = 6

// ending gives what a mask leaves of a value, "" if that would be half of it or more.
func ending(value string, last int) string {
	all := []rune(value)
	if len(all) <= 2*last {
		return ""
	}
	return strings.Repeat("*", len(all)-last) + string(all[len(all)-last:])
}

// telling gives the search parameters of R4 that look at what is hidden of a type.
func (m *mask) telling(t fhir.Type) map[search.ParamID]bool {
	out := map[search.ParamID]bool{}
	for _, p := range r4.Params(t) {
		if p.Expression == "" {
			continue
		}
		e, err := fhirpath.Parse(p.Expression)
		if err != nil {
			out[search.ParamID(p.ID)] = true
			continue
		}
		paths, err := e.Paths(r4.Resource(t))
		hidden := err != nil
		for _, path := range paths {
			if len(path.Steps) == 0 { // computed: any name in it counts
				for name := range m.elements[t] {
					hidden = hidden || strings.Contains(p.Expression, name)
				}
				continue
			}
			for _, property := range path.Steps[0].Properties {
				hidden = hidden || m.elements[t][property.Name]
			}
		}
		if hidden {
			out[search.ParamID(p.ID)] = true
		}
	}
	return out
}

// Searches implements store.Hider. What is not of R4 looks at nobody knows what.
func (m *mask) Searches(q search.Query) error {
	for _, s := range q.Sort {
		if !s.ByID && (m.tells(q.Type, s.Param) || m.words(q.Type, s.Param)) {
			return maskedSearch(q.Type)
		}
	}
	for _, i := range q.Include {
		if m.tells(i.Source, i.Param) {
			return maskedSearch(i.Source)
		}
	}
	return m.conditions(q.Type, q.Where)
}

func (m *mask) conditions(t fhir.Type, list []search.Condition) error {
	for _, c := range list {
		if err := m.condition(t, c); err != nil {
			return err
		}
	}
	return nil
}

func (m *mask) condition(t fhir.Type, c search.Condition) error {
	switch c := c.(type) {
	case search.Terms:
		for _, term := range c.Any {
			if m.tells(t, term.Param) || m.reads(t, term) {
				return maskedSearch(t)
			}
		}
	case search.Not:
		return m.condition(t, c.Condition)
	case search.All:
		return m.conditions(t, c.Of)
	case search.Either:
		return m.conditions(t, c.Of)
	case search.Chain:
		if m.tells(t, c.Param) {
			return maskedSearch(t)
		}
		for _, q := range c.Targets {
			if err := m.Searches(q); err != nil {
				return err
			}
		}
	case search.Has:
		if m.tells(c.Source.Type, c.Param) {
			return maskedSearch(c.Source.Type)
		}
		return m.Searches(c.Source)
	}
	return nil
}

// tells says whether a parameter of a type looks at what is hidden. References carry identifiers of their own beside them
// (ParamAside): those are hidden wherever identifiers of some type are.
func (m *mask) tells(t fhir.Type, p search.ParamID) bool {
	base := p &^ (search.ParamDetail | search.ParamAside | search.ParamTyped)
	if p&search.ParamWords == search.ParamWords {
		return true
	}
	if m.text[base] || m.params[t][base] || base >= r4.FirstCustom && (m.elements[t] != nil || len(m.fields) > 0) {
		return true // a parameter of one's own may look at an extension of any type
	}
	if p&search.ParamAside == 0 {
		return false
	}
	if base >= r4.FirstCustom {
		return m.hides("identifier")
	}
	param := r4.ParamByID(uint16(base))
	return param != nil && param.Type == r4.ParamReference && m.hides("identifier")
}

// reads says whether a term looks at the words of a record, which may name somebody; not one that asks whether there are any.
func (m *mask) reads(t fhir.Type, term search.Term) bool {
	return m.words(t, term.Param) && (term.Low != nil || term.Accept != nil) ||
		term.Param&search.ParamAside != 0 && search.IsTokenText(term.Low) && m.records(t)
}

// words says whether a parameter's values are words of records.
func (m *mask) words(t fhir.Type, p search.ParamID) bool {
	if !m.records(t) {
		return false
	}
	param := r4.ParamByID(uint16(p &^ (search.ParamDetail | search.ParamAside | search.ParamTyped)))
	return param != nil && (param.Type == r4.ParamString || slices.ContainsFunc(param.Components, func(c r4.Component) bool { return c.Param.Type == r4.ParamString }))
}

// records says whether a type has records of persons whose names are hidden.
func (m *mask) records(t fhir.Type) bool {
	return m.hides("name") && len(r4.CompartmentParams("Patient", t)) > 0
}

// hides says whether an element of this name is hidden of some type.
func (m *mask) hides(element string) bool {
	for _, names := range m.elements {
		if names[element] {
			return true
		}
	}
	return false
}

func maskedSearch(t fhir.Type) error { return fhir.Errorf(fhir.Denied, "mask-search", "", string(t)) }

// redaction says in the meta of a resource that something was left out, so that nobody writes it back.
const (
	redacted  = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"REDACTED"}`
	subsetted = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`
)

// absent stands where nothing may be missing.
const absent = `{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}`

// valuesOf are the values of extensions that are what persons are told by, and the element which hides them: nobody knows
// whose they are.
var valuesOf = map[string]string{
	"valueHumanName": "name", "valueAddress": "address", "valueContactPoint": "telecom", "valueContactDetail": "telecom",
	"valueIdentifier": "identifier", "valueAttachment": "photo",
}

// Hiding implements store.Hider. A document that cannot be read is not shown at all.
func (m *mask) Hiding(ctx context.Context, s store.Store) func(store.Found) (store.Found, error) {
	known := persons{mask: m, ctx: store.Ourselves(ctx), store: s, known: map[fhir.Key][]*told{}}
	return func(f store.Found) (store.Found, error) {
		if len(f.Stored.Body) == 0 {
			return f, nil
		}
		shown := f
		shown.Stored = resource.Stored{}
		doc, err := resource.New(f.Stored.Body)
		if err != nil {
			return shown, nil
		}
		w := redactor{mask: m, cited: shownAsDocument[f.Key.Type]}
		if w.told, err = known.of(f, doc.Root()); err != nil {
			return shown, err
		}
		w.resource(doc.Root(), true)
		if !w.left {
			return f, nil
		}
		if doc, err = resource.New(w.out); err == nil {
			shown.Stored = doc.Root().Store(f.Key.ID)
		}
		return shown, nil
	}
}

// redactor writes a document without what is hidden.
type redactor struct {
	mask  *mask
	told  []*told // of whom its words may tell
	cited bool    // it is a document that claims cite as such
	out   []byte
	left  bool // something was left out
}

func (w *redactor) member(name string, first *bool) {
	if !*first {
		w.out = append(w.out, ',')
	}
	*first = false
	w.out, _ = jsontext.AppendQuote(w.out, name)
	w.out = append(w.out, ':')
}

// resource writes a resource. The root gets its labels where its meta is or, without one, right behind the id; labels
// that turn out not to be needed are thrown away with the rest.
func (w *redactor) resource(v resource.Value, root bool) {
	hidden := w.mask.elements[v.ResourceType()]
	labelled := v.Get("meta").Kind() == resource.Object || !root
	first := true
	w.out = append(w.out, '{')
	for m := v.First(); m.Kind() != resource.None; m = m.Next() {
		name := m.Name()
		if plain := strings.TrimPrefix(name, "_"); plain == "text" || hidden[plain] {
			w.left = true
			if last := w.mask.last[v.ResourceType()][name]; last > 0 {
				w.ending(name, m, last, &first)
			}
			continue
		}
		w.member(name, &first)
		if name == "meta" && root && m.Kind() == resource.Object {
			w.meta(m)
			continue
		}
		w.value(m)
		if name == "id" && !labelled {
			w.member("meta", &first)
			w.out = append(w.out, `{"security":[`+redacted+`],"tag":[`+subsetted+`]}`...)
		}
	}
	w.out = append(w.out, '}')
}

// ending writes what is left of a string, or of each Identifier its system, type and the end of its value.
func (w *redactor) ending(name string, v resource.Value, last int, first *bool) {
	if v.Kind() == resource.String {
		if left := ending(v.Text(), last); left != "" {
			w.member(name, first)
			w.out, _ = jsontext.AppendQuote(w.out, left)
		}
		return
	}
	identifiers := []resource.Value{v}
	if v.Kind() == resource.Array {
		identifiers = slices.Collect(v.Elements())
	}
	none := true
	for _, id := range identifiers {
		left := ending(id.Get("value").Text(), last)
		if left == "" {
			continue
		}
		if none {
			if w.member(name, first); v.Kind() == resource.Array {
				w.out = append(w.out, '[')
			}
		} else {
			w.out = append(w.out, ',')
		}
		none = false
		w.out = append(w.out, '{')
		start := true
		for _, member := range []string{"use", "system"} {
			if m := id.Get(member); m.Kind() == resource.String {
				w.member(member, &start)
				w.value(m)
			}
		}
		w.member("value", &start)
		w.out, _ = jsontext.AppendQuote(w.out, left)
		w.out = append(w.out, '}')
	}
	if !none && v.Kind() == resource.Array {
		w.out = append(w.out, ']')
	}
}

func (w *redactor) meta(v resource.Value) {
	labels := map[string]string{"security": redacted, "tag": subsetted}
	first := true
	w.out = append(w.out, '{')
	for m := v.First(); m.Kind() != resource.None; m = m.Next() {
		w.member(m.Name(), &first)
		label := labels[m.Name()]
		if label == "" || m.Kind() != resource.Array || m.Len() == 0 {
			w.value(m)
			continue
		}
		w.value(m)
		w.out = append(append(w.out[:len(w.out)-1], ','), label+"]"...)
		delete(labels, m.Name())
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		w.member(name, &first)
		w.out = append(w.out, "["+labels[name]+"]"...)
	}
	w.out = append(w.out, '}')
}

func (w *redactor) value(v resource.Value) {
	switch v.Kind() {
	case resource.Array:
		w.out = append(w.out, '[')
		first := true
		for e := v.First(); e.Kind() != resource.None; e = e.Next() {
			if !first {
				w.out = append(w.out, ',')
			}
			first = false
			w.value(e)
		}
		w.out = append(w.out, ']')
	case resource.Object:
		if r4.IsResource(v.ResourceType()) { // contained, or an entry of a stored Bundle
			w.resource(v, false)
			return
		}
		w.object(v)
	case resource.String:
		w.text(v)
	default:
		w.out = append(w.out, v.Raw()...)
	}
}

// object writes an element; of one that may be a reference to a resource of which something is hidden, without display and
// identifier.
func (w *redactor) object(v resource.Value) {
	if last, hidden := w.mask.fields.of(v); hidden {
		w.field(v, last)
		return
	}
	if isAttachment(v) && w.attachment(v) {
		return
	}
	display, identifier := w.refersToHidden(v)
	extension := v.Get("url").Kind() == resource.String
	first := true
	w.out = append(w.out, '{')
	for m := v.First(); m.Kind() != resource.None; m = m.Next() {
		name := strings.TrimPrefix(m.Name(), "_")
		narrative := name == "text" && m.Get("div").Kind() != resource.None // such as that of a section of a Composition
		if narrative || display && name == "display" || identifier && name == "identifier" && w.mask.hides("identifier") {
			w.left = true
			continue
		}
		if element := valuesOf[name]; extension && element != "" && w.mask.hides(element) {
			w.left = true
			w.member("extension", &first) // beside its value an extension has none
			w.out = append(w.out, "["+absent+"]"...)
			continue
		}
		w.member(m.Name(), &first)
		w.value(m)
	}
	if first { // FHIR knows no empty elements
		w.out = append(w.out, `"extension":[`+absent+`]`...)
	}
	w.out = append(w.out, '}')
}

// refersToHidden says whether v may be a Reference whose display, or identifier, tells of what is hidden: one to a type of
// which something is, and one whose target is not known. A display may name the patient also where the target is about him.
// What has a code or a system is a Coding.
func (w *redactor) refersToHidden(v resource.Value) (display, identifier bool) {
	if v.Get("code").Kind() != resource.None || v.Get("system").Kind() != resource.None {
		return false, false
	}
	if v.Get("reference").Kind() == resource.None && v.Get("display").Kind() == resource.None {
		return false, false
	}
	t := fhir.ParseReference(v.Get("reference").Text()).Key.Type
	identifier = t == "" || w.mask.elements[t] != nil
	return identifier || w.mask.elements["Patient"] != nil && len(r4.CompartmentParams("Patient", t)) > 0, identifier
}
