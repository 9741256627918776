package rest

import (
	"cmp"
	"html"
	"html/template"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/wording"
)

// longestShown is how many bytes of a string a page shows; attachments are larger, and nobody reads them there.
const longestShown = 4000

// markup writes JSON as indented HTML in which references to this server are links. All text that comes from documents
// goes through html.EscapeString; a narrative is text as any other, its tags are shown and not followed.
//
// What a code is called stands behind it, as content of the style sheet: it is seen, and is not in what is marked and copied.
type markup struct {
	base string
	lang outcome.Language
	b    []byte
}

// markup gives v as the content of a pre element.
func (c *call) markup(v resource.Value) template.HTML {
	m := markup{base: c.base, lang: c.language()}
	m.value(v, 0)
	return template.HTML(m.b) // made of constants and of escaped text
}

func (m *markup) value(v resource.Value, depth int) {
	switch v.Kind() {
	case resource.Object, resource.Array:
		m.children(v, depth)
	case resource.String:
		m.text(v)
	default:
		m.b = append(m.b, "<u>"...)
		m.b = append(m.b, html.EscapeString(string(v.Raw()))...)
		m.b = append(m.b, "</u>"...)
	}
}

func (m *markup) children(v resource.Value, depth int) {
	open, end := byte('{'), byte('}')
	if v.Kind() == resource.Array {
		open, end = '[', ']'
	}
	m.b = append(m.b, open)
	first := true
	for c := v.First(); c.Kind() != resource.None; c = c.Next() {
		if !first {
			m.b = append(m.b, ',')
		}
		first = false
		m.line(depth + 1)
		if v.Kind() == resource.Object {
			m.b = append(m.b, "<i>"...)
			m.b = append(m.b, html.EscapeString(string(appendQuoted(nil, c.Name())))...)
			m.b = append(m.b, "</i>: "...)
		}
		m.value(c, depth+1)
	}
	if !first {
		m.line(depth)
	}
	m.b = append(m.b, end)
}

func (m *markup) line(depth int) {
	m.b = append(m.b, '\n')
	for range depth {
		m.b = append(m.b, "  "...)
	}
}

// text writes a string as it stands in the document, as a link if it leads to this server.
func (m *markup) text(v resource.Value) {
	raw := string(v.Raw())
	cut := ""
	if len(raw) > longestShown {
		n := longestShown
		for n > 0 && !utf8.RuneStart(raw[n]) {
			n--
		}
		raw, cut = raw[:n], "… ("+strconv.Itoa(len(raw))+")"
	}
	href := ""
	if cut == "" {
		href = m.href(v)
	}
	if href != "" {
		m.b = append(m.b, `<a href="`...)
		m.b = append(m.b, html.EscapeString(href)...)
		m.b = append(m.b, `">`...)
	} else if called := codeText(v, m.lang); called != "" {
		m.b = append(m.b, `<s data-is="`...)
		m.b = append(m.b, html.EscapeString(called)...)
		m.b = append(m.b, `">`...)
	} else {
		m.b = append(m.b, "<s>"...)
	}
	m.b = append(m.b, html.EscapeString(raw)...)
	m.b = append(m.b, cut...)
	if href != "" {
		m.b = append(m.b, "</a>"...)
	} else {
		m.b = append(m.b, "</s>"...)
	}
}

// href is the address that a string stands for: one of this server, absolute, or relative where references stand.
func (m *markup) href(v resource.Value) string {
	text := v.Text()
	if rest, ok := strings.CutPrefix(text, m.base+"/"); ok && rest != "" {
		return text
	}
	switch v.Name() {
	case "reference", "url", "location":
		if localReference(text) {
			return m.base + "/" + text
		}
	}
	return ""
}

// localReference says whether s is Type/id or Type/id/_history/version.
func localReference(s string) bool {
	parts := strings.Split(s, "/")
	if len(parts) != 2 && (len(parts) != 4 || parts[2] != "_history") || !r4.IsResource(fhir.Type(parts[0])) {
		return false
	}
	if len(parts) == 4 {
		if _, ok := fhir.ParseVersion(parts[3]); !ok {
			return false
		}
	}
	_, err := fhir.ParseID(parts[1])
	return err == nil
}

// codeText is what a code of an element, a coding or an extension is called; "" if that is not known, or stands beside it already.
func codeText(v resource.Value, l outcome.Language) string {
	list, holder := "", v.Parent()
	switch v.Name() {
	case "code":
		list = wording.ListOf(holder.Get("system").Text())
	case "valueCode":
		url := holder.Get("url").Text()
		list = url[strings.LastIndexByte(url, '/')+1:]
	case "status", "outcome", "use", "intent", "severity":
		list = string(holder.ResourceType()) + "." + v.Name()
	default:
		return ""
	}
	called := wording.Of(list, v.Text(), l)
	if called == v.Text() || called == holder.Get("display").Text() {
		return ""
	}
	return called
}

// labelOf is what people call a resource: a name, a code, a title; "" if it has none. What an AuditEvent tells is its narrative.
func labelOf(v resource.Value, l outcome.Language) string {
	if v.ResourceType() == "AuditEvent" {
		if told := narrativeText(v); told != "" {
			return told
		}
	}
	var parts []string
	add := func(s string) {
		if s = strings.Join(strings.Fields(s), " "); s != "" && len(parts) < 3 {
			if utf8.RuneCountInString(s) > 120 {
				s = string([]rune(s)[:120]) + "…"
			}
			parts = append(parts, s)
		}
	}
	name := v.Get("name")
	if name.Kind() == resource.String {
		add(name.Text())
	} else {
		add(humanName(name.At(0)))
	}
	for _, element := range []string{"title", "code", "vaccineCode", "medicationCodeableConcept", "type", "class", "businessStatus", "disposition"} {
		add(conceptText(v.Get(element), l))
	}
	if b := v.Get("birthDate").Text(); b != "" {
		add(b)
	}
	for _, element := range []string{"effectiveDateTime", "occurrenceDateTime", "date", "recordedDate", "status"} {
		if t := v.Get(element); t.Kind() == resource.String {
			add(cmp.Or(codeText(t, l), t.Text()))
		}
	}
	return strings.Join(parts, " · ")
}

// narrativeText gives the words of a narrative, without its markup.
func narrativeText(v resource.Value) string {
	var b strings.Builder
	for _, part := range strings.Split(v.Get("text").Get("div").Text(), "<") {
		if _, after, found := strings.Cut(part, ">"); found {
			part = after
		}
		b.WriteString(part)
		b.WriteByte(' ')
	}
	words := strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
	if utf8.RuneCountInString(words) > 500 {
		words = string([]rune(words)[:500]) + "…"
	}
	return words
}

func humanName(v resource.Value) string {
	if t := v.Get("text").Text(); t != "" {
		return t
	}
	s := v.Get("family").Text() // Vietnamese names begin with it
	for g := range v.Get("given").Elements() {
		s += " " + g.Text()
	}
	return s
}

// conceptText reads a CodeableConcept, a Coding or a string; of several the first.
func conceptText(v resource.Value, l outcome.Language) string {
	if v.Kind() == resource.Array {
		v = v.At(0)
	}
	if v.Kind() == resource.String {
		return v.Text()
	}
	if t := v.Get("text").Text(); t != "" {
		return t
	}
	coding := v.Get("coding").At(0)
	if coding.Kind() != resource.Object {
		coding = v
	}
	if t := coding.Get("display").Text(); t != "" {
		return t
	}
	return cmp.Or(codeText(coding.Get("code"), l), coding.Get("code").Text())
}
