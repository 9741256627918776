package accesstest

import (
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// about are references that say whom a document is about, and where it came about.
var about = []string{"patient", "subject", "encounter", "for", "recipient"}

// minimal makes the least document of a type that the specification has no short example of.
func minimal(t fhir.Type) map[string]any {
	v := object(r4.Resource(t))
	v["resourceType"] = string(t)
	return v
}

func object(s *r4.Struct) map[string]any {
	v := map[string]any{}
	slots := map[int]bool{}
	for _, e := range s.Elements {
		aboutSomebody := e.TypeName == "Reference" && slices.Contains(about, e.Name)
		if e.Min == 0 && !aboutSomebody || slots[e.Slot] {
			continue
		}
		slots[e.Slot] = true
		one := value(e)
		if e.Array {
			one = []any{one}
		}
		v[e.Name] = one
	}
	return v
}

func value(e *r4.Element) any {
	switch e.TypeName {
	case "boolean":
		return true
	case "integer", "positiveInt", "unsignedInt", "decimal":
		return 1
	case "date", "dateTime":
		return "2020-01-01"
	case "instant":
		return "2020-01-01T00:00:00Z"
	case "time":
		return "10:00:00"
	case "Reference":
		t := fhir.Type("Patient")
		if len(e.Targets) > 0 && !slices.Contains(e.Targets, t) {
			t = e.Targets[0]
		}
		return map[string]any{"reference": string(t) + "/x"}
	case "CodeableConcept":
		return map[string]any{"text": "x"}
	case "Coding":
		return map[string]any{"code": "x"}
	case "Identifier":
		return map[string]any{"value": "x"}
	case "Period", "Timing":
		return map[string]any{"id": "x"}
	case "Quantity", "SimpleQuantity", "Duration", "Money":
		return map[string]any{"value": 1}
	case "oid":
		return "urn:oid:1.2.3"
	case "uuid":
		return "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
	case "uri", "url", "canonical":
		return "http://example.org/x"
	}
	if e.Primitive != r4.NotPrimitive {
		return "x"
	}
	if e.Struct == nil {
		return map[string]any{"resourceType": "Basic", "code": map[string]any{"text": "x"}}
	}
	if v := object(e.Struct); len(v) > 0 {
		return v
	}
	return map[string]any{"id": "x"}
}
