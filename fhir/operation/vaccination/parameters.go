package vaccination

import (
	"net/url"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// Query are the parameters of an operation, from the address and from a body: each once.
type Query struct {
	AssessmentDate time.Time // zero = today
	Identifier     string    // system|value of a Patient, or a citizen ID alone
	Pregnant       bool
	Document       bool // form=document
	values         map[string]string
}

// ParseQuery reads the parameters of the address and of a body of Parameters, of which only allowed ones may be there.
// Errors: Kind Invalid, codes "operation-parameter-unknown", "vaccination-parameter" and "vaccination-parameter-twice".
func ParseQuery(raw string, body resource.Value, allowed ...string) (q Query, err error) {
	q.values = map[string]string{}
	params, err := search.Parse(raw)
	if err != nil {
		return q, err
	}
	for _, p := range params {
		if err := q.take(p.Key(), p.Value, "http."+p.Name, allowed); err != nil {
			return q, err
		}
	}
	if body.Kind() == resource.None {
		return q, nil
	}
	if t := body.ResourceType(); t != "Parameters" {
		return q, fhir.Errorf(fhir.Invalid, "type-mismatch", "", string(t), "Parameters")
	}
	for p := range body.Get("parameter").Elements() {
		if err := q.take(p.Get("name").Text(), textOf(p), p.Path(), allowed); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (q *Query) take(name, value, path string, allowed []string) error {
	known := false
	for _, a := range allowed {
		known = known || a == name
	}
	if !known {
		return fhir.Errorf(fhir.Invalid, "operation-parameter-unknown", path, clip(name))
	}
	if _, twice := q.values[name]; twice {
		return fhir.Errorf(fhir.Invalid, "vaccination-parameter-twice", path, name)
	}
	q.values[name] = value
	ok := true
	switch name {
	case "assessmentDate":
		q.AssessmentDate, ok = parseDate(value)
	case "identifier":
		q.Identifier = value
		at := strings.LastIndexByte(value, '|')
		ok = at > 0 && at < len(value)-1
		if at < 0 {
			_, err := identity.ParseCCCD(value)
			ok = err == nil
		}
	case "pregnant":
		q.Pregnant, ok = value == "true", value == "true" || value == "false"
	case "profile": // of the International Patient Summary: the one that there is
		ok = strings.HasPrefix(value, IPSProfile) && (len(value) == len(IPSProfile) || value[len(IPSProfile)] == '|')
	case "form":
		q.Document, ok = value == "document", value == "document" || value == "parameters"
	}
	if !ok {
		return fhir.Errorf(fhir.Invalid, "vaccination-parameter", path, name)
	}
	return nil
}

// IPSProfile is the profile of the document that $summary gives.
const IPSProfile = "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"

// parseDate reads an assessment date: a whole date, or a dateTime as its day in Vietnam.
func parseDate(text string) (time.Time, bool) { return immunization.ParseDay(text) }

// valueOf gives the value[x] of a parameter.
func valueOf(p resource.Value) resource.Value {
	for m := p.First(); m.Kind() != resource.None; m = m.Next() {
		if strings.HasPrefix(m.Name(), "value") {
			return m
		}
	}
	return resource.Value{}
}

// textOf gives the value of a parameter as text, an Identifier as system|value.
func textOf(p resource.Value) string {
	v := valueOf(p)
	if v.Name() == "valueIdentifier" {
		return v.Get("system").Text() + "|" + v.Get("value").Text()
	}
	return v.Text()
}

// clip keeps foreign text in a message short.
func clip(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}

func escape(s string) string { return url.QueryEscape(s) }
