package access_test

import (
	"context"
	"iter"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/access/accesstest"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
)

// entries are documents as the store indexes them: a search.World.
type entries struct {
	of     map[fhir.Key][]search.Entry
	inside map[fhir.Key][]search.Contained
	types  map[fhir.Type][]fhir.Key
}

func indexed(t testing.TB, w *accesstest.World) entries {
	x := index.New(index.Options{})
	out := entries{map[fhir.Key][]search.Entry{}, map[fhir.Key][]search.Contained{}, map[fhir.Type][]fhir.Key{}}
	for _, d := range w.Docs {
		found, issues := x.Document(d.Root, 5)
		if issues != nil {
			t.Fatalf("%s: %v", d.Key, issues)
		}
		out.of[d.Key] = append(found.Entries, search.Entry{Param: search.ParamSender, Value: []byte(d.Sender)})
		out.inside[d.Key] = found.Contained
		out.types[d.Key.Type] = append(out.types[d.Key.Type], d.Key)
	}
	return out
}

func (e entries) Entries(key fhir.Key) ([]search.Entry, bool) {
	list, ok := e.of[key]
	return list, ok
}

func (e entries) Contained(key fhir.Key) []search.Contained { return e.inside[key] }

func (e entries) Resources(t fhir.Type) iter.Seq2[fhir.Key, []search.Entry] {
	return func(yield func(fhir.Key, []search.Entry) bool) {
		for _, key := range e.types[t] {
			if !yield(key, e.of[key]) {
				return
			}
		}
	}
}

func (e entries) allows(f store.Fence, a store.Action, key fhir.Key) bool {
	g := f.Grant(key.Type, a)
	if g.None() {
		return false
	}
	q := search.Query{Type: key.Type}
	if c := g.Condition(); c != nil {
		q.Where = []search.Condition{c}
	}
	return search.MatchesIn(q, key, e.of[key], e)
}

// FENCED: the fences of the built-in policy allow what a naive reader of the policy says, for every type, action, role and
// relation.
func TestFencesAreWhatThePolicySays(t *testing.T) {
	world := accesstest.New(t, fhirtest.Examples)
	reader := accesstest.NewReader(t, world, access.BuiltIn)
	all := indexed(t, world)
	policies, err := access.Open(access.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, caller := range accesstest.Callers() {
		allowed, refused := 0, 0
		f, err := policies.Fence(context.Background(), caller)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range world.Docs {
			for i, letter := range []byte("cruds") {
				want := reader.May(caller, letter, &d)
				if got := all.allows(f, store.Action(i), d.Key); got != want {
					t.Errorf("%s, %c of %s: %v, the policy says %v", name, letter, d.Key, got, want)
				}
				if want {
					allowed++
				} else {
					refused++
				}
			}
		}
		t.Logf("%-22s %5d allowed %5d refused", name, allowed, refused)
	}
}
