package interaction

import (
	"strconv"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/resource"
)

// PathPatch is a parsed FHIRPath Patch: Parameters with one parameter "operation" for each step.
// Source: https://hl7.org/fhir/R4/fhirpatch.html
type PathPatch struct{ steps []pathStep }

// pathStep is one operation. Its value stays in the Parameters that were sent.
type pathStep struct {
	n                          int // counted from 0
	op                         string
	path                       *fhirpath.Expr
	name                       string         // of add
	value                      resource.Value // part "value" of add, insert and replace
	index, source, destination int
}

// pathParts are the parts that each operation needs, besides type and path.
var pathParts = map[string][]string{
	"add":     {"name", "value"},
	"insert":  {"index", "value"},
	"delete":  {},
	"replace": {"value"},
	"move":    {"source", "destination"},
}

// ParsePathPatch reads a FHIRPath Patch; the PathPatch refers to v. Errors have Kind Invalid and the place within v;
// TooLarge, code "patch-too-long", for more than Limits.PatchOps.
func (s *Service) ParsePathPatch(v resource.Value) (PathPatch, error) {
	var p PathPatch
	for param := range v.Get("parameter").Elements() {
		if len(p.steps) == s.limits.PatchOps {
			return p, fhir.Errorf(fhir.TooLarge, "patch-too-long", "", s.limits.PatchOps)
		}
		if param.Get("name").Text() != "operation" || param.Get("part").Kind() != resource.Array {
			return p, fhir.Errorf(fhir.Invalid, "pathpatch-operation", param.Path())
		}
		step, err := parsePathStep(len(p.steps), param)
		if err != nil {
			return p, err
		}
		p.steps = append(p.steps, step)
	}
	if len(p.steps) == 0 {
		return p, fhir.Errorf(fhir.Invalid, "pathpatch-operation", v.Path())
	}
	return p, nil
}

func parsePathStep(n int, param resource.Value) (pathStep, error) {
	step := pathStep{n: n}
	parts := map[string]resource.Value{}
	for part := range param.Get("part").Elements() {
		name := part.Get("name").Text()
		if _, twice := parts[name]; twice {
			return step, fhir.Errorf(fhir.Invalid, "pathpatch-part-twice", part.Path(), n, clip(name))
		}
		parts[name] = part
	}
	step.op = primitive(parts["type"])
	needs, known := pathParts[step.op]
	if !known {
		return step, fhir.Errorf(fhir.Invalid, "pathpatch-type", param.Path(), n, clip(step.op))
	}
	for _, name := range append([]string{"path"}, needs...) {
		part, ok := parts[name]
		if !ok {
			return step, fhir.Errorf(fhir.Invalid, "pathpatch-part", param.Path(), n, step.op, name)
		}
		bad := fhir.Errorf(fhir.Invalid, "pathpatch-part-value", part.Path(), n, step.op, name)
		var err error
		switch name {
		case "path":
			if step.path, err = fhirpath.Parse(primitive(part)); err != nil {
				return step, within(part.Path(), err)
			}
		case "name":
			if step.name = primitive(part); step.name == "" {
				return step, bad
			}
		case "value":
			step.value = part
		case "index":
			step.index, err = whole(part)
		case "source":
			step.source, err = whole(part)
		case "destination":
			step.destination, err = whole(part)
		}
		if err != nil {
			return step, bad
		}
		delete(parts, name)
	}
	delete(parts, "type")
	for name, part := range parts {
		return step, fhir.Errorf(fhir.Invalid, "pathpatch-part-unknown", part.Path(), n, step.op, clip(name))
	}
	return step, nil
}

// valueOf gives the value[x] of a parameter; the zero Value if there is none.
func valueOf(part resource.Value) resource.Value {
	for m := part.First(); m.Kind() != resource.None; m = m.Next() {
		if name := m.Name(); len(name) > 5 && name[:5] == "value" {
			return m
		}
	}
	return resource.Value{}
}

// primitive gives the text of a parameter with a primitive value, "" if there is none.
func primitive(part resource.Value) string { return valueOf(part).Text() }

// whole reads a whole number that is not negative.
func whole(part resource.Value) (int, error) {
	n, err := strconv.ParseUint(primitive(part), 10, 31)
	return int(n), err
}

// apply performs the operations one after the other, each on what the one before made. What they do not touch stays byte
// for byte; of an object or array that they change only the white space between its members does not stay.
func (p PathPatch) apply(s *Service, t fhir.Type, served []byte) ([]byte, error) {
	raw, work := served, 0
	for _, step := range p.steps {
		if work += len(raw); work > s.limits.PatchWork {
			return nil, fhir.Errorf(fhir.TooCostly, "patch-too-costly", "")
		}
		doc, err := resource.Parse(raw, resource.DefaultLimits)
		if err != nil {
			return nil, unprocessable(err)
		}
		e, err := step.edit(doc.Root())
		if err != nil {
			return nil, err
		}
		raw = e.applied(raw)
	}
	return raw, nil
}

// refuse names the operation at fault; at is the place in the document, "" if there is none.
func (p *pathStep) refuse(code, at string, args ...any) error {
	return fhir.Errorf(fhir.Unprocessable, code, at, append([]any{p.n, p.op, clip(p.path.String())}, args...)...)
}
