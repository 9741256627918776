package rest

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
)

// dropParams takes parameters by name out of a raw query and leaves the rest as it is.
func dropParams(raw string, names ...string) string {
	if !strings.Contains(raw, "_") {
		return raw
	}
	parts := strings.Split(raw, "&")
	kept := parts[:0]
next:
	for _, p := range parts {
		name, _, _ := strings.Cut(p, "=")
		for _, n := range names {
			if name == n {
				continue next
			}
		}
		kept = append(kept, p)
	}
	return strings.Join(kept, "&")
}

// readParams checks the parameters of a read, as strictly as those of a search.
func (c *call) readParams() error {
	if c.query == "" {
		return nil
	}
	params, err := search.Parse(c.query)
	if err != nil {
		return err
	}
	for _, p := range params {
		switch p.Key() {
		case "_format", "_pretty":
		case "_summary":
			if p.Value == "count" {
				return fhir.Errorf(fhir.Invalid, "summary-count", "http._summary")
			}
		case "_elements":
			if err := c.checkElements(c.key.Type); err != nil {
				return err
			}
		default:
			if !c.prefer.lenient {
				return fhir.Errorf(fhir.Invalid, "read-parameter-unknown", "http."+p.Name, clip(p.Key()))
			}
		}
	}
	return nil
}

// checkElements refuses a name in _elements that t, or without one no type, has an element of. resourceType passes: it is
// none, but clients list it, and it is shown in any case.
func (c *call) checkElements(t fhir.Type) error {
	types := []fhir.Type{t}
	if t == "" {
		types = r4.Types()
	}
	for i, name := range c.show.elements {
		c.show.elements[i] = strings.TrimPrefix(name, string(t)+".")
		known := func(t fhir.Type) bool {
			def := r4.Resource(t)
			return def.Element(c.show.elements[i]) != nil || def.Choices(c.show.elements[i]) != nil
		}
		if name != "resourceType" && !slices.ContainsFunc(types, known) {
			return fhir.Errorf(fhir.Invalid, "search-value-elements", "http._elements", clip(name), cmp.Or(t, "Resource"))
		}
	}
	return nil
}

func queryEscape(s string) string { return url.QueryEscape(s) }
