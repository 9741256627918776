package engine_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Whom a version is about is left out only where the server reads for itself and does not ask; who asks afterwards is told.
func TestSubjectsAreToldToWhoAsks(t *testing.T) {
	e := openStore(t, t.TempDir(), options(0))
	defer e.Close()
	d, err := resource.New([]byte(`{"resourceType":"Observation","id":"o1","status":"final"}`))
	if err != nil {
		t.Fatal(err)
	}
	key, person := fhir.Key{Type: "Observation", ID: "o1"}, fhir.Key{Type: "Patient", ID: "p1"}
	about := search.Entry{Param: search.ParamID(r4.Param("Observation", "subject").ID), Value: search.ReferenceValue(person)}
	if _, err := e.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{{Key: key, Doc: d.Root().Store("o1"), Entries: []search.Entry{about}}}}); err != nil {
		t.Fatal(err)
	}
	self, caller := store.Ourselves(t.Context()), store.WithFence(t.Context(), store.OpenFence())
	for _, as := range []struct {
		name  string
		ctx   context.Context
		asked bool
	}{
		{"ourselves, not asking", store.WithoutSubjects(self), false},
		{"a caller who is not ourselves", store.WithoutSubjects(caller), true},
		{"ourselves", self, true},
		{"a caller", caller, true},
		{"ourselves, not asking, once it is known", store.WithoutSubjects(self), true},
	} {
		read, err := e.Read(as.ctx, key, 0)
		if err != nil {
			t.Fatal(err)
		}
		version, err := e.ReadVersion(as.ctx, key, 1)
		if err != nil {
			t.Fatal(err)
		}
		if want := []fhir.ID{"p1"}; as.asked && (!slices.Equal(read.Subjects, want) || store.AsksSubjects(as.ctx) && !slices.Equal(version.Subjects, want)) {
			t.Errorf("%s: about %v and %v", as.name, read.Subjects, version.Subjects)
		}
		if !as.asked && (read.Subjects != nil || version.Subjects != nil) {
			t.Errorf("%s: was told, so that it was looked up", as.name)
		}
		if read.Version != 1 || version.Version != 1 || read.At != version.At || read.T != version.T || read.Method != version.Method || string(read.Stored.Body) != string(version.Stored.Body) {
			t.Errorf("%s: %+v and %+v", as.name, read, version)
		}
	}
}

// Of whatever follows upon what: a match of a search is about those whom a read of it is about.
func TestSubjectsOfMatches(t *testing.T) {
	e := openStore(t, t.TempDir(), options(0))
	defer e.Close()
	param := func(code string) search.ParamID { return search.ParamID(r4.Param("Observation", code).ID) }
	var puts []store.Put
	var want []string
	for i, about := range []string{"", "a", "a", "ab", "ab", "ba", "b", "", "aa", "a", "ab", "a", "abb", "b"} {
		id := fhir.ID(fmt.Sprint(i))
		d, err := resource.New([]byte(`{"resourceType":"Observation","status":"final"}`))
		if err != nil {
			t.Fatal(err)
		}
		entries := []search.Entry{{Param: param("code"), Value: []byte("c")}}
		for j, person := range about {
			code := []string{"subject", "performer", "performer"}[j]
			entries = append(entries, search.Entry{Param: param(code), Value: search.ReferenceValue(fhir.Key{Type: "Patient", ID: fhir.ID(person)})})
		}
		slices.SortFunc(entries, func(a, b search.Entry) int { return cmp.Compare(a.Param, b.Param) })
		puts = append(puts, store.Put{Key: fhir.Key{Type: "Observation", ID: id}, Doc: d.Root().Store(id), Entries: entries})
	}
	if _, err := e.Commit(ours(t.Context()), store.Changes{Puts: puts}); err != nil {
		t.Fatal(err)
	}
	for _, p := range puts {
		read, err := e.Read(ours(t.Context()), p.Key, 0)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprint(read.Subjects))
	}
	var got []string
	for m, err := range e.Search(ours(t.Context()), search.Query{Type: "Observation"}, 0, store.SearchOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(m.Subjects))
	}
	if !slices.Equal(got, want) {
		t.Errorf("matches are about %v, by reading them about %v", got, want)
	}
	if want[0] != "[]" || want[3] == want[2] || want[7] != "[]" {
		t.Errorf("the test tells nothing: %v", want)
	}
}
