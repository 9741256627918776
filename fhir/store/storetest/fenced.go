package storetest

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// fencedHistories asks the questions of random histories, and makes their commits, from behind random fences: the model
// says for each resource whether it may be seen.
func fencedHistories(t *testing.T, cfg Config) {
	steps := 200
	if testing.Short() {
		steps = 60
	}
	rng := random(t)
	for round := range 4 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			w := &world{t: t, rng: rng, m: newModel(), cfg: cfg, dir: t.TempDir(), twins: -1}
			w.s = cfg.Open(t, w.dir, 0)
			defer w.leave()
			for range 30 {
				w.commit()
			}
			for range steps {
				if w.m.fence = store.OpenFence(); w.rng.IntN(5) > 0 {
					w.m.fence = w.fence()
				}
				w.step()
				w.search()
				w.include()
				w.read()
				w.history()
			}
			cfg.Check(t, w.s)
			if err := w.s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// fencedPages pages through searches while the records change, and what may be seen of them: no page shows what is hidden
// when it is shown, and all that was there and may be seen all the time comes.
func fencedPages(t *testing.T, cfg Config) {
	w := &world{t: t, rng: random(t), m: newModel(), cfg: cfg, dir: t.TempDir(), twins: -1}
	w.s = cfg.Open(t, w.dir, 0)
	defer w.leave()
	for range 60 {
		w.commit()
	}
	for range 60 {
		f := w.fence()
		q := w.query(2)
		if !f.Finds(q.Type) {
			continue
		}
		q.Sort = w.sort()
		at := w.m.t
		if at == 0 {
			continue
		}
		w.m.fence = f
		always := map[fhir.Key]bool{}
		for _, h := range w.m.search(q, at) {
			always[h.key] = true
		}
		shown := map[fhir.Key]bool{}
		for after := []byte(nil); ; {
			n := 0
			may := map[fhir.Key]bool{}
			for _, h := range w.m.search(q, at) {
				may[h.key] = true
			}
			maps.DeleteFunc(always, func(key fhir.Key, _ bool) bool { return !may[key] }) // for good: its page may have been this one
			for m, err := range w.s.Search(w.ctx(), q, at, store.SearchOptions{After: after, Limit: 4}) {
				if err != nil {
					t.Fatal(err)
				}
				if !may[m.Key] || shown[m.Key] {
					t.Fatalf("FENCED: %s is shown as of %d, hidden or again: %+v", m.Key, at, q)
				}
				shown[m.Key] = true
				n, after = n+1, m.Order
			}
			if n < 4 {
				break
			}
			w.m.fence = store.OpenFence()
			w.commit()
			w.m.fence = f
		}
		for key := range always {
			if !shown[key] {
				t.Fatalf("FENCED: %s may be seen all the time and is not shown as of %d: %+v", key, at, q)
			}
		}
		w.m.fence = store.OpenFence()
	}
	cfg.Check(t, w.s)
	if err := w.s.Close(); err != nil {
		t.Error(err)
	}
}

// fencedRace takes a right away and gives it back while others look: nobody sees a record while it is known to be hidden.
func fencedRace(t *testing.T, cfg Config) {
	s := open(t, cfg)
	owner, record := patient(1), fhir.Key{Type: "Observation", ID: "o1"}
	commit(t, s, store.Changes{Puts: []store.Put{put(owner, "1", entry(pToken, "permit")), put(record, "1", refTo(owner), entry(pDate, "2026"))}})
	permitted := search.Chain{Param: pRef, Targets: []search.Query{by("Patient", pToken, "permit")}}
	var g store.Grants
	for a := range g {
		g[a] = store.Grant{Where: []search.Condition{permitted}}
	}
	ctx := store.WithFence(t.Context(), store.NewFence(map[fhir.Type]*store.Grants{"Observation": &g}, ""))
	asOf := head(t, s)
	var hidden atomic.Int64 // odd: the record is hidden for sure
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, at := range []fhir.T{0, asOf} {
					before := hidden.Load()
					seen := ""
					for m, err := range s.Search(ctx, search.Query{Type: "Observation"}, at, store.SearchOptions{}) {
						if err != nil {
							t.Error(err)
							return
						}
						seen = "search " + m.Key.String()
					}
					if n, err := s.Count(ctx, search.Query{Type: "Observation"}, at); err != nil || n > 0 {
						seen += fmt.Sprint(" count ", n, err)
					}
					if _, err := s.Read(ctx, record, at); err == nil {
						seen += " read"
					}
					if _, err := s.ReadVersion(ctx, record, 1); err == nil {
						seen += " vread"
					}
					if seen != "" && before%2 == 1 && hidden.Load() == before {
						t.Errorf("FENCED: as of %d a hidden record is seen: %s", at, seen)
						return
					}
				}
			}
		})
	}
	for i := range 60 {
		commit(t, s, store.Changes{Puts: []store.Put{put(owner, fmt.Sprint(i), entry(pToken, "deny"))}})
		hidden.Add(1)
		if _, err := s.Read(ctx, record, 0); codeOf(err) != "not-found" {
			t.Errorf("FENCED: read of a hidden record: %v", err)
		}
		hidden.Add(1)
		commit(t, s, store.Changes{Puts: []store.Put{put(owner, fmt.Sprint(i), entry(pToken, "permit"))}})
		if _, err := s.Read(ctx, record, 0); err != nil {
			t.Errorf("FENCED: read of a record that may be seen: %v", err)
		}
	}
	close(stop)
	readers.Wait()
}

// fencedFound fetches what a search found: for another caller, and after the right was taken, it is judged anew.
func fencedFound(t *testing.T, cfg Config) {
	s := open(t, cfg)
	owner := patient(1)
	changes := store.Changes{Puts: []store.Put{put(owner, "1", entry(pToken, "permit"))}}
	for i := range 3 {
		changes.Puts = append(changes.Puts, put(fhir.Key{Type: "Observation", ID: fhir.ID(fmt.Sprint("o", i))}, "1", refTo(owner), entry(pDate, "2026")))
	}
	commit(t, s, changes)
	caller := func(says string) context.Context {
		g := store.Grant{Where: []search.Condition{search.Chain{Param: pRef, Targets: []search.Query{by("Patient", pToken, says)}}}}
		return store.WithFence(t.Context(), store.NewFence(map[fhir.Type]*store.Grants{"Observation": {g, g, g, g, g}}, ""))
	}
	permitted, denied := caller("permit"), caller("deny")
	shown := func(ctx context.Context, page []store.Match) (n int) {
		t.Helper()
		found, err := s.FetchAll(ctx, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if f.Key.ID != "" {
				n++
			}
		}
		return n
	}
	var page []store.Match
	for m, err := range s.Search(permitted, search.Query{Type: "Observation"}, 0, store.SearchOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		page = append(page, m)
	}
	if a, b := shown(permitted, page), shown(denied, page); len(page) != 3 || a != 3 || b != 0 {
		t.Errorf("FENCED: of %d that one caller found he is shown %d and another %d", len(page), a, b)
	}
	commit(t, s, store.Changes{Puts: []store.Put{put(owner, "2", entry(pToken, "deny"))}})
	if a, b := shown(permitted, page), shown(denied, page); a != 0 || b != 3 {
		t.Errorf("FENCED: after the right went to another caller he is shown %d and the other %d", a, b)
	}
}

// fencedAlike asks for a hidden resource and for one that never was: the answers differ in the id alone.
func fencedAlike(t *testing.T, cfg Config) {
	s := open(t, cfg)
	hidden, none := patient(1), patient(2)
	p := put(hidden, "1", entry(pToken, "theirs"))
	p.Unique = []store.UniqueKey{"cccd|1"}
	commit(t, s, store.Changes{Puts: []store.Put{p}})
	mine := store.Grant{Where: by("Patient", pToken, "mine").Where}
	ctx := store.WithFence(t.Context(), store.NewFence(map[fhir.Type]*store.Grants{"Patient": {mine, mine, mine, mine, mine}}, "org-1"))
	answer := func(key fhir.Key, err error) string {
		if err == nil {
			return "no error"
		}
		e, ok := err.(*fhir.Error)
		if !ok {
			return err.Error()
		}
		return strings.ReplaceAll(fmt.Sprint(e.Kind, e.Code, e.Path, e.Args, e.Issues), key.String(), "KEY")
	}
	for name, ask := range map[string]func(fhir.Key) error{
		"read":  func(k fhir.Key) error { _, err := s.Read(ctx, k, 0); return err },
		"vread": func(k fhir.Key) error { _, err := s.ReadVersion(ctx, k, 1); return err },
		"history": func(k fhir.Key) error {
			for _, err := range s.History(ctx, store.History{Key: k}) {
				return err
			}
			return nil
		},
		"delete": func(k fhir.Key) error {
			r, err := s.Commit(ctx, store.Changes{Deletes: []store.Delete{{Key: k}}})
			if err == nil && r.Deletes[0].Version != 0 {
				return fmt.Errorf("version %s", r.Deletes[0].Version)
			}
			return err
		},
		"delete if match": func(k fhir.Key) error {
			_, err := s.Commit(ctx, store.Changes{Deletes: []store.Delete{{Key: k, IfVersion: version(1)}}})
			return err
		},
		"criteria": func(k fhir.Key) error {
			q := search.Query{Type: "Patient", Where: []search.Condition{search.IDs{ID: []fhir.ID{k.ID}}}}
			_, err := s.Commit(ctx, store.Changes{Require: []store.Precondition{store.NoMatch{Query: q}}})
			return err
		},
	} {
		if a, b := answer(hidden, ask(hidden)), answer(none, ask(none)); a != b {
			t.Errorf("FENCED: %s of a hidden resource says %s, of none %s", name, a, b)
		}
	}
	// What may not be written is refused; a value that somebody else holds is not said to be whose.
	over := put(hidden, "2", entry(pToken, "mine"))
	_, err := s.Commit(ctx, store.Changes{Puts: []store.Put{over}})
	refused(t, err, fhir.Denied, "access-denied")
	_, err = s.Commit(ctx, store.Changes{Puts: []store.Put{put(patient(3), "1", entry(pToken, "theirs"))}})
	refused(t, err, fhir.Denied, "access-denied")
	taken := put(patient(4), "1", entry(pToken, "mine"))
	taken.Unique = p.Unique
	_, err = s.Commit(ctx, store.Changes{Puts: []store.Put{taken}})
	refused(t, err, fhir.Conflict, "unique-taken")
	if e := err.(*fhir.Error); strings.Contains(fmt.Sprint(e.Args), string(hidden.ID)) {
		t.Errorf("FENCED: unique-taken names %v", e.Args)
	}
	// Without a fence there is nothing.
	for _, err := range s.Search(t.Context(), search.Query{Type: "Patient"}, 0, store.SearchOptions{}) {
		refused(t, err, fhir.Denied, "access-denied")
	}
	_, err = s.Read(t.Context(), hidden, 0)
	refused(t, err, fhir.Denied, "access-denied")
	_, err = s.Read(t.Context(), none, 0)
	refused(t, err, fhir.Denied, "access-denied")
	_, err = s.Commit(t.Context(), store.Changes{Puts: []store.Put{over}})
	refused(t, err, fhir.Denied, "access-denied")
}

// fencedTogether writes a resource and what allows it in one commit, and what the server adds to it.
func fencedTogether(t *testing.T, cfg Config) {
	s := open(t, cfg)
	encounter, observation, task := fhir.Key{Type: "Encounter", ID: "e"}, fhir.Key{Type: "Observation", ID: "o"}, fhir.Key{Type: "Task", ID: "t"}
	sent := search.Terms{Any: []search.Term{{Param: search.ParamSender, Low: []byte("org-1"), Exact: true}}}
	own := store.Grant{Where: []search.Condition{sent}}
	within := store.Grant{Where: []search.Condition{search.Chain{Param: pRef, Targets: []search.Query{{Type: "Encounter", Where: []search.Condition{sent}}}}}}
	fence := func(sender string) context.Context {
		return store.WithFence(t.Context(), store.NewFence(map[fhir.Type]*store.Grants{
			"Encounter": {own, own, own, own, own}, "Observation": {within, within, within, within, within},
		}, sender))
	}
	_, err := s.Commit(fence("org-1"), store.Changes{Puts: []store.Put{put(observation, "1", refTo(encounter))}})
	refused(t, err, fhir.Denied, "access-denied")
	added := put(task, "1")
	added.Ours = true
	c := store.Changes{Puts: []store.Put{put(observation, "1", refTo(encounter)), put(encounter, "1"), added}}
	_, err = s.Commit(fence("org-2"), c)
	refused(t, err, fhir.Denied, "access-denied")
	if _, err = s.Commit(fence("org-1"), c); err != nil {
		t.Fatal(err)
	}
	// Later versions keep the sender, whoever writes them.
	commit(t, s, store.Changes{Puts: []store.Put{put(encounter, "2", entry(pToken, "a"))}})
	if _, err := s.Read(fence(""), observation, 0); err != nil {
		t.Fatal(err)
	}
	_, err = s.Commit(fence("org-1"), store.Changes{Deletes: []store.Delete{{Key: encounter}}, Puts: []store.Put{put(observation, "2", refTo(encounter))}})
	refused(t, err, fhir.Denied, "access-denied")
}

// fencedByContained: a grant may ask of what the document itself contains, of what is written as of what is stored.
func fencedByContained(t *testing.T, cfg Config) {
	s := open(t, cfg)
	key := fhir.Key{Type: "Observation", ID: "o"}
	permit := by("Encounter", pToken, "permit")
	g := store.Grant{Where: []search.Condition{search.Chain{Param: pRef, Within: []search.Query{permit}}}}
	ctx := store.WithFence(t.Context(), store.NewFence(map[fhir.Type]*store.Grants{"Observation": {g, g, g, g, g}}, ""))
	written := func(note, says string) store.Changes {
		in := []search.Contained{{Type: "Patient"}, {Type: "Encounter", Entries: []search.Entry{entry(pToken, says)}}}
		return store.Changes{Puts: []store.Put{around(key, note, in, refWithin(1))}}
	}
	_, err := s.Commit(ctx, written("1", "deny"))
	refused(t, err, fhir.Denied, "access-denied")
	if _, err = s.Commit(ctx, written("1", "permit")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(ctx, key, 0); err != nil {
		t.Fatal(err)
	}
	_, err = s.Commit(ctx, written("2", "deny"))
	refused(t, err, fhir.Denied, "access-denied")
	commit(t, s, written("2", "deny"))
	if _, err := s.Read(ctx, key, 0); codeOf(err) != "not-found" {
		t.Errorf("FENCED: %v", err)
	}
	if _, err := s.ReadVersion(ctx, key, 1); codeOf(err) != "not-found" {
		t.Errorf("FENCED: the version before: %v", err)
	}
}

// fencedNamed: what names a resource hides it from the next search, be it the first of its kind that names anything.
func fencedNamed(t *testing.T, cfg Config) {
	s := open(t, cfg)
	encounter := fhir.Key{Type: "Encounter", ID: "e"}
	g := store.Grant{Where: []search.Condition{search.Not{Condition: search.Has{Param: pRef, Source: search.Query{Type: "Encounter"}}}}}
	ctx := store.WithFence(t.Context(), store.NewFence(map[fhir.Type]*store.Grants{"Observation": {g, g, g, g, g}}, ""))
	var puts []store.Put
	for _, id := range []fhir.ID{"1", "2", "3"} {
		puts = append(puts, put(fhir.Key{Type: "Observation", ID: id}, "", entry(pToken, "a")))
	}
	commit(t, s, store.Changes{Puts: puts})
	for i, step := range []struct {
		c    store.Changes
		want string
	}{
		{store.Changes{}, "123"},
		{store.Changes{Puts: []store.Put{put(encounter, "names nothing")}}, "123"},
		{store.Changes{Puts: []store.Put{put(encounter, "", entry(pRef, string(search.ReferenceValue(puts[1].Key))))}}, "13"},
		{store.Changes{Puts: []store.Put{put(encounter, "", entry(pRef, string(search.ReferenceValue(puts[2].Key))))}}, "12"},
		{store.Changes{Deletes: []store.Delete{{Key: encounter}}}, "123"},
	} {
		if len(step.c.Puts)+len(step.c.Deletes) > 0 {
			commit(t, s, step.c)
		}
		for range 2 {
			got := ""
			for m, err := range s.Search(ctx, by("Observation", pToken, "a"), 0, store.SearchOptions{Limit: 10}) {
				if err != nil {
					t.Fatal(err)
				}
				got += string(m.Key.ID)
			}
			if got != step.want {
				t.Fatalf("FENCED: step %d: found %q, want %q", i, got, step.want)
			}
		}
	}
}
