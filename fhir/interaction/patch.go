package interaction

import (
	"context"
	"errors"
	"sort"
	"strconv"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// PatchOptions refine a patch.
type PatchOptions struct {
	IfMatch *fhir.Version // the version that must be current, else Kind Precondition, code "version-conflict"
	Accept  Accept        // in the place of IfMatch, for what is not one version
}

// JSONPatch is a parsed JSON Patch (RFC 6902).
type JSONPatch struct{ ops jsonpatch.Patch }

// ParseJSONPatch reads a JSON Patch. The error has Kind Invalid, code "patch-invalid".
func (s *Service) ParseJSONPatch(raw []byte) (JSONPatch, error) {
	ops, err := jsonpatch.DecodePatch(raw)
	if err != nil {
		return JSONPatch{}, fhir.Wrap(fhir.Invalid, "patch-invalid", err)
	}
	if len(ops) > s.limits.PatchOps {
		return JSONPatch{}, fhir.Errorf(fhir.TooLarge, "patch-too-long", "", len(ops), s.limits.PatchOps)
	}
	for i, op := range ops {
		if !complete(op) {
			return JSONPatch{}, fhir.Errorf(fhir.Invalid, "patch-operation", "["+strconv.Itoa(i)+"]")
		}
	}
	return JSONPatch{ops}, nil
}

// complete says whether an operation has what its kind needs; the library takes it for granted.
func complete(op jsonpatch.Operation) bool {
	if _, err := op.Path(); err != nil {
		return false
	}
	switch op.Kind() {
	case "add", "replace", "test":
		_, ok := op["value"]
		return ok
	case "move", "copy":
		_, err := op.From()
		return err == nil
	case "remove":
		return true
	}
	return false
}

// Patch applies p to the document as it is served and stores the result as any update. What p does not touch keeps its
// number literals and the order of its members; white space between tokens is not kept. Type and id cannot be changed.
// Errors: NotFound, Gone; Kind Unprocessable, code "patch-failed", for an operation that does not fit the document.
func (s *Service) Patch(ctx context.Context, key fhir.Key, p JSONPatch, o PatchOptions) (Result, error) {
	return s.decide(ctx, key.String(), true, func() (Result, error) { return s.patch(ctx, key, p, o, nil) })
}

// PatchByCriteria is the conditional patch PATCH Type?criteria. No match is Kind NotFound, more than one Kind Precondition.
func (s *Service) PatchByCriteria(ctx context.Context, t fhir.Type, rawCriteria string, p JSONPatch, o PatchOptions) (Result, error) {
	cond, err := s.bindCriteria(t, rawCriteria)
	if err != nil {
		return Result{}, err
	}
	return s.decide(ctx, string(t)+"?"+rawCriteria, true, func() (Result, error) {
		at, err := s.store.Head(ctx)
		if err != nil {
			return Result{}, err
		}
		match, err := s.one(ctx, cond, at)
		if err != nil {
			return Result{}, err
		}
		if match == nil {
			return Result{}, fhir.Errorf(fhir.NotFound, "criteria-none", "", string(t))
		}
		return s.patch(ctx, match.Key, p, o, []store.Precondition{store.OneMatch{Query: cond.query, Key: match.Key}})
	})
}

// patch reads, applies and commits once.
func (s *Service) patch(ctx context.Context, key fhir.Key, p JSONPatch, o PatchOptions, require []store.Precondition) (Result, error) {
	c, err := s.patched(ctx, key, p, o)
	if err != nil {
		return Result{}, err
	}
	return s.write(ctx, c, collectCriteria(c.value), require)
}

// patched makes the change that p is for the current version of key.
func (s *Service) patched(ctx context.Context, key fhir.Key, p JSONPatch, o PatchOptions) (*change, error) {
	at, err := s.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	before, err := s.store.Read(ctx, key, at)
	if err != nil {
		return nil, err
	}
	if o.IfMatch != nil && *o.IfMatch != before.Version || o.Accept != nil && !o.Accept(before.Version) {
		return nil, versionConflict(key, before.Version)
	}
	raw, err := s.apply(p, key.Type, before.Stored.Append(nil, before.Version, before.At))
	if err != nil {
		return nil, err
	}
	doc, err := resource.Parse(raw, resource.DefaultLimits)
	if err != nil {
		return nil, unprocessable(err)
	}
	if err := sameKey(doc.Root(), key); err != nil {
		return nil, unprocessable(err)
	}
	return &change{key: key, value: doc.Root(), method: store.MethodPatch, ifMatch: &before.Version, before: &before, beforeAt: at}, nil
}

// apply gives the patched document. The path of its error is what the operation at fault points at.
func (s *Service) apply(p JSONPatch, t fhir.Type, served []byte) ([]byte, error) {
	raw, err := s.applyFirst(p, len(p.ops), served)
	if err == nil {
		return raw, nil
	}
	fault := sort.Search(len(p.ops)-1, func(i int) bool { _, err := s.applyFirst(p, i+1, served); return err != nil })
	pointer, _ := p.ops[fault].Path()
	return nil, &fhir.Error{Kind: fhir.Unprocessable, Code: "patch-failed", Path: pathOf(t, pointer), Err: err}
}

// applyFirst applies the first n operations.
func (s *Service) applyFirst(p JSONPatch, n int, served []byte) (raw []byte, err error) {
	o := jsonpatch.NewApplyOptions()
	o.SupportNegativeIndices = false
	o.AccumulatedCopySizeLimit = int64(s.limits.PatchGrowth)
	o.EscapeHTML = false
	err = guarded(func() (err error) {
		raw, err = p.ops[:n].ApplyWithOptions(served, o)
		return err
	})
	return raw, err
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

// unprocessable says that the fault is in what the patch makes, not in what was sent.
func unprocessable(err error) error {
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Kind == fhir.Invalid {
		c := *e
		c.Kind = fhir.Unprocessable
		return &c
	}
	return err
}
