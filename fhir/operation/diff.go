package operation

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Version names a version of a resource; Version 0 is the current one.
type Version struct {
	Key     fhir.Key
	Version fhir.Version
}

// Diff gives what has to be done to one version of a resource to make it the other one: Parameters in the form of a
// FHIRPath Patch, which PATCH takes. Without a difference there is no operation in it.
//
// The id, meta.versionId and meta.lastUpdated are not compared. Number literals count as they are written: 1.0 is not
// 1.00. Members of a list that the longest common list of both does not have are replaced one by one, as far as there are
// as many on both sides; the rest is inserted or deleted. A primitive without a value in a list of primitives, which only
// has extensions, has no place that a FHIRPath names; what is said of it cannot be patched.
//
// at is the commit as of which a version is current, 0 = the head. R4 defines no such operation; this one has the form that HAPI gave it.
// Errors: NotFound, Gone; Invalid, code "diff-types", for two types.
func (s *Service) Diff(ctx context.Context, from, to Version, at fhir.T) ([]byte, error) {
	if from.Key.Type != to.Key.Type {
		return nil, fhir.Errorf(fhir.Invalid, "diff-types", "", string(from.Key.Type), string(to.Key.Type))
	}
	a, err := s.version(ctx, from, at)
	if err != nil {
		return nil, err
	}
	b, err := s.version(ctx, to, at)
	if err != nil {
		return nil, err
	}
	d := difference{}
	if def := r4.Resource(from.Key.Type); def != nil {
		d.objects(def, string(from.Key.Type), a, b, true)
	}
	return d.parameters(), nil
}

// Previous gives the version before v; the first one stands for itself.
func (s *Service) Previous(ctx context.Context, v Version, at fhir.T) (Version, error) {
	if v.Version == 0 {
		f, err := s.store.Read(ctx, v.Key, at)
		if err != nil {
			return v, err
		}
		v.Version = f.Version
	}
	v.Version = max(v.Version-1, 1)
	return v, nil
}

// version reads a version as it was sent, without what the server sets.
func (s *Service) version(ctx context.Context, v Version, at fhir.T) (resource.Value, error) {
	var f store.Found
	var err error
	if v.Version == 0 {
		f, err = s.store.Read(ctx, v.Key, at)
	} else {
		f, err = s.interactions.VRead(ctx, v.Key, v.Version)
	}
	if err != nil {
		return resource.Value{}, err
	}
	doc, err := resource.New(f.Stored.Body)
	if err != nil {
		return resource.Value{}, err
	}
	return doc.Root(), nil
}
