package engine

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

const patient fhir.Type = "Patient"

// toPatient begins the value of a reference to a Patient.
var toPatient = search.ReferenceValue(fhir.Key{Type: patient})

// subjectParams are, by type, the parameters through which a resource belongs to the record of a Patient, sorted.
// Source: https://hl7.org/fhir/R4/compartmentdefinition-patient.html
var subjectParams = sync.OnceValue(func() map[fhir.Type][]search.ParamID {
	all := map[fhir.Type][]search.ParamID{}
	for _, t := range r4.Types() {
		for _, code := range r4.CompartmentParams(patient, t) {
			if p := r4.Param(t, code); p != nil && p.Type == r4.ParamReference {
				all[t] = append(all[t], search.ParamID(p.ID))
			}
		}
		slices.Sort(all[t])
	}
	return all
})

// subjects gives the Patients whom a version is about.
func (v *versionRow) subjects(t fhir.Type) (ids []fhir.ID) {
	if t == patient {
		return []fhir.ID{fhir.ID(v.id)}
	}
	params := subjectParams()[t]
	if len(params) == 0 || !v.alive() {
		return nil
	}
	last := params[len(params)-1]
	for e := (packed{b: v.entries}); e.next() && e.param <= last; {
		id, ok := bytes.CutPrefix(e.value(), toPatient)
		if ok && slices.Contains(params, e.param) && !slices.ContainsFunc(ids, func(known fhir.ID) bool { return string(known) == string(id) }) {
			ids = append(ids, fhir.ID(id))
		}
	}
	return ids
}

// isAbout says whether ids are what subjects gives.
func (v *versionRow) isAbout(t fhir.Type, ids []fhir.ID) bool {
	params := subjectParams()[t]
	if t == patient || len(params) == 0 || !v.alive() {
		return false // these cost nothing
	}
	last, met := params[len(params)-1], 0
	for e := (packed{b: v.entries}); e.next() && e.param <= last; {
		id, ok := bytes.CutPrefix(e.value(), toPatient)
		switch {
		case !ok || !slices.Contains(params, e.param), slices.ContainsFunc(ids[:met], func(known fhir.ID) bool { return string(known) == string(id) }):
		case met == len(ids) || string(ids[met]) != string(id):
			return false
		default:
			met++
		}
	}
	return met == len(ids)
}

// subjectsOf gives whom a version is about: the matches of a search, one after the other, are mostly about the same.
func (r *run) subjectsOf(v *versionRow, t fhir.Type) []fhir.ID {
	if !v.isAbout(t, r.subjects) {
		r.subjects = v.subjects(t)
	}
	return r.subjects
}

// subjectsOfKey gives the Patients whom all versions of a resource are about, if its key says so.
func subjectsOfKey(key fhir.Key) (ids []fhir.ID, ok bool) {
	if key.Type == patient {
		return []fhir.ID{key.ID}, true
	}
	return nil, len(subjectParams()[key.Type]) == 0
}

// subjectsFor is subjectsOfKey for a read: it knows enough too where the reader does not ask.
func subjectsFor(ctx context.Context, key fhir.Key) (ids []fhir.ID, ok bool) {
	ids, ok = subjectsOfKey(key)
	return ids, ok || !store.AsksSubjects(ctx)
}

// subjectsOf gives the Patients whom one version is about.
func (e *Engine) subjectsOf(key fhir.Key, version fhir.Version) (ids []fhir.ID, err error) {
	if ids, ok := subjectsOfKey(key); ok {
		return ids, nil
	}
	s, err := e.stateOf(key)
	if err != nil || s.number == 0 {
		return nil, err
	}
	row, _, err := rowOfVersion(e.db, s.number, version)
	return row.subjects(key.Type), err
}
