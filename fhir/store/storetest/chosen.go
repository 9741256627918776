package storetest

import (
	"context"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// fencedChosen creates at ids of the caller's own choice: what refers to one already, of others, does not become the caller's to read by
// that, nor does what is about a deleted resource of others by bringing that back.
func fencedChosen(t *testing.T, cfg Config) {
	s := open(t, cfg)
	observation := func(id string) fhir.Key { return fhir.Key{Type: "Observation", ID: fhir.ID(id)} }
	encounter := func(id string) fhir.Key { return fhir.Key{Type: "Encounter", ID: fhir.ID(id)} }
	leads := func(to search.Query) search.Condition {
		return search.Chain{Param: pRef, Targets: []search.Query{to}}
	}
	own := search.Terms{Any: []search.Term{{Param: search.ParamSender, Low: []byte("org-1"), Exact: true}}}
	mine, all := by("Patient", pToken, "mine"), store.Grant{All: true}
	// Observations of one's own, of one's patients, and of what happened to these; one's own patients.
	read := store.Grant{Where: []search.Condition{own, leads(mine), leads(search.Query{Type: "Encounter", Where: []search.Condition{leads(mine)}})}}
	sent := store.Grant{Where: []search.Condition{own}}
	ctx := store.WithFence(t.Context(), store.NewFence(map[fhir.Type]*store.Grants{
		"Observation": {all, read, sent, sent, read}, "Patient": {all, all, sent, sent, all}, "Encounter": {all, sent, sent, sent, sent},
	}, "org-1"))
	theirs := func(puts ...store.Put) {
		t.Helper()
		if _, err := s.Commit(store.Ourselves(t.Context()), store.Changes{Puts: puts}); err != nil {
			t.Fatal(err)
		}
	}
	try := func(denied bool, ctx context.Context, puts ...store.Put) {
		t.Helper()
		_, err := s.Commit(ctx, store.Changes{Puts: puts})
		if denied {
			refused(t, err, fhir.Denied, "access-denied")
		} else if err != nil {
			t.Fatal(err)
		}
	}
	hidden := func(is bool, id string) {
		t.Helper()
		if _, err := s.Read(ctx, observation(id), 0); (err != nil) != is {
			t.Errorf("FENCED: %s is hidden: %v", id, err != nil)
		}
	}
	theirs(put(observation("o1"), "1", refTo(patient(1))), put(observation("o2"), "1", refTo(encounter("e2"))), put(encounter("e2"), "1", refTo(patient(2))))
	try(true, ctx, put(patient(1), "1", entry(pToken, "mine")))
	try(true, ctx, put(patient(1), "1", entry(pToken, "mine")), put(observation("o"), "1", refTo(patient(1))))
	try(true, ctx, put(patient(2), "1", entry(pToken, "mine"))) // of what refers to what refers to it
	hidden(true, "o1")
	hidden(true, "o2")
	// What opens nothing is allowed: it is not said to be one's own, nothing refers to it, or what does is one's own already.
	try(false, ctx, put(patient(1), "1", entry(pToken, "theirs")))
	try(false, ctx, put(patient(3), "1", entry(pToken, "mine")))
	try(false, ctx, put(observation("o4"), "1", refTo(patient(4))))
	try(false, ctx, put(patient(4), "1", entry(pToken, "mine")))
	try(false, ctx, put(observation("o5"), "1", refTo(patient(5))), put(patient(5), "1", entry(pToken, "mine")))
	hidden(true, "o1")
	hidden(false, "o4")
	// What was theirs and is deleted is not brought back by others, whatever it would be.
	theirs(put(patient(6), "1", entry(pToken, "mine")), put(observation("o6"), "1", refTo(patient(6))))
	if _, err := s.Commit(store.Ourselves(t.Context()), store.Changes{Deletes: []store.Delete{{Key: patient(6)}, {Key: patient(3)}}}); err != nil {
		t.Fatal(err)
	}
	try(true, ctx, put(patient(6), "2", entry(pToken, "mine")))
	try(false, ctx, put(patient(3), "2", entry(pToken, "mine"))) // one's own
	hidden(true, "o6")
}
