package care_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/care"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

func refusedTries(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && e.Kind == fhir.Busy && e.Code == "care-too-many-tries"
}

// Whoever guesses ids and numbers is refused for the rest of the hour, by all servers over one log, also with a right one;
// others are not, and after the hour it begins again. No record names the caller.
func TestTries(t *testing.T) {
	stores := enginetest.Servers(t, engine.Options{}, 2)
	now := time.Unix(1_800_000_000, 0)
	var log strings.Builder
	server := func(st store.Store) care.Care {
		return care.Care{
			Sees:  func(context.Context, access.Caller, fhir.Key) (bool, error) { return false, nil },
			Local: func(r string) (fhir.Key, bool) { k := fhir.ParseReference(r).Key; return k, k.ID != "" },
			Met:   func(context.Context, fhir.ID) {},
			Tries: &care.Tries{Store: st, Name: func(s string) string { return fmt.Sprintf("%x", len(s)) + s[len(s)-1:] }, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil))},
		}
	}
	servers := []care.Care{server(stores[0]), server(stores[1])}
	creates := store.NewFence(map[fhir.Type]*store.Grants{"Encounter": {store.ActionCreate: {All: true}}}, "k1")
	as := func(who string) context.Context {
		return store.WithFence(access.WithCaller(t.Context(), &access.Caller{Issuer: "https://id.example", Subject: who, Role: access.RoleClinic, Organization: "k1"}), creates)
	}
	const shown = "identifier=https://lienthong.example/sid/cccd|051085000011&birthdate=1985-03-15"
	doc, err := resource.New([]byte(`{"resourceType":"Encounter","subject":{"reference":"Patient/p2"}}`))
	if err != nil {
		t.Fatal(err)
	}
	byID := func(c care.Care, who string) error {
		_, err := c.Hook(as(who), interaction.Write{Key: fhir.Key{Type: "Encounter", ID: "e"}, Doc: doc.Root(), Method: store.MethodCreate})
		return err
	}
	for i := range care.MissesMost {
		c := servers[i%2]
		if ok, err := c.Introduce(as("guesser"), "Patient", shown); !ok || err != nil {
			t.Fatalf("try %d: %v %v", i, ok, err)
		}
		if i%3 == 0 {
			if err := byID(c, "guesser"); refusedTries(err) {
				t.Fatalf("try %d: %v", i, err)
			}
		} else if err := c.Missed(as("guesser")); err != nil {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	for _, c := range servers {
		if ok, err := c.Introduce(as("guesser"), "Patient", shown); ok || !refusedTries(err) {
			t.Errorf("a number after all tries: %v %v", ok, err)
		}
		if err := byID(c, "guesser"); !refusedTries(err) {
			t.Errorf("an id after all tries: %v", err)
		}
		if ok, err := c.Introduce(as("desk2"), "Patient", shown); !ok || err != nil {
			t.Errorf("another caller: %v %v", ok, err)
		}
		if ok, err := c.Introduce(as("guesser"), "Patient", "name=x"); ok || err != nil {
			t.Errorf("what never finds anybody: %v %v", ok, err)
		}
	}
	if n := strings.Count(log.String(), "no tries left"); n != 1 || strings.Contains(log.String(), "guesser") {
		t.Errorf("the operator is told %d times: %s", n, &log)
	}
	now = now.Add(time.Hour)
	if ok, err := servers[0].Introduce(as("guesser"), "Patient", shown); !ok || err != nil {
		t.Errorf("an hour later: %v %v", ok, err)
	}
	for r, err := range stores[0].Records(store.Ourselves(t.Context()), care.Space, "", "") {
		if err != nil || strings.Contains(r.Key+string(r.Value), "guesser") || strings.Contains(r.Key+string(r.Value), "051085") {
			t.Errorf("%s: %s %v", r.Key, r.Value, err)
		}
	}
}

// However many come at once, to one server or the other, no more tries count than there are.
func TestTriesAtOnce(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var servers []*care.Tries
	for _, st := range enginetest.Servers(t, engine.Options{}, 2) {
		servers = append(servers, &care.Tries{Store: st, Name: func(string) string { return "x" }, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	}
	var let atomic.Int32
	for round := 0; int(let.Load()) < care.GlassMost; round++ {
		before := let.Load()
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				switch err := servers[i%2].Glass(t.Context(), access.Caller{Subject: "x"}); {
				case err == nil:
					let.Add(1)
				case !refusedTries(err):
					t.Error(err)
				}
			})
		}
		if all.Wait(); let.Load() == before {
			t.Fatal("nobody gets through")
		}
	}
	for _, tries := range servers {
		if err := tries.Glass(t.Context(), access.Caller{Subject: "x"}); !refusedTries(err) || int(let.Load()) != care.GlassMost {
			t.Errorf("%d of %d, then %v", let.Load(), care.GlassMost, err)
		}
	}
}
