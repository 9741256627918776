package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
)

// capabilities is GET metadata.
func (s *Server) capabilities(ctx context.Context, c *call) (answer, error) {
	reg, err := s.Service.Registry(ctx)
	if err != nil {
		return answer{}, err
	}
	m := s.metadata.Load()
	if m.registry != reg {
		m = newCapability(s.Config, reg) // two that come at once both make it
		s.metadata.Store(m)
	}
	tag := `W/"` + digest(m.digest, c.base) + `"`
	if c.has(tag) {
		return answer{status: http.StatusNotModified, tag: tag}, nil
	}
	b := buffers.get()
	b.b = m.append(b.b, c.base)
	return answer{body: b, tag: tag}, nil
}

// capability is the CapabilityStatement, made from the route table's interactions and the search parameters in force; only
// the base URL differs between callers.
type capability struct {
	registry      *r4.Registry
	before, after []byte
	digest        string
}

func (m *capability) append(dst []byte, base string) []byte {
	dst = append(dst, m.before...)
	dst = appendQuoted(dst, base)
	return append(dst, m.after...)
}

// newCapability writes the statement. Source: https://hl7.org/fhir/R4/capabilitystatement.html
func newCapability(c Config, reg *r4.Registry) *capability {
	reverse := reverseIncludes(reg)
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
		b = appendResource(b, t, c.Operations, reg, reverse[t])
	}
	add(`],"interaction":[{"code":"transaction"},{"code":"batch"},{"code":"history-system"},{"code":"search-system"}]`)
	b = appendParams(b, commonParams(reg), reg)
	b = appendOperations(b, "", c.Operations)
	add(`,"compartment":[`)
	for i, t := range r4.Compartments() {
		if i > 0 {
			add(",")
		}
		b = appendQuoted(b, "http://hl7.org/fhir/CompartmentDefinition/"+strings.ToLower(string(t)))
	}
	add(`]}]}`)
	return &capability{reg, before, b, digest(string(before), string(b))}
}

// interactions of every type, in the order of the specification.
const interactions = `"interaction":[{"code":"read"},{"code":"vread"},{"code":"update"},{"code":"patch"},{"code":"delete"},` +
	`{"code":"history-instance"},{"code":"history-type"},{"code":"create"},{"code":"search-type"}],` +
	`"versioning":"versioned-update","readHistory":true,"updateCreate":true,"conditionalCreate":true,` +
	`"conditionalRead":"full-support","conditionalUpdate":true,"conditionalDelete":"single",` +
	`"referencePolicy":["literal","logical","local"]`

// appendResource writes what can be done with one type.
func appendResource(b []byte, t fhir.Type, more []Operation, reg *r4.Registry, reverse []string) []byte {
	b = appendQuoted(append(b, `{"type":`...), string(t))
	b = appendQuoted(append(b, `,"profile":`...), "http://hl7.org/fhir/StructureDefinition/"+string(t))
	b = append(append(b, ','), interactions...)
	b = appendIncludes(b, t, reg, reverse)
	b = appendParams(b, reg.Params(t), reg)
	b = appendOperations(b, t, more)
	return append(b, '}')
}

// commonParams are the search parameters that all types have.
func commonParams(reg *r4.Registry) []*r4.SearchParam {
	return slices.DeleteFunc(slices.Clone(reg.Params("Basic")), func(p *r4.SearchParam) bool { return p.Base != "Resource" })
}

// appendParams lists the search parameters that can be had.
func appendParams(b []byte, params []*r4.SearchParam, reg *r4.Registry) []byte {
	n := 0
	for _, p := range params {
		if !offered(p, reg) {
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
func offered(p *r4.SearchParam, reg *r4.Registry) bool {
	return search.Options{Registry: reg}.Offers(p)
}

// appendIncludes lists the _include and _revinclude values.
func appendIncludes(b []byte, t fhir.Type, reg *r4.Registry, reverse []string) []byte {
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
	for _, p := range reg.Params(t) {
		if p.Type == r4.ParamReference && offered(p, reg) {
			forward = append(forward, string(t)+":"+p.Code)
		}
	}
	list("searchInclude", forward)
	list("searchRevInclude", reverse)
	return b
}

// reverseIncludes gives for each type the parameters of all types that name it as a target.
func reverseIncludes(reg *r4.Registry) map[fhir.Type][]string {
	m := map[fhir.Type][]string{}
	for _, t := range r4.Types() {
		for _, p := range reg.Params(t) {
			if p.Type != r4.ParamReference || !offered(p, reg) {
				continue
			}
			for _, target := range p.Targets {
				m[target] = append(m[target], string(t)+":"+p.Code)
			}
		}
	}
	return m
}
