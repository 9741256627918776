package interaction

import (
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// MetaChange adds profiles, security labels and tags to a resource's meta, or takes them out ($meta-add, $meta-delete). A
// coding is known by system and code: one that is there is not added again, and is taken out whatever its display.
// Source: https://hl7.org/fhir/R4/resource-operation-meta-add.html
type MetaChange struct {
	meta   resource.Value
	remove bool
}

// metaLists are the members of meta that can be changed.
var metaLists = []string{"profile", "security", "tag"}

// ParseMetaChange reads the Parameters of $meta-add, or with remove of $meta-delete; the MetaChange refers to v.
func ParseMetaChange(v resource.Value, remove bool) (MetaChange, error) {
	m := MetaChange{remove: remove}
	for param := range v.Get("parameter").Elements() {
		value := param.Get("valueMeta")
		if param.Get("name").Text() != "meta" || value.Kind() != resource.Object || m.meta.Kind() != resource.None {
			return m, fhir.Errorf(fhir.Invalid, "meta-parameter", param.Path())
		}
		m.meta = value
	}
	if m.meta.Kind() == resource.None {
		return m, fhir.Errorf(fhir.Invalid, "meta-parameter", v.Path())
	}
	for name, member := range m.meta.Members() {
		fits := false
		for _, list := range metaLists {
			fits = fits || name == list && member.Kind() == resource.Array
		}
		if !fits {
			return m, fhir.Errorf(fhir.Invalid, "meta-member", member.Path(), clip(name))
		}
	}
	return m, nil
}

// apply makes the change list by list; the resource that is served always has a meta.
func (m MetaChange) apply(s *Service, t fhir.Type, served []byte) ([]byte, error) {
	raw := served
	for _, name := range metaLists {
		given := m.meta.Get(name)
		if given.Kind() == resource.None {
			continue
		}
		doc, err := resource.Parse(raw, resource.DefaultLimits)
		if err != nil {
			return nil, unprocessable(err)
		}
		meta := doc.Root().Get("meta")
		l := listOf(meta, name)
		values, changed := m.changed(l, meta.Get(name), given)
		if changed {
			raw = l.set(values).applied(raw)
		}
	}
	return raw, nil
}

// changed gives the list after the change, and whether it is another one.
func (m MetaChange) changed(l list, have, given resource.Value) (values []written, changed bool) {
	type label struct{ system, code string }
	labelOf := func(v resource.Value) label {
		if v.Kind() == resource.Object {
			return label{v.Get("system").Text(), v.Get("code").Text()}
		}
		return label{code: v.Text()}
	}
	listed := map[label]bool{}
	if m.remove {
		for v := range given.Elements() {
			listed[labelOf(v)] = true
		}
		i := 0
		for v := range have.Elements() {
			if listed[labelOf(v)] {
				changed = true
			} else {
				values = append(values, l.values[i])
			}
			i++
		}
		return values, changed
	}
	values = l.values
	for v := range have.Elements() {
		listed[labelOf(v)] = true
	}
	for v := range given.Elements() {
		if key := labelOf(v); !listed[key] {
			listed[key], changed = true, true
			values = append(values, written{text: v.Raw()})
		}
	}
	return values, changed
}
