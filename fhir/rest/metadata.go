package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
)

// capabilities is GET metadata.
func (s *Server) capabilities(_ context.Context, c *call) (answer, error) {
	tag := `W/"` + digest(s.metadata.digest, c.base) + `"`
	if c.has(tag) {
		return answer{status: http.StatusNotModified, tag: tag}, nil
	}
	b := buffers.get()
	b.b = s.metadata.append(b.b, c.base)
	return answer{body: b, tag: tag}, nil
}

// capability is the CapabilityStatement, made once from the route table's interactions and the tables of R4; only the
// base URL differs between callers.
type capability struct {
	before, after []byte
	digest        string
}

func (m *capability) append(dst []byte, base string) []byte {
	dst = append(dst, m.before...)
	dst = appendQuoted(dst, base)
	return append(dst, m.after...)
}

// newCapability writes the statement. Source: https://hl7.org/fhir/R4/capabilitystatement.html
func newCapability(c Config) *capability {
	now := c.Now().UTC().Format(time.RFC3339)
	var b []byte
	add := func(s string) { b = append(b, s...) }
	add(`{"resourceType":"CapabilityStatement","status":"active","date":`)
	b = appendQuoted(b, now)
	add(`,"publisher":`)
	b = appendQuoted(b, c.Name)
	add(`,"kind":"instance","software":{"name":`)
	b = appendQuoted(b, c.Name)
	if c.Version != "" {
		add(`,"version":`)
		b = appendQuoted(b, c.Version)
	}
	add(`},"implementation":{"description":`)
	description := c.Name + " FHIR R4"
	if c.Warning[0] != "" {
		description += ". " + c.Warning[0]
	}
	b = appendQuoted(b, description)
	add(`,"url":`)
	before := b
	b = nil
	add(`},"fhirVersion":"4.0.1","format":["application/fhir+json","json","text/html"],"patchFormat":["application/json-patch+json","application/fhir+json"],` +
		`"rest":[{"mode":"server",`)
	if len(c.Security) > 0 {
		b = append(append(append(b, `"security":`...), c.Security...), ',')
	}
	add(`"resource":[`)
	for i, t := range r4.Types() {
		if i > 0 {
			add(",")
		}
		b = appendResource(b, t, c.Operations)
	}
	add(`],"interaction":[{"code":"transaction"},{"code":"batch"},{"code":"history-system"},{"code":"search-system"}]`)
	b = appendParams(b, commonParams())
	b = appendOperations(b, "", c.Operations)
	add(`,"compartment":[`)
	for i, t := range r4.Compartments() {
		if i > 0 {
			add(",")
		}
		b = appendQuoted(b, "http://hl7.org/fhir/CompartmentDefinition/"+strings.ToLower(string(t)))
	}
	add(`]}]}`)
	return &capability{before, b, digest(string(before), string(b))}
}

// interactions of every type, in the order of the specification.
const interactions = `"interaction":[{"code":"read"},{"code":"vread"},{"code":"update"},{"code":"patch"},{"code":"delete"},` +
	`{"code":"history-instance"},{"code":"history-type"},{"code":"create"},{"code":"search-type"}],` +
	`"versioning":"versioned-update","readHistory":true,"updateCreate":true,"conditionalCreate":true,` +
	`"conditionalRead":"full-support","conditionalUpdate":true,"conditionalDelete":"single",` +
	`"referencePolicy":["literal","logical","local"]`

// appendResource writes what can be done with one type.
func appendResource(b []byte, t fhir.Type, more []Operation) []byte {
	b = appendQuoted(append(b, `{"type":`...), string(t))
	b = appendQuoted(append(b, `,"profile":`...), "http://hl7.org/fhir/StructureDefinition/"+string(t))
	b = append(append(b, ','), interactions...)
	b = appendIncludes(b, t)
	b = appendParams(b, r4.Params(t))
	b = appendOperations(b, t, more)
	return append(b, '}')
}

// commonParams are the search parameters that all types have.
func commonParams() []*r4.SearchParam {
	return slices.DeleteFunc(slices.Clone(r4.Params("Basic")), func(p *r4.SearchParam) bool { return p.Base != "Resource" })
}

// appendParams lists the search parameters that can be had.
func appendParams(b []byte, params []*r4.SearchParam) []byte {
	n := 0
	for _, p := range params {
		if !offered(p) {
			continue
		}
		if n++; n == 1 {
			b = append(b, `,"searchParam":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendQuoted(append(b, `{"name":`...), p.Code)
		if p.URL != "" {
			b = appendQuoted(append(b, `,"definition":`...), p.URL)
		}
		b = append(appendQuoted(append(b, `,"type":`...), p.Type.String()), '}')
	}
	if n > 0 {
		b = append(b, ']')
	}
	return b
}

// offered says whether a parameter can be searched by.
func offered(p *r4.SearchParam) bool { return search.Options{}.Offers(p) }

// appendIncludes lists the _include and _revinclude values.
func appendIncludes(b []byte, t fhir.Type) []byte {
	list := func(name string, values []string) {
		for i, v := range values {
			if i == 0 {
				b = append(b, `,"`+name+`":[`...)
			} else {
				b = append(b, ',')
			}
			b = appendQuoted(b, v)
		}
		if len(values) > 0 {
			b = append(b, ']')
		}
	}
	var forward []string
	for _, p := range r4.Params(t) {
		if p.Type == r4.ParamReference && offered(p) {
			forward = append(forward, string(t)+":"+p.Code)
		}
	}
	list("searchInclude", forward)
	list("searchRevInclude", reverseIncludes()[t])
	return b
}

// reverseIncludes gives for each type the parameters of all types that name it as a target.
var reverseIncludes = sync.OnceValue(func() map[fhir.Type][]string {
	m := map[fhir.Type][]string{}
	for _, t := range r4.Types() {
		for _, p := range r4.Params(t) {
			if p.Type != r4.ParamReference || !offered(p) {
				continue
			}
			for _, target := range p.Targets {
				m[target] = append(m[target], string(t)+":"+p.Code)
			}
		}
	}
	return m
})
