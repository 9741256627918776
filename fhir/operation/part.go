package operation

import (
	"strings"

	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// appendPart appends a part of Parameters that holds an element: as value[x] if Parameters have one of its type, as a
// resource, else as parts named like its own elements.
func appendPart(dst []byte, name string, el *r4.Element, v value) []byte {
	dst = append(append(append(dst, `{"name":"`...), name...), '"')
	if v.of.Kind() == resource.Object && el.Struct == nil {
		return append(append(append(dst, `,"resource":`...), v.of.Raw()...), '}')
	}
	property := propertyOf(el)
	if property == "" {
		return append(appendParts(append(dst, `,"part":[`...), el.Struct, v.of), `]}`...)
	}
	if v.of.Kind() != resource.None {
		dst = append(append(append(append(dst, `,"`...), property...), `":`...), v.of.Raw()...)
	}
	if v.companion.Kind() != resource.None {
		dst = append(append(append(append(dst, `,"_`...), property...), `":`...), v.companion.Raw()...)
	}
	return append(dst, '}')
}

// propertyOf gives the value[x] of Parameters for an element; "" if there is none.
func propertyOf(el *r4.Element) string {
	name := "value" + strings.ToUpper(el.TypeName[:1]) + el.TypeName[1:]
	if r4.Backbone("Parameters.parameter").Element(name) != nil {
		return name
	}
	if el.Primitive != r4.NotPrimitive {
		return "valueString" // xhtml
	}
	return ""
}

// appendParts appends the elements of an object that has no type of its own.
func appendParts(dst []byte, def *r4.Struct, of resource.Value) []byte {
	done := map[string]bool{}
	for _, e := range def.Elements {
		if done[e.Base] {
			continue
		}
		done[e.Base] = true
		el, v := member(def, e.Base, of)
		if v.none() {
			continue
		}
		list := []value{v}
		if el.Array {
			list = elements(v)
		}
		for _, one := range list {
			if dst[len(dst)-1] != '[' {
				dst = append(dst, ',')
			}
			dst = appendPart(dst, e.Base, el, one)
		}
	}
	return dst
}
