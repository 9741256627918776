package walk

import (
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// target checks that a reference points at a type that its element allows: "Patient/1" and "Patient?identifier=x" say it,
// "#p" says it through the contained resource. What does not say it passes: urn:uuid:…, references to other servers, and
// those that have only an identifier or a display. https://hl7.org/fhir/R4/references.html#literal
func (w *walker) target(e *r4.Element, v resource.Value) {
	ref := v.Get("reference")
	if ref.Kind() != resource.String {
		return
	}
	t := w.targetType(ref.Text())
	if t == "" {
		return
	}
	for _, allowed := range e.Targets {
		if allowed == t {
			return
		}
	}
	if !r4.IsResource(t) {
		return // "Example/1" is no reference to a resource at all; whoever resolves it says so
	}
	names := make([]string, len(e.Targets))
	for i, allowed := range e.Targets {
		names[i] = string(allowed)
	}
	w.fault("reference-target", ref.Path(), e.Name, t, strings.Join(names, ", "))
}

// targetType gives the type that a literal reference names, "" if it names none.
func (w *walker) targetType(s string) fhir.Type {
	for i := range len(s) {
		switch s[i] {
		case '#':
			if i == 0 {
				return w.contained(s[1:])
			}
			return ""
		case '/', '?':
			return fhir.Type(s[:i])
		case ':', '|':
			return ""
		}
	}
	return ""
}

// contained gives the type of a contained resource by its id; "" for what is not there. "#" is the container itself.
func (w *walker) contained(id string) fhir.Type {
	if id == "" {
		return w.root.ResourceType()
	}
	for c := range w.root.Get("contained").Elements() {
		if have, _ := c.ID(); have == id {
			return c.ResourceType()
		}
	}
	return ""
}
