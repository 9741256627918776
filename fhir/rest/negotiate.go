package rest

import (
	"iter"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
)

// show says how an answer is to be shown.
type show struct {
	pretty   bool
	summary  string   // "", true, text, data, count, false
	elements []string // _elements
}

// prefer is what the Prefer header asks for.
type prefer struct {
	ret     string // "", minimal, representation, OperationOutcome
	lenient bool   // handling=lenient
	explain bool   // of a search: how it was run, as an outcome in the Bundle; ours, not of RFC 7240
}

// negotiate reads what format is asked for: _format before Accept. FHIR JSON can be had, and pages for people to read.
func (c *call) negotiate(r *http.Request) error {
	if p := r.Header["Prefer"]; len(p) > 0 {
		c.prefer = parsePrefer(p)
	}
	if err := c.negotiateQuery(); err != nil || c.format {
		return err
	}
	if accept := strings.Join(r.Header["Accept"], ","); wantsHTML(accept) {
		c.readable()
		return nil
	}
	for _, accept := range r.Header["Accept"] {
		if !acceptsJSON(accept) {
			return fhir.Errorf(fhir.NotAcceptable, "accept-unknown", "", clip(accept))
		}
	}
	return nil
}

// negotiateQuery reads the parameters of the query that say how to show.
func (c *call) negotiateQuery() error {
	if !strings.Contains(c.query, "_") {
		return nil
	}
	q, err := url.ParseQuery(strings.ReplaceAll(c.query, ";", "%3B"))
	if err != nil {
		return fhir.Wrap(fhir.Invalid, "query-invalid", err)
	}
	c.show = show{pretty: q.Get("_pretty") == "true", summary: q.Get("_summary")}
	if e := q.Get("_elements"); e != "" {
		c.show.elements = strings.Split(e, ",")
	}
	format := q.Get("_format")
	if c.format = format != ""; htmlFormat(strings.ReplaceAll(format, " ", "+")) {
		c.readable()
	} else if c.format && !jsonFormat(strings.ReplaceAll(format, " ", "+")) { // a plus sent as such is a blank now
		return fhir.Errorf(fhir.NotAcceptable, "format-unknown", "", clip(format))
	}
	return checkSummary(c.show.summary)
}

// jsonFormat says whether a value of _format or a media type means FHIR JSON.
func jsonFormat(f string) bool {
	switch f {
	case "application/fhir+json", "json", "application/json", "text/json", "application/json+fhir":
		return true
	}
	media, params, err := mime.ParseMediaType(f)
	if err != nil {
		return false
	}
	if v := params["fhirversion"]; v != "" && v != "4.0" && v != "4.0.1" {
		return false
	}
	return len(params) > 0 && jsonFormat(media)
}

// mediaRange is one of those that an Accept header names.
type mediaRange struct {
	media   string
	params  map[string]string // but for q
	quality float64           // from 0, which forbids, to 1
}

// mediaRanges gives those of an Accept header in their order; what is malformed is passed over.
// Source: https://www.rfc-editor.org/rfc/rfc9110#name-accept
func mediaRanges(accept string) iter.Seq[mediaRange] {
	return func(yield func(mediaRange) bool) {
		for _, part := range strings.Split(accept, ",") {
			media, params, err := mime.ParseMediaType(part)
			if err != nil {
				continue
			}
			r := mediaRange{media, params, 1}
			if q, given := params["q"]; given {
				if r.quality, err = strconv.ParseFloat(q, 64); err != nil || !(r.quality >= 0 && r.quality <= 1) {
					continue
				}
				delete(params, "q")
			}
			if !yield(r) {
				return
			}
		}
	}
}

// saysNothing says whether an Accept header leaves the choice to us: there is none, or it is what Java sends for programs that did
// not say.
func saysNothing(accept string) bool {
	return accept == "" || strings.HasPrefix(accept, "text/html, image/gif, image/jpeg, *")
}

// acceptsJSON says whether an Accept header allows FHIR JSON; quality 0 forbids, other qualities do not matter.
func acceptsJSON(accept string) bool {
	switch accept {
	case "", "*/*", "application/fhir+json", "application/json":
		return true
	}
	for r := range mediaRanges(accept) {
		if v := r.params["fhirversion"]; r.quality == 0 || v != "" && v != "4.0" && v != "4.0.1" {
			continue
		}
		if r.media == "*/*" || r.media == "application/*" || jsonFormat(r.media) {
			return true
		}
	}
	return false
}

// wantsJSONBody checks the Content-Type of a resource that is sent.
func wantsJSONBody(r *http.Request) error {
	switch t := header(r, "Content-Type"); t {
	case "application/fhir+json", "application/json":
		return nil
	default:
		return contentType(t, "application/fhir+json", jsonFormat)
	}
}

// contentType checks a Content-Type that was not one of the usual spellings; want is named in the refusal.
func contentType(got, want string, ok func(string) bool) error {
	media, params, err := mime.ParseMediaType(got)
	if err != nil || !ok(media) {
		return fhir.Errorf(fhir.Unsupported, "content-type", "", clip(got), want)
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
		return fhir.Errorf(fhir.Unsupported, "content-charset", "", clip(cs))
	}
	if v := params["fhirversion"]; v != "" && v != "4.0" && v != "4.0.1" {
		return fhir.Errorf(fhir.Unsupported, "content-fhir-version", "", clip(v))
	}
	return nil
}

// parsePrefer reads the Prefer headers: return=…; handling=…; explain, others are passed over, as RFC 7240 has it.
func parsePrefer(headers []string) prefer {
	var p prefer
	for _, h := range headers {
		for _, part := range strings.FieldsFunc(h, func(r rune) bool { return r == ',' || r == ';' }) {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			value = strings.Trim(strings.TrimSpace(value), `"`)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "return":
				p.ret = value
			case "handling":
				p.lenient = value == "lenient"
			case "explain":
				p.explain = true
			}
		}
	}
	return p
}
