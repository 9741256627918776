package rest

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html"
	"html/template"
	"net/http"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/wording"
)

// Readable pages: what a browser gets instead of JSON. They are made of the JSON answer when it is written, so that what
// an interaction means does not depend on them. There is no script, nothing is loaded, and the policy allows neither.

var (
	//go:embed readable.html
	pageSource string
	//go:embed readable.css
	pageStyle    string
	pageTemplate = template.Must(template.New("").Parse(pageSource))

	contentTypeHTML = []string{"text/html; charset=utf-8"}
	pagePolicy      = []string{policyFor(pageStyle)}
)

// policyFor allows one style sheet, that of the page, and forms that lead back here.
func policyFor(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// formParam marks the query of a page's search form, whose empty fields mean nothing.
const formParam = "_form"

// page is what the template shows.
type page struct {
	Lang, Server, Base   string
	Title, Label, Status string
	Warning              string
	None                 string
	Failed, Open, Folded bool
	Visitor              *visitor
	Style                template.CSS
	Facts                []string
	Crumbs, Links        []anchor
	Pages, Types         []anchor
	Form                 *searchForm
	Issues               []pageIssue
	Entries              []pageEntry
	Params               []pageParameter
	JSON                 template.HTML
	Words                *texts
}

type anchor struct{ Text, URL string }

// pageParameter is one of Parameters: a value, a resource, or parts; or several of one name as a table.
type pageParameter struct {
	Name, Text, URL string
	JSON            template.HTML
	Parts           []pageParameter
	Table           *pageTable
}

type pageIssue struct{ Severity, Word, Text, Path string }

type pageEntry struct {
	Title, URL, Label string
	Facts             []string
	Params            []pageParameter
	Sections          []pageSection
	JSON              template.HTML
}

type field struct{ Name, Value string }

type searchForm struct {
	Action, Clear string
	Fields, Kept  []field
}

// wantsHTML says whether an Accept header asks for a page rather than for JSON: HTML is named, and JSON is not, or is
// wanted less, or as much and later. */* alone means JSON.
func wantsHTML(accept string) bool {
	if !strings.Contains(accept, "html") || saysNothing(accept) {
		return false
	}
	best, page := 0.0, false
	for r := range mediaRanges(accept) {
		isPage := htmlFormat(r.media)
		if r.quality > best && (isPage || jsonFormat(r.media)) {
			best, page = r.quality, isPage
		}
	}
	return page
}

// htmlFormat says whether a value of _format or a media type asks for a page.
func htmlFormat(f string) bool {
	return f == "text/html" || f == "html" || f == "application/xhtml+xml"
}

// readable makes the call one for a page. A page has no tag: its language, and this program, make it besides the version.
func (c *call) readable() {
	c.html = true
	if c.http.Method == http.MethodGet || c.http.Method == http.MethodHead {
		c.ifNoneMatch, c.ifModifiedSince = "", ""
	}
}

// fromForm sends the browser to the search that a form asks for: its empty fields are left out.
func (c *call) fromForm() answer {
	var kept []string
	for _, part := range strings.Split(c.query, "&") {
		if name, value, _ := strings.Cut(part, "="); name != formParam && value != "" {
			kept = append(kept, part)
		}
	}
	return answer{status: http.StatusSeeOther, location: strings.TrimSuffix(c.base+"/"+string(c.key.Type)+"?"+strings.Join(kept, "&"), "?")}
}

// page makes the page of an answer whose JSON is body.
func (s *Server) page(c *call, a answer) []byte {
	lang := c.language()
	own := pageWords[lang]
	p := &page{
		Lang: string(lang), Warning: s.warning(lang), Server: s.Name, Base: c.base, Words: own, Style: template.CSS(pageStyle),
		Status: statusText(a.status), Failed: a.status >= 400,
	}
	doc, err := resource.New(a.body.b)
	if err != nil { // under other limits than those of documents: shown as it is
		p.Title, p.JSON = p.Status, template.HTML(html.EscapeString(string(pretty(a.body.b))))
		return p.render()
	}
	root := doc.Root()
	id, _ := root.ID()
	p.crumbs(c)
	p.Visitor = s.visitor(c)
	switch t := root.ResourceType(); {
	case id != "" && fhir.ID(id) == c.key.ID && t == c.key.Type:
		p.resource(c, root, s.asks(c))
	case t == "Bundle":
		p.bundle(c, root)
	case t == "OperationOutcome":
		p.Title, p.Status = p.Status, ""
		p.issues(root)
		p.JSON, p.Folded = c.markup(root), true
	case t == "CapabilityStatement":
		p.Title = own.Resources // of its JSON, more than a megabyte as markup, a link is enough
		for _, t := range r4.Types() {
			p.Types = append(p.Types, anchor{string(t), c.base + "/" + string(t)})
		}
	case t == "Parameters":
		p.Title, p.Folded = strings.TrimPrefix(c.http.URL.Path, s.BasePath+"/"), true
		p.Params, p.JSON = c.params(root.Get("parameter")), c.markup(root)
	default:
		p.Title, p.JSON = string(t), c.markup(root)
	}
	if c.http.Method != http.MethodPost {
		at := strings.TrimPrefix(c.http.URL.EscapedPath(), s.BasePath)
		query := strings.Trim(dropParams(c.query, "_format")+"&_format=json", "&")
		p.Links = append(p.Links, anchor{"JSON", c.base + at + "?" + query})
	}
	if _, asked := c.operation(); c.key.Type != "" && c.key.ID == "" && !asked && !strings.HasSuffix(c.http.URL.Path, "/_history") {
		if p.Form = c.searchForm(); p.Failed {
			p.Form.Kept = nil // what was wrong may be among it, where nobody could correct it
		}
	}
	return p.render()
}

func (p *page) render() []byte {
	var out bytes.Buffer
	if err := pageTemplate.ExecuteTemplate(&out, "page", p); err != nil {
		panic(err) // the template does not fit the page: a fault of ours
	}
	return out.Bytes()
}

// operation is the name of the one that the address asks for, without $; false if it asks for none.
func (c *call) operation() (name string, asked bool) {
	_, name, asked = strings.Cut(c.http.URL.Path, "/$")
	return name, asked
}

// crumbs are the way to what is shown.
func (p *page) crumbs(c *call) {
	if c.key.Type == "" {
		return
	}
	at := c.base + "/" + string(c.key.Type)
	p.Crumbs = append(p.Crumbs, anchor{string(c.key.Type), at})
	if c.key.ID != "" {
		p.Crumbs = append(p.Crumbs, anchor{string(c.key.ID), at + "/" + string(c.key.ID)})
	}
}

// asks are links to what the caller may ask of the resource that c reads.
func (s *Server) asks(c *call) (links []anchor) {
	fence := store.FenceOf(c.context)
	at := c.base + "/" + c.key.String() + "/$"
	if c.key.Type == "Patient" && fence.Operation("everything") {
		links = append(links, anchor{"$everything", at + "everything"})
	}
	for _, o := range s.Operations {
		if text := o.Link[c.language()]; text != "" && o.Instance && o.Type == c.key.Type && fence.Operation(o.Name) {
			links = append(links, anchor{text, at + o.Name})
		}
	}
	return links
}

// resource shows one version, with links to what can be asked of the resource.
func (p *page) resource(c *call, v resource.Value, asks []anchor) {
	at := c.base + "/" + c.key.String()
	version := v.Get("meta").Get("versionId").Text()
	p.Title, p.Label, p.Facts = c.key.String(), labelOf(v, c.language()), p.facts(v)
	if c.version != 0 {
		p.Links = append(p.Links, anchor{p.Words.Current, at})
	} else if version != "" {
		p.Links = append(p.Links, anchor{p.Words.Version + " " + version, at + "/_history/" + version})
	}
	p.Links = append(append(p.Links, anchor{p.Words.History, at + "/_history"}), asks...)
	p.JSON = c.markup(v)
}

// facts are version and time of a resource.
func (p *page) facts(v resource.Value) []string {
	var out []string
	if version := v.Get("meta").Get("versionId").Text(); version != "" {
		out = append(out, p.Words.Version+" "+version)
	}
	if at := v.Get("meta").Get("lastUpdated").Text(); at != "" {
		out = append(out, p.Words.Changed+" "+at)
	}
	return out
}

// bundle shows the result of a search, a history, or the answer to a bundle.
func (p *page) bundle(c *call, v resource.Value) {
	history := v.Get("type").Text() == "history"
	place, what := strings.TrimPrefix(c.key.String(), "/"), p.Words.Results
	if c.key.ID == "" {
		place = string(c.key.Type)
	}
	if c.inside != "" {
		place += "/" + c.inside
	}
	p.Title = place
	if history {
		p.Title, what = strings.TrimPrefix(place+" · "+p.Words.History, " · "), p.Words.Versions
	}
	operation, asked := c.operation()
	if asked {
		p.Title = strings.TrimPrefix(p.Title+"/$"+operation, "/")
	}
	if p.Title == "" {
		p.Title = p.Words.Results
	}
	if total := v.Get("total").Text(); total != "" {
		p.Facts = append(p.Facts, total+" "+what)
	}
	for l := range v.Get("link").Elements() {
		if word := p.Words.Page[l.Get("relation").Text()]; word != "" {
			p.Pages = append(p.Pages, anchor{word, l.Get("url").Text()})
		}
	}
	entries := v.Get("entry")
	p.Open = entries.Len() <= 2 && !asked // what an operation tells is told in its words
	for e := range entries.Elements() {
		r := e.Get("resource")
		if e.Get("search").Get("mode").Text() == "outcome" {
			p.issues(r)
			continue
		}
		p.Entries = append(p.Entries, p.entry(c, e, r, history))
	}
	if total := v.Get("total").Text(); len(p.Entries) == 0 && (total == "" || total == "0") { // a count shows none of what it counts
		p.None = p.Words.None
	}
}

func (p *page) entry(c *call, e, r resource.Value, history bool) pageEntry {
	title := e.Get("request").Get("url").Text()
	if at, ok := strings.CutPrefix(e.Get("fullUrl").Text(), c.base+"/"); ok {
		title = at
	}
	label := labelOf(r, c.language())
	if id, ok := r.ID(); title == "" && ok { // a collection need not say where its resources are
		title = string(r.ResourceType()) + "/" + id
	} else if title == "" && label == "" {
		title = string(r.ResourceType())
	}
	out := pageEntry{Title: title, Label: label, Facts: p.facts(r)}
	if localReference(title) && r.Kind() == resource.Object {
		out.URL = c.base + "/" + title
		if version := r.Get("meta").Get("versionId").Text(); history && version != "" {
			out.URL += "/_history/" + version
		}
	}
	if r.Kind() == resource.Object {
		out.JSON = c.markup(r)
	}
	switch r.ResourceType() {
	case "Parameters":
		out.Params = c.params(r.Get("parameter"))
	case "Composition":
		out.Sections = sectionsOf(r)
	}
	switch mode := e.Get("search").Get("mode").Text(); mode {
	case "", "match":
	default:
		out.Facts = append(out.Facts, mode)
	}
	if method := e.Get("request").Get("method").Text(); method == http.MethodDelete {
		out.Facts = append(out.Facts, p.Words.Deleted, e.Get("response").Get("lastModified").Text())
	} else if method != "" {
		out.Facts = append(out.Facts, method)
	}
	return out
}

// params shows parameters as lists in lists and tables, which read better than their JSON.
func (c *call) params(list resource.Value) []pageParameter {
	var out []pageParameter
	for e := range list.Elements() {
		if c.otherwise(e, list) {
			continue
		}
		p := pageParameter{Name: e.Get("name").Text(), Parts: c.params(e.Get("part"))}
		list := c.codes[p.Name]
		if name := c.names[p.Name]; name != "" {
			p.Name = name
		}
		if r := e.Get("resource"); r.Kind() == resource.Object {
			p.Text, p.JSON = strings.TrimSpace(string(r.ResourceType())+" "+labelOf(r, c.language())), c.markup(r)
		}
		for m := e.First(); m.Kind() != resource.None; m = m.Next() {
			if strings.HasPrefix(m.Name(), "value") {
				p.Text, p.URL = valueText(c.base, m)
				if list != "" {
					p.Text = wording.With(list, p.Text, c.language())
				}
			}
		}
		out = append(out, p)
	}
	return tabled(out)
}

// otherwise says whether a parameter is a text that stands beside it in the language of the page: "en" beside "vi", "message_en" beside
// "message".
func (c *call) otherwise(e, list resource.Value) bool {
	name := e.Get("name").Text()
	for _, l := range []outcome.Language{outcome.English, outcome.Vietnamese} {
		besides := ""
		if text, of := strings.CutSuffix(name, "_"+string(l)); of {
			besides = text
		} else if name == string(l) && l != c.language() {
			besides = string(c.language())
		}
		if besides == "" {
			continue
		}
		for other := range list.Elements() {
			if other.Get("name").Text() == besides {
				return true
			}
		}
	}
	return false
}

// noBreak is a space at which no line ends.
const noBreak = "\u00a0"

// valueText is how a value of a parameter reads, and where a reference leads.
func valueText(base string, v resource.Value) (text, url string) {
	if v.Kind() != resource.Object {
		if t := v.Text(); strings.HasPrefix(t, base+"/") {
			return t, t
		}
		return v.Text(), ""
	}
	if n := v.Get("value"); n.Kind() == resource.Number { // Money, Quantity
		return strings.TrimSuffix(n.Text()+noBreak+v.Get("currency").Text()+v.Get("unit").Text(), noBreak), ""
	}
	for _, name := range []string{"display", "text", "reference", "code", "value"} {
		if t := v.Get(name).Text(); text == "" && t != "" {
			text = t
		}
	}
	if r := v.Get("reference").Text(); localReference(r) {
		url = base + "/" + r
	}
	if coding := v.Get("coding").At(0); text == "" && coding.Kind() == resource.Object {
		text, _ = valueText(base, coding)
	}
	if text == "" {
		text = string(v.Raw())
	}
	return text, url
}

// issues shows those of an OperationOutcome above all else.
func (p *page) issues(v resource.Value) {
	for i := range v.Get("issue").Elements() {
		severity := i.Get("severity").Text()
		p.Issues = append(p.Issues, pageIssue{
			Severity: severity, Word: p.Words.Severity[severity],
			Text: i.Get("details").Get("text").Text(), Path: i.Get("expression").At(0).Text(),
		})
	}
}

// asked are the parameters that search forms offer, as far as the type has them, in this order.
var asked = []string{
	"identifier", "name", "family", "given", "birthdate", "phone", "patient", "subject", "code", "date", "status", "category",
	"vaccine-code", "encounter", "performer", "title", "url", "type", "_id", "_lastUpdated",
}

// longestForm is how many fields a search form has.
const longestForm = 8

// searchForm offers the usual parameters of the type; what else the search has stays in it.
func (c *call) searchForm() *searchForm {
	f := &searchForm{Action: c.base + "/" + string(c.key.Type)}
	f.Clear = f.Action
	params, err := search.Parse(c.query)
	if err != nil {
		params = nil
	}
	fields := map[string]int{}
	for _, code := range asked {
		if p := r4.Param(c.key.Type, code); p != nil && offered(p, nil) && len(f.Fields) < longestForm {
			fields[code] = len(f.Fields)
			f.Fields = append(f.Fields, field{Name: code})
		}
	}
	for _, p := range params {
		i, isField := fields[p.Key()]
		switch {
		case isField && f.Fields[i].Value == "":
			f.Fields[i].Value = p.Value
		case p.Name != pageParam && p.Name != formParam:
			f.Kept = append(f.Kept, field{p.Key(), p.Value})
		}
	}
	return f
}

// warning is what stands on every page.
func (s *Server) warning(lang outcome.Language) string {
	if lang == outcome.Vietnamese {
		return s.Warning[1]
	}
	return s.Warning[0]
}
