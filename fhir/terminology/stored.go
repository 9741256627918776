package terminology

import (
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

func itoa(n int) string { return strconv.Itoa(n) }

// readCodeSystem reads a CodeSystem resource into a table; nil, without an error, if it does not carry its codes.
func readCodeSystem(v resource.Value, limits Limits) (*table, error) {
	system := strings.Clone(v.Get("url").Text())
	if v.ResourceType() != "CodeSystem" || system == "" {
		return nil, fhir.Errorf(fhir.Invalid, "codesystem-malformed", v.Path(), system)
	}
	switch v.Get("content").Text() {
	case "not-present", "supplement":
		return nil, nil
	}
	b := newBuilder(system, strings.Clone(v.Get("version").Text()), limits)
	b.t.fold = v.Get("caseSensitive").Kind() == resource.Bool && v.Get("caseSensitive").Text() == "false"
	meaning := v.Get("hierarchyMeaning").Text()
	b.t.flat = meaning != "" && meaning != "is-a"
	r := conceptReader{b: b, roles: rolesOf(v)}
	if err := r.concepts(v.Get("concept"), -1, 0); err != nil {
		return nil, err
	}
	return b.finish(), nil
}

// rolesOf gives what the properties of a code system mean, by their code: the last part of a uri of HL7's common properties,
// such as http://hl7.org/fhir/concept-properties#parent. Those that are not declared mean what they are called.
func rolesOf(v resource.Value) map[string]string {
	roles := map[string]string{}
	for p := range v.Get("property").Elements() {
		uri := p.Get("uri").Text()
		if role, ok := strings.CutPrefix(uri, "http://hl7.org/fhir/concept-properties#"); ok {
			roles[p.Get("code").Text()] = role
		}
	}
	return roles
}

type conceptReader struct {
	b     *builder
	roles map[string]string
}

func (r conceptReader) concepts(list resource.Value, parent int32, depth int) error {
	for v := range list.Elements() {
		code := v.Get("code")
		if code.Kind() != resource.String {
			return fhir.Errorf(fhir.Invalid, "codesystem-malformed", v.Path(), r.b.t.system)
		}
		i, err := r.b.add(code.Text(), v.Get("display").Text(), parent)
		if err != nil {
			return err
		}
		for p := range v.Get("property").Elements() {
			name := p.Get("code").Text()
			role, ok := r.roles[name]
			if !ok {
				role = name
			}
			if err := r.b.property(i, role, name, propertyValue(p)); err != nil {
				return err
			}
		}
		if err := r.concepts(v.Get("concept"), i, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// propertyValue gives the text of value[x]: the code of a Coding, the literal of numbers and booleans.
func propertyValue(p resource.Value) string {
	for name, v := range p.Members() {
		if strings.HasPrefix(name, "value") {
			if v.Kind() == resource.Object {
				return v.Get("code").Text()
			}
			return v.Text()
		}
	}
	return ""
}
