package interaction

import (
	"errors"
	"sort"
	"strconv"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/lienthong/lienthong/fhir"
)

// patching is a patch on its way through a document.
type patching struct {
	s    *Service
	p    JSONPatch
	t    fhir.Type
	work int // bytes read
}

// apply gives the patched document. Runs of operations that change it are the library's; tests are ours, since they compare
// numbers by value. The path of an error is what the operation at fault points at.
func (p JSONPatch) apply(s *Service, t fhir.Type, served []byte) ([]byte, error) {
	a := patching{s: s, p: p, t: t}
	raw := served
	for from := 0; from < len(p.steps); {
		if a.work += len(raw); a.work > s.limits.PatchWork {
			return nil, fhir.Errorf(fhir.TooCostly, "patch-too-costly", "")
		}
		if p.steps[from].op == "test" {
			if err := a.test(from, raw); err != nil {
				return nil, err
			}
			from++
			continue
		}
		to := from + 1
		for to < len(p.steps) && p.steps[to].op != "test" {
			to++
		}
		changed, err := a.run(from, to, raw)
		if err != nil {
			return nil, a.fault(from, to, raw)
		}
		raw, from = changed, to
		if len(raw) > len(served)+s.limits.PatchGrowth+p.size() {
			return nil, fhir.Errorf(fhir.TooLarge, "patch-growth", "", s.limits.PatchGrowth)
		}
	}
	return raw, nil
}

// size is the number of bytes that the values of a patch may add.
func (p JSONPatch) size() (n int) {
	for _, s := range p.steps {
		n += len(s.value)
	}
	return n
}

// run applies the operations from to to-1, none of them a test.
func (a *patching) run(from, to int, raw []byte) (changed []byte, err error) {
	o := jsonpatch.NewApplyOptions()
	o.SupportNegativeIndices = false
	o.AccumulatedCopySizeLimit = int64(a.s.limits.PatchGrowth)
	o.EscapeHTML = false
	err = guarded(func() (err error) {
		changed, err = a.p.ops[from:to].ApplyWithOptions(raw, o)
		return err
	})
	return changed, err
}

// fault finds the first operation of a run that cannot be applied, and says what it lacks.
func (a *patching) fault(from, to int, raw []byte) error {
	n := from + sort.Search(to-from-1, func(i int) bool { _, err := a.run(from, from+i+1, raw); return err != nil })
	before, err := a.run(from, n, raw)
	if err == nil {
		_, err = a.run(n, n+1, before)
	}
	if _, ok := errors.AsType[*jsonpatch.AccumulatedCopySizeError](err); ok {
		return fhir.Wrap(fhir.TooLarge, "patch-growth", err, a.s.limits.PatchGrowth)
	}
	if step := a.p.steps[n]; step.op == "move" || step.op == "copy" {
		if _, found := locate(before, step.from); !found {
			return a.refuse("patch-path", n, step.from, err)
		}
	}
	if _, index := errors.AsType[*strconv.NumError](err); index || errors.Is(err, jsonpatch.ErrMissing) || errors.Is(err, jsonpatch.ErrInvalidIndex) {
		return a.refuse("patch-path", n, a.p.steps[n].path, err)
	}
	return a.refuse("patch-failed", n, a.p.steps[n].path, err)
}

// test performs operation n, a test, on a document.
func (a *patching) test(n int, raw []byte) error {
	step := a.p.steps[n]
	v, found := locate(raw, step.path)
	if !found {
		return a.refuse("patch-path", n, step.path, nil)
	}
	if !equalJSON(v, step.value) {
		return a.refuse("patch-test", n, step.path, nil)
	}
	return nil
}

// refuse names operation n and the pointer at fault.
func (a *patching) refuse(code string, n int, pointer string, cause error) error {
	return &fhir.Error{Kind: fhir.Unprocessable, Code: code, Path: pathOf(a.t, pointer), Args: []any{n, a.p.steps[n].op, clip(pointer)}, Err: cause}
}

// pathOf is a JSON Pointer (RFC 6901) into a document of type t as a path of FHIR: /name/0/family is Patient.name[0].family.
func pathOf(t fhir.Type, pointer string) string {
	path := string(t)
	for _, step := range strings.Split(pointer, "/")[1:] {
		switch _, err := strconv.ParseUint(step, 10, 32); {
		case err == nil:
			path += "[" + step + "]"
		case step != "" && step != "-":
			path += "." + step
		}
	}
	return path
}
