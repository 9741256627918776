package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// randomHistories commits at random to the store and to the model, and after each few commits asks both the same random
// questions, as of now and of earlier. The store is closed and opened, or loses power, in between.
func randomHistories(t *testing.T, cfg Config) {
	steps := 400
	if testing.Short() {
		steps = 120
	}
	rng := random(t)
	for round := range 4 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			w := &world{t: t, rng: rng, m: newModel(), cfg: cfg, dir: t.TempDir(), twins: -1}
			w.s = cfg.Open(t, w.dir, 0)
			defer w.leave()
			for range steps {
				w.step()
				if t.Failed() {
					break
				}
			}
			if !t.Failed() {
				cfg.Check(t, w.s)
			}
			if err := w.s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// randomQueries asks the store and the model very many random queries, with a few commits in between.
func randomQueries(t *testing.T, cfg Config) {
	n := cfg.Queries
	if n == 0 {
		n = 4000
		if testing.Short() {
			n = 500
		}
	}
	w := &world{t: t, rng: random(t), m: newModel(), cfg: cfg, dir: t.TempDir(), twins: -1}
	w.s = cfg.Open(t, w.dir, 0)
	defer w.leave()
	for range 80 {
		w.commit()
	}
	for i := range n {
		if i%500 == 499 {
			w.commit()
		}
		if i%20 == 0 {
			w.include()
		}
		w.search()
	}
	cfg.Check(t, w.s)
	if err := w.s.Close(); err != nil {
		t.Error(err)
	}
}

// world is a store and its model.
type world struct {
	t   *testing.T
	rng *rand.Rand
	s   store.Store
	m   *model
	cfg Config
	dir string

	twins int // generation of added parameters that questions may use; -1 = none
}

// leave closes the store of a test that failed.
func (w *world) leave() {
	if w.t.Failed() {
		_ = w.s.Close()
	}
}

func (w *world) step() {
	switch n := w.rng.IntN(100); {
	case n < 45:
		w.commit()
	case n < 75:
		w.search()
	case n < 80:
		w.include()
	case n < 88:
		w.read()
	case n < 94:
		w.history()
	case n < 97:
		w.stats()
	default:
		w.reopen()
	}
}

var worldTypes = []fhir.Type{"Patient", "Observation", "Encounter"}

func (w *world) key() fhir.Key {
	// Ids that begin others; few enough to be met again.
	return fhir.Key{Type: worldTypes[w.rng.IntN(len(worldTypes))], ID: fhir.ID(fmt.Sprintf("%d", w.rng.IntN(40)))}
}

// value gives a value: few, many, with the bytes that encodings stumble over, some beginning others.
func (w *world) value(p search.ParamID) string {
	switch p {
	case pToken:
		return string(rune('a' + w.rng.IntN(3)))
	case pString:
		s := ""
		for range w.rng.IntN(4) {
			s += []string{"\x00", "\x01", "\xff", "a", "b"}[w.rng.IntN(5)]
		}
		return s
	case pDate:
		return fmt.Sprintf("%04d", w.rng.IntN(200))
	case pRef:
		if w.rng.IntN(8) == 0 {
			return "uhttp://elsewhere/Patient/1"
		}
		return string(search.ReferenceValue(w.key()))
	}
	return fmt.Sprint(w.rng.IntN(1000))
}

var worldParams = []search.ParamID{pToken, pString, pString, pDate, pRef, pRef, pKey}

func (w *world) put() store.Put {
	var entries []search.Entry
	for range w.rng.IntN(8) {
		p := worldParams[w.rng.IntN(len(worldParams))]
		entries = append(entries, entry(p, w.value(p))) // in any order, with repetitions
	}
	for range max(0, w.rng.IntN(5)-2) {
		entries = append(entries, refWithin(w.rng.IntN(4)))
	}
	p := around(w.key(), fmt.Sprint(w.rng.IntN(3)), w.contained(), marked(entries)...)
	p.Method = store.Method(1 + w.rng.IntN(3))
	p.MustCreate = w.rng.IntN(12) == 0
	p.SkipIfEqual = w.rng.IntN(4) == 0
	if p.SkipIfEqual && w.rng.IntN(2) == 0 { // make it the same as what stands
		if l, _, alive := w.m.current(p.Key, w.m.t); alive {
			p.Doc = l.doc
			p.Entries, p.Contained = nil, nil
			if found, err := carried(l.doc); err == nil {
				p.Contained = found.Contained
			}
			for _, e := range l.entries {
				if e.Param >= 16 {
					p.Entries = append(p.Entries, e)
				}
			}
		}
	}
	p.IfVersion = w.ifVersion(p.Key)
	for range max(0, w.rng.IntN(6)-3) {
		p.Unique = append(p.Unique, store.UniqueKey(fmt.Sprint(w.rng.IntN(30))))
	}
	return p
}

// contained gives what a document may contain: often nothing.
func (w *world) contained() (list []search.Contained) {
	for range max(0, w.rng.IntN(6)-2) {
		c := search.Contained{Type: worldTypes[w.rng.IntN(len(worldTypes))]}
		for range w.rng.IntN(5) {
			p := worldParams[w.rng.IntN(len(worldParams))]
			c.Entries = append(c.Entries, entry(p, w.value(p)))
		}
		if w.rng.IntN(3) == 0 {
			c.Entries = append(c.Entries, refWithin(w.rng.IntN(4)))
		}
		c.Entries = marked(c.Entries)
		list = append(list, c)
	}
	return list
}

// ifVersion gives now and then a condition, mostly one that holds.
func (w *world) ifVersion(key fhir.Key) *fhir.Version {
	if w.rng.IntN(6) > 0 {
		return nil
	}
	if w.rng.IntN(4) == 0 {
		return version(fhir.Version(w.rng.IntN(3)))
	}
	_, v, alive := w.m.current(key, w.m.t)
	if !alive {
		v = 0
	}
	return version(fhir.Version(v))
}

func (w *world) commit() {
	var c store.Changes
	used := map[fhir.Key]bool{}
	for range w.rng.IntN(6) {
		if p := w.put(); !used[p.Key] {
			used[p.Key] = true
			c.Puts = append(c.Puts, p)
		}
	}
	for range max(0, w.rng.IntN(4)-1) {
		if key := w.key(); !used[key] {
			used[key] = true
			c.Deletes = append(c.Deletes, store.Delete{Key: key, IfVersion: w.ifVersion(key)})
		}
	}
	for range max(0, w.rng.IntN(4)-1) {
		n := w.rng.IntN(8)
		r := store.Record{Space: store.Space([]string{"a", "ab"}[w.rng.IntN(2)]), Key: fmt.Sprint(n)}
		if w.rng.IntN(3) > 0 {
			if r.Value = []byte(w.value(pString)); n%3 == 0 {
				r.Value = append(r.Value, make([]byte, 760)...) // about where large ones begin to stand elsewhere
			}
		}
		c.Records = append(c.Records, r)
	}
	switch w.rng.IntN(12) {
	case 0:
		c.Require = append(c.Require, store.NoMatch{Query: w.query(1)})
	case 1:
		q := w.query(1)
		key := w.key()
		if found := w.m.search(q, w.m.t); len(found) > 0 {
			key = found[0].key
		}
		c.Require = append(c.Require, store.OneMatch{Query: q, Key: key})
	case 2:
		r := store.RecordIs{Space: "a", Key: fmt.Sprint(w.rng.IntN(8))}
		if w.rng.IntN(4) > 0 {
			r.Value = w.m.records["a"][r.Key]
		}
		c.Require = append(c.Require, r)
	}
	if w.rng.IntN(4) == 0 {
		w.judged(c, true)
	}
	w.judged(c, false)
}

// judged commits c, or only tries it, and holds what became of it against the model.
func (w *world) judged(c store.Changes, trial bool) {
	want := w.m.decide(c)
	c.Trial, want.nothing = trial, want.nothing || trial
	r, err := w.s.Commit(w.ctx(), c)
	if code := codeOf(err); code != want.refusal || err != nil && code == "" {
		w.t.Fatalf("EXACT: commit says %v, the model %q", err, want.refusal)
	}
	if err != nil {
		return
	}
	if want.nothing != (r.T == w.m.t) || !want.nothing && r.T != w.m.t+1 {
		w.t.Fatalf("commit %d after %d, the model says nothing to do: %v", r.T, w.m.t, want.nothing)
	}
	for i, got := range slices.Concat(r.Puts, r.Deletes) {
		exp := slices.Concat(want.puts, want.deletes)[i]
		if !exp.Same && exp.Version != 0 {
			exp.At = r.At
		}
		if got != exp {
			w.t.Fatalf("write %d became %+v, the model says %+v", i, got, exp)
		}
	}
	if !want.nothing {
		w.m.apply(c, r)
	}
}

// asOf gives the head or an earlier commit.
func (w *world) asOf() fhir.T {
	if w.m.t == 0 || w.rng.IntN(2) == 0 {
		return w.m.t
	}
	return 1 + fhir.T(w.rng.IntN(int(w.m.t)))
}

func (w *world) reopen() {
	if w.cfg.CutPower != nil && w.rng.IntN(2) == 0 {
		next := w.cfg.CutPower(w.t, w.s)
		_ = w.s.Close() // its disk is gone
		w.s = next
	} else {
		if err := w.s.Close(); err != nil {
			w.t.Fatal(err)
		}
		w.s = w.cfg.Open(w.t, w.dir, 0)
	}
	if got := head(w.t, w.s); got != w.m.t {
		w.t.Fatalf("DURABLE: the head is %d after a restart, it was %d", got, w.m.t)
	}
}
