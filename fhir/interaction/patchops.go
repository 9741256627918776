package interaction

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/lienthong/lienthong/fhir"
)

// JSONPatch is a parsed JSON Patch (RFC 6902).
type JSONPatch struct {
	ops   jsonpatch.Patch
	steps []patchStep // what ops says, in the same order
}

// patchStep is one operation, checked.
type patchStep struct {
	op    string
	path  string // JSON Pointer (RFC 6901)
	from  string // of move and copy
	value jsontext.Value
}

// ParseJSONPatch reads a JSON Patch. Errors have Kind Invalid and say which operation, counted from 0, lacks what;
// TooLarge, code "patch-too-long", for more than Limits.PatchOps. Members that RFC 6902 does not know are passed over.
func (s *Service) ParseJSONPatch(raw []byte) (JSONPatch, error) {
	if err := wellFormed(raw); err != nil {
		return JSONPatch{}, err
	}
	var p JSONPatch
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if d.PeekKind() != '[' {
		return JSONPatch{}, fhir.Errorf(fhir.Invalid, "patch-invalid", "")
	}
	_, _ = d.ReadToken() // that it can be read is known
	for n := 0; d.PeekKind() != ']'; n++ {
		v, err := d.ReadValue()
		if err != nil {
			return JSONPatch{}, fhir.Wrap(fhir.Invalid, "patch-invalid", err)
		}
		step, err := parseStep(n, v)
		if err != nil {
			return JSONPatch{}, err
		}
		if p.steps = append(p.steps, step); len(p.steps) > s.limits.PatchOps {
			return JSONPatch{}, fhir.Errorf(fhir.TooLarge, "patch-too-long", "", s.limits.PatchOps)
		}
	}
	var err error
	if p.ops, err = jsonpatch.DecodePatch(raw); err != nil || len(p.ops) != len(p.steps) {
		return JSONPatch{}, fhir.Wrap(fhir.Invalid, "patch-invalid", err)
	}
	return p, nil
}

// wellFormed says whether raw is one JSON value without duplicate members.
func wellFormed(raw []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	err := d.SkipValue()
	if err == nil {
		if _, err = d.ReadToken(); err == io.EOF {
			return nil
		}
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(syntax.Err, jsontext.ErrDuplicateName) {
		place := strings.Split(string(syntax.JSONPointer), "/")
		if len(place) > 2 {
			return fhir.Wrap(fhir.Invalid, "patch-duplicate", err, place[1], clip(place[len(place)-1]))
		}
	}
	return fhir.Wrap(fhir.Invalid, "patch-invalid", err)
}

// parseStep reads operation n, which is well-formed JSON.
func parseStep(n int, raw jsontext.Value) (s patchStep, err error) {
	if raw.Kind() != '{' {
		return s, fhir.Errorf(fhir.Invalid, "patch-operation", "", n)
	}
	has := map[string]bool{}
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	for _, err = d.ReadToken(); err == nil && d.PeekKind() != '}'; {
		var name jsontext.Token
		if name, err = d.ReadToken(); err != nil {
			break
		}
		member := name.String()
		var v jsontext.Value
		if v, err = d.ReadValue(); err != nil {
			break
		}
		switch member {
		case "value":
			s.value, has[member] = v.Clone(), true
		case "op":
			s.op, has[member] = textOf(v)
		case "path":
			s.path, has[member] = textOf(v)
		case "from":
			s.from, has[member] = textOf(v)
		}
	}
	if err != nil {
		return s, fhir.Wrap(fhir.Invalid, "patch-invalid", err)
	}
	return s, s.complete(n, has)
}

// textOf gives the text of a JSON string; false for any other value.
func textOf(v jsontext.Value) (string, bool) {
	if v.Kind() != '"' {
		return "", false
	}
	b, err := jsontext.AppendUnquote(nil, v)
	return string(b), err == nil
}

// complete says whether operation n has what its kind needs.
func (s patchStep) complete(n int, has map[string]bool) error {
	needs := []string{"path"}
	switch s.op {
	case "add", "replace", "test":
		needs = append(needs, "value")
	case "move", "copy":
		needs = append(needs, "from")
	case "remove":
	default:
		if !has["op"] {
			return fhir.Errorf(fhir.Invalid, "patch-member", "", n, "op")
		}
		return fhir.Errorf(fhir.Invalid, "patch-op-unknown", "", n, clip(s.op))
	}
	for _, member := range needs {
		if !has[member] {
			return fhir.Errorf(fhir.Invalid, "patch-member", "", n, member)
		}
	}
	for _, pointer := range []string{s.path, s.from} {
		if !isPointer(pointer) {
			return fhir.Errorf(fhir.Invalid, "patch-pointer", "", n, clip(pointer))
		}
	}
	return nil
}

var oddIndex = regexp.MustCompile(`^([+-][0-9]+|0[0-9]+)$`)

// isPointer says whether s is a JSON Pointer, whose array indexes have neither sign nor leading zeros.
func isPointer(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != '/' {
		return false
	}
	for step := range strings.SplitSeq(s[1:], "/") {
		if oddIndex.MatchString(step) {
			return false
		}
	}
	for i := 0; i < len(s); i++ {
		if s[i] == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return false
		}
	}
	return true
}

// clip keeps foreign text in a message short.
func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
