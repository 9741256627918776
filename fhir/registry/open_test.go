package registry

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// office is a store with a registry on it, and a clock that tests move.
type office struct {
	*Registry
	clock time.Time
	dir   string
}

// noon is a time of a day in Vietnam.
func noon(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t.Add(5 * time.Hour)
}

func ours() context.Context { return store.Ourselves(context.Background()) }

func open(t testing.TB, today string, set *immunization.Set) *office {
	t.Helper()
	o := &office{clock: noon(today), dir: t.TempDir()}
	systems := identity.Systems{}
	st := enginetest.OpenAt(t, o.dir, enginetest.Indexed(engine.Options{}, index.Options{FoldSystem: systems.Fold}))
	now := func() time.Time { return o.clock }
	s := interaction.New(interaction.Config{Store: st, FoldSystem: systems.Fold})
	o.Registry = New(Config{
		Store: st, Interactions: s, Schedules: set, Now: now, Log: slog.New(slog.DiscardHandler),
		Given: vaccination.New(vaccination.Config{Interactions: s, Schedules: set, Now: now}),
	})
	return o
}

// again is a registry on the same store that has nothing in its memory, as after a restart.
func (o *office) again() { o.Registry = New(o.Config) }

// write puts documents in one commit.
func (o *office) write(t testing.TB, texts ...string) {
	t.Helper()
	var w interaction.WriteSet
	for _, text := range texts {
		d, err := resource.New([]byte(text))
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		w.Docs = append(w.Docs, d)
	}
	if _, err := o.Interactions.Apply(ours(), w); err != nil {
		t.Fatalf("%v: %s", err, texts)
	}
}

func (o *office) remove(t testing.TB, typ fhir.Type, id string) {
	t.Helper()
	if _, err := o.Interactions.Apply(ours(), interaction.WriteSet{Deletes: []fhir.Key{{Type: typ, ID: fhir.ID(id)}}}); err != nil {
		t.Fatal(err)
	}
}

func (o *office) catchUp(t testing.TB) {
	t.Helper()
	if err := o.CatchUp(ours()); err != nil {
		t.Fatal(err)
	}
}

// someone is a synthetic person.
func someone(id, birth, city, more string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":%q,"name":[{"text":"Synthetic %[1]s"}],"birthDate":%q,"address":[{"use":"home","city":%q,"state":"Quảng Ngãi"}]%s}`, id, birth, city, more)
}

// given is a dose of a synthetic person.
func given(id, patient, cvx, on, more string) string {
	return fmt.Sprintf(`{"resourceType":"Immunization","id":%q,"status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":%q}]},"patient":{"reference":"Patient/%s"},"occurrenceDateTime":%q%s}`, id, cvx, patient, on, more)
}
