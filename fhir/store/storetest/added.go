package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Added search parameters. Documents carry, beside each entry, its twins by the parameters that may be added; Index leaves
// them out, IndexWith gives those of the parameters that are in force. So a question by a twin has the answer of the
// question by the parameter itself, once it may be asked at all.

// twins of p are by generation: those of one are added and dropped together.
func twin(p search.ParamID, generation int) search.ParamID {
	return r4.FirstCustom + p - pToken + search.ParamID(32*generation)
}

const generations = 2

// IndexWith gives the index function for the suite's documents with added parameters.
func IndexWith(reg *r4.Registry) func(fhir.Key, resource.Stored) (search.Indexed, error) {
	known := func(all []search.Entry) []search.Entry {
		return slices.DeleteFunc(all, func(e search.Entry) bool {
			n := e.Param.Number()
			return n >= r4.FirstCustom && reg.ByID(n) == nil
		})
	}
	return func(_ fhir.Key, doc resource.Stored) (search.Indexed, error) {
		all, err := carried(doc)
		all.Entries = known(all.Entries)
		for i := range all.Contained {
			all.Contained[i].Entries = known(all.Contained[i].Entries)
		}
		return all, err
	}
}

// withTwins adds the twins of entries.
func withTwins(entries []search.Entry) []search.Entry {
	out := slices.Clone(entries)
	for _, e := range entries {
		for g := range generations {
			out = append(out, search.Entry{Param: twin(e.Param, g), Value: e.Value})
		}
	}
	return out
}

// known are the added parameters as a writer reads them.
type known struct {
	state    []byte
	counter  search.Registrations
	all      []search.Registered
	registry *r4.Registry
}

func readKnown(tb testing.TB, s store.Store) known {
	for {
		var k known
		var err error
		if k.state, _, err = s.Record(ours(context.Background()), search.RegisteredSpace, search.RegisteredState); err != nil {
			tb.Error(err)
			return k
		}
		if k.state != nil {
			if err := json.Unmarshal(k.state, &k.counter); err != nil {
				tb.Error(err)
			}
		}
		for r, err := range s.Records(ours(context.Background()), search.RegisteredSpace, search.RegisteredFrom, search.RegisteredTo) {
			g, err2 := search.ReadRegistered(r.Value)
			if err = errors.Join(err, err2); err != nil {
				tb.Error(err)
				return k
			}
			k.all = append(k.all, g)
		}
		again, _, err := s.Record(ours(context.Background()), search.RegisteredSpace, search.RegisteredState)
		if err != nil {
			tb.Error(err)
			return k
		}
		if string(again) != string(k.state) {
			continue
		}
		if k.registry, err = search.InForce(k.all); err != nil {
			tb.Error(err)
		}
		return k
	}
}

func (k known) require() store.Precondition {
	return store.RecordIs{Space: search.RegisteredSpace, Key: search.RegisteredState, Value: k.state}
}

// commitKnown commits as a careful writer does: with the entries of the parameters in force, again if these changed.
func commitKnown(tb testing.TB, s store.Store, c store.Changes) {
	tb.Helper()
	for {
		k := readKnown(tb, s)
		with := IndexWith(k.registry)
		once := store.Changes{Deletes: c.Deletes, Require: []store.Precondition{k.require()}}
		for _, p := range c.Puts {
			found, _ := with(p.Key, p.Doc)
			p.Entries, p.Contained = found.Entries, found.Contained
			once.Puts = append(once.Puts, p)
		}
		_, err := s.Commit(ours(context.Background()), once)
		if codeOf(err) == "record-changed" {
			continue
		}
		if err != nil {
			tb.Error(err)
		}
		return
	}
}

// define adds the twins of one generation and drops those of another; -1 = none.
func define(tb testing.TB, s store.Store, add, drop int) {
	tb.Helper()
	k := readKnown(tb, s)
	c := store.Changes{Require: []store.Precondition{k.require()}}
	for p := pToken; p <= pKey; p++ {
		row := func(generation int, dropped bool) {
			if generation < 0 {
				return
			}
			n := uint16(twin(p, generation))
			g := search.Registered{Resource: "x", Dropped: dropped, Param: &r4.SearchParam{
				ID: n, Code: fmt.Sprintf("twin%d", n), Base: "Resource", URL: fmt.Sprintf("urn:twin:%d", n), Type: r4.ParamString, Expression: "x"}}
			c.Records = append(c.Records, store.Record{Space: search.RegisteredSpace, Key: g.Key(), Value: g.Value()})
		}
		row(add, false)
		row(drop, true)
	}
	state, err := json.Marshal(search.Registrations{Generation: k.counter.Generation + 1, Next: r4.LastCustom})
	if err != nil {
		tb.Fatal(err)
	}
	c.Records = append(c.Records, store.Record{Space: search.RegisteredSpace, Key: search.RegisteredState, Value: state})
	commit(tb, s, c)
}

func isBuilt(b store.ParamBuilder, generation int) bool {
	return slices.Contains(b.BuiltParams(), uint16(twin(pToken, generation)))
}

// awaitBuilt asks while until the generation may be searched by.
func awaitBuilt(t *testing.T, b store.ParamBuilder, generation int, while func()) {
	t.Helper()
	for until := time.Now().Add(2 * time.Minute); !isBuilt(b, generation); while() {
		if time.Now().After(until) {
			t.Fatalf("generation %d is not built: %+v", generation, b.ParamProgress(uint16(twin(pToken, generation))))
		}
	}
}

// follow takes what was committed since into the model, as the feed tells it.
func (w *world) follow() {
	w.t.Helper()
	for c, err := range w.s.Feed(ours(context.Background()), w.m.t) {
		if err != nil {
			w.t.Fatal(err)
		}
		w.m.t = c.T
		for _, f := range c.Writes {
			w.m.number(f.Key)
		}
		for _, f := range c.Writes {
			l := life{t: c.T, at: c.At, deleted: f.Deleted(), doc: f.Stored}
			if !l.deleted {
				found, err := carried(f.Stored)
				if err != nil {
					w.t.Fatal(err)
				}
				l.entries = append(found.Entries, search.Entry{Param: search.ParamExists}, search.Entry{Param: search.ParamLastUpdated, Value: search.InstantValue(c.At)})
				l.contained = w.m.containedOf(f.Key, found.Contained, c.At)
			}
			w.m.lives[f.Key] = append(w.m.lives[f.Key], l)
		}
	}
}

// bulk is what the builder has to pass before it comes to the types of the world.
func bulk(t *testing.T, s store.Store, n int) {
	for from := 0; from < n; from += 100 {
		var c store.Changes
		for i := from; i < min(n, from+100); i++ {
			key := fhir.Key{Type: "Basic", ID: fhir.ID(fmt.Sprint(i))}
			c.Puts = append(c.Puts, put(key, "bulk", withTwins([]search.Entry{entry(pKey, fmt.Sprint(i))})...))
		}
		commitKnown(t, s, c)
	}
}

// random write of a world, not conditional.
func (w *world) scribble() {
	var c store.Changes
	used := map[fhir.Key]bool{}
	for range 1 + w.rng.IntN(4) {
		key := w.key()
		if used[key] {
			continue
		}
		used[key] = true
		if w.rng.IntN(5) == 0 {
			c.Deletes = append(c.Deletes, store.Delete{Key: key})
			continue
		}
		var entries []search.Entry
		for range w.rng.IntN(8) {
			p := worldParams[w.rng.IntN(len(worldParams))]
			entries = append(entries, entry(p, w.value(p)))
		}
		contained := w.contained()
		for i := range contained {
			contained[i].Entries = withTwins(contained[i].Entries)
		}
		c.Puts = append(c.Puts, around(key, fmt.Sprint(w.rng.IntN(1000)), contained, withTwins(marked(entries))...))
	}
	commitKnown(w.t, w.s, c)
}

// addedWorld is a world with some history; nil if the store adds no parameters.
func addedWorld(t *testing.T, cfg Config) (*world, store.ParamBuilder) {
	w := &world{t: t, rng: random(t), m: newModel(), cfg: cfg, dir: t.TempDir(), twins: -1}
	w.s = cfg.Open(t, w.dir, 0)
	b, ok := w.s.(store.ParamBuilder)
	if !ok || !b.BuildsParams() {
		_ = w.s.Close()
		t.Skip("this store adds no parameters")
	}
	bulk(t, w.s, 200)
	for range 60 {
		w.scribble()
	}
	return w, b
}

// end asks about all that was committed, checks and closes.
func (w *world) end(questions int) {
	w.follow()
	for range questions {
		w.search()
		w.include()
	}
	w.cfg.Check(w.t, w.s)
	if err := w.s.Close(); err != nil {
		w.t.Error(err)
	}
}

// builtWhileOthersWrite: parameters are added and dropped while others write. Until one is built a search by it is refused;
// from then on each question by it, as of now and of before, has the answer of the model.
func builtWhileOthersWrite(t *testing.T, cfg Config) {
	w, b := addedWorld(t, cfg)
	defer w.leave()
	stop := make(chan struct{})
	var writing sync.WaitGroup
	halt := sync.OnceFunc(func() { close(stop); writing.Wait() })
	defer halt() // also before leave, when a question fails
	for range 3 {
		other := &world{t: t, rng: rand.New(rand.NewPCG(w.rng.Uint64(), 1)), s: w.s}
		writing.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					other.scribble()
				}
			}
		})
	}
	for g := range generations {
		define(t, w.s, g, g-1)
		refused := 0
		awaitBuilt(t, b, g, func() {
			_, err := w.s.Count(ours(t.Context()), by("Patient", twin(pToken, g), "a"), 0)
			if codeOf(err) == "search-param-building" {
				refused++
				if _, err := w.s.WaitHead(ours(t.Context()), head(t, w.s)); err != nil { // the others write on
					t.Fatal(err)
				}
			} else if err != nil || !isBuilt(b, g) {
				t.Fatalf("count by what is being built: %v", err)
			}
		})
		t.Logf("generation %d: %d refused while it was built", g, refused)
		if g > 0 {
			if _, err := w.s.Count(ours(t.Context()), by("Patient", twin(pToken, g-1), "a"), 0); codeOf(err) != "search-param-dropped" {
				t.Fatalf("count by what was dropped: %v", err)
			}
		}
		w.twins = g
		for range 8 {
			w.follow()
			for range 12 {
				w.search()
			}
			w.include()
		}
	}
	halt()
	w.end(60)
}

// buildInterrupted: the store is closed, or loses power, again and again while parameters are built.
func buildInterrupted(t *testing.T, cfg Config) {
	w, b := addedWorld(t, cfg)
	defer w.leave()
	for g := range generations {
		define(t, w.s, g, g-1)
		w.follow()
		for range 6 {
			w.reopen()
			b = w.s.(store.ParamBuilder)
			w.scribble()
			w.follow()
		}
		awaitBuilt(t, b, g, func() {})
		w.twins = g
	}
	w.end(80)
}

// builtForFences: what was read before a parameter is built is judged by it afterwards.
func builtForFences(t *testing.T, cfg Config) {
	w, b := addedWorld(t, cfg)
	defer w.leave()
	key := fhir.Key{Type: "Patient", ID: "fenced-by-added"}
	of := fhir.Key{Type: "Observation", ID: "of-fenced-by-added"}
	commitKnown(t, w.s, store.Changes{Puts: []store.Put{
		put(key, "", withTwins([]search.Entry{entry(pToken, "a")})...),
		put(of, "", entry(pToken, "of"), entry(pRef, string(search.ReferenceValue(key)))),
	}})
	for g := range generations {
		mine := store.Grant{Where: by("Patient", twin(pToken, g), "a").Where}
		his := store.Grant{Where: []search.Condition{search.Chain{Param: pRef, Targets: []search.Query{by("Patient", twin(pToken, g), "a")}}}}
		ctx := store.WithFence(t.Context(), store.NewFence(map[fhir.Type]*store.Grants{
			"Patient": {store.ActionRead: mine}, "Observation": {store.ActionRead: his, store.ActionSearch: his},
		}, ""))
		found := func() (n int) {
			for _, err := range w.s.Search(ctx, by("Observation", pToken, "of"), 0, store.SearchOptions{Limit: 2}) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			return n
		}
		if _, err := w.s.Read(ours(t.Context()), key, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := w.s.Read(ctx, key, 0); codeOf(err) != "not-found" {
			t.Fatalf("read by a parameter that nobody defined: %v", err)
		}
		if n := found(); n != 0 {
			t.Fatalf("%d found by a parameter that nobody defined", n)
		}
		define(t, w.s, g, -1)
		awaitBuilt(t, b, g, func() {})
		if _, err := w.s.Read(ctx, key, 0); err != nil {
			t.Fatalf("read by what was built: %v", err)
		}
		if n := found(); n != 1 {
			t.Fatalf("%d found by what was built", n)
		}
	}
	w.end(8)
}

func (w *world) renameAll(queries []search.Query) (out []search.Query) {
	for _, q := range queries {
		out = append(out, w.rename(q))
	}
	return out
}

// rename asks by twins in the place of some parameters.
func (w *world) rename(q search.Query) search.Query {
	if w.twins < 0 {
		return q
	}
	one := func(p search.ParamID) search.ParamID {
		if p < pToken || p > pKey || w.rng.IntN(3) == 0 {
			return p
		}
		return twin(p, w.twins)
	}
	var condition func(search.Condition) search.Condition
	list := func(in []search.Condition) (out []search.Condition) {
		for _, c := range in {
			out = append(out, condition(c))
		}
		return out
	}
	condition = func(c search.Condition) search.Condition {
		switch c := c.(type) {
		case search.Terms:
			c.Any = slices.Clone(c.Any)
			for i := range c.Any {
				c.Any[i].Param = one(c.Any[i].Param)
			}
			return c
		case search.Chain:
			c.Param = one(c.Param)
			c.Targets, c.Within = w.renameAll(c.Targets), w.renameAll(c.Within)
			return c
		case search.Has:
			c.Param, c.Source = one(c.Param), w.rename(c.Source)
			return c
		case search.Not:
			return search.Not{Condition: condition(c.Condition), Among: c.Among}
		case search.All:
			return search.All{Of: list(c.Of)}
		case search.Either:
			return search.Either{Of: list(c.Of)}
		}
		return c
	}
	if q.Besides != nil {
		besides := w.rename(*q.Besides)
		q.Besides = &besides
	}
	q.Where = list(q.Where)
	for i := range q.Sort {
		q.Sort[i].Param = one(q.Sort[i].Param)
	}
	for i := range q.Include {
		q.Include[i].Param = one(q.Include[i].Param)
	}
	return q
}
