package rest

import (
	"encoding/base64"
	"mime"
	"net/url"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Format is one of the forms in which an operation can answer: its name, as in format=csv, and its media type.
type Format struct{ Name, Type string }

// Formats that several operations have. JSON is that of FHIR, and HTML a page of the operation's own.
var (
	JSON = Format{"json", "application/fhir+json"}
	HTML = Format{"html", "text/html"}
)

// names are those of formats, for who asked for another.
func names(formats []Format) string {
	all := make([]string, len(formats))
	for i, f := range formats {
		all[i] = f.Name
	}
	return strings.Join(all, ", ")
}

// offer is what an operation with Formats is to answer with.
type offer struct {
	Format
	binary bool // FHIR JSON is wanted of what has none: a Binary with the content in it
	fixed  bool // asked for by format=, so that it is no page whatever the client accepts
}

// choose picks one of the formats of an operation: by its parameter format, else by _format, else by Accept. The first is what
// is given to who does not mind. A page is asked for where FHIR JSON is offered: it is made of that, unless there is one.
// Errors: Kind Invalid and NotAcceptable, code "operation-format"; NotAcceptable "operation-accept".
// Source: https://hl7.org/fhir/R4/http.html#mime-type and https://hl7.org/fhir/R4/operations.html#response (Binary).
func (c *call) choose(query string, formats []Format) (offer, error) {
	q, err := url.ParseQuery(strings.ReplaceAll(query, ";", "%3B"))
	if err != nil {
		return offer{}, fhir.Wrap(fhir.Invalid, "query-invalid", err)
	}
	if named := q["format"]; len(named) > 0 {
		for _, f := range formats {
			if f.Name == named[0] {
				return offer{Format: f, fixed: true}, nil
			}
		}
		return offer{}, fhir.Errorf(fhir.Invalid, "operation-format", "http.format", clip(named[0]), names(formats))
	}
	if shown, err := url.ParseQuery(strings.ReplaceAll(c.query, ";", "%3B")); err == nil && shown.Get("_format") != "" {
		want := shown.Get("_format")
		if f, ok := offeredAs(strings.ReplaceAll(want, " ", "+"), formats); ok {
			return f, nil
		}
		return offer{}, fhir.Errorf(fhir.NotAcceptable, "operation-format", "http._format", clip(want), names(formats))
	}
	accept := strings.Join(c.http.Header["Accept"], ",")
	if f, ok := accepted(accept, formats); ok {
		return f, nil
	}
	return offer{}, fhir.Errorf(fhir.NotAcceptable, "operation-accept", "http.Accept", clip(accept), names(formats))
}

// offeredAs gives the offer that a name or a media type means.
func offeredAs(want string, formats []Format) (offer, bool) {
	has := func(f Format) bool { return slices.Contains(formats, f) }
	switch {
	case jsonFormat(want) && has(JSON):
		return offer{Format: JSON}, true
	case jsonFormat(want):
		return offer{Format: formats[0], binary: true}, true
	case htmlFormat(want) && has(HTML):
		return offer{Format: HTML}, true
	case htmlFormat(want) && has(JSON):
		return offer{Format: JSON}, true
	}
	media, _, err := mime.ParseMediaType(want)
	for _, f := range formats {
		if of, _, _ := strings.Cut(f.Type, ";"); f != JSON && (f.Name == want || err == nil && of == media) {
			return offer{Format: f}, true
		}
	}
	return offer{}, false
}

// accepted gives the offer that an Accept header wants most, of those wanted alike the one named first.
func accepted(accept string, formats []Format) (best offer, ok bool) {
	if saysNothing(accept) {
		return offer{Format: formats[0]}, true
	}
	most := 0.0
	for r := range mediaRanges(accept) {
		if r.quality <= most {
			continue
		}
		if found, can := acceptedAs(r.media, r.params, formats); can {
			best, most, ok = found, r.quality, true
		}
	}
	return best, ok
}

// acceptedAs is offeredAs with the wildcards that Accept has.
func acceptedAs(media string, params map[string]string, formats []Format) (offer, bool) {
	if media == "*/*" {
		return offer{Format: formats[0]}, true
	}
	if kind, all := strings.CutSuffix(media, "/*"); all {
		for _, f := range formats {
			if strings.HasPrefix(f.Type, kind+"/") {
				return offer{Format: f}, true
			}
		}
		return offer{}, false
	}
	return offeredAs(mime.FormatMediaType(media, params), formats)
}

// answer puts what an operation gave into the form that was asked for: FHIR JSON is shown as any other, as a page to who wants
// one.
func (f offer) answer(c *call, content Content) answer {
	if f.binary {
		media, _, _ := strings.Cut(content.Type, ";")
		content.Body = resource.AppendJSON(nil, resource.ObjectOf{"resourceType", "Binary", "contentType", media, "data", base64.StdEncoding.EncodeToString(content.Body)})
		content.Type, content.Name = JSON.Type, ""
	}
	a := parametersAnswer(content.Body)
	if media, _, _ := strings.Cut(content.Type, ";"); media == JSON.Type {
		c.html = c.html && !f.fixed
		return a
	}
	a.media, a.name = content.Type, content.Name
	return a
}
