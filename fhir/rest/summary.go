package rest

import (
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// whole says that resources are shown with all their elements.
func (s show) whole() bool {
	return len(s.elements) == 0 && (s.summary == "" || s.summary == "false" || s.summary == "count")
}

// append appends a version as it is to be shown. What is left out is cut out of the text; what stays, stays as it is.
// Source: https://hl7.org/fhir/R4/search.html#summary
func (s show) append(dst []byte, f store.Found) []byte {
	if s.whole() {
		return f.Stored.Append(dst, f.Version, f.At)
	}
	full := f.Stored.Append(nil, f.Version, f.At)
	doc, err := resource.New(full)
	def := r4.Resource(f.Key.Type)
	if err != nil || def == nil {
		return append(dst, full...) // what was stored under other limits is shown whole
	}
	return s.subset(dst, doc.Root(), def)
}

// subset appends the members of a resource that are wanted, its meta with the tag SUBSETTED.
func (s show) subset(dst []byte, v resource.Value, def *r4.Struct) []byte {
	dst = append(dst, '{')
	for m := v.First(); m.Kind() != resource.None; m = m.Next() {
		if !s.wants(def, m.Name()) {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, m.Name()), ':')
		switch e := def.Element(m.Name()); {
		case m.Name() == "meta":
			dst = appendSubsetted(dst, m)
		case s.summary == "true" && e != nil && e.Struct != nil && e.Struct.Kind == r4.KindBackbone:
			dst = appendBackbone(dst, m, e.Struct)
		default:
			dst = append(dst, m.Raw()...)
		}
	}
	if v.Get("meta").Kind() == resource.None { // a contained resource needs none
		dst = append(dst, `,"meta":{"tag":[`+subsetted+`]}`...)
	}
	return append(dst, '}')
}

// wants says whether a member of the resource is shown.
func (s show) wants(def *r4.Struct, name string) bool {
	switch name {
	case "resourceType", "id", "meta":
		return true
	}
	e := def.Element(name)
	if e == nil && name != "" && name[0] == '_' {
		e = def.Element(name[1:])
	}
	if e == nil {
		return false
	}
	if len(s.elements) > 0 {
		return e.Min > 0 || e.Modifier || slices.Contains(s.elements, e.Base) || slices.Contains(s.elements, e.Name)
	}
	switch s.summary {
	case "true":
		return e.Summary
	case "text":
		return e.Name == "text" || e.Min > 0
	case "data":
		return e.Name != "text"
	}
	return true
}

// appendBackbone appends a backbone element with its summary elements only; one that would be empty stays whole.
func appendBackbone(dst []byte, v resource.Value, def *r4.Struct) []byte {
	if v.Kind() == resource.Array {
		for i, item := 0, v.First(); item.Kind() != resource.None; i, item = i+1, item.Next() {
			if dst = append(dst, '['); i > 0 {
				dst[len(dst)-1] = ','
			}
			dst = appendBackbone(dst, item, def)
		}
		return append(dst, ']')
	}
	start := len(dst)
	dst = append(dst, '{')
	for m := v.First(); m.Kind() != resource.None; m = m.Next() {
		name := m.Name()
		if name != "" && name[0] == '_' {
			name = name[1:]
		}
		e := def.Element(name)
		if e == nil || !e.Summary && e.Min == 0 {
			continue
		}
		if len(dst) > start+1 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, m.Name()), ':')
		if e.Struct != nil && e.Struct.Kind == r4.KindBackbone {
			dst = appendBackbone(dst, m, e.Struct)
		} else {
			dst = append(dst, m.Raw()...)
		}
	}
	if len(dst) == start+1 {
		return append(dst[:start], v.Raw()...)
	}
	return append(dst, '}')
}

// subsetted is the tag of a resource of which something was left out: it is not to be written back.
const subsetted = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`

// appendSubsetted appends a meta, which is never empty, with the tag.
func appendSubsetted(dst []byte, meta resource.Value) []byte {
	tagged := false
	dst = append(dst, '{')
	for m := meta.First(); m.Kind() != resource.None; m = m.Next() {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, m.Name()), ':')
		raw := m.Raw()
		if m.Name() == "tag" && m.Kind() == resource.Array {
			tagged = true
			dst = append(append(dst, raw[:len(raw)-1]...), ","+subsetted+"]"...)
			continue
		}
		dst = append(dst, raw...)
	}
	if !tagged {
		dst = append(dst, `,"tag":[`+subsetted+`]`...)
	}
	return append(dst, '}')
}

// checkSummary refuses a _summary that is none.
func checkSummary(s string) error {
	switch s {
	case "", "true", "text", "data", "count", "false":
		return nil
	}
	return fhir.Errorf(fhir.Invalid, "summary-unknown", "", clip(s))
}
